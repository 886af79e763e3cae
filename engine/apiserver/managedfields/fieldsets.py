"""Sets of fields, kept in the form of FieldsV1 itself: `{"f:spec": {"f:replicas": {}}}`.

A key is a path element: `f:name`, `k:{"name":"web"}` (an element of a list by its keys), `v:"x"` (an element of a set), `i:0`. A field is a
member of the set where its value is `{}` or has the key `.`; otherwise it is only on the way to members. The root `{}` is the empty set.
Sets are immutable and share their parts: an operation that changes nothing returns its first argument itself.
(structured-merge-diff fieldpath/set.go, fieldpath/serialize.go)
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

FieldSet = Mapping[str, Any]

EMPTY: FieldSet = {}
MEMBER = "."
LEAF: FieldSet = {}
"""The one object that stands for every member without children."""


def is_member(node: FieldSet) -> bool:
    """Whether a field with this node is itself a member."""
    return not node or MEMBER in node


def as_member(node: FieldSet) -> FieldSet:
    """The node with the field itself a member."""
    return node if not node or MEMBER in node else {MEMBER: LEAF, **node}


def node_of(children: FieldSet, member: bool) -> FieldSet | None:
    """The node of a field with `children`; None where neither it nor anything below is a member."""
    if not children:
        return LEAF if member else None
    return {MEMBER: LEAF, **children} if member else children


def union(a: FieldSet, b: FieldSet) -> FieldSet:
    """Members of either set."""
    if a is b or not b:
        return a
    return _union_children(a, b) if a else b


def _union_children(a: FieldSet, b: FieldSet) -> FieldSet:
    changed: dict[str, Any] | None = None
    for key, theirs in b.items():
        ours = a.get(key)
        if ours is theirs:
            continue
        merged = theirs if ours is None else _union_nodes(ours, theirs)
        if merged is not ours:
            changed = dict(a) if changed is None else changed
            changed[key] = merged
    if changed is None:
        return a
    return changed


def _union_nodes(a: FieldSet, b: FieldSet) -> FieldSet:
    if not b:
        return as_member(a)
    return _union_children(a, b) if a else as_member(b)


def intersection(a: FieldSet, b: FieldSet) -> FieldSet:
    """Members of both sets."""
    if a is b:
        return a
    kept: dict[str, Any] = {}
    same = len(a) <= len(b)
    for key, ours in a.items():
        theirs = b.get(key)
        node = None if theirs is None else _intersect_nodes(ours, theirs)
        same = same and node is ours
        if node is not None:
            kept[key] = node
    return a if same else kept


def _intersect_nodes(a: FieldSet, b: FieldSet) -> FieldSet | None:
    if a is b:
        return a
    if not a or not b:
        return LEAF if is_member(a) and is_member(b) else None
    kept = intersection(a, b)
    if kept is a:
        return a
    return LEAF if len(kept) == 1 and MEMBER in kept else kept or None


def difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """Members of `a` that are not in `b`; a field in `b` takes nothing below it away."""
    changed: dict[str, Any] | None = None
    for key in b if len(b) < len(a) else a:
        ours = a.get(key)
        theirs = b.get(key)
        if ours is None or theirs is None:
            continue
        left = _subtract_nodes(ours, theirs)
        if left is not ours:
            changed = dict(a) if changed is None else changed
            if left is None:
                del changed[key]
            else:
                changed[key] = left
    return a if changed is None else changed


def _subtract_nodes(a: FieldSet, b: FieldSet) -> FieldSet | None:
    member = is_member(a) and not is_member(b)
    if not a:
        return a if member else None
    left = difference(a, b) if b else {key: node for key, node in a.items() if key != MEMBER} if MEMBER in a else a
    if left is a:
        return a
    if MEMBER in left and len(left) == 1:
        return LEAF
    return left or None


def without(a: FieldSet, b: FieldSet) -> FieldSet:
    """`a` without the members of `b` and everything below them (Set.RecursiveDifference)."""
    changed: dict[str, Any] | None = None
    for key, theirs in b.items():
        ours = a.get(key)
        if ours is None or key == MEMBER:
            continue
        left = None if is_member(theirs) else without(ours, theirs)
        if left is not ours:
            changed = dict(a) if changed is None else changed
            if left is None or (not left and ours):
                del changed[key]
            else:
                changed[key] = LEAF if len(left) == 1 and MEMBER in left else left
    return a if changed is None else changed


def has(a: FieldSet, path: tuple[str, ...]) -> bool:
    """Whether the field at `path` (path elements) is a member."""
    node: FieldSet | None = a
    for element in path:
        node = node.get(element) if node else None
        if node is None:
            return False
    return bool(path) and node is not None and is_member(node)


def of_path(path: tuple[str, ...]) -> FieldSet:
    """The set of one field."""
    node: FieldSet = LEAF
    for element in reversed(path):
        node = {element: node}
    return node


def members(a: FieldSet, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all members: those of a level before what is below it (Set.Iterate)."""
    for key, node in a.items():
        if key != MEMBER and is_member(node):
            yield (*prefix, key)
    for key, node in a.items():
        if key != MEMBER and node:
            yield from members(node, (*prefix, key))


def show_path(path: tuple[str, ...]) -> str:
    """A path as errors print it: `.spec.containers[name="c"].image` (fieldpath/element.go String)."""
    return "".join(map(show_element, path))


def show_element(element: str) -> str:
    """`f:spec` -> `.spec`, `k:{"name":"c"}` -> `[name="c"]`, `v:"x"` -> `[="x"]`, `i:0` -> `[0]`."""
    kind, text = element[:1], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "i":
        return f"[{text}]"
    if kind == "v":
        return f"[={text}]"
    return f"[{','.join(f'{name}={show_json(value)}' for name, value in orjson.loads(text).items())}]"


def show_json(value: Any) -> str:
    """A scalar as JSON."""
    return orjson.dumps(value).decode()


def is_valid(fields: Any) -> bool:
    """Whether `fields` from a client is a FieldsV1 object that can be used as a set."""
    if not isinstance(fields, dict):
        return False
    return all((key == MEMBER or _is_element(key)) and is_valid(node) for key, node in fields.items())


def _is_element(key: str) -> bool:
    kind, colon, text = key[:1], key[1:2], key[2:]
    if colon != ":" or kind not in "fkvi":
        return False
    if kind == "f":
        return True
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, {"k": dict, "i": int, "v": object}[kind])
