"""metadata.managedFields as the API server keeps it, on writes (`updated`) and on server-side apply (`applied`).

(apimachinery/pkg/util/managedfields/internal/fieldmanager.go and what it wraps)

Replicas of a template are the same but for their names, so what was computed for one is found again for the next: by the identity of the
parts of the object, and for what differs by its form. Objects of equal fields, manager and second share one list of entries.
"""

from typing import Any

import orjson

from engine.apiserver.managedfields.applying import apply
from engine.apiserver.managedfields.blank import blank_of
from engine.apiserver.managedfields.entries import UPDATE, Entry, decoded, entry_of, is_reset
from engine.apiserver.managedfields.fieldsets import EMPTY, LEAF, FieldSet, difference, without
from engine.apiserver.managedfields.ownership import NEVER_OWNED, Change, Writer, after_update
from engine.apiserver.managedfields.shapes import STRUCT, Shape, TypedError, shape_of
from engine.apiserver.managedfields.typed import compare, remember
from engine.base.clock import rfc3339
from engine.base.objects import Obj
from engine.schema.types import TypeInfo

MANAGER_BYTES_MAX = 128

BEFORE_FIRST_APPLY = "before-first-apply"


def manager_name(field_manager: str, user_agent: str) -> str:
    """The name a write is recorded under: the `fieldManager` of the request, or the user agent up to its first `/`.

    (apiserver/pkg/endpoints/handlers/create.go managerOrUserAgent)
    """
    if field_manager:
        return field_manager
    prefix = user_agent.partition("/")[0]
    printable = "".join(c for c in prefix if c.isprintable())
    return printable.encode()[:MANAGER_BYTES_MAX].decode(errors="ignore")


_STATUS: FieldSet = {"f:status": LEAF}
_SPEC: FieldSet = {"f:spec": LEAF}
_RESETS: dict[tuple[str, str], FieldSet] = {
    ("certificatesigningrequests.certificates.k8s.io", ""): {"f:spec": LEAF, "f:status": LEAF},
    ("deployments.apps", "status"): {"f:metadata": {"f:labels": LEAF}, "f:spec": LEAF},
    ("pods", "status"): {"f:metadata": {"f:deletionTimestamp": LEAF, "f:ownerReferences": LEAF}, "f:spec": LEAF},
}


def reset_fields(subresource: str, has_status: bool, resource: str = "") -> FieldSet:
    """Fields that nobody can write, and so own, through this (sub)resource; the same object for the same arguments.

    `resource` (`deployments.apps`) matters for a few kinds only. (GetResetFields of pkg/registry/*/strategy.go)
    """
    found = _RESETS.get((resource, subresource))
    if found is not None:
        return found
    if subresource == "status":
        return _SPEC
    return _STATUS if has_status and not subresource else EMPTY


_Key = tuple[Any, ...]


def updated(live: Obj | None, new: Obj, type_info: TypeInfo | None, writer: Writer, now: float) -> Obj:
    """`new` with managedFields as they are after a create (`live` None), an update or a patch that is no apply.

    Both objects are in the writer's version, decoded and defaulted. Whose fields cannot be told apart, because an element of a list has
    no key, keep their managers as they were (UpdateNoErrors).
    """
    shape = shape_of(type_info)
    sent = (new.get("metadata") or {}).get("managedFields")
    try:
        if live is None and not sent:
            return _with_entries(new, _created(new, type_info, shape, writer, rfc3339(now)))
        held = _held(live, sent, writer)
        if live is not None and not held:
            return _with_entries(new, None)
        change = Change(live if live is not None else blank_of(type_info), new, shape, writer)
        return _with_entries(new, _after_update(held, change, rfc3339(now)))
    except TypedError:
        return _with_entries(new, live["metadata"].get("managedFields") if live is not None else None)


_updates: dict[_Key, tuple[list[Entry], list[Entry]]] = {}
"""Entries after an update, with those before it."""

_SMALL = 3
"""Fields in a change that is likely to be made alike to many objects: a heartbeat, a condition."""


def _after_update(held: list[Entry], change: Change, time: str) -> list[Entry]:
    """`after_update`, remembered for small changes, so that objects that share their entries go on to share them."""
    writer = change.writer
    comparison = change.compared(writer.api_version)
    if comparison is None or len(comparison.written) != 1 or comparison.removed or writer.convert is not None:
        return after_update(held, change, time)
    (node,) = comparison.written.values()
    if len(node) > _SMALL:
        return after_update(held, change, time)
    key = (id(held), orjson.dumps(comparison.written), writer.manager, writer.api_version, writer.subresource, time)
    found = _updates.get(key)
    if found is None:
        found = (held, after_update(held, change, time))
        remember(_updates, key, found)
    return found[1]


def _held(live: Obj | None, sent: Any, writer: Writer) -> list[Entry]:
    """The entries that a write starts from: those sent, where they are usable, or the live object's (decodeLiveOrNew)."""
    current: list[Entry] = (live["metadata"].get("managedFields") if live is not None else None) or []
    if sent is current or sent is None or writer.subresource:
        return current
    if is_reset(sent):
        return []
    return decoded(sent) or current


def _with_entries(obj: Obj, entries: list[Entry] | None) -> Obj:
    metadata = obj.get("metadata") or {}
    if entries:
        return obj if metadata.get("managedFields") is entries else {**obj, "metadata": {**metadata, "managedFields": entries}}
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


_creates: dict[_Key, tuple[list[Any], list[Entry]]] = {}
"""Entries of created objects by the form of metadata, the identity of spec and status, the form of all else (that of an Event: its
names); with the objects whose identity is in the key."""
_lists: dict[_Key, list[Entry]] = {}


def _created(new: Obj, info: TypeInfo | None, shape: Shape, writer: Writer, time: str) -> list[Entry]:
    key: list[Any] = [id(shape), id(writer.reset), writer.manager, writer.api_version, writer.subresource, time]
    parts: list[Any] = [shape, writer.reset]
    for name, value in new.items():
        if name == "metadata":
            key.append(_form(value or {}))
        elif name == "spec" or name == "status":
            parts.append(value)
            key += (name, id(value) if value else None)
        elif value.__class__ is str and value:
            key.append(name)
        elif (form := _outline(value)) is not None:
            key += (name, form)
        else:
            return _created_entries(new, info, writer, time)
    known = tuple(key)
    found = _creates.get(known)
    if found is not None:
        return found[1]
    entries = _created_entries(new, info, writer, time)
    remember(_creates, known, (parts, entries))
    return entries


def _form(metadata: Any) -> _Key:
    """All of metadata that its set of fields depends on."""
    owners = metadata.get("ownerReferences")
    finalizers = metadata.get("finalizers")
    labels = metadata.get("labels")
    annotations = metadata.get("annotations")
    return (
        *metadata,
        tuple(labels) if labels else None,
        tuple(annotations) if annotations else None,
        tuple(finalizers) if finalizers else None,
        tuple((owner.get("uid"), *owner) for owner in owners) if owners else None,
    )


def _outline(value: Any) -> Any:
    """All of a value that its set of fields depends on, but for elements of lists: None where there are any.

    Those are names, and of empty scalars which: a new object is compared with one in which all are.
    """
    if not value:
        return value.__class__
    if isinstance(value, list):
        return None
    if not isinstance(value, dict):
        return True
    found: list[Any] = []
    for name, part in value.items():
        found.append(name)
        if part.__class__ is str and part:
            continue
        inner = _outline(part)
        if inner is None:
            return None
        found.append((inner,))
    return tuple(found)


_parts: dict[_Key, tuple[Any, Shape, FieldSet | None]] = {}


def _created_entries(new: Obj, info: TypeInfo | None, writer: Writer, time: str) -> list[Entry]:
    blank, shape = blank_of(info), shape_of(info)
    fields: dict[str, Any] = {}
    for name, value in new.items():
        node = _written(name, value, blank, shape)
        if node is not None:
            fields[f"f:{name}"] = node
    own = difference(without(fields, writer.reset), NEVER_OWNED)
    if not own:
        return []
    identity = writer.identity(UPDATE)
    key = (identity, time, orjson.dumps(own, option=orjson.OPT_SORT_KEYS))
    found = _lists.get(key)
    if found is None:
        found = [entry_of(identity, writer.api_version, time, own)]
        remember(_lists, key, found)
    return found


def _written(name: str, value: Any, blank: Obj, shape: Shape) -> FieldSet | None:
    """The node of a field of a created object; remembered by identity for parts that have a schema."""
    inner = shape.child(name)[1]
    large = inner.mode == STRUCT and name != "metadata"
    key = (id(value), id(inner))
    found = _parts.get(key) if large else None
    if found is not None:
        return found[2]
    old = {name: blank[name]} if name in blank else {}
    node: FieldSet | None = compare(old, {name: value}, shape).written.get(f"f:{name}")
    if large and value:
        remember(_parts, key, (value, inner, node))
    return node


def applied(live: Obj | None, applied: Obj, type_info: TypeInfo | None, writer: Writer, now: float, force: bool = False) -> Obj:
    """The object that a server-side apply of `applied` (as it was sent, not defaulted) makes of `live`, with managedFields.

    The server decodes (nulls) and defaults what comes back; defaulted fields belong to nobody. Where nothing changes, `live` comes back
    itself, unless another manager now owns fields too.

    Raises:
        StatusError: 409 with a cause per conflict, unless `force`; 400 for an object that sets managedFields or is of another version;
            500 where it does not fit its type.
    """
    shape = shape_of(type_info)
    time = rfc3339(now)
    entries: list[Entry] = (live["metadata"].get("managedFields") if live is not None else None) or []
    if live is not None and not entries:
        first = Writer(BEFORE_FIRST_APPLY, writer.api_version, writer.subresource, writer.reset)
        entries = _created(live, type_info, shape, first, time)
    bare = _with_entries(live, None) if live is not None else None
    made, after = apply(bare, applied, entries, shape, writer, time, force)
    if live is not None and made is bare:
        made = live
    if live is not None and made == live and after == entries:
        return live
    return _with_entries(made, after)


def keep_times(live: Obj, new: Obj) -> Obj:
    """`live` where `new` differs from it in the times of managedFields and in resourceVersion only, so that nothing is written; else `new`.

    (apiserver/pkg/endpoints/handlers/fieldmanager/equality.go IgnoreManagedFieldsTimestampsTransformer)
    """
    old, metadata = live["metadata"], new["metadata"]
    before, after = old.get("managedFields"), metadata.get("managedFields")
    if before is not after and (not before or not after or not _same_but_times(before, after)):
        return new
    restored = {**new, "metadata": {**metadata}}
    for name in ("managedFields", "resourceVersion"):
        if name in old:
            restored["metadata"][name] = old[name]
    return live if live == restored else new


def _same_but_times(before: list[Entry], after: list[Entry]) -> bool:
    if len(before) != len(after):
        return False
    return all(a is b or {**a, "time": ""} == {**b, "time": ""} for a, b in zip(before, after, strict=True))
