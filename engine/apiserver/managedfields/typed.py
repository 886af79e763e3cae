"""Fields of an object, and of the difference of two (structured-merge-diff typed/tofieldset.go, typed/compare.go).

Only what differs is walked: parts that are the same object, or equal, are passed over. Sets of large parts are remembered by the identity
of the part, so that the thousandth replica of a template costs a look-up.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.apiserver.managedfields.fieldsets import EMPTY, LEAF, MEMBER, FieldSet, as_member, node_of, union
from engine.apiserver.managedfields.shapes import ATOMIC, DEDUCED, KEYED, MAP, SCALAR, SET, STRUCT, Shape

REMEMBERED_PARTS_MAX = 512
"""Parts of objects whose sets are kept, and with them the parts."""

_CONTAINERS = (dict, list)
_LEAVES = frozenset({SCALAR, ATOMIC})
_LISTS = frozenset({KEYED, SET})


class Comparison(NamedTuple):
    """What differs in a new object: fields that were added or changed, and fields that are gone."""

    written: FieldSet
    removed: FieldSet


SAME = Comparison(EMPTY, EMPTY)


def set_of(obj: Mapping[str, Any], shape: Shape) -> FieldSet:
    """All leaf fields and items of an object: what an applier of it owns.

    Raises:
        TypedError: an element of a list has no key.
    """
    return _fields_of(obj, shape)


def _fields_of(value: Mapping[str, Any], shape: Shape) -> FieldSet:
    fields: dict[str, Any] = {}
    struct = shape.mode == STRUCT
    for name, inner in value.items():
        element, inner_shape = shape.child(name)
        member = inner is None or inner == {} or not (struct and shape.declares(name))
        node = _node_of(inner, inner_shape, member)
        if node is not None:
            fields[element] = node
    return fields


def _node_of(value: Any, shape: Shape, member: bool) -> FieldSet | None:
    mode = shape.mode
    if mode in _LEAVES:
        return LEAF
    if mode in _LISTS:
        return node_of(_items_of(value, shape), member) if isinstance(value, list) else node_of(EMPTY, member)
    if isinstance(value, dict):
        return node_of(_fields_of(value, shape), member)
    return LEAF if member or value is not None else None


def _items_of(values: list[Any], shape: Shape) -> FieldSet:
    fields: dict[str, Any] = {}
    for element, value in shape.items(values):
        fields[element] = LEAF if element in fields else _node_of(value, shape.element, True)
    return fields


def added(value: Any, shape: Shape) -> FieldSet:
    """The node of a value that was not there before (or is no more): it, and everything in it, is a member."""
    mode = shape.mode
    if not value or mode in _LEAVES:
        return LEAF
    if mode in _LISTS:
        if not isinstance(value, list):
            return LEAF
        return {MEMBER: LEAF, **_added_items(value, shape)}
    if not isinstance(value, dict):
        return LEAF
    if mode == MAP and shape.element.mode == SCALAR:
        return {MEMBER: LEAF, **dict.fromkeys([f"f:{name}" for name in value], LEAF)}
    return {MEMBER: LEAF, **_added_fields(value, shape)}


def _added_fields(value: Mapping[str, Any], shape: Shape) -> FieldSet:
    fields: dict[str, Any] = {}
    for name, inner in value.items():
        element, inner_shape = shape.child(name)
        fields[element] = added(inner, inner_shape) if isinstance(inner, _CONTAINERS) else LEAF
    return fields


def _added_items(values: list[Any], shape: Shape) -> FieldSet:
    if shape.mode == SET:
        return {element: LEAF for element, _ in shape.items(values)}
    fields: dict[str, Any] = {}
    for element, value in shape.items(values):
        fields[element] = LEAF if element in fields else added_flat(value, shape.element)
    return fields


_flat: dict[tuple[int, tuple[str, ...]], FieldSet] = {}
_FLAT_MAX = 4_096


def added_flat(value: Any, shape: Shape) -> FieldSet:
    """`added`, remembered by field names for objects of scalars (conditions, env, ports), which are many and alike."""
    if shape.mode != STRUCT or not isinstance(value, dict):
        return added(value, shape)
    for inner in value.values():
        if isinstance(inner, _CONTAINERS):
            return added(value, shape)
    key = (id(shape), tuple(value))
    found = _flat.get(key)
    if found is None:
        if len(_flat) >= _FLAT_MAX:
            _flat.clear()
        found = _flat[key] = added(value, shape)
    return found


def compare(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape) -> Comparison:
    """What differs between two objects of one type.

    Raises:
        TypedError: an element of a list has no key.
    """
    if old is new:
        return SAME
    written, removed = _compare_fields(old, new, shape)
    return Comparison(written or EMPTY, removed or EMPTY)


_Both = tuple[FieldSet | None, FieldSet | None]
_NOTHING: _Both = (None, None)
_CHANGED: _Both = (LEAF, None)
_ABSENT: Any = object()


def _compare_fields(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape) -> _Both:
    written: dict[str, Any] = {}
    removed: dict[str, Any] = {}
    for name, theirs in new.items():
        ours = old.get(name, _ABSENT)
        if ours is theirs:
            continue
        if ours is _ABSENT:
            element, inner = shape.child(name)
            written[element] = remembered(theirs, inner) if isinstance(theirs, _CONTAINERS) else LEAF
            continue
        if ours == theirs and (ours.__class__ is bool) is (theirs.__class__ is bool):
            continue
        element, inner = shape.child(name)
        wrote, lost = _compare_values(ours, theirs, inner)
        if wrote is not None:
            written[element] = wrote
        if lost is not None:
            removed[element] = lost
    for name, ours in old.items():
        if name not in new:
            element, inner = shape.child(name)
            removed[element] = added(ours, inner)
    return written or None, removed or None


def _compare_values(old: Any, new: Any, shape: Shape) -> _Both:
    mode = shape.mode
    if mode in _LEAVES:
        return _CHANGED
    if mode in _LISTS:
        ours = old if isinstance(old, list) else []
        theirs = new if isinstance(new, list) else []
        return _compare_items(ours, theirs, shape) if ours or theirs else _CHANGED
    if mode == DEDUCED and not (isinstance(old, dict | None) and isinstance(new, dict | None)):
        return _compare_kinds(old, new, shape)
    before: Mapping[str, Any] = old if isinstance(old, dict) else EMPTY
    after: Mapping[str, Any] = new if isinstance(new, dict) else EMPTY
    return _compare_fields(before, after, shape) if before or after else _CHANGED


def _compare_kinds(old: Any, new: Any, shape: Shape) -> _Both:
    """Values without schema that are not both objects: a leaf changed, and what an object had is gone or new."""
    written = as_member(_added_fields(new, shape)) if isinstance(new, dict) else LEAF
    removed = _added_fields(old, shape) if isinstance(old, dict) else None
    return written, removed or None


def _compare_items(old: list[Any], new: list[Any], shape: Shape) -> _Both:
    before, after = _by_element(old, shape), _by_element(new, shape)
    if before is None or after is None:
        return _compare_duplicates(old, new, shape)
    written: dict[str, Any] = {}
    removed: dict[str, Any] = {}
    inner = shape.element
    for element, theirs in after.items():
        ours = before.get(element, _ABSENT)
        if ours is theirs:
            continue
        if ours is _ABSENT:
            written[element] = added_flat(theirs, inner)
        elif ours != theirs:
            wrote, lost = _compare_values(ours, theirs, inner)
            if wrote is not None:
                written[element] = wrote
            if lost is not None:
                removed[element] = lost
    for element, ours in before.items():
        if element not in after:
            removed[element] = added_flat(ours, inner)
    return written or None, removed or None


def _by_element(values: list[Any], shape: Shape) -> dict[str, Any] | None:
    """Elements by path element; None where one occurs twice."""
    found = dict(shape.items(values))
    return found if len(found) == len(values) else None


def _compare_duplicates(old: list[Any], new: list[Any], shape: Shape) -> _Both:
    """Lists in which an element occurs twice: its occurrences are one leaf (compareWalker.visitListItems)."""
    groups: dict[str, tuple[list[Any], list[Any]]] = {}
    for side, values in enumerate((old, new)):
        for element, value in shape.items(values):
            groups.setdefault(element, ([], []))[side].append(value)
    written: FieldSet = {}
    removed: FieldSet = {}
    for element, (ours, theirs) in groups.items():
        wrote, lost = _compare_group(ours, theirs, shape.element)
        if wrote is not None:
            written = union(written, {element: wrote})
        if lost is not None:
            removed = union(removed, {element: lost})
    return written or None, removed or None


def _compare_group(old: list[Any], new: list[Any], shape: Shape) -> _Both:
    if len(old) > 1 and len(new) > 1:
        return _NOTHING if old == new else _CHANGED
    if len(old) > 1:
        return (added(new[0], shape) if new else None), LEAF
    if len(new) > 1:
        return LEAF, (added(old[0], shape) if old else None)
    if not old:
        return added(new[0], shape), None
    if not new:
        return None, added(old[0], shape)
    return _NOTHING if old[0] == new[0] else _compare_values(old[0], new[0], shape)


_parts: dict[tuple[int, int], tuple[Any, Shape, FieldSet]] = {}


def remembered(value: Any, shape: Shape) -> FieldSet:
    """`added`, remembered by the identity of the value where it is an object with a schema."""
    if shape.mode != STRUCT:
        return added(value, shape)
    key = (id(value), id(shape))
    found = _parts.get(key)
    if found is not None:
        return found[2]
    fields = added(value, shape)
    if len(fields) > 2:
        remember(_parts, key, (value, shape, fields))
    return fields


def remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep a value in a bounded cache, dropping the one that has been there longest."""
    if len(cache) >= REMEMBERED_PARTS_MAX:
        cache.pop(next(iter(cache)))
    cache[key] = value


def named_members(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with every field that the schema names, and that has members below it, a member too (EnsureNamedFieldsAreMembers)."""
    made: dict[str, Any] = {}
    for element, node in fields.items():
        if element == MEMBER or not node:
            made[element] = node
            continue
        kind, inner = element[0], shape
        if kind == "f":
            inner = shape.child(element[2:])[1]
        elif kind == "k":
            inner = shape.element
        below = named_members(node, inner)
        made[element] = as_member(below) if kind == "f" and shape.declares(element[2:]) else below
    return made
