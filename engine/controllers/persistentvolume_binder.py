"""Claims and volumes find each other, and volumes are made and deleted (pkg/controller/volume/persistentvolume/pv_controller.go).

Keys with a namespace are claims, those without are volumes. Every provisioner is played by the simulated disk.
"""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj, annotations_of, is_terminating, labels_of, name_of, namespace_of, uid_of
from engine.control.actions import Action, Actions, Create, Delete, Emit, Key, Patch
from engine.control.controller import Controller, Watch
from engine.control.mappers import when
from engine.control.read import Read
from engine.control.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    CLAIMS,
    CLASSES,
    NO_PROVISIONER,
    PROVISIONED_BY,
    SELECTED_NODE,
    VOLUMES,
    best_match,
    capacity,
    claim_names,
    claim_values,
    class_of,
    is_meant_for,
    mismatch,
    requested,
    waits_for_consumer,
)

RESYNC_S = 15.0
"""--pvclaimbinder-sync-period."""
ZONE = "topology.kubernetes.io/zone"
DRIVER = "disk.sim.ktui.dev"
_BY_CLAIM = "binder/claim"
_BY_PODS_CLAIM = "binder/pod-claims"
PROVISIONER_ANNOTATIONS = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
_EXTERNAL = (
    "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system administrator. "
    "If volume creation is delayed, please verify that the provisioner is running and correctly registered."
)
_LOST_REFERENCE = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
_LOST = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
_MISBOUND = "Two claims are bound to the same volume, this one is bound incorrectly"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Bind a claim, or give it a volume; keep a volume's phase, and reclaim it."""
    if not key.namespace:
        volume = read.get(VOLUMES, "", key.name)
        return _sync_volume(volume, read) if volume is not None else []
    claim = read.get(CLAIMS, key.namespace, key.name)
    if claim is None:
        return []
    return _sync_bound(claim, read) if BIND_COMPLETED in annotations_of(claim) else _sync_unbound(claim, read)


def _sync_bound(claim: Obj, read: Read) -> Actions:
    name = claim["spec"].get("volumeName")
    if not name:
        return _lose(claim, "ClaimLost", _LOST_REFERENCE)
    volume = read.get(VOLUMES, "", name)
    if volume is None:
        return _lose(claim, "ClaimLost", _LOST)
    ref = volume["spec"].get("claimRef")
    if ref is None or ref.get("uid") == uid_of(claim):
        return _bind(volume, claim)
    return _lose(claim, "ClaimMisbound", _MISBOUND)


def _lose(claim: Obj, reason: str, message: str) -> Actions:
    if (claim.get("status") or {}).get("phase") == "Lost":
        return []
    return [*_claim_status(claim, {"phase": "Lost"}), Emit(claim, "Warning", reason, message)]


def _sync_unbound(claim: Obj, read: Read) -> Actions:
    pending = _claim_status(claim, {"phase": "Pending"})
    name = claim["spec"].get("volumeName")
    if not name:
        return _find_volume(claim, read, pending)
    volume = read.get(VOLUMES, "", name)
    if volume is None:
        return pending
    if volume["spec"].get("claimRef") is None:
        why = mismatch(volume, claim)
        if why:
            return [Emit(claim, "Warning", "VolumeMismatch", f'Cannot bind to requested volume "{name}": {why}'), *pending]
        return _bind(volume, claim)
    if is_meant_for(volume, claim):
        return _bind(volume, claim)
    return [Emit(claim, "Warning", "FailedBinding", f'volume "{name}" already bound to a different claim.'), *pending]


def _find_volume(claim: Obj, read: Read, pending: list[Action]) -> Actions:
    """A volume that is there, a new one, or what the claim waits for."""
    class_name = class_of(claim)
    storage_class = read.get(CLASSES, "", class_name) if class_name else None
    selected = annotations_of(claim).get(SELECTED_NODE)
    waiting = waits_for_consumer(storage_class) and not selected
    node = read.get("nodes", "", selected) if selected and waits_for_consumer(storage_class) else None
    volume = best_match(read[VOLUMES], claim, node, waiting)
    if volume is not None:
        return _bind(volume, claim)
    if waiting:
        return [_waits(claim, read), *pending]
    if class_name:
        return [*_provision(claim, class_name, storage_class, node, bool(selected)), *pending]
    message = "no persistent volumes available for this claim and no storage class is set"
    return [Emit(claim, "Normal", "FailedBinding", message), *pending]


def _waits(claim: Obj, read: Read) -> Emit:
    """emitEventForUnboundDelayBindingClaim."""
    pods = read["pods"].by_index(_BY_PODS_CLAIM, f"{namespace_of(claim)}/{name_of(claim)}")
    names = [name_of(pod) for pod in pods if not pod["spec"].get("nodeName")]
    if not names:
        return Emit(claim, "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
    shown = f"pod {names[0]}" if len(names) == 1 else f"pods {','.join(names)}"
    return Emit(claim, "Normal", "WaitForPodScheduled", f"waiting for {shown} to be scheduled")


def _bind(volume: Obj, claim: Obj) -> list[Action]:
    """Volume to claim, then claim to volume, with the status of both; what is so already is not written."""
    found: list[Action] = []
    ref = volume["spec"].get("claimRef")
    if ref is None or ref.get("uid") != uid_of(claim):
        metadata = {"uid": uid_of(volume), "resourceVersion": volume["metadata"]["resourceVersion"]}
        if ref is None:
            metadata = {**metadata, "annotations": {BOUND_BY_CONTROLLER: "yes"}}
        found.append(Patch(VOLUMES, "", name_of(volume), {"metadata": metadata, "spec": {"claimRef": _reference(claim)}}))
    found += _volume_phase(volume, "Bound")
    annotations = annotations_of(claim)
    wanted = {BIND_COMPLETED: "yes"}
    if claim["spec"].get("volumeName") != name_of(volume):
        wanted[BOUND_BY_CONTROLLER] = "yes"
    if claim["spec"].get("volumeName") != name_of(volume) or BIND_COMPLETED not in annotations:
        patch = {"metadata": {"uid": uid_of(claim), "annotations": wanted}, "spec": {"volumeName": name_of(volume)}}
        found.append(Patch(CLAIMS, namespace_of(claim), name_of(claim), patch))
    status = {"phase": "Bound", "accessModes": volume["spec"].get("accessModes")}
    if not (claim.get("status") or {}).get("capacity"):
        status["capacity"] = {"storage": capacity(volume)}
    return [*found, *_claim_status(claim, status)]


def _reference(claim: Obj) -> Obj:
    metadata = claim["metadata"]
    return {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "resourceVersion": metadata.get("resourceVersion"),
    }


def _claim_status(claim: Obj, wanted: Obj) -> list[Action]:
    status = claim.get("status") or {}
    if all(status.get(field) == value for field, value in wanted.items()):
        return []
    return [Patch.status(CLAIMS, claim, wanted)]


def _volume_phase(volume: Obj, phase: str, message: str = "") -> list[Action]:
    status = volume.get("status") or {}
    if status.get("phase") == phase and (status.get("message") or "") == message:
        return []
    return [Patch.status(VOLUMES, volume, {"phase": phase, "message": message or None})]


def _provision(claim: Obj, class_name: str, storage_class: Obj | None, node: Obj | None, selected: bool) -> list[Action]:
    """Make a volume for a claim of its class, as an external provisioner does (provisionClaim)."""
    if is_terminating(claim):
        return []
    if storage_class is None:
        message = f'storageclass.storage.k8s.io "{class_name}" not found'
        return [Emit(claim, "Warning", "ProvisioningFailed", message)]
    if storage_class["provisioner"] == NO_PROVISIONER:
        return []
    if selected and waits_for_consumer(storage_class) and node is None:
        patch = {"metadata": {"uid": uid_of(claim), "annotations": {SELECTED_NODE: None}}}
        return [Patch(CLAIMS, namespace_of(claim), name_of(claim), patch)]
    provisioner: str = storage_class["provisioner"]
    annotated = annotations_of(claim)
    missing = {name: provisioner for name in PROVISIONER_ANNOTATIONS if annotated.get(name) != provisioner}
    patch = {"metadata": {"uid": uid_of(claim), "annotations": missing}}
    marks: list[Action] = [Patch(CLAIMS, namespace_of(claim), name_of(claim), patch)] if missing else []
    volume = _new_volume(claim, storage_class, node)
    told = f'External provisioner is provisioning volume for claim "{namespace_of(claim)}/{name_of(claim)}"'
    return [
        *marks,
        Emit(claim, "Normal", "ExternalProvisioning", _EXTERNAL.format(provisioner)),
        Emit(claim, "Normal", "Provisioning", told),
        Create(VOLUMES, volume, ignore_exists=True),
        Emit(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name_of(volume)}"),
    ]


def _new_volume(claim: Obj, storage_class: Obj, node: Obj | None) -> Obj:
    name = f"pvc-{uid_of(claim)}"
    spec: dict[str, Any] = {
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": requested(claim)},
        "claimRef": _reference(claim),
        "csi": {"driver": DRIVER, "volumeHandle": name},
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
        "storageClassName": name_of(storage_class),
        "volumeMode": claim["spec"].get("volumeMode") or "Filesystem",
    }
    if storage_class.get("mountOptions"):
        spec["mountOptions"] = storage_class["mountOptions"]
    terms = _topology(storage_class, node)
    if terms:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    metadata = {"name": name, "annotations": {PROVISIONED_BY: storage_class["provisioner"]}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _topology(storage_class: Obj, node: Obj | None) -> list[Obj]:
    """Where a disk can be used from: the zone of the chosen node, else where its class allows."""
    zone = labels_of(node).get(ZONE) if node is not None else None
    if zone:
        return [{"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}]
    if node is not None:
        return []
    allowed = [t.get("matchLabelExpressions") or () for t in storage_class.get("allowedTopologies") or ()]
    return [{"matchExpressions": [{"key": e["key"], "operator": "In", "values": e["values"]} for e in term]} for term in allowed if term]


def _sync_volume(volume: Obj, read: Read) -> Actions:
    ref = volume["spec"].get("claimRef")
    if ref is None or not ref.get("uid"):
        return _volume_phase(volume, "Available")
    claim = read.get(CLAIMS, ref.get("namespace") or "", ref["name"])
    if claim is None or uid_of(claim) != ref["uid"]:
        return _released(volume)
    named = claim["spec"].get("volumeName")
    if not named:
        return []
    if named == name_of(volume):
        return _volume_phase(volume, "Bound")
    if PROVISIONED_BY in annotations_of(volume) and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
        return _released(volume)
    return _unbind(volume)


def _released(volume: Obj) -> Actions:
    """The claim is gone: what the reclaim policy says (reclaimVolume)."""
    phase = (volume.get("status") or {}).get("phase")
    if phase == "Failed" or is_terminating(volume):
        return []
    actions = _volume_phase(volume, "Released")
    policy = volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain"
    if policy == "Recycle":
        return [*_unbind(volume), Emit(volume, "Normal", "VolumeRecycled", "Volume recycled")]
    if policy != "Delete":
        return actions
    why = _undeletable(volume)
    if why:
        return [*_volume_phase(volume, "Failed", why), Emit(volume, "Warning", "VolumeFailedDelete", why)]
    return [*actions, Delete(VOLUMES, "", name_of(volume), uid_of(volume))]


def _undeletable(volume: Obj) -> str:
    """Why nobody can delete what a volume stands for; empty where somebody can."""
    if PROVISIONED_BY in annotations_of(volume):
        return ""
    path = (volume["spec"].get("hostPath") or {}).get("path")
    if path is None:
        return f'error getting deleter volume plugin for volume "{name_of(volume)}": no deletable volume plugin matched'
    if path.startswith("/tmp/") and len(path) > len("/tmp/"):
        return ""
    return f"host_path deleter only supports /tmp/.+ but received provided {path}"


def _unbind(volume: Obj) -> list[Action]:
    """Take the claim out of a volume: all of it where the controller had put it in, else the uid (unbindVolume)."""
    metadata: dict[str, Any] = {"uid": uid_of(volume), "resourceVersion": volume["metadata"]["resourceVersion"]}
    if BOUND_BY_CONTROLLER in annotations_of(volume):
        patch = {"metadata": {**metadata, "annotations": {BOUND_BY_CONTROLLER: None}}, "spec": {"claimRef": None}}
    else:
        patch = {"metadata": metadata, "spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
    return [Patch(VOLUMES, "", name_of(volume), patch), *_volume_phase(volume, "Available")]


def _claim_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The claim, and the volume that it names; the regular look passes over claims that are bound."""
    if old is new and BIND_COMPLETED in annotations_of(new):
        return ()
    found = [Key(namespace_of(new), name_of(new))]
    if kind == "DELETED" or old is not new:
        found += [Key("", name_of(v)) for v in read[VOLUMES].by_index(_BY_CLAIM, f"{namespace_of(new)}/{name_of(new)}")]
    return found


def _volume_claim(volume: Obj) -> tuple[str, ...]:
    ref = (volume.get("spec") or {}).get("claimRef")
    return (f"{ref.get('namespace') or ''}/{ref['name']}",) if ref is not None else ()


def _volume_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The volume, its claim, and for one that is free all claims that wait for one."""
    found = [Key("", name_of(new))] if kind != "DELETED" else []
    ref = new["spec"].get("claimRef")
    if ref is not None:
        return [*found, Key(ref.get("namespace") or "", ref["name"])]
    if kind == "DELETED" or (old is not None and old["spec"] == new["spec"] and old.get("status") == new.get("status")):
        return found
    waiting = (c for c in read[CLAIMS] if BIND_COMPLETED not in annotations_of(c) and class_of(c) == class_of(new))
    return [*found, *(Key(namespace_of(c), name_of(c)) for c in waiting)]


def _class_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    waiting = (c for c in read[CLAIMS] if BIND_COMPLETED not in annotations_of(c) and class_of(c) == name_of(new))
    return [Key(namespace_of(c), name_of(c)) for c in waiting]


def _pod_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The claims of a new pod, which says what it waits for."""
    return [Key(namespace_of(new), name) for name in claim_names(new)]


CONTROLLER = Controller(
    name="persistentvolume-binder-controller",
    resource=CLAIMS,
    reconcile=reconcile,
    keys=_claim_keys,
    watches=(Watch(VOLUMES, _volume_keys), Watch(CLASSES, when(_class_keys, "ADDED")), Watch("pods", when(_pod_keys, "ADDED"))),
    reads=("nodes",),
    indexes={VOLUMES: {_BY_CLAIM: _volume_claim}, "pods": {_BY_PODS_CLAIM: claim_values}},
    workers=1,
    resync_s=RESYNC_S,
    component="persistentvolume-controller",
)
