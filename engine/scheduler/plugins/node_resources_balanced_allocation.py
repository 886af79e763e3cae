"""Prefers nodes whose cpu and memory are used evenly (plugins/noderesources/balanced_allocation.go)."""

from typing import Any

from engine.scheduler.framework import MAX_NODE_SCORE, Plugin, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import CPU, MEMORY, PodInfo

NAME = "NodeResourcesBalancedAllocation"
HALF = MAX_NODE_SCORE / 2


def prepare(pod: PodInfo, around: Surroundings) -> tuple[int, int] | None:
    """Nothing to say about pods that request neither cpu nor memory."""
    requests = pod.shape.requests
    asked = requests.get(CPU, 0), requests.get(MEMORY, 0)
    return asked if any(asked) else None


def _evenness(cpu: float, memory: float) -> float:
    return (1 - abs(min(cpu, 1.0) - min(memory, 1.0)) / 2) * MAX_NODE_SCORE


def score(state: Any, pod: PodInfo, node: NodeInfo) -> int:
    """50 + (50 + evenness with the pod - evenness without) / 2, evenness = (1 - standard deviation of the used fractions) * 100."""
    cpu_capacity, memory_capacity = node.allocatable.get(CPU, 0), node.allocatable.get(MEMORY, 0)
    if not cpu_capacity or not memory_capacity:
        return int(HALF + HALF / 2)
    cpu, memory = node.requested.get(CPU, 0), node.requested.get(MEMORY, 0)
    without = _evenness(cpu / cpu_capacity, memory / memory_capacity)
    within = _evenness((cpu + state[0]) / cpu_capacity, (memory + state[1]) / memory_capacity)
    return int(HALF + (HALF + within - without) / 2)


PLUGIN = Plugin(NAME, order=130, prepare=prepare, score=score, weight=1)
