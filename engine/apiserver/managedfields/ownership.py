"""What a write does to who owns what (structured-merge-diff merge/update.go): pure functions of entries, sets and comparisons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from engine.apiserver.managedfields.entries import UPDATE, Entry, Identity, capped, entry_of, fields_of, identity_of, ordered
from engine.apiserver.managedfields.fieldsets import EMPTY, LEAF, FieldSet, difference, intersection, union, without
from engine.apiserver.managedfields.shapes import Shape, shape_of
from engine.apiserver.managedfields.typed import Comparison, compare
from engine.base.objects import Obj
from engine.schema.types import TypeInfo, type_of

NEVER_OWNED: FieldSet = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {
        ".": LEAF,
        "f:clusterName": LEAF,
        "f:creationTimestamp": LEAF,
        "f:generation": LEAF,
        "f:managedFields": LEAF,
        "f:name": LEAF,
        "f:namespace": LEAF,
        "f:resourceVersion": LEAF,
        "f:selfLink": LEAF,
        "f:uid": LEAF,
    },
}
"""Fields that are in no entry (internal/stripmeta.go)."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and in which version and subresource; objects that are handed over together with it are in `api_version`."""

    manager: str
    api_version: str
    subresource: str = ""
    reset: FieldSet = field(default_factory=dict)
    """Fields that the kind's strategy takes from the live object in any case: see `manager.reset_fields`."""
    convert: Callable[[Obj, str], Obj | None] | None = None
    """(object, api version) -> the object in that version; None where that version is not served any more, and its managers are
    forgotten. Without it versions differ in name only."""
    types: Mapping[str, TypeInfo] = field(default_factory=dict)
    """Of a custom kind: its type by api version."""

    def identity(self, operation: str) -> Identity:
        """Whose entry the write is recorded in."""
        return Identity(self.manager or "unknown", operation, self.api_version if operation == UPDATE else "", self.subresource)


@dataclass(slots=True)
class Change:
    """A live and a new object, and what differs between them in each version that managers use."""

    live: Obj
    new: Obj
    shape: Shape
    writer: Writer
    _compared: dict[str, Comparison | None] = field(default_factory=dict)

    def plain(self) -> Comparison:
        """What differs in the writer's version, the fields that the strategy resets included."""
        return compare(self.live, self.new, self.shape)

    def compared(self, api_version: str) -> Comparison | None:
        """What differs in a version; None where it is not served any more.

        Raises:
            TypedError: an element of a list has no key.
        """
        if api_version not in self._compared:
            self._compared[api_version] = self._compare(api_version)
        return self._compared[api_version]

    def _compare(self, api_version: str) -> Comparison | None:
        convert = self.writer.convert
        if convert is None or api_version == self.writer.api_version:
            return filtered(self.plain(), self.writer.reset)
        live, new = convert(self.live, api_version), convert(self.new, api_version)
        if live is None or new is None:
            return None
        return filtered(compare(live, new, shape_in(new, api_version, self.writer)), self.writer.reset)


def shape_in(obj: Obj, api_version: str, writer: Writer) -> Shape:
    """The shape of an object in another version than the request's."""
    group, _, version = api_version.rpartition("/")
    return shape_of(writer.types.get(api_version) or type_of(group, version, obj.get("kind") or ""))


def filtered(comparison: Comparison, reset: FieldSet) -> Comparison:
    """The comparison without fields that the strategy resets."""
    if not reset:
        return comparison
    return Comparison(without(comparison.written, reset), without(comparison.removed, reset))


def left_to(fields: FieldSet, comparison: Comparison) -> FieldSet:
    """What another's write leaves of a manager's fields: those that it wrote, or that are gone, are lost."""
    return difference(difference(fields, comparison.written), comparison.removed)


def after_update(entries: list[Entry], change: Change, time: str) -> list[Entry]:
    """The entries after a write that is no apply: the writer owns what it wrote; nobody owns what is gone.

    The same list where nothing changes. Only a write that changes something of the writer's own touches the time of its entry.
    (managedfieldsupdater.go Update, capmanagers.go)
    """
    writer = change.writer
    comparison = change.compared(writer.api_version) or Comparison(EMPTY, EMPTY)
    own = difference(comparison.written, NEVER_OWNED)
    mine = writer.identity(UPDATE)
    before: Entry | None = None
    same = True
    kept: list[Entry] = []
    for entry in entries:
        if own and identity_of(entry) == mine:
            before = entry
            continue
        theirs = comparison if entry["apiVersion"] == writer.api_version else change.compared(entry["apiVersion"])
        fields = fields_of(entry)
        left = left_to(fields, theirs) if theirs is not None else EMPTY
        if left is fields:
            kept.append(entry)
            continue
        same = False
        if left:
            kept.append({**entry, "fieldsV1": left})
    if own:
        after = _written_by(before, own, comparison, entry_of(mine, writer.api_version, time, shared(own)))
        same = same and after is before
        kept.append(after)
    if same:
        return entries
    return ordered(capped(kept)) if len(kept) > 1 else kept


def _written_by(before: Entry | None, own: FieldSet, comparison: Comparison, fresh: Entry) -> Entry:
    """The writer's entry: what it had and what it wrote; the entry itself where that is all the same, and the second too."""
    if before is None:
        return fresh
    fields = union(difference(fields_of(before), comparison.removed), own)
    if fields is fields_of(before) and before.get("time") == fresh["time"]:
        return before
    return {**fresh, "fieldsV1": shared(fields)}


_SHARED_MAX = 512
_shared: dict[bytes, FieldSet] = {}


def shared(fields: FieldSet) -> FieldSet:
    """The set with sets of equal fields being the same object: `f:conditions` of pods, whose `f:status` differ by the pod's address."""
    return {name: _sharing(node) if node else node for name, node in fields.items()}


def _sharing(fields: FieldSet) -> FieldSet:
    made: dict[str, FieldSet] = {}
    for name, node in fields.items():
        if not node:
            made[name] = node
            continue
        text = orjson.dumps(node)
        found = _shared.get(text)
        if found is None:
            if len(_shared) >= _SHARED_MAX:
                _shared.pop(next(iter(_shared)))
            found = _shared[text] = node
        made[name] = found
    return made


def conflicts_of(entries: list[Entry], change: Change, mine: Identity) -> list[tuple[Entry, FieldSet]]:
    """The fields of others that a change writes, by entry in the order of managers."""
    found: list[tuple[Entry, FieldSet]] = []
    for entry in sorted(entries, key=identity_of):
        comparison = change.compared(entry["apiVersion"])
        if comparison is None or identity_of(entry) == mine:
            continue
        fields = intersection(fields_of(entry), comparison.written)
        if fields:
            found.append((entry, fields))
    return found


def after_apply(entries: list[Entry], change: Change, mine: Identity) -> list[Entry]:
    """The entries of others, and the applier's as it stands in `entries`, after an apply that nothing stands against."""
    kept: list[Entry] = []
    for entry in entries:
        if identity_of(entry) == mine:
            kept.append(entry)
            continue
        comparison = change.compared(entry["apiVersion"])
        fields = fields_of(entry)
        left = left_to(fields, comparison) if comparison is not None else EMPTY
        if left:
            kept.append(entry if left is fields else {**entry, "fieldsV1": left})
    return kept
