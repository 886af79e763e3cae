"""What a container runtime offers the kubelet: the simulated one, processes of this machine, Docker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from engine.base.api import Stream
from engine.base.world import World
from engine.kubelet.effects import RuntimeEffect
from engine.kubelet.inputs import Input
from engine.kubelet.podstate import Image, PodState

Deliver = Callable[[str, Input], None]
"""(pod uid, what happened); may be called from within `Runtime.apply`."""


class Usage(NamedTuple):
    """What a container uses now: thousandths of a core, bytes of working set."""

    cpu_milli: float
    memory_bytes: int


class NodeNetwork(NamedTuple):
    """A node as its runtime knows it."""

    name: str
    host_ips: tuple[str, ...]
    pod_cidr: str


class Runtime(Protocol):
    """Runs the containers of any number of nodes. No method blocks; what takes time is delivered later."""

    version: str
    """`containerd://2.1.4`: the node's containerRuntimeVersion; container ids start with the part before the version."""

    def start(self, deliver: Deliver) -> None:
        """Where news go from now on."""

    def join(self, node: NodeNetwork) -> None:
        """A node begins to use this runtime; before any pod of it."""

    def apply(self, node: str, state: PodState, effect: RuntimeEffect) -> None:
        """Do what a pod's step asks for."""

    def update(self, node: str, state: PodState) -> str:
        """The annotations of a running pod changed (they may turn the simulation's knobs); says what cannot be read of them."""

    def lose(self, node: str, uid: str) -> None:
        """The pod's containers are dead at once and silently: its node lost power, or the pod is forgotten."""

    def usage(self, state: PodState, container: int, now: float) -> Usage:
        """What a container uses at a time; pure."""

    def logs(self, state: PodState, container: int, options: Mapping[str, str]) -> Stream:
        """Output of a container (bytes) by the query parameters of `pods/log`; goes on until the container ends where it is followed.

        Raises:
            StatusError: 400, an option makes no sense, or there is no such instance.
        """

    def images(self, node: str) -> list[tuple[Image, int]]:
        """The images that are on a node, with their sizes in bytes."""

    def close(self) -> None:
        """Stop all timers and processes that this runtime holds."""


@dataclass(frozen=True, slots=True)
class RuntimeKind:
    """A runtime that can be chosen by name: what modules of `engine.kubelet.runtimes` export as RUNTIME."""

    name: str
    make: Callable[[World], Runtime]
