"""Bound claims that ask for more get more, where their class allows it (pkg/controller/volume/expand; resizing by the simulated disk)."""

from collections.abc import Iterable

from engine.base import quantity
from engine.base.objects import Obj, name_of, namespace_of, uid_of
from engine.control.actions import Action, Actions, Emit, Key, Patch
from engine.control.controller import Controller
from engine.control.read import Read
from engine.control.volumes import CLAIMS, CLASSES, VOLUMES, capacity, class_of, requested


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Grow the volume, then say so in the claim's status."""
    claim = read.get(CLAIMS, key.namespace, key.name)
    if claim is None or not _asks_for_more(claim):
        return []
    volume = read.get(VOLUMES, "", claim["spec"].get("volumeName") or "")
    storage_class = read.get(CLASSES, "", class_of(claim))
    if volume is None or storage_class is None or not storage_class.get("allowVolumeExpansion"):
        return []
    if (volume["spec"].get("claimRef") or {}).get("uid") != uid_of(claim):
        return []
    wanted = requested(claim)
    actions: list[Action] = []
    if quantity.parse(capacity(volume)) < quantity.parse(wanted):
        actions.append(Emit(claim, "Normal", "Resizing", f"External resizer is resizing volume {name_of(volume)}"))
        grown = {"metadata": {"uid": uid_of(volume)}, "spec": {"capacity": {"storage": wanted}}}
        actions.append(Patch(VOLUMES, "", name_of(volume), grown))
    status = {"metadata": {"uid": uid_of(claim)}, "status": {"capacity": {"storage": wanted}}}
    actions.append(Patch(CLAIMS, namespace_of(claim), name_of(claim), status, "status"))
    return [*actions, Emit(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded")]


def _asks_for_more(claim: Obj) -> bool:
    status = claim.get("status") or {}
    has = (status.get("capacity") or {}).get("storage")
    return status.get("phase") == "Bound" and has is not None and quantity.parse(requested(claim)) > quantity.parse(has)


def _keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    return (Key(namespace_of(new), name_of(new)),) if kind != "DELETED" and _asks_for_more(new) else ()


CONTROLLER = Controller(
    name="persistentvolume-expander-controller",
    resource=CLAIMS,
    reconcile=reconcile,
    keys=_keys,
    reads=(VOLUMES, CLASSES),
    component="volume_expand",
)
