"""What a change changes, field by field, for people: server noise left out, secret values masked so that equal ones look equal."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from engine.base.objects import Obj, drop

NOISE = (
    ("metadata", "managedFields"),
    ("metadata", "resourceVersion"),
    ("metadata", "generation"),
    ("metadata", "uid"),
    ("metadata", "creationTimestamp"),
    ("metadata", "selfLink"),
    ("metadata", "annotations", "deployment.kubernetes.io/revision"),
    ("status",),
)
CHANGES_MAX = 50
"""Fields of one object that a plan shows; how many more there are is said."""
VALUE_CHARACTERS_MAX = 120
MERGE_KEYS = ("name", "containerPort", "port", "mountPath", "key", "type", "ip", "topologyKey")


class FieldChange(NamedTuple):
    """One field: None stands for "not there"."""

    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.path}: {_show(self.old)} -> {_show(self.new)}"


def without_noise(obj: Obj) -> Obj:
    """An object without what the server or controllers write about it."""
    for path in NOISE:
        obj = drop(obj, path)
    return obj


def changes(live: Obj | None, after: Obj) -> list[FieldChange]:
    """Fields that differ between the live object and what it would become; all of it where there is none."""
    if live is None:
        return []
    secret = after.get("kind") == "Secret" and after.get("apiVersion") == "v1"
    found = sorted(_compare(without_noise(live), without_noise(after), ""), key=lambda change: change.path)
    return [_masked(change) for change in found] if secret else found


def texts(found: list[FieldChange]) -> list[str]:
    """Changes as lines, at most CHANGES_MAX of them."""
    lines = [str(change) for change in found[:CHANGES_MAX]]
    if len(found) > CHANGES_MAX:
        lines.append(f"and {len(found) - CHANGES_MAX} more fields")
    return lines


def _compare(old: Any, new: Any, path: str) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _compare(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(old, new, path)
    elif old != new:
        yield FieldChange(path, old, new)


def _compare_lists(old: list[Any], new: list[Any], path: str) -> Iterator[FieldChange]:
    key = _merge_key(old, new)
    if key:
        before, after = ({item[key]: item for item in items} for items in (old, new))
        for value in [*before, *(value for value in after if value not in before)]:
            yield from _compare(before.get(value), after.get(value), f"{path}[{key}={value}]")
    elif len(old) == len(new):
        for at, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _compare(a, b, f"{path}[{at}]")
    else:
        yield FieldChange(path, old, new)


def _merge_key(old: list[Any], new: list[Any]) -> str:
    """The field by which the items of both lists can be told apart, empty where there is none."""
    items = old + new
    if not items or not all(isinstance(item, dict) for item in items):
        return ""
    for key in MERGE_KEYS:
        if all(isinstance(item.get(key), str | int) for item in items) and all(
            len({item[key] for item in side}) == len(side) for side in (old, new)
        ):
            return key
    return ""


def _masked(change: FieldChange) -> FieldChange:
    if not change.path.startswith(("data", "stringData")):
        return change
    return FieldChange(change.path, _mask(change.old), _mask(change.new))


def _mask(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: _mask(inner) for name, inner in value.items()}
    return "*" * 8 + hashlib.sha256(orjson.dumps(value)).hexdigest()[:4]


def _show(value: Any) -> str:
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"
