"""spec.nodeName names the only node (plugins/nodename)."""

from typing import Any

from engine.scheduler.framework import NODE_EVENTS, Plugin, Rejection, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "NodeName"
REJECTION = Rejection(NAME, ("node(s) didn't match the requested node name",), unresolvable=True)


def prepare(pod: PodInfo, around: Surroundings) -> str | None:
    """Nothing to say about pods that ask for no node by name."""
    return pod.node_name or None


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject all other nodes."""
    return None if node.name == state else REJECTION


PLUGIN = Plugin(NAME, order=20, prepare=prepare, filter=judge, events=NODE_EVENTS)
