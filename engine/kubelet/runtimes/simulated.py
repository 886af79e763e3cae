"""The simulated container runtime: containers that behave as their image, command and annotations say, and cost almost nothing.

Annotations on pods, `sim.ktui.dev/<knob>` for all containers or `sim.ktui.dev/<knob>.<container>` for one:

| knob                  | value                            | what it does                                                        |
|-----------------------|----------------------------------|---------------------------------------------------------------------|
| pull-seconds          | seconds                          | how long the image takes to fetch (else 0.3 to 2 s by image and node) |
| pull-error            | text                             | the image cannot be fetched: ErrImagePull with this message         |
| start-seconds         | seconds                          | how long the container takes to start (else 0.1 to 0.4 s)           |
| run-seconds           | seconds                          | it ends by itself after this long                                   |
| exit-code             | number                           | the code with which it ends (after 2 s where it would run for ever) |
| crash-after-seconds   | seconds                          | it ends with exit-code, or 1                                        |
| ready-after-seconds   | seconds                          | it listens from then on: readiness and startup probes fail before   |
| liveness, readiness   | `fail`, `fail-after:<seconds>`   | these probes fail, from a time after the start on                   |
| startup               | `fail`                           | the startup probe fails                                             |
| hook-error            | text                             | postStart and preStop hooks fail                                    |
| ignore-term           | `true`                           | it takes no notice of TERM and must be killed                       |
| stop-seconds          | seconds                          | how long it takes to end after TERM (else 0.1 to 0.5 s)             |
| cpu                   | `250m`, `10m..2/60s`, `sine(100m..900m/300s)` | use of cores: constant, ramp, wave                     |
| memory                | the same with `10Mi..200Mi/60s`  | working set; beyond the limit it is OOMKilled, exit code 137        |
| log-every-seconds     | seconds                          | prints a line this often, instead of what it would print            |
| log-line              | text                             | that line                                                           |

Without annotations: an image that is known as a server runs until stopped; `sleep`, `echo`, `sh -c '...'` do what they say
(`engine/kubelet/simulation/scripts.py`); a shell image without a command ends at once; any other command runs for ever in a pod with
restartPolicy Always, and else for 4 seconds with exit code 0. Images fail to pull by annotation, by an invalid reference, and from
registries under `.invalid`. TERM ends servers with 0 and shells with 143.
"""

from collections.abc import Callable, Mapping
from typing import Any

from engine.base.api import Stream
from engine.base.world import World
from engine.kubelet import effects, inputs
from engine.kubelet.effects import RuntimeEffect
from engine.kubelet.network import Addresses, NoAddressError
from engine.kubelet.podstate import NEVER, Image, PodState
from engine.kubelet.runtime import Deliver, NodeNetwork, RuntimeKind, Usage
from engine.kubelet.simulation import images, probing, reading
from engine.kubelet.simulation.behaviour import EXIT_KILLED, Behaviour, behaviour_of
from engine.kubelet.simulation.draws import between, digest, draw
from engine.kubelet.simulation.images import InvalidImageError
from engine.kubelet.simulation.knobs import KnobError, knobs_of, sim_annotations
from engine.kubelet.simulation.output import Output
from engine.kubelet.timers import Timers

PULL_S = (0.3, 2.0)
PULL_CACHED_S = 0.3
START_S = (0.1, 0.4)
SANDBOX_S = (0.05, 0.2)
STOP_S = (0.1, 0.5)
ID_PREFIX = "containerd://"


class _Instance:
    """A container's instance as the runtime has it. `started_at` is 0 until its process runs."""

    __slots__ = ("does", "finished_at", "followers", "host", "index", "number", "started_at", "uid")

    def __init__(self, state: PodState, index: int, number: int, does: Behaviour) -> None:
        self.uid, self.host, self.index, self.number, self.does = state.uid, host_of(state), index, number, does
        self.started_at = 0.0
        self.finished_at = NEVER
        self.followers: list[reading.Following] | None = None

    def over(self, at: float) -> None:
        """Ended; who follows its output is told."""
        self.finished_at = at
        for follower in self.followers or ():
            follower.wake()


class _Node:
    """A node: its address range and when each image is there."""

    __slots__ = ("addresses", "host_ips", "images")

    def __init__(self, network: NodeNetwork) -> None:
        self.addresses = Addresses(network.pod_cidr)
        self.host_ips = network.host_ips
        self.images: dict[str, float] = {}


class SimulatedRuntime:
    """Simulated containers of any number of nodes, in one heap of timers. Without `delays` nothing takes time but what is asked for."""

    version = "containerd://2.1.4"

    def __init__(self, world: World, delays: bool = True) -> None:
        self._seed = world.rng.seed
        self._delays = delays
        self._timers = Timers(world)
        self._nodes: dict[str, _Node] = {}
        self._pods: dict[str, dict[int, _Instance]] = {}
        self._deliver: Deliver = _undeliverable

    def start(self, deliver: Deliver) -> None:
        """Where news go."""
        self._deliver = deliver

    def join(self, node: NodeNetwork) -> None:
        """A node begins."""
        self._nodes[node.name] = _Node(node)

    def apply(self, node: str, state: PodState, effect: RuntimeEffect) -> None:
        """Do what is asked, now or after its delay."""
        _DO[type(effect)](self, self._nodes[node], state, effect)

    def update(self, node: str, state: PodState) -> str:
        """What runs goes on as it would have with the new annotations from its start; unchanged where they cannot be read."""
        complaint = ""
        for i, instance in (self._pods.get(state.uid) or {}).items():
            if instance.started_at and instance.finished_at == NEVER and i < len(state.plan.containers):
                try:
                    does = behaviour_of(state.pod, state.plan.containers[i], state.plan.restart_policy)
                except KnobError as error:
                    complaint = str(error)
                    continue
                if does is not instance.does:
                    instance.does = does
                    self._schedule_end(instance)
        return complaint

    def lose(self, node: str, uid: str) -> None:
        """The pod's containers are gone without a word."""
        now = self._timers.read()
        for instance in (self._pods.pop(uid, None) or {}).values():
            instance.over(min(instance.finished_at, now))
        self._nodes[node].addresses.free(uid)

    def close(self) -> None:
        """Stop all timers."""
        self._timers.close()

    # -- effects

    def _after(self, delay_s: float, callback: Callable[..., None], *args: Any) -> None:
        """Call after a delay; right now where there is none."""
        if delay_s <= 0:
            callback(*args)
        else:
            self._timers.at(self._timers.read() + delay_s, callback, *args)

    def _delay(self, chosen: float | None, bounds: tuple[float, float], *about: str | int) -> float:
        if chosen is not None:
            return chosen
        return between(*bounds, *about) if self._delays else 0.0

    def _sandbox(self, node: _Node, state: PodState, effect: effects.PrepareSandbox) -> None:
        uid = state.uid
        self._pods.setdefault(uid, {})
        if state.plan.host_network:
            self._deliver(uid, inputs.SandboxReady(node.host_ips))
            return
        try:
            ip = node.addresses.take(uid)
        except NoAddressError as error:
            self._after(1.0, self._deliver, uid, inputs.SandboxFailed(str(error)))
            return
        self._after(self._delay(None, SANDBOX_S, "sandbox", uid), self._deliver, uid, inputs.SandboxReady((ip,)))

    def _pull(self, node: _Node, state: PodState, effect: effects.PullImage) -> None:
        i, number = effect.container, effect.instance
        container, uid = state.plan.containers[i], state.uid
        try:
            reference = images.parse(container.image)
            annotations = state.pod["metadata"].get("annotations")
            knobs = knobs_of(sim_annotations(annotations) if annotations else (), container.name)
        except InvalidImageError as error:
            self._deliver(uid, inputs.PullFailed(i, number, "InvalidImageName", str(error)))
            return
        except KnobError as error:
            self._deliver(uid, inputs.PullFailed(i, number, "ErrImagePull", str(error)))
            return
        image, now = images.pulled(reference), self._timers.read()
        ready_at = node.images.get(image.name, NEVER)
        failure = knobs.pull_error if knobs.pull_error is not None else images.unreachable(reference)
        if container.pull_policy != "Always" and ready_at <= now:
            self._deliver(uid, inputs.Pulled(i, number, image))
        elif container.pull_policy == "Never":
            self._deliver(uid, inputs.PullFailed(i, number, "ErrImageNeverPull", ""))
        else:
            self._deliver(uid, inputs.Pulling(i, number))
            fresh = self._delay(knobs.pull_s, PULL_S, self._seed, "pull", image.name, id_of(node))
            if failure:
                self._after(fresh, self._deliver, uid, inputs.PullFailed(i, number, "ErrImagePull", failure))
                return
            took = (PULL_CACHED_S if self._delays else 0.0) if ready_at <= now else min(fresh, max(ready_at - now, 0.0))
            node.images[image.name] = min(ready_at, now + took)
            news = inputs.Pulled(i, number, image, took, took, images.size_bytes(reference))
            self._after(took, self._deliver, uid, news)

    def _start(self, node: _Node, state: PodState, effect: effects.StartContainer) -> None:
        i, number, uid = effect.container, effect.instance, state.uid
        container = state.plan.containers[i]
        try:
            does = behaviour_of(state.pod, container, state.plan.restart_policy)
        except KnobError as error:
            self._deliver(uid, inputs.StartFailed(i, number, container_id(uid, i, number), str(error)))
            return
        instance = _Instance(state, i, number, does)
        self._pods.setdefault(uid, {})[i] = instance
        self._after(self._delay(does.knobs.start_s, START_S, "start", uid, i, number), self._begin, instance)

    def _begin(self, instance: _Instance) -> None:
        if not self._current(instance) or instance.finished_at != NEVER:
            return
        instance.started_at = self._timers.read()
        identity = container_id(instance.uid, instance.index, instance.number)
        self._deliver(instance.uid, inputs.Started(instance.index, instance.number, identity, instance.started_at))
        self._schedule_end(instance)

    def _current(self, instance: _Instance) -> bool:
        return (self._pods.get(instance.uid) or {}).get(instance.index) is instance

    def _schedule_end(self, instance: _Instance) -> None:
        does = instance.does
        if does.runs_s != NEVER:
            self._timers.at(instance.started_at + does.runs_s, self._end, instance, does)

    def _end(self, instance: _Instance, meant: Behaviour) -> None:
        """It ends by itself, unless it was given other things to do since."""
        if instance.does is meant:
            message = meant.message
            if meant.code and not message and meant.message_from_output:
                identity = container_id(instance.uid, instance.index, instance.number)
                message = reading.last_words(Output(meant, instance.host, identity, instance.started_at), self._timers.read())
            self._exit(instance, meant.code, meant.reason, message, 0)

    def _exit(self, instance: _Instance, code: int, reason: str, message: str, signal: int) -> None:
        if self._current(instance) and instance.finished_at == NEVER:
            now = self._timers.read()
            instance.over(now)
            self._deliver(instance.uid, inputs.Exited(instance.index, instance.number, code, now, reason, message, signal))

    def _adopt(self, node: _Node, state: PodState, effect: effects.AdoptContainer) -> None:
        uid, i = state.uid, effect.container
        container = state.plan.containers[i]
        try:
            does = behaviour_of(state.pod, container, state.plan.restart_policy)
            node.images.setdefault(images.pulled(images.parse(container.image)).name, effect.started_at)
        except (KnobError, InvalidImageError) as error:
            self._deliver(uid, inputs.Exited(i, effect.instance, 128, self._timers.read(), "StartError", str(error)))
            return
        instance = _Instance(state, i, effect.instance, does)
        instance.started_at = effect.started_at
        self._pods.setdefault(uid, {})[i] = instance
        for ip in state.ips:
            node.addresses.keep(uid, ip)
        self._schedule_end(instance)

    def _signal(self, node: _Node, state: PodState, effect: effects.SignalContainer) -> None:
        instance = (self._pods.get(state.uid) or {}).get(effect.container)
        if instance is None or instance.number != effect.instance:
            now = self._timers.read()
            self._deliver(state.uid, inputs.Exited(effect.container, effect.instance, EXIT_KILLED, now))
        elif effect.signal == effects.KILL:
            self._exit(instance, EXIT_KILLED, "", "", 0)
        elif not instance.does.ignores_term:
            delay = self._delay(instance.does.knobs.stop_s, STOP_S, "stop", state.uid, effect.container, effect.instance)
            self._after(delay, self._exit, instance, instance.does.stop_code, "", "", 0)

    def _probe(self, node: _Node, state: PodState, effect: effects.RunProbe) -> None:
        i, uid, kind = effect.container, state.uid, effect.probe.kind
        instance = (self._pods.get(uid) or {}).get(i)
        if instance is None or instance.finished_at != NEVER:
            self._deliver(uid, inputs.ProbeResult(i, effect.instance, kind, False, "container is not running"))
            return
        ready_s = instance.does.knobs.ready_after_s or 0.0
        ip = state.ips[0] if state.ips else ""
        age = self._timers.read() - instance.started_at
        ok, message, holds = probing.answer(effect.probe, state.plan.containers[i], instance.does, age, ip, ready_s)
        until = instance.started_at + holds if ok else 0.0
        self._deliver(uid, inputs.ProbeResult(i, effect.instance, kind, ok, message, until))

    def _hook(self, node: _Node, state: PodState, effect: effects.RunHook) -> None:
        instance = (self._pods.get(state.uid) or {}).get(effect.container)
        error = (instance.does.knobs.hook_error if instance else None) or ""
        takes = probing.hook_s(effect.hook) if self._delays or "httpGet" not in effect.hook else 0.0
        if takes > effect.timeout_s:
            takes, error = effect.timeout_s, "context deadline exceeded"
        news = inputs.HookDone(effect.container, effect.instance, effect.kind, error)
        self._after(takes, self._deliver, state.uid, news)

    def _remove(self, node: _Node, state: PodState, effect: effects.RemoveSandbox) -> None:
        node.addresses.free(state.uid)
        self._pods.pop(state.uid, None)

    # -- reading

    def usage(self, state: PodState, container: int, now: float) -> Usage:
        """What a container uses at `now`; nothing where it does not run."""
        c, plan = state.containers[container], state.plan.containers[container]
        if not c.started_at or c.ended is not None or now < c.started_at:
            return Usage(0.0, 0)
        does = behaviour_of(state.pod, plan, state.plan.restart_policy)
        shift = draw(state.uid, plan.name, "phase") if does.knobs.cpu is None else 0.0
        age = now - c.started_at
        return Usage(does.cpu.at(age, shift) * 1000, int(does.memory.at(age)))

    def images(self, node: str) -> list[tuple[Image, int]]:
        """What has been pulled to a node so far."""
        now = self._timers.read()
        references = [images.parse(name) for name, at in self._nodes[node].images.items() if at <= now]
        return [(images.pulled(r), images.size_bytes(r)) for r in references]

    def logs(self, state: PodState, container: int, options: Mapping[str, str]) -> Stream:
        """Output of an instance, from nothing but its id and the time."""
        now = self._timers.read()
        wanted = reading.options_of(options, now)
        meant = reading.instance_of(state, container, wanted.previous)
        does = behaviour_of(state.pod, state.plan.containers[container], state.plan.restart_policy)
        output = Output(does, host_of(state), container_id(state.uid, container, meant.number), meant.started_at)
        instance = (self._pods.get(state.uid) or {}).get(container)
        if not wanted.follow or meant.finished_at != NEVER or instance is None:
            return reading.Once(reading.read(output, min(now, meant.finished_at), wanted))
        following = reading.Following(output, wanted, self._timers.read, lambda: instance.finished_at)
        instance.followers = [*(f for f in instance.followers or () if not f.closed), following]
        return following


def _undeliverable(uid: str, news: inputs.Input) -> None:
    raise RuntimeError("the runtime was not started")


def host_of(state: PodState) -> str:
    """What the pod's containers call their host."""
    host: str = state.pod["spec"].get("hostname") or state.pod["metadata"]["name"]
    return host


def container_id(uid: str, index: int, number: int) -> str:
    """The id of an instance, a function of the pod's uid."""
    return ID_PREFIX + digest(uid, index, number)


def id_of(node: _Node) -> str:
    """What tells nodes apart in draws: the first host address."""
    return node.host_ips[0] if node.host_ips else ""


_DO: dict[type[Any], Callable[[SimulatedRuntime, _Node, PodState, Any], None]] = {
    effects.PrepareSandbox: SimulatedRuntime._sandbox,
    effects.PullImage: SimulatedRuntime._pull,
    effects.StartContainer: SimulatedRuntime._start,
    effects.AdoptContainer: SimulatedRuntime._adopt,
    effects.SignalContainer: SimulatedRuntime._signal,
    effects.RunProbe: SimulatedRuntime._probe,
    effects.RunHook: SimulatedRuntime._hook,
    effects.RemoveSandbox: SimulatedRuntime._remove,
}

RUNTIME = RuntimeKind("simulated", SimulatedRuntime)
