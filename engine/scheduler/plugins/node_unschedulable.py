"""Cordoned nodes take only pods that tolerate it (plugins/nodeunschedulable)."""

from typing import Any

from engine.base.taints import tolerates
from engine.scheduler.framework import NODE_EVENTS, Plugin, Rejection
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "NodeUnschedulable"
UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
REJECTION = Rejection(NAME, ("node(s) were unschedulable",), unresolvable=True)


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject a cordoned node."""
    if not node.unschedulable or tolerates(pod.spec.get("tolerations") or (), UNSCHEDULABLE_TAINT):
        return None
    return REJECTION


PLUGIN = Plugin(NAME, order=10, filter=judge, events=NODE_EVENTS)
