"""JSON merge patch, RFC 7386, as evanphx/json-patch applies it."""

from collections.abc import Mapping
from typing import Any

from engine.base.objects import Obj


def apply_merge(current: Obj, patch: Obj) -> Obj:
    """`current` with the fields of `patch`: null removes, objects are merged, everything else is replaced. Itself where nothing changes."""
    changed: dict[str, Any] | None = None
    for name, theirs in patch.items():
        if theirs is None:
            if name in current:
                changed = dict(current) if changed is None else changed
                del changed[name]
            continue
        ours = current.get(name)
        merged = _merged(ours, theirs)
        if merged is not ours or name not in current:
            changed = dict(current) if changed is None else changed
            changed[name] = merged
    return current if changed is None else changed


def _merged(ours: Any, theirs: Any) -> Any:
    if isinstance(theirs, dict):
        return apply_merge(ours, theirs) if isinstance(ours, dict) else without_nulls(theirs)
    theirs = without_nulls(theirs)
    return ours if same(ours, theirs) else theirs


def same(a: Any, b: Any) -> bool:
    """Whether JSON values are equal, true and 1 told apart, in lists and objects too."""
    if a is b:
        return True
    if a != b or (a.__class__ is bool) is not (b.__class__ is bool):
        return False
    if isinstance(a, list):
        return all(map(same, a, b))
    return all(same(a[name], b[name]) for name in a) if isinstance(a, dict) else True


def without_nulls(value: Any) -> Any:
    """A value of a patch that replaces what was there: its nulls are left out, those in lists stay; itself where there are none."""
    if isinstance(value, Mapping):
        made = {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
        unchanged = len(made) == len(value) and all(made[name] is value[name] for name in made)
        return value if unchanged else made
    if isinstance(value, list):
        items = [without_nulls(inner) for inner in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value
