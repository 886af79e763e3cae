"""One pod stepped by hand, in virtual time that the test moves: what a table of behaviours needs and no more."""

from typing import Any

from engine.base.objects import Obj, frozen, merge
from engine.kubelet import effects, inputs, status
from engine.kubelet.effects import Effect, EmitEvent
from engine.kubelet.inputs import Input
from engine.kubelet.podstate import NEVER, Image, PodState
from engine.kubelet.step import new, step

START = 1_767_225_600.0
IMAGE = Image("docker.io/library/nginx:1.27", "docker.io/library/nginx@sha256:0")


def pod(*containers: Obj, init: tuple[Obj, ...] = (), metadata: Obj | None = None, **spec: Any) -> Obj:
    """A bound pod as the API returns it; a container is named `c` and has an image unless it says otherwise."""
    full = [{"name": "c", "image": "nginx:1.27", "resources": {}, **c} for c in containers or ({},)]
    wanted: dict[str, Any] = {"nodeName": "node-1", "containers": full, **spec}
    if init:
        wanted["initContainers"] = [{"image": "nginx:1.27", "resources": {}, **c} for c in init]
    about = {"name": "p", "namespace": "ns", "uid": "u", "generation": 1, "resourceVersion": "1", **(metadata or {})}
    made: Obj = frozen({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": wanted, "status": {"phase": "Pending"}})
    return made


class Driver:
    """Answers what a runtime would answer at once (network, image, start) unless told to `hold` it, and keeps all effects."""

    def __init__(self, obj: Obj, hold: tuple[type[Any], ...] = ()) -> None:
        self.now = START
        self.hold = hold
        self.state: PodState = new(obj, ("172.18.0.2",), self.now)
        self.effects: list[tuple[float, Effect]] = []
        self.problems: tuple[Any, ...] = ()
        self.probe_ok = True
        self.feed(inputs.PodUpdated(obj))

    def feed(self, *news: Input) -> None:
        """Step, and answer."""
        waiting = [*news]
        while waiting:
            self.state, found = step(self.state, waiting.pop(0), self.now)
            self.effects += ((self.now, effect) for effect in found)
            for effect in found:
                answer = None if isinstance(effect, self.hold) else self._answer(effect)
                if answer is not None:
                    waiting.append(answer)

    def _answer(self, effect: Effect) -> Input | None:
        if isinstance(effect, effects.PrepareSandbox):
            return inputs.SandboxReady(("10.244.0.2",))
        if isinstance(effect, effects.Resolve):
            return inputs.Resolved(self.problems)
        if isinstance(effect, effects.PullImage):
            return inputs.Pulled(effect.container, effect.instance, IMAGE)
        if isinstance(effect, effects.StartContainer):
            identity = f"containerd://{effect.container}-{effect.instance}"
            return inputs.Started(effect.container, effect.instance, identity, self.now)
        if isinstance(effect, effects.RunProbe):
            message = "" if self.probe_ok else "connection refused"
            return inputs.ProbeResult(effect.container, effect.instance, effect.probe.kind, self.probe_ok, message)
        return None

    def until(self, seconds: float) -> None:
        """Move to `seconds` after the start, with every timer on the way."""
        end = START + seconds
        assert seconds < NEVER, "no timer is set"
        while self.state.timer <= end:
            self.now = max(self.now, self.state.timer)
            self.feed(inputs.Timer())
        self.now = end

    def exit(self, name: str, code: int = 0, **more: Any) -> None:
        """The running instance of a container ends."""
        i = [c.name for c in self.state.plan.containers].index(name)
        self.feed(inputs.Exited(i, self.state.containers[i].instance, code, self.now, **more))

    def delete(self, grace_s: int = 30) -> None:
        """The API marks the pod for deletion."""
        marks = {"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": grace_s}
        obj = self.state.pod
        self.feed(inputs.PodUpdated(merge(obj, metadata={**obj["metadata"], **marks})))

    def status(self) -> Obj:
        """What the kubelet would write now; the pod takes it over, as it does from the API."""
        made = status.render(self.state, self.now)
        self.state = self.state._replace(pod=merge(self.state.pod, status=made))
        return made

    def of(self, kind: type[Any]) -> list[Any]:
        """The effects of a kind, in order."""
        return [effect for _, effect in self.effects if isinstance(effect, kind)]

    def at(self, kind: type[Any], **fields: Any) -> list[float]:
        """When effects of a kind with these fields came, in seconds since the start."""
        return [
            round(when - START, 3)
            for when, effect in self.effects
            if isinstance(effect, kind) and all(getattr(effect, name) == value for name, value in fields.items())
        ]

    def events(self, reason: str = "") -> list[str]:
        """`Reason: message` of the events so far, or the messages of one reason."""
        found = self.of(EmitEvent)
        return [e.message for e in found if e.reason == reason] if reason else [f"{e.reason}: {e.message}" for e in found]

    def container(self, name: str = "c") -> Obj:
        """A container's status."""
        made = self.status()
        every = (*made.get("initContainerStatuses", ()), *made["containerStatuses"], *made.get("ephemeralContainerStatuses", ()))
        found: Obj = next(c for c in every if c["name"] == name)
        return found

    def condition(self, kind: str) -> tuple[str, str, str]:
        """(status, reason, message) of a condition."""
        found = next(c for c in self.status()["conditions"] if c["type"] == kind)
        return found["status"], found.get("reason", ""), found.get("message", "")


__all__ = ["IMAGE", "NEVER", "START", "Driver", "pod"]
