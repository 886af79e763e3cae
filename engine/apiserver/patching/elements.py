"""Elements of lists in a strategic merge patch: what identifies them, and the order in which they come out."""

from typing import Any, NamedTuple

import orjson

from engine.apiserver.patching.gotext import go_type, go_value
from engine.apiserver.patching.merge import same
from engine.schema.types import FieldInfo

NO_FIELD = FieldInfo(kind="map")
"""Stands for what the schema does not know."""

_DELETE = ("$patch", "delete")


class PatchError(Exception):
    """A strategic merge patch cannot be applied; `code` is the HTTP status that upstream answers with."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Items(NamedTuple):
    """How elements of a list are told apart: by the value of a field, or by themselves."""

    merge_key: str
    objects: bool

    def identity(self, item: Any) -> Any:
        """What the element is found by."""
        if not self.objects:
            return item
        return item.get(self.merge_key) if isinstance(item, dict) else None

    def positions(self, items: list[Any]) -> dict[Any, int]:
        """Where the first element of each identity stands."""
        found: dict[Any, int] = {}
        for i, item in enumerate(items):
            found.setdefault(self.key(item), i)
        return found

    def key(self, item: Any) -> Any:
        """The identity as a key of a dict; true and 1 are told apart."""
        identity = self.identity(item)
        return identity if isinstance(identity, str) else (type(identity), orjson.dumps(identity))


def no_merge_key(item: Any, key: str) -> PatchError:
    """An element of a list that is merged by a key lacks it."""
    return PatchError(500, f"map: {go_value(item)} does not contain declared merge key: {key}")


def bad_argument(expected: str, value: Any) -> PatchError:
    """A value of a patch has another type than its place asks for."""
    return PatchError(500, f"expected a {expected}, but received a {'%!s(<nil>)' if value is None else go_type(value)}")


def json_type(value: Any) -> type:
    """The type of a JSON value; subclasses count as what they are of."""
    if isinstance(value, dict):
        return dict
    return list if isinstance(value, list) else type(value)


def element_kind(*lists: list[Any]) -> type:
    """The one type of all elements of the lists.

    Raises:
        PatchError: they differ, are lists, or there are none.
    """
    kinds = {json_type(value) for values in lists for value in values}
    if list in kinds:
        raise PatchError(422, "lists of lists are not supported")
    if len(kinds) > 1:
        raise PatchError(500, f"list element types are not identical: {go_value(list(lists))}")
    if not kinds:
        raise PatchError(500, "no elements in any of the given slices")
    return kinds.pop()


def index_of(items: list[Any], value: Any, key: str) -> int:
    """Where the object with that value of `key` stands; -1 where there is none."""
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            raise PatchError(500, f"value for key {i} is not a map.")
        if key in item and same(item[key], value):
            return i
    return -1


def deduplicated(values: list[Any]) -> list[Any]:
    """Scalars without repetition, the first of each kept."""
    found: list[Any] = []
    for value in values:
        if not any(same(value, other) for other in found):
            found.append(value)
    return found


def _is_deletion(item: Any) -> bool:
    return isinstance(item, dict) and item.get(_DELETE[0]) == _DELETE[1]


def check_order(patch: list[Any], order: list[Any], merge_key: str) -> None:
    """The elements of the patch that are no deletions must be in `$setElementOrder`, in the same order (validatePatchWithSetOrderList).

    Raises:
        PatchError: they are not, or an element lacks the key.
    """
    if not patch or not order:
        return
    items = Items(merge_key, bool(merge_key))
    if merge_key:
        for item in (*patch, *order):
            if not isinstance(item, dict):
                raise bad_argument("map[string]interface {}", item)
    wanted = [item for item in patch if not merge_key or not _is_deletion(item)]
    position = 0
    for item in wanted:
        if isinstance(item, dict) and _DELETE[0] in item:
            continue
        while position < len(order) and not _equal(item, order[position], items):
            position += 1
        if position >= len(order):
            raise PatchError(
                500, f"The order in patch list:\n{go_value(patch)}\n doesn't match $setElementOrder list:\n{go_value(order)}\n"
            )
        position += 1


def _equal(item: Any, other: Any, items: Items) -> bool:
    if items.objects:
        for value in (item, other):
            if items.merge_key not in value:
                raise no_merge_key(value, items.merge_key)
    return same(items.identity(item), items.identity(other))


def by_order(merged: list[Any], order: list[Any], live: list[Any], items: Items) -> list[Any]:
    """The merged elements: those in `order` as there, the others as in the live list, interleaved as they stood there.

    (normalizeElementOrder, mergeSortedSlice)
    """
    if items.objects:
        for item in (*merged, *order):
            if not isinstance(item, dict) or items.merge_key not in item:
                raise no_merge_key(item, items.merge_key)
    wanted, before = items.positions(order), items.positions(live)
    patched: list[tuple[int, int, Any]] = []
    others: list[tuple[int, Any]] = []
    for item in merged:
        key = items.key(item)
        at, stood = wanted.get(key, -1), before.get(key, -1)
        if at >= 0:
            patched.append((at, stood, item))
        else:
            others.append((stood, item))
    patched.sort(key=lambda entry: entry[0])
    others.sort(key=lambda entry: entry[0])
    made: list[Any] = []
    i = j = 0
    while i < len(others) and j < len(patched):
        if 0 <= others[i][0] < patched[j][1]:
            made.append(others[i][1])
            i += 1
        else:
            made.append(patched[j][2])
            j += 1
    return [*made, *(item for _, item in others[i:]), *(item for _, _, item in patched[j:])]
