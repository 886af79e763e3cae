"""Host ports are free (plugins/nodeports; framework/types.go HostPortInfo)."""

from typing import Any

from engine.scheduler.framework import NODE_EVENTS, POD_GONE, Plugin, Rejection, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "NodePorts"
ANY_ADDRESS = "0.0.0.0"
REJECTION = Rejection(NAME, ("node(s) didn't have free ports for the requested pod ports",))


def prepare(pod: PodInfo, around: Surroundings) -> tuple[tuple[str, str, int], ...] | None:
    """Nothing to say about pods without host ports."""
    return pod.shape.host_ports or None


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject a node where a port is taken; 0.0.0.0 conflicts with every address."""
    for address, protocol, port in state:
        for taken_address, taken_protocol, taken_port in node.ports:
            if (taken_protocol, taken_port) == (protocol, port) and (address == taken_address or ANY_ADDRESS in (address, taken_address)):
                return REJECTION
    return None


PLUGIN = Plugin(NAME, order=50, prepare=prepare, filter=judge, events=NODE_EVENTS | {POD_GONE})
