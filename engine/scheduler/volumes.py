"""The claims of a pod, as scheduling sees them (plugins/volumebinding/binder.go)."""

from collections.abc import Callable
from typing import NamedTuple

from engine.base.objects import Obj, annotations_of, dig, is_terminating
from engine.scheduler.framework import Unschedulable
from engine.scheduler.pods import PodInfo

PLUGIN_NAME = "VolumeBinding"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_TIMEOUT_S = 600.0

Lookup = Callable[[str, str, str], Obj | None]


class Claims(NamedTuple):
    """Volumes that are bound, and claims that wait for the pod's node."""

    volumes: list[Obj]
    waiting: list[Obj]


def claim_names(pod: PodInfo) -> list[str]:
    """The claims that a pod mounts; an ephemeral volume's claim is named after the pod and the volume."""
    names = []
    for volume in pod.spec.get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral"):
            names.append(f"{pod.name}-{volume['name']}")
    return names


def is_bound(claim: Obj) -> bool:
    """Whether a claim is fully bound to a volume."""
    return bool(dig(claim, "spec", "volumeName")) and BIND_COMPLETED in annotations_of(claim)


def claims_of(pod: PodInfo, lookup: Lookup) -> Claims:
    """Look up all claims of a pod.

    Raises:
        Unschedulable: a claim is missing, being deleted, lost, or waits for no pod and is not bound.
    """
    found = Claims([], [])
    for name in claim_names(pod):
        claim = lookup("persistentvolumeclaims", pod.namespace, name)
        if claim is None:
            raise Unschedulable(PLUGIN_NAME, f'persistentvolumeclaim "{name}" not found')
        if is_terminating(claim):
            raise Unschedulable(PLUGIN_NAME, f'persistentvolumeclaim "{name}" is being deleted')
        if dig(claim, "status", "phase") == "Lost":
            raise Unschedulable(
                PLUGIN_NAME, f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{dig(claim, "spec", "volumeName")}"'
            )
        if is_bound(claim):
            volume = lookup("persistentvolumes", "", claim["spec"]["volumeName"])
            if volume is not None:
                found.volumes.append(volume)
        elif waits_for_consumer(claim, lookup):
            found.waiting.append(claim)
        else:
            raise Unschedulable(PLUGIN_NAME, "pod has unbound immediate PersistentVolumeClaims")
    return found


def waits_for_consumer(claim: Obj, lookup: Lookup) -> bool:
    """Whether a claim's class binds when a pod has a node; a claim that is half bound already does not wait."""
    storage_class = lookup("storageclasses.storage.k8s.io", "", dig(claim, "spec", "storageClassName", default=""))
    return (
        storage_class is not None
        and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
        and not dig(claim, "spec", "volumeName")
    )
