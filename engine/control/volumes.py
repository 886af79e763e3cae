"""What claims and volumes say of each other (component-helpers/storage/volume, pkg/controller/volume/persistentvolume/index.go)."""

from collections.abc import Iterable, Sequence

from engine.base import quantity
from engine.base.node_selection import term_of
from engine.base.objects import Obj, annotations_of, is_terminating, labels_of, name_of, namespace_of, uid_of
from engine.control.selection import label_selector

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
WAIT = "WaitForFirstConsumer"


def class_of(obj: Obj) -> str:
    """The storage class of a claim or a volume; the annotation of old comes first (GetPersistentVolumeClaimClass)."""
    annotated = annotations_of(obj).get(CLASS_ANNOTATION)
    return annotated if annotated is not None else obj["spec"].get("storageClassName") or ""


def waits_for_consumer(storage_class: Obj | None) -> bool:
    """Whether claims of a class are bound only when a pod has a node (IsDelayBindingMode)."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == WAIT


def claim_names(pod: Obj) -> Sequence[str]:
    """The claims that a pod uses; that of an ephemeral volume is named after pod and volume."""
    found = []
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            found.append(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral"):
            found.append(f"{name_of(pod)}-{volume['name']}")
    return found


def claim_values(pod: Obj) -> Sequence[str]:
    """Index of pods: `namespace/claim` of each claim they use."""
    return [f"{namespace_of(pod)}/{name}" for name in claim_names(pod)]


def is_meant_for(volume: Obj, claim: Obj) -> bool:
    """Whether a volume is bound to, or reserved for, this very claim (IsVolumeBoundToClaim)."""
    ref = volume["spec"].get("claimRef")
    if ref is None or ref.get("name") != name_of(claim) or ref.get("namespace") != namespace_of(claim):
        return False
    return not ref.get("uid") or ref["uid"] == uid_of(claim)


def _mode(obj: Obj) -> str:
    mode: str = obj["spec"].get("volumeMode") or "Filesystem"
    return mode


def requested(claim: Obj) -> str:
    """The storage a claim asks for."""
    text: str = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage") or "0"
    return text


def capacity(volume: Obj) -> str:
    """The storage a volume has."""
    text: str = (volume["spec"].get("capacity") or {}).get("storage") or "0"
    return text


def mismatch(volume: Obj, claim: Obj) -> str:
    """Why a volume that the claim names cannot be bound to it; empty where it can (checkVolumeSatisfyClaim)."""
    if quantity.parse(capacity(volume)) < quantity.parse(requested(claim)):
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if _mode(volume) != _mode(claim):
        return "incompatible volumeMode"
    if not set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ()):
        return "incompatible accessMode"
    return ""


def reaches(volume: Obj, node: Obj) -> bool:
    """Whether a volume can be used on a node."""
    required = ((volume["spec"].get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms")
    return not required or any(term_of(term).match(labels_of(node), name_of(node)) for term in required)


def best_match(volumes: Iterable[Obj], claim: Obj, node: Obj | None, only_reserved: bool) -> Obj | None:
    """The volume for a claim: one reserved for it, else the smallest that fits, on `node` where one is chosen (FindMatchingVolume).

    `only_reserved`: the claim waits for a pod, so only a volume that is reserved for it will do.
    """
    smallest: Obj | None = None
    selector = label_selector(claim["spec"].get("selector")) if claim["spec"].get("selector") else None
    for volume in sorted(volumes, key=lambda v: (quantity.parse(capacity(v)), name_of(v))):
        if is_terminating(volume) or mismatch(volume, claim):
            continue
        if volume["spec"].get("claimRef") is not None:
            if is_meant_for(volume, claim):
                return volume
            continue
        if smallest is not None or only_reserved or (volume.get("status") or {}).get("phase") not in ("Available", None):
            continue
        if (selector is None or selector.matches(labels_of(volume))) and (node is None or reaches(volume, node)):
            smallest = volume
    return smallest
