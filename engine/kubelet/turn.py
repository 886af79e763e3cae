"""One step in the making: the pod's parts while they change, and the effects so far. Never outlives the step."""

from engine.kubelet.effects import Effect
from engine.kubelet.plan import PodPlan
from engine.kubelet.podstate import ContainerState, PodState


class Turn:
    """`state` holds everything but the containers, which are in `containers` until `done`."""

    __slots__ = ("containers", "effects", "now", "state")

    def __init__(self, state: PodState, now: float) -> None:
        self.state = state
        self.containers = list(state.containers)
        self.now = now
        self.effects: list[Effect] = []

    @property
    def plan(self) -> PodPlan:
        """What the spec asks for."""
        return self.state.plan

    def done(self) -> PodState:
        """The state that the step leads to; the same parts where nothing changed."""
        containers = tuple(self.containers)
        if containers == self.state.containers:
            return self.state
        return self.state._replace(containers=containers)

    def change(self, i: int, container: ContainerState) -> None:
        """Replace a container's state."""
        self.containers[i] = container
