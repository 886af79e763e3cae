"""The claims of a pod, as scheduling sees them (plugins/volumebinding/binder.go)."""

from collections.abc import Callable
from typing import NamedTuple

from engine.base.objects import Obj, annotations_of, dig, is_terminating
from engine.control import volumes
from engine.control.volumes import BIND_COMPLETED, CLAIMS, CLASSES, VOLUMES
from engine.scheduler.framework import Unschedulable
from engine.scheduler.pods import PodInfo

PLUGIN_NAME = "VolumeBinding"
BIND_TIMEOUT_S = 600.0

Lookup = Callable[[str, str, str], Obj | None]


class Claims(NamedTuple):
    """Volumes that are bound, and claims that wait for the pod's node."""

    volumes: list[Obj]
    waiting: list[Obj]


def claim_names(pod: PodInfo) -> list[str]:
    """The claims that a pod mounts."""
    return [*volumes.claim_names(pod.obj)]


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
        claim = lookup(CLAIMS, pod.namespace, name)
        if claim is None:
            raise Unschedulable(PLUGIN_NAME, f'persistentvolumeclaim "{name}" not found')
        if is_terminating(claim):
            raise Unschedulable(PLUGIN_NAME, f'persistentvolumeclaim "{name}" is being deleted')
        volume_name = dig(claim, "spec", "volumeName")
        if dig(claim, "status", "phase") == "Lost":
            raise Unschedulable(PLUGIN_NAME, f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume_name}"')
        if is_bound(claim):
            volume = lookup(VOLUMES, "", volume_name)
            if volume is not None:
                found.volumes.append(volume)
        elif not volume_name and volumes.waits_for_consumer(lookup(CLASSES, "", volumes.class_of(claim))):
            found.waiting.append(claim)
        else:
            raise Unschedulable(PLUGIN_NAME, "pod has unbound immediate PersistentVolumeClaims")
    return found
