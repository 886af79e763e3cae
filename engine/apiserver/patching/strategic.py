"""Strategic merge patch: lists are merged by keys that the schema names, and directives in the patch say what else to do.

Directives: `$patch: delete | replace | merge`, `$retainKeys`, `$setElementOrder/LIST`, `$deleteFromPrimitiveList/LIST`.
(apimachinery/pkg/util/strategicpatch/patch.go, its errors in pkg/util/mergepatch/errors.go)
"""

from typing import Any

from engine.apiserver.patching.elements import (
    NO_FIELD,
    Items,
    PatchError,
    bad_argument,
    by_order,
    check_order,
    deduplicated,
    element_kind,
    index_of,
    json_type,
    no_merge_key,
)
from engine.apiserver.patching.gotext import go_value
from engine.apiserver.patching.merge import same, without_nulls
from engine.base.errors import StatusError
from engine.base.objects import Obj
from engine.schema.types import FieldInfo, TypeInfo

PATCH = "$patch"
RETAIN_KEYS = "$retainKeys"
SET_ORDER = "$setElementOrder"
DELETE_FROM = "$deleteFromPrimitiveList"

_BAD_RETAIN_KEYS = PatchError(400, "invalid patch format of retainKeys")
_BAD_PRIMITIVES = PatchError(400, "invalid patch format of primitive list")
_BAD_ORDER = PatchError(400, "invalid patch format of setElementOrder list")

_DROPPED: Any = object()


def apply_strategic(current: Obj, patch: Obj, info: TypeInfo) -> Obj:
    """`current` with the strategic merge patch; itself where nothing changes.

    Raises:
        StatusError: 400 for directives of a wrong form, 422 for lists of lists, 500 (as upstream) for what cannot be merged.
    """
    try:
        return _merge_objects(current, patch, FieldInfo(kind="object", own_type=info))
    except PatchError as error:
        reason = {400: "BadRequest", 422: "Invalid"}.get(error.code, "")
        text = "the server rejected our request due to an error in our request" if error.code == 422 else error.text
        raise StatusError(error.code, reason, text, {} if error.code == 422 else None) from error


def _field(parent: FieldInfo, name: str) -> FieldInfo:
    """What the schema says of a field.

    Raises:
        PatchError: it has no such field (LookupPatchMetadata).
    """
    if parent.kind == "map":
        return parent.element or NO_FIELD
    info = parent.type
    if info is None or info.preserve:
        return NO_FIELD
    found = info.fields.get(name)
    if found is None:
        raise PatchError(500, f'unable to find api field in struct {info.go_name} for the json field "{name}"')
    return found


def _strategy(field: FieldInfo) -> str:
    """`merge`, `replace` or empty; retainKeys is known from the patch itself."""
    return next((part for part in field.patch_strategy.split(",") if part and part != "retainKeys"), "")


def _merge_objects(original: Obj, patch: Obj, field: FieldInfo) -> Obj:
    if PATCH in patch:
        return _directed(patch)
    if RETAIN_KEYS in patch:
        original = _retained(original, patch)
    made: dict[str, Any] = dict(original)
    done = _merge_ordered_lists(made, patch, field)
    for name in sorted(patch, key=lambda n: not n.startswith("$")):
        if name in done or name == RETAIN_KEYS or name.startswith(SET_ORDER):
            continue
        _merge_field(made, name, patch[name], field)
    unchanged = len(made) == len(original) and all(name in original and original[name] is made[name] for name in made)
    return original if unchanged else made


def _directed(patch: Obj) -> Obj:
    directive = patch[PATCH]
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != PATCH}
    if directive == "delete":
        return {}
    raise PatchError(500, f"unknown patch type: {go_value(directive)} in map: {go_value(patch)}")


def _retained(original: Obj, patch: Obj) -> Obj:
    """`original` with the fields that `$retainKeys` lists; all that the patch sets must be listed."""
    keys = patch[RETAIN_KEYS]
    if not isinstance(keys, list):
        raise _BAD_RETAIN_KEYS
    for name, value in patch.items():
        if value is None or name == RETAIN_KEYS or name.startswith((DELETE_FROM, SET_ORDER)):
            continue
        if name not in keys:
            raise _BAD_RETAIN_KEYS
    return {name: value for name, value in original.items() if name in keys}


def _merge_field(made: dict[str, Any], name: str, value: Any, parent: FieldInfo) -> None:
    deleting = name.startswith(DELETE_FROM)
    if deleting:
        name = _list_name(name, DELETE_FROM, _BAD_PRIMITIVES)
    if value is None:
        made.pop(name, None)
        return
    ours = made.get(name)
    if name not in made or json_type(ours) is not json_type(value):
        if not deleting:
            _take(made, name, without_nulls(value))
        return
    if isinstance(ours, dict):
        field = _field(parent, name)
        made[name] = value if _strategy(field) == "replace" else _merge_objects(ours, value, field)
    elif isinstance(ours, list):
        made[name] = _merge_lists(ours, value, _field(parent, name), deleting)
    elif not same(ours, value):
        made[name] = value


def _take(made: dict[str, Any], name: str, value: Any) -> None:
    """Set a field to a value of the patch that nothing is merged with; directives in it mean nothing and are left out."""
    kept = _without_directives(value)
    if kept is _DROPPED:
        made.pop(name, None)
    elif name not in made or not same(made[name], kept):
        made[name] = kept


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        if PATCH in value:
            return _DROPPED
        made = {name: _without_directives(inner) for name, inner in value.items()}
        return {name: inner for name, inner in made.items() if inner is not _DROPPED}
    if isinstance(value, list):
        return [kept for kept in map(_without_directives, value) if kept is not _DROPPED]
    return value


def _list_name(key: str, prefix: str, error: PatchError) -> str:
    head, slash, name = key.partition("/")
    if head != prefix or not slash:
        raise error
    return name


def _merge_ordered_lists(made: dict[str, Any], patch: Obj, parent: FieldInfo) -> set[str]:
    """Merge and order the lists that `$setElementOrder` names; returns the names that need no more merging (mergePatchIntoOriginal)."""
    done: set[str] = set()
    for key in sorted(patch):
        if not key.startswith(SET_ORDER):
            continue
        order = patch[key]
        if not isinstance(order, list):
            raise bad_argument("[]interface {}", order)
        name = _list_name(key, SET_ORDER, _BAD_ORDER)
        ours: Any = made.get(name)
        theirs: Any = patch.get(name)
        for values in (ours, theirs):
            if values is not None and not isinstance(values, list):
                raise bad_argument("[]interface {}", values)
        field = _field(parent, name)
        merge_key = field.patch_merge_key
        check_order(theirs or [], order, merge_key)
        if ours is None and theirs is None:
            continue
        merged: list[Any] = theirs if ours is None else ours if theirs is None else _merge_lists(ours, theirs, field, False)
        items = Items(merge_key, element_kind(ours or [], theirs or []) is dict)
        made[name] = _same_list(by_order(merged, order, ours or [], items), ours)
        done.add(name)
    return done


def _same_list(made: list[Any], ours: list[Any] | None) -> list[Any]:
    if ours is not None and len(made) == len(ours) and all(a is b for a, b in zip(made, ours, strict=True)):
        return ours
    return made


def _merge_lists(ours: list[Any], theirs: list[Any], field: FieldInfo, deleting: bool) -> list[Any]:
    if _strategy(field) != "merge":
        return ours if same(ours, theirs) else theirs
    if not ours and not theirs:
        return ours
    if element_kind(ours, theirs) is dict:
        return _merge_list_of_objects(ours, theirs, field)
    if deleting:
        return _same_list([value for value in ours if not any(same(value, gone) for gone in theirs)], ours)
    return _same_list(by_order(deduplicated([*ours, *theirs]), theirs, ours, Items("", False)), ours)


def _merge_list_of_objects(ours: list[Any], theirs: list[Any], field: FieldInfo) -> list[Any]:
    key = field.patch_merge_key
    if not key:
        raise PatchError(500, "cannot merge lists without merge key for type map")
    live, patch = _special_elements(ours, theirs, key)
    merged = list(live)
    for item in patch:
        if key not in item:
            raise no_merge_key(item, key)
        at = index_of(merged, item[key], key)
        if at < 0:
            merged.append(item)
        else:
            merged[at] = _merge_objects(merged[at], item, field.element or NO_FIELD)
    return _same_list(by_order(merged, patch, live, Items(key, True)), ours)


def _special_elements(ours: list[Any], theirs: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """The list without what elements with `$patch` delete, and the patch without these elements."""
    plain: list[Any] = []
    replaced = False
    for item in theirs:
        if PATCH not in item:
            plain.append(item)
            continue
        directive = item[PATCH]
        if directive == "delete":
            if key not in item:
                raise no_merge_key(item, key)
            ours = [value for value in ours if not same(value.get(key), item[key])]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise PatchError(500, "merging lists cannot yet be specified in the patch")
        else:
            raise PatchError(500, f"unknown patch type: {go_value(directive)} in map: {go_value(item)}")
    return (plain, []) if replaced else (ours, plain)
