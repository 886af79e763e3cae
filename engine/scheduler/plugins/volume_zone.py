"""Volumes with zone or region labels are used from there (plugins/volumezone)."""

from typing import Any

from engine.base.objects import labels_of
from engine.scheduler.framework import CLAIM_CHANGED, CLASS_CHANGED, NODE_EVENTS, VOLUME_CHANGED, Plugin, Rejection, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo
from engine.scheduler.volumes import claim_names, claims_of

NAME = "VolumeZone"
LABELS = (
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
)
SEPARATOR = "__"
"""Between the zones of one label (cloud-provider/volume/helpers/zones.go)."""
REJECTION = Rejection(NAME, ("node(s) had no available volume zone",), unresolvable=True)


def prepare(pod: PodInfo, around: Surroundings) -> list[tuple[str, frozenset[str]]] | None:
    """(label, values that will do) of the pod's bound volumes; nothing to say where none has such labels."""
    if not claim_names(pod):
        return None
    found = [
        (label, frozenset(labels_of(volume)[label].split(SEPARATOR)))
        for volume in claims_of(pod, around.lookup).volumes
        for label in LABELS
        if label in labels_of(volume)
    ]
    return found or None


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject nodes of other zones; a node without any zone label is not asked."""
    if not any(label in node.labels for label in LABELS):
        return None
    return None if all(node.labels.get(label) in values for label, values in state) else REJECTION


PLUGIN = Plugin(NAME, order=105, prepare=prepare, filter=judge, events=NODE_EVENTS | {CLAIM_CHANGED, VOLUME_CHANGED, CLASS_CHANGED})
