"""API objects: plain JSON dicts that never change. A change makes a new object by path-copying and shares the rest."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, cast

Obj = Mapping[str, Any]
"""A Kubernetes object, or a part of one, as JSON. `Mapping`, so that mypy rejects a write to it."""

Path = Sequence[str | int]
"""Where a value stands in an object: field names, and indices into lists."""


def dig(obj: Any, *path: str | int, default: Any = None) -> Any:
    """Return the value at `path`, or `default` where a step is missing or null."""
    for step in path:
        if isinstance(step, str):
            obj = obj.get(step) if isinstance(obj, dict) else None
        else:
            obj = obj[step] if isinstance(obj, list) and -len(obj) <= step < len(obj) else None
        if obj is None:
            return default
    return obj


def put(obj: Obj, path: Path, value: Any) -> Obj:
    """Return a copy of `obj` with `value` at `path`; missing objects on the way are created, untouched parts are shared."""
    return cast(Obj, _put(obj, path, 0, value))


def _put(node: Any, path: Path, depth: int, value: Any) -> Any:
    if depth == len(path):
        return value
    step = path[depth]
    if isinstance(step, int):
        items = list(node)
        items[step] = _put(items[step], path, depth + 1, value)
        return items
    inner = node or {}
    return {**inner, step: _put(inner.get(step), path, depth + 1, value)}


def drop(obj: Obj, path: Path) -> Obj:
    """Return a copy of `obj` without the field at `path`; the same object where there is none. Emptied parents stay."""
    parent = dig(obj, *path[:-1]) if len(path) > 1 else obj
    last = path[-1]
    if isinstance(last, str):
        if not isinstance(parent, dict) or last not in parent:
            return obj
        return put(obj, path[:-1], {k: v for k, v in parent.items() if k != last}) if len(path) > 1 else _without(obj, last)
    if not isinstance(parent, list) or not -len(parent) <= last < len(parent):
        return obj
    return put(obj, path[:-1], parent[:last] + parent[last:][1:])


def _without(obj: Obj, name: str) -> Obj:
    return {k: v for k, v in obj.items() if k != name}


def merge(obj: Obj, **fields: Any) -> Obj:
    """Return `obj` with top-level `fields` set; the same object where nothing differs."""
    if all(name in obj and obj[name] == value for name, value in fields.items()):
        return obj
    return {**obj, **fields}


def each(items: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    """Map `change` over a list; the same list where every element came back itself."""
    changed = [change(item) for item in items]
    return items if all(a is b for a, b in zip(items, changed, strict=True)) else changed


def name_of(obj: Obj) -> str:
    """metadata.name, empty where it is missing."""
    return cast(str, (obj.get("metadata") or {}).get("name") or "")


def namespace_of(obj: Obj) -> str:
    """metadata.namespace, empty for cluster-scoped objects."""
    return cast(str, (obj.get("metadata") or {}).get("namespace") or "")


def uid_of(obj: Obj) -> str:
    """metadata.uid, empty where it is missing."""
    return cast(str, (obj.get("metadata") or {}).get("uid") or "")


def labels_of(obj: Obj) -> Mapping[str, str]:
    """metadata.labels, empty where there are none."""
    return cast(Mapping[str, str], (obj.get("metadata") or {}).get("labels") or {})


def annotations_of(obj: Obj) -> Mapping[str, str]:
    """metadata.annotations, empty where there are none."""
    return cast(Mapping[str, str], (obj.get("metadata") or {}).get("annotations") or {})


def revision_of(obj: Obj) -> int:
    """metadata.resourceVersion as the store's revision; 0 where it is missing."""
    return int((obj.get("metadata") or {}).get("resourceVersion") or 0)


def is_terminating(obj: Obj) -> bool:
    """Whether metadata.deletionTimestamp is set."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference with `controller: true`, if any."""
    for ref in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if ref.get("controller"):
            return cast(Obj, ref)
    return None


def controller_ref(owner: Obj) -> Obj:
    """The owner reference that makes `owner` (with apiVersion and kind set) the controller of an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


class MutationError(TypeError):
    """Somebody tried to change an object that is shared."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise MutationError("API objects are immutable: make a new one by path-copying (engine/base/objects.py)")


class FrozenDict(dict[str, Any]):
    """A dict that raises on mutation; what tests see instead of a plain dict."""

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse


class FrozenList(list[Any]):
    """A list that raises on mutation."""

    __setitem__ = __delitem__ = append = clear = extend = insert = pop = remove = reverse = sort = __iadd__ = __imul__ = _refuse


def frozen(value: Any) -> Any:
    """A deep read-only copy of JSON `value`; equal to it, and raising `MutationError` on any write. For tests."""
    if isinstance(value, FrozenDict | FrozenList):
        return value
    if isinstance(value, dict):
        return FrozenDict((k, frozen(v)) for k, v in value.items())
    if isinstance(value, list):
        return FrozenList(frozen(v) for v in value)
    return value
