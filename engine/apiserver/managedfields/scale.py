"""managedFields between an object and its `scale` subresource (apimachinery/pkg/util/managedfields/scalehandler.go).

A write to `scale` is a write to a Scale object: hand `to_scale` of the parent's entries to `manager.updated` or `manager.applied` with it
(api version autoscaling/v1, subresource `scale`, the type of Scale), and what comes out to `to_parent`.
"""

from collections.abc import Sequence
from typing import Any

from engine.apiserver.managedfields.entries import APPLY, Entry, Identity, entry_of, fields_of, identity_of, ordered
from engine.apiserver.managedfields.fieldsets import FieldSet, difference, has, of_path

SCALE_VERSION = "autoscaling/v1"
_REPLICAS = ("f:spec", "f:replicas")


def _elements(path: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"f:{name}" for name in path)


def to_scale(entries: Sequence[Entry], replicas: Sequence[str]) -> list[Entry]:
    """The entries of those who own the replicas of an object, as entries of its Scale; `replicas` is the field's path in the object."""
    path = _elements(replicas)
    fields: FieldSet = of_path(_REPLICAS)
    found = [
        entry_of(identity_of(entry), SCALE_VERSION, entry.get("time") or "", fields) for entry in entries if has(fields_of(entry), path)
    ]
    return ordered(found)


def to_parent(entries: Sequence[Entry], scale_entries: Sequence[Entry], replicas: Sequence[str], api_version: str) -> list[Entry]:
    """The entries of an object after a write to its Scale: replicas belong to whom they belong in the Scale.

    An entry of an update through `scale` has no time, as upstream: the time is looked up under a name that the parent does not know.
    """
    path = _elements(replicas)
    scaled = {identity_of(entry): entry for entry in scale_entries}
    times: dict[Identity, Any] = {identity_of(entry): entry.get("time") for entry in entries}
    made: list[Entry] = []
    for entry in entries:
        fields = fields_of(entry)
        if not has(fields, path) or scaled.pop(identity_of(entry), None) is not None:
            made.append(entry)
            continue
        left = difference(fields, of_path(path))
        if left:
            made.append({**entry, "fieldsV1": left})
    for identity, entry in scaled.items():
        if has(fields_of(entry), _REPLICAS):
            version = "" if identity.operation == APPLY else api_version
            mine = identity._replace(api_version=version)
            made.append(entry_of(mine, api_version, times.get(identity) or "", of_path(path)))
    return ordered(made)
