"""Merging an applied configuration into an object, taking fields out of one, and the check of what is applied.

(structured-merge-diff typed/merge.go, typed/remove.go, typed/validate.go)
"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.apiserver.managedfields.fieldsets import FieldSet, is_member, show_element
from engine.apiserver.managedfields.shapes import ATOMIC, DEDUCED, KEYED, MAP, SCALAR, SET, STRUCT, Shape, TypedError
from engine.apiserver.patching.gotext import go_pointer, go_syntax, go_type
from engine.apiserver.patching.merge import same
from engine.base.objects import Obj

EMPTIED: Mapping[str, Any] = {}
"""Stands where everything was taken out of an object or list, until `settled`. Upstream has a null there, which decoding drops."""

_ABSENT: Any = object()


def merge(live: Any, applied: Any, shape: Shape) -> Any:
    """`live` with the fields of `applied`; nothing is removed. Lists by key are ordered as applied; `live` itself where nothing changes.

    Raises:
        TypedError: an element of a list has no key, or two have the same.
    """
    if live is applied:
        return live
    mode = shape.mode
    if mode in (STRUCT, MAP, DEDUCED) and isinstance(live, dict) and live:
        if isinstance(applied, dict):
            return _merge_fields(live, applied, shape)
        return live if applied is None else applied
    if mode in (KEYED, SET) and isinstance(live, list) and live:
        return _merge_items(live, applied, shape) if isinstance(applied, list) else live
    return live if same(live, applied) else applied


def _merge_fields(live: Mapping[str, Any], applied: Mapping[str, Any], shape: Shape) -> Any:
    changed: dict[str, Any] | None = None
    for name, theirs in applied.items():
        ours = live.get(name, _ABSENT)
        merged = theirs if ours is _ABSENT else merge(ours, theirs, shape.child(name)[1])
        if merged is not ours:
            changed = dict(live) if changed is None else changed
            changed[name] = merged
    return live if changed is None else changed


def _unique(values: list[Any], shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element, value in shape.items(values):
        if element in found:
            raise TypedError(f"duplicate entries for key {show_element(element)}")
        found[element] = value
    return found


def _merge_items(live: list[Any], applied: list[Any], shape: Shape) -> list[Any]:
    """The walk of mergingWalker.visitListItems: shared elements come in the order of `applied`, the others stay beside their neighbours."""
    theirs = _unique(applied, shape)
    left = shape.items(live)
    ours: dict[str, Any] = {}
    for element, value in left:
        ours[element] = None if element in ours else value
    order = list(theirs)
    shared = iter([element for element in order if element in ours])
    expected = next(shared, None)
    made: list[Any] = []
    merged: set[str] = set()
    i = j = 0
    while i < len(left) or j < len(order):
        if i < len(left):
            element, value = left[i]
            if element not in theirs:
                made.append(value)
                i += 1
                continue
            if j < len(order) and element == order[j]:
                i += 1
            elif j < len(order) and expected is not None and element != expected:
                i += 1
                continue
            elif element in merged:
                i += 1
                if j >= len(order):
                    continue
        element = order[j]
        merged.add(element)
        made.append(merge(ours[element], theirs[element], shape.element) if element in ours else theirs[element])
        j += 1
        if element == expected:
            expected = next(shared, None)
    return live if len(made) == len(live) and all(a is b for a, b in zip(made, live, strict=True)) else made


def remove(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """`value` without the members of `fields`; what loses all it had becomes EMPTIED."""
    mode = shape.mode
    if not fields or mode in (SCALAR, ATOMIC) or not value:
        return EMPTIED if mode == ATOMIC and fields and value else value
    if isinstance(value, list):
        return _remove_items(value, fields, shape) if mode in (KEYED, SET) else EMPTIED
    return _remove_fields(value, fields, shape) if isinstance(value, dict) else value


def _remove_fields(value: Mapping[str, Any], fields: FieldSet, shape: Shape) -> Any:
    changed: dict[str, Any] | None = None
    for name, inner in value.items():
        element, inner_shape = shape.child(name)
        node = fields.get(element)
        if node is None:
            continue
        left = _ABSENT if is_member(node) else remove(inner, node, inner_shape)
        if left is inner:
            continue
        changed = dict(value) if changed is None else changed
        if left is _ABSENT:
            del changed[name]
        else:
            changed[name] = left
    return value if changed is None else changed or EMPTIED


def _remove_items(values: list[Any], fields: FieldSet, shape: Shape) -> Any:
    made: list[Any] = []
    unchanged = True
    for element, value in shape.items(values):
        node = fields.get(element)
        if node is not None and is_member(node):
            unchanged = False
            continue
        left = value if node is None else remove(value, node, shape.element)
        unchanged = unchanged and left is value
        made.append(left)
    return values if unchanged else made or EMPTIED


def settled(value: Any) -> Any:
    """The value without fields that are EMPTIED."""
    if isinstance(value, dict):
        changed = {name: settled(inner) for name, inner in value.items() if inner is not EMPTIED}
        unchanged = len(changed) == len(value) and all(changed[name] is value[name] for name in changed)
        return value if unchanged else changed
    if isinstance(value, list):
        items = [settled(inner) for inner in value if inner is not EMPTIED]
        unchanged = len(items) == len(value) and all(a is b for a, b in zip(items, value, strict=True))
        return value if unchanged else items
    return value


def check(applied: Obj, shape: Shape) -> None:
    """Whether an applied configuration fits its type.

    Raises:
        TypedError: with upstream's text: one error alone, several in lines after `errors:`.
    """
    errors = list(_errors(applied, shape, ""))
    if len(errors) == 1:
        raise TypedError(errors[0])
    if errors:
        raise TypedError("\n".join(["errors:", *(f"  {error}" for error in errors)]))


def _at(path: str, text: str) -> str:
    return f"{path}: {text}" if path else text


def _errors(value: Any, shape: Shape, path: str) -> Iterator[str]:
    mode = shape.mode
    if value is None or mode == DEDUCED:
        return
    if mode == SCALAR:
        yield from _scalar_errors(value, shape, path)
    elif mode in (KEYED, SET):
        yield from _list_errors(value, shape, path)
    elif mode in (STRUCT, MAP):
        yield from _map_errors(value, shape, path)
    elif shape.is_list and not isinstance(value, list):
        yield _at(path, f"expected list, got {go_pointer(value)}")
    elif not shape.is_list and not isinstance(value, dict):
        yield _at(path, f"expected map, got {go_pointer(value)}")


def _map_errors(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _at(path, f"expected map, got {go_pointer(value)}")
        return
    for name, inner in value.items():
        if shape.mode == STRUCT and not shape.declares(name) and not shape.is_open:
            yield _at(f"{path}.{name}", "field not declared in schema")
            return
        yield from _errors(inner, shape.child(name)[1], f"{path}.{name}")


def _list_errors(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _at(path, f"expected list, got {go_pointer(value)}")
        return
    seen: set[str] = set()
    for i, inner in enumerate(value):
        try:
            ((element, _),) = shape.items([inner])
        except TypedError as error:
            yield _at(path, str(error).replace("element 0:", f"element {i}:", 1))
            return
        if element in seen:
            yield _at(path, f"duplicate entries for key {show_element(element)}")
        seen.add(element)
        yield from _errors(inner, shape.element, path + show_element(element))


def _scalar_errors(value: Any, shape: Shape, path: str) -> Iterator[str]:
    match shape.scalar:
        case "string" if not isinstance(value, str):
            yield _at(path, f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value)}}}")
        case "numeric" if isinstance(value, bool) or not isinstance(value, int | float):
            yield _at(path, f"expected numeric (int or float), got {go_type(value)}")
        case "boolean" if not isinstance(value, bool):
            yield _at(path, f"expected boolean, got {go_pointer(value)}")
        case "" if isinstance(value, dict | list):
            yield _at(path, f"expected any scalar, got {go_pointer(value)}")
