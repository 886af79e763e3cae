"""The entries of metadata.managedFields: who they are of, in which order they stand, how many there may be.

(apimachinery/pkg/util/managedfields/internal: managedfields.go, capmanagers.go, buildmanagerinfo.go)
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.apiserver.managedfields.fieldsets import FieldSet, is_valid, union

APPLY, UPDATE = "Apply", "Update"

UPDATE_MANAGERS_MAX = 10
ANCIENT = "ancient-changes"
"""The manager that gets the fields of the oldest entries beyond the maximum."""

Entry = dict[str, Any]


class Identity(NamedTuple):
    """What tells entries apart. `api_version` is empty for Apply: an applier has one entry whichever version it uses."""

    manager: str
    operation: str
    api_version: str
    subresource: str


def identity_of(entry: Entry) -> Identity:
    """Whose entry it is."""
    operation = entry["operation"]
    version = "" if operation == APPLY else entry["apiVersion"]
    return Identity(entry.get("manager") or "", operation, version, entry.get("subresource") or "")


def entry_of(identity: Identity, api_version: str, time: str, fields: FieldSet) -> Entry:
    """A new entry; `time` is RFC 3339, or empty for none."""
    entry: Entry = {"manager": identity.manager, "operation": identity.operation, "apiVersion": api_version}
    if time:
        entry["time"] = time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = fields
    if identity.subresource:
        entry["subresource"] = identity.subresource
    return entry


def fields_of(entry: Entry) -> FieldSet:
    """The set of an entry."""
    fields: FieldSet = entry.get("fieldsV1") or {}
    return fields


def _is_valid(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("operation") in (APPLY, UPDATE)
        and bool(entry.get("apiVersion"))
        and entry.get("fieldsType") == "FieldsV1"
        and (entry.get("fieldsV1") is None or is_valid(entry["fieldsV1"]))
    )


def decoded(entries: Any) -> list[Entry] | None:
    """Entries that a client sent; None where they are not usable. Of entries of the same manager the last one counts."""
    if not isinstance(entries, list) or not all(map(_is_valid, entries)):
        return None
    found = {identity_of(entry): entry for entry in entries}
    return entries if len(found) == len(entries) else list(found.values())


def is_reset(entries: Any) -> bool:
    """Whether a client asks to forget all managers: `[]` or `[{}]` (isResetManagedFields)."""
    return isinstance(entries, list) and (not entries or (len(entries) == 1 and not entries[0]))


def _order(entry: Entry) -> tuple[str, str, str, str, str]:
    return (entry["operation"], entry.get("time") or "", entry.get("manager") or "", entry["apiVersion"], entry.get("subresource") or "")


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """Entries in the order in which they are stored: operation, time, manager, version, subresource."""
    return sorted(entries, key=_order)


def capped(entries: list[Entry]) -> list[Entry]:
    """At most UPDATE_MANAGERS_MAX entries of updates: the oldest of a version are merged into one of `ancient-changes`."""
    updates = [entry for entry in entries if entry["operation"] == UPDATE]
    excess = len(updates) - UPDATE_MANAGERS_MAX
    if excess <= 0:
        return entries
    kept = {identity_of(entry): entry for entry in entries}
    first: dict[str, Identity] = {}
    for entry in sorted(updates, key=lambda e: (e.get("time") or "", identity_of(e))):
        if excess <= 0:
            break
        version, identity = entry["apiVersion"], identity_of(entry)
        bucket = Identity(ANCIENT, UPDATE, version, "")
        if version not in first:
            first[version] = identity
            continue
        if identity == bucket:
            continue
        if bucket not in kept:
            kept[bucket] = kept.pop(first[version])
        fields = union(fields_of(entry), fields_of(kept[bucket]))
        kept[bucket] = entry_of(bucket, version, entry.get("time") or "", fields)
        del kept[identity]
        excess -= 1
    return list(kept.values())


def replace(entries: Sequence[Entry], entry: Entry) -> list[Entry]:
    """The entries with that of the same manager replaced, or added."""
    identity = identity_of(entry)
    return [*(e for e in entries if identity_of(e) != identity), entry]
