"""Garbage collection: objects whose owners are gone go too (pkg/controller/garbagecollector/garbagecollector.go, graph_builder.go)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.base.api import ResourceInfo
from engine.base.objects import Obj, is_terminating, name_of, namespace_of, uid_of
from engine.control.actions import Action, Actions, Check, Delete, Emit, Parallel, Patch, RequeueAfter
from engine.control.controller import Controller
from engine.control.read import Read
from engine.control.resources import DISCOVERY_PERIOD_S

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
"""The finalizers that carry a deletion's propagation policy."""


class Item(NamedTuple):
    """An object of whatever resource."""

    resource: str
    namespace: str
    name: str
    uid: str


class Owners(NamedTuple):
    """The owner references of an object, by what became of the owners; `unknown` where no such resource is served."""

    solid: list[Obj]
    dangling: list[Obj]
    waiting: list[Obj]
    unknown: list[Obj]


def _item(info: ResourceInfo, obj: Obj) -> Item:
    return Item(info.resource, namespace_of(obj), name_of(obj), uid_of(obj))


def _refs(obj: Obj | None) -> Sequence[Obj]:
    return (obj["metadata"].get("ownerReferences") or ()) if obj is not None else ()


def _finalizers(obj: Obj) -> Sequence[str]:
    return obj["metadata"].get("finalizers") or ()


def _deletes_dependents(obj: Obj) -> bool:
    """Whether it waits for its dependents to be deleted."""
    return is_terminating(obj) and FOREGROUND in _finalizers(obj)


def _owner(read: Read, ref: Obj, dependent: Obj) -> Obj | None:
    """The owner in the caches: of the dependent's namespace where it is namespaced, with the reference's uid."""
    info = read.resources.of_reference(ref)
    lister = read.resources.listers.get(info.resource) if info is not None else None
    if info is None or lister is None:
        return None
    found = lister.get(namespace_of(dependent) if info.namespaced else "", ref["name"])
    return found if found is not None and uid_of(found) == ref["uid"] else None


def reconcile(key: Item, read: Read, now: float) -> Actions:
    """Orphan, wait for, or delete: what the object's finalizers and owners ask for (attemptToDeleteItem, attemptToOrphanWorker)."""
    lister = read.resources.listers.get(key.resource)
    item = lister.get(key.namespace, key.name) if lister is not None else None
    if item is None or uid_of(item) != key.uid:
        return []
    if is_terminating(item):
        if ORPHAN in _finalizers(item):
            return _orphan(key, item, read)
        return _finish_foreground(key, item, read) if FOREGROUND in _finalizers(item) else []
    owners = classify(item, read)
    if not _refs(item) or owners.unknown:
        return [RequeueAfter(DISCOVERY_PERIOD_S)] if owners.unknown else []
    checks = [_check(ref, item, read) for ref in owners.dangling]
    if owners.solid:
        gone = [ref["uid"] for ref in (*owners.dangling, *owners.waiting)]
        return [*checks, _without_refs(key, item, gone)] if gone else []
    dependents = [obj for _, obj in read.resources.dependents(key.uid)] if owners.waiting else []
    if dependents:
        unblock = [_unblocked(key, item)] if any(_deletes_dependents(dependent) for dependent in dependents) else []
        return [*checks, *unblock, _delete(key, item, "Foreground", bool(unblock))]
    return [*_strangers(item, owners.dangling, read), *checks, _delete(key, item, _policy(item))]


def classify(item: Obj, read: Read) -> Owners:
    """classifyReferences. A cluster-scoped object whose owner is of a namespaced kind is left alone: the owner cannot be told."""
    owners = Owners([], [], [], [])
    for ref in _refs(item):
        info = read.resources.of_reference(ref)
        if info is None or info.resource not in read.resources.listers or (info.namespaced and not namespace_of(item)):
            owners.unknown.append(ref)
            continue
        owner = _owner(read, ref, item)
        if owner is None:
            owners.dangling.append(ref)
        else:
            (owners.waiting if _deletes_dependents(owner) else owners.solid).append(ref)
    return owners


def _check(ref: Obj, item: Obj, read: Read) -> Check:
    """A look past the cache whether an owner is really gone: caches of different resources are not of the same moment."""
    info = read.resources.of_reference(ref)
    if info is None:
        raise LookupError(f"no resource for {ref}")
    return Check(info.resource, namespace_of(item) if info.namespaced else "", ref["name"], ref["uid"], present=False)


def _policy(item: Obj) -> str:
    finalizers = _finalizers(item)
    return "Orphan" if ORPHAN in finalizers else "Foreground" if FOREGROUND in finalizers else "Background"


def _delete(key: Item, item: Obj, policy: str, changed: bool = False) -> Delete:
    """Delete the version that was judged; after a change of ours in the same turn, whichever it is."""
    version = "" if changed else item["metadata"]["resourceVersion"]
    return Delete(key.resource, key.namespace, key.name, key.uid, propagation=policy, resource_version=version)


def _metadata_patch(key: Item, item: Obj, **fields: object) -> Patch:
    metadata = {**fields, "uid": key.uid, "resourceVersion": item["metadata"]["resourceVersion"]}
    return Patch(key.resource, key.namespace, key.name, {"metadata": metadata}, ignore_missing=True)


def _without_refs(key: Item, item: Obj, uids: Sequence[str]) -> Patch:
    return _metadata_patch(key, item, ownerReferences=[ref for ref in _refs(item) if ref["uid"] not in uids])


def _unblocked(key: Item, item: Obj) -> Patch:
    """In a circle of objects that wait for each other this one stops blocking its owners."""
    return _metadata_patch(key, item, ownerReferences=[{**ref, "blockOwnerDeletion": False} for ref in _refs(item)])


def _without_finalizer(key: Item, item: Obj, finalizer: str) -> Patch:
    return _metadata_patch(key, item, finalizers=[f for f in _finalizers(item) if f != finalizer])


def _orphan(key: Item, item: Obj, read: Read) -> Actions:
    """Take the owner out of its dependents, then let it go."""
    patches = tuple(_without_refs(_item(info, obj), obj, (key.uid,)) for info, obj in read.resources.dependents(key.uid))
    release = _without_finalizer(key, item, ORPHAN)
    return [Parallel(patches, slow_start=False), release] if patches else [release]


def _finish_foreground(key: Item, item: Obj, read: Read) -> Actions:
    """Let the owner go once no dependent blocks it; the dependents come up by themselves (processDeletingDependentsItem)."""
    for _, dependent in read.resources.dependents(key.uid):
        if any(ref["uid"] == key.uid and ref.get("blockOwnerDeletion") for ref in _refs(dependent)):
            return []
    return [_without_finalizer(key, item, FOREGROUND)]


def _strangers(item: Obj, dangling: Sequence[Obj], read: Read) -> list[Action]:
    """A warning for each owner that exists, but in another namespace."""
    found: list[Action] = []
    for ref in dangling:
        info = read.resources.of_reference(ref)
        if info is None or not info.namespaced:
            continue
        if any(uid_of(other) == ref["uid"] for other in read.resources.listers[info.resource]):
            namespace = namespace_of(item)
            shown = f"[{ref['apiVersion']}/{ref['kind']}, namespace: {namespace}, name: {ref['name']}, uid: {ref['uid']}]"
            message = f'ownerRef {shown} does not exist in namespace "{namespace}"'
            found.append(Emit(item, "Warning", "OwnerRefInvalidNamespace", message))
    return found


def keys(kind: str, info: ResourceInfo, old: Obj | None, new: Obj, read: Read) -> Iterable[Item]:
    """What a change of any object brings up (graph_builder.go processGraphChanges)."""
    refs = _refs(new)
    if kind == "DELETED":
        return [*_dependents(new, read), *_waiting_owners(refs, new, read)]
    found: list[Item] = []
    if is_terminating(new) and _finalizers(new):
        found.append(_item(info, new))
        if _deletes_dependents(new) and (old is None or not _deletes_dependents(old)):
            found += _dependents(new, read)
    before = _refs(old)
    if refs is not before and refs != before:
        removed = [ref for ref in before if ref not in refs]
        found += _waiting_owners(removed, new, read)
        if removed or any(_needs_look(_owner(read, ref, new)) for ref in refs):
            found.append(_item(info, new))
    return found


def _needs_look(owner: Obj | None) -> bool:
    return owner is None or _deletes_dependents(owner)


def _dependents(owner: Obj, read: Read) -> list[Item]:
    return [_item(info, obj) for info, obj in read.resources.dependents(uid_of(owner))]


def _waiting_owners(refs: Iterable[Obj], dependent: Obj, read: Read) -> list[Item]:
    """The owners among `refs` that wait for their dependents."""
    found = []
    for ref in refs:
        owner, info = _owner(read, ref, dependent), read.resources.of_reference(ref)
        if owner is not None and info is not None and _deletes_dependents(owner):
            found.append(_item(info, owner))
    return found


CONTROLLER = Controller(
    name="garbage-collector-controller",
    resource="",
    reconcile=reconcile,
    everything=keys,
    workers=20,
)
