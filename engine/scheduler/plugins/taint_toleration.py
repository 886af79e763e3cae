"""Tainted nodes take only pods that tolerate the taints (plugins/tainttoleration)."""

from typing import Any

from engine.base.taints import untolerated
from engine.scheduler.framework import NODE_EVENTS, Plugin, Rejection, Surroundings, default_normalize
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "TaintToleration"
REJECTION = Rejection(NAME, ("node(s) had untolerated taint(s)",), unresolvable=True)


def prepare(pod: PodInfo, around: Surroundings) -> list[Any]:
    """The tolerations, and those of them that count for PreferNoSchedule."""
    tolerations = pod.spec.get("tolerations") or []
    return [tolerations, [t for t in tolerations if (t.get("effect") or "PreferNoSchedule") == "PreferNoSchedule"]]


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject a node with a NoSchedule or NoExecute taint that is not tolerated."""
    if not node.taints or untolerated(node.taints, state[0], ("NoSchedule", "NoExecute")) is None:
        return None
    return REJECTION


def score(state: Any, pod: PodInfo, node: NodeInfo) -> int:
    """How many PreferNoSchedule taints are not tolerated; fewer are better."""
    if not node.taints:
        return 0
    return sum(untolerated([taint], state[1], ("PreferNoSchedule",)) is not None for taint in node.taints)


def normalize(scores: list[int]) -> list[int]:
    """Reversed."""
    return default_normalize(scores, reverse=True)


PLUGIN = Plugin(NAME, order=30, prepare=prepare, filter=judge, score=score, normalize=normalize, weight=3, events=NODE_EVENTS)
