"""The pods of all nodes of a fleet: inputs in order, effects done, statuses written behind."""

from collections import deque
from collections.abc import Callable
from typing import Any, cast

from engine.base.objects import Obj, uid_of
from engine.base.world import World
from engine.kubelet import effects, step
from engine.kubelet.effects import Effect, RuntimeEffect
from engine.kubelet.inputs import Input, PodRemoved, Timer
from engine.kubelet.plan import PodPlan
from engine.kubelet.podstate import PodState
from engine.kubelet.runtime import Runtime
from engine.kubelet.timers import Timers


class PodEntry:
    """A pod that a node of ours has: its state, and what is still to be written of it."""

    __slots__ = ("counted", "delete", "dirty", "node", "state", "writing")

    def __init__(self, node: str, state: PodState) -> None:
        self.node, self.state = node, state
        self.counted: PodPlan | None = None
        """What the node's admission counts for it."""
        self.dirty = False
        self.delete = False
        self.writing = False


class Pods:
    """`feed` steps a pod and does what follows until nothing follows at once.

    What a pod wants of the world outside its runtime goes to the callbacks: `wrote` (something is to be written), `resolve`
    (look up its references), `emit` (record an event), `finished` (its containers have all stopped).
    """

    def __init__(self, world: World, runtime: Runtime) -> None:
        self.entries: dict[str, PodEntry] = {}
        self.timers = Timers(world)
        self.wrote: Callable[[str, PodEntry], None] = _nowhere
        self.resolve: Callable[[str, PodEntry], None] = _nowhere
        self.emit: Callable[[PodEntry, effects.EmitEvent], None] = _nowhere
        self.finished: Callable[[str, PodEntry], None] = _nowhere
        self._runtime = runtime
        self._inbox: deque[tuple[str, Input]] = deque()
        self._draining = False
        runtime.start(self.feed)

    def add(self, node: str, state: PodState) -> PodEntry:
        """A pod begins here."""
        entry = self.entries[state.uid] = PodEntry(node, state)
        return entry

    def feed(self, uid: str, news: Input) -> None:
        """Something happened to a pod; pods that are not known are none of ours any more."""
        self._inbox.append((uid, news))
        if self._draining:
            return
        self._draining = True
        try:
            while self._inbox:
                self._handle(*self._inbox.popleft())
        finally:
            self._draining = False

    def _handle(self, uid: str, news: Input) -> None:
        entry = self.entries.get(uid)
        if entry is None:
            return
        was_finished = entry.state.finished
        entry.state, wanted = step.step(entry.state, news, self.timers.read())
        for effect in wanted:
            self._do(uid, entry, effect)
        if entry.state.finished and not was_finished:
            self.finished(uid, entry)
        if entry.state.finished and entry.state.removed:
            self.entries.pop(uid, None)

    def _do(self, uid: str, entry: PodEntry, effect: Effect) -> None:
        do = _OWN.get(type(effect))
        if do is not None:
            do(self, uid, entry, effect)
        else:
            self._runtime.apply(entry.node, entry.state, cast(RuntimeEffect, effect))

    def _patch(self, uid: str, entry: PodEntry, effect: effects.PatchStatus) -> None:
        if not entry.dirty:
            entry.dirty = True
            self.wrote(uid, entry)

    def _set_timer(self, uid: str, entry: PodEntry, effect: effects.SetTimer) -> None:
        self.timers.at(effect.at, self._timer, uid, effect.at)

    def _record(self, uid: str, entry: PodEntry, effect: effects.EmitEvent) -> None:
        self.emit(entry, effect)

    def _delete(self, uid: str, entry: PodEntry, effect: effects.DeletePod) -> None:
        entry.delete = True
        self.wrote(uid, entry)

    def _look_up(self, uid: str, entry: PodEntry, effect: effects.Resolve) -> None:
        self.resolve(uid, entry)

    def _timer(self, uid: str, at: float) -> None:
        entry = self.entries.get(uid)
        if entry is not None and entry.state.timer == at:
            self.feed(uid, Timer())

    def take_version(self, uid: str, pod: Obj) -> None:
        """Our own write gave the pod a new version, which changes nothing else."""
        entry = self.entries.get(uid)
        if entry is not None:
            entry.state = entry.state._replace(pod=pod)

    def remove(self, pod: Obj) -> None:
        """The pod is gone from the API."""
        self.feed(uid_of(pod), PodRemoved())

    def lose(self, uid: str) -> None:
        """The pod's node is dead: nothing of the pod is left, and nobody is told."""
        entry = self.entries.pop(uid, None)
        if entry is not None:
            self._runtime.lose(entry.node, uid)

    def close(self) -> None:
        """Forget all timers."""
        self.timers.close()


def _nowhere(*about: object) -> None:
    raise RuntimeError("the fleet has not started")


_OWN: dict[type[Any], Callable[[Pods, str, PodEntry, Any], None]] = {
    effects.PatchStatus: Pods._patch,
    effects.SetTimer: Pods._set_timer,
    effects.EmitEvent: Pods._record,
    effects.DeletePod: Pods._delete,
    effects.Resolve: Pods._look_up,
}
"""What the kubelet does itself; the rest is the runtime's."""
