"""A claim of access mode ReadWriteOncePod has one pod in the whole cluster (plugins/volumerestrictions)."""

from typing import Any

from engine.control.volumes import CLAIMS
from engine.scheduler.framework import CLAIM_CHANGED, POD_GONE, Plugin, Rejection, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo
from engine.scheduler.volumes import claim_names

NAME = "VolumeRestrictions"
REJECTION = Rejection(NAME, ("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",))


def prepare(pod: PodInfo, around: Surroundings) -> dict[str, str] | None:
    """The pods that use such claims of the pod, by uid, with their nodes; nothing to say where there are none."""
    alone = set()
    for name in claim_names(pod):
        claim = around.lookup(CLAIMS, pod.namespace, name)
        if claim is not None and "ReadWriteOncePod" in (claim["spec"].get("accessModes") or ()):
            alone.add(name)
    if not alone:
        return None
    users = {
        other.uid: node.name
        for node in around.snapshot.nodes.values()
        for other in node.pods.values()
        if other.namespace == pod.namespace and not alone.isdisjoint(claim_names(other))
    }
    return users or None


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject every node while a claim is used; preemption may take it from a pod on the node."""
    used = any(home != node.name or uid in node.pods for uid, home in state.items())
    return REJECTION if used else None


PLUGIN = Plugin(NAME, order=70, prepare=prepare, filter=judge, events=frozenset((CLAIM_CHANGED, POD_GONE)))
