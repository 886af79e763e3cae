"""Requests fit into what is left of the node; the least allocated node scores best (plugins/noderesources/fit.go, least_allocated.go)."""

from typing import Any

from engine.scheduler.framework import MAX_NODE_SCORE, NODE_EVENTS, POD_GONE, Plugin, Rejection
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import CPU, MEMORY, PodInfo

NAME = "NodeResourcesFit"
ORDINARY = (CPU, MEMORY, "ephemeral-storage")


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject a node with too many pods or too little left; pods without requests are only counted."""
    requests = pod.shape.requests
    free_slots = len(node.pods) + 1 <= node.pods_max
    allocatable, requested = node.allocatable, node.requested
    short = [name for name, value in requests.items() if value > allocatable.get(name, 0) - requested.get(name, 0)]
    if free_slots and not short:
        return None
    reasons = [] if free_slots else ["Too many pods"]
    reasons += [f"Insufficient {name}" for name in ORDINARY if name in short]
    reasons += [f"Insufficient {name}" for name in sorted(short) if name not in ORDINARY]
    unresolvable = any(requests[name] > allocatable.get(name, 0) for name in short)
    return Rejection(NAME, tuple(reasons), unresolvable)


def score(state: Any, pod: PodInfo, node: NodeInfo) -> int:
    """LeastAllocated: the mean over cpu and memory of what would stay free, in percent; containers without requests count by default."""
    shape = pod.shape
    total = count = 0
    for name, asked in ((CPU, node.nonzero_cpu + shape.nonzero_cpu), (MEMORY, node.nonzero_memory + shape.nonzero_memory)):
        capacity = node.allocatable.get(name, 0)
        if capacity:
            count += 1
            if asked <= capacity:
                total += (capacity - asked) * MAX_NODE_SCORE // capacity
    return total // count if count else 0


PLUGIN = Plugin(NAME, order=60, filter=judge, score=score, weight=1, events=NODE_EVENTS | {POD_GONE})
