"""Server-side apply (structured-merge-diff merge/update.go Apply and prune): merge, take back what is applied no more, find conflicts."""

from collections.abc import Sequence

from engine.apiserver.managedfields import lastapplied
from engine.apiserver.managedfields.conflicts import Conflict, conflict_error, listed
from engine.apiserver.managedfields.entries import APPLY, Entry, Identity, entry_of, fields_of, identity_of, ordered, replace
from engine.apiserver.managedfields.fieldsets import EMPTY, FieldSet, difference, intersection, union, without
from engine.apiserver.managedfields.merging import check, merge, remove, settled
from engine.apiserver.managedfields.ownership import NEVER_OWNED, Change, Writer, after_apply, conflicts_of, shape_in
from engine.apiserver.managedfields.shapes import Shape, TypedError
from engine.apiserver.managedfields.typed import named_members, set_of
from engine.base.errors import StatusError, bad_request
from engine.base.objects import Obj, name_of, namespace_of


def apply(
    live: Obj | None, applied: Obj, entries: list[Entry], shape: Shape, writer: Writer, time: str, force: bool
) -> tuple[Obj, list[Entry]]:
    """The merged object and the entries of its managers; `live` is without managedFields, and comes back itself where nothing changes.

    Raises:
        StatusError: conflicts, or what is applied does not fit.
    """
    _check(applied, shape, writer, live)
    try:
        outcome = _outcome(live or {}, applied, entries, shape, writer)
    except TypedError as error:
        raise StatusError(500, "", f"failed to create typed live object ({_shown(live or applied)}): {error}") from error
    made, pending, change, mine = outcome
    conflicts = listed(conflicts_of(pending, change, mine))
    if conflicts and not force:
        _raise_unless_upgraded(conflicts, live, writer, shape)
    after = [entry for entry in map(_stripped, after_apply(pending, change, mine)) if entry is not None]
    if made is not live:
        after = [{**entry, "time": time} if identity_of(entry) == mine else entry for entry in after]
    after = ordered(map(_in_order, after))
    if writer.manager == lastapplied.MANAGER:
        made = lastapplied.recorded(made, applied)
    return made, after


def _check(applied: Obj, shape: Shape, writer: Writer, live: Obj | None) -> None:
    if applied.get("apiVersion") != writer.api_version or (live is not None and live.get("kind") != applied.get("kind")):
        raise bad_request(f"invalid object type: {_kind(applied)}")
    if (applied.get("metadata") or {}).get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    try:
        check(applied, shape)
    except TypedError as error:
        raise StatusError(500, "", f"failed to create typed patch object ({_shown(applied)}): {error}") from error


def _kind(obj: Obj) -> str:
    """A GroupVersionKind as Go prints it; the core group shows as an empty one."""
    version = obj.get("apiVersion") or ""
    return f"{version if '/' in version else f'/{version}'}, Kind={obj.get('kind') or ''}"


def _shown(obj: Obj) -> str:
    return f"{namespace_of(obj)}/{name_of(obj)}; {_kind(obj)}"


def _outcome(live: Obj, applied: Obj, entries: list[Entry], shape: Shape, writer: Writer) -> tuple[Obj, list[Entry], Change, Identity]:
    """The merged and pruned object, the entries with the applier's new one, and the change from the live object."""
    mine = writer.identity(APPLY)
    last = next((entry for entry in entries if identity_of(entry) == mine), None)
    fields = without(set_of(applied, shape), writer.reset)
    entry = entry_of(mine, writer.api_version, (last.get("time") or "") if last else "", fields)
    pending = replace(entries, entry)
    merged: Obj = merge(live, applied, shape)
    pruned = _pruned(merged, pending, last, shape, writer)
    return settled(pruned), pending, Change(live, pruned, shape, writer), mine


def _pruned(merged: Obj, entries: Sequence[Entry], last: Entry | None, shape: Shape, writer: Writer) -> Obj:
    """`merged` without what the applier owned, owns no more, and nobody else owns."""
    if last is None or not fields_of(last):
        return merged
    version = last["apiVersion"]
    if writer.convert is None or version == writer.api_version:
        return _taken_back(merged, entries, last, shape)
    converted = writer.convert(merged, version)
    if converted is None:
        return merged
    pruned = _taken_back(converted, entries, last, shape_in(converted, version, writer))
    return merged if pruned is converted else writer.convert(settled(pruned), writer.api_version) or merged


def _taken_back(merged: Obj, entries: Sequence[Entry], last: Entry, shape: Shape) -> Obj:
    """prune, addBackOwnedItems and addBackDanglingItems, for managers of one version."""
    owned: FieldSet = EMPTY
    for entry in entries:
        owned = union(owned, fields_of(entry))
    before = named_members(set_of(merged, shape), shape)
    gone = named_members(fields_of(last), shape)
    pruned = remove(merged, gone, shape)
    kept = union(named_members(set_of(settled(pruned), shape), shape), named_members(owned, shape))
    pruned = remove(merged, difference(before, kept), shape)
    left = named_members(set_of(settled(pruned), shape), shape)
    removed: Obj = remove(merged, intersection(difference(before, left), gone), shape)
    return removed


def _stripped(entry: Entry) -> Entry | None:
    """An entry without fields that are never owned; None where nothing is left."""
    fields = difference(fields_of(entry), NEVER_OWNED)
    if not fields:
        return None
    return entry if fields is fields_of(entry) else {**entry, "fieldsV1": fields}


def _in_order(entry: Entry) -> Entry:
    """An entry with its keys in the order of `entry_of`."""
    if list(entry)[3:4] == ["time"] or "time" not in entry:
        return entry
    return entry_of(identity_of(entry), entry["apiVersion"], entry["time"], fields_of(entry))


def _raise_unless_upgraded(conflicts: list[Conflict], live: Obj | None, writer: Writer, shape: Shape) -> None:
    """Conflicts stop an apply; for kubectl not those with fields that it applied itself on the client's side, and nobody changed since."""
    if writer.manager == lastapplied.MANAGER and live is not None:
        allowed = lastapplied.unchanged(live, shape)
        if allowed is not None:
            conflicts = lastapplied.remaining(conflicts, allowed)
    if conflicts:
        raise conflict_error(conflicts)
