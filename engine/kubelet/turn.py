"""One step in the making: the pod's parts while they change, and the effects so far. Never outlives the step."""

from engine.kubelet.effects import Effect
from engine.kubelet.podstate import ContainerState, PodState


class Turn:
    """`state` holds everything but the containers, which are in `containers` until `done`; `plan` is the spec's."""

    __slots__ = ("containers", "effects", "now", "plan", "state")

    def __init__(self, state: PodState, now: float) -> None:
        self.state = state
        self.plan = state.plan
        self.containers = list(state.containers)
        self.now = now
        self.effects: list[Effect] = []

    def done(self) -> PodState:
        """The state that the step leads to; the same parts where nothing changed."""
        containers = tuple(self.containers)
        if containers == self.state.containers:
            return self.state
        return self.state._replace(containers=containers)

    def change(self, i: int, container: ContainerState) -> None:
        """Replace a container's state."""
        self.containers[i] = container
