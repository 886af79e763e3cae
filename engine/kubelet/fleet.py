"""Any number of simulated nodes: registration, heartbeats, and their pods off one shared informer."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from engine.base.api import Client, Request, Stream, User
from engine.base.errors import StatusError, bad_request, not_found
from engine.base.objects import Obj, revision_of, uid_of
from engine.base.world import World
from engine.control.events import Behind, Recorder
from engine.control.informers import Handler, Informers
from engine.kinds.common.priorities import CLUSTER_CRITICAL, SYSTEM_CLASSES
from engine.kubelet import adoption, nodes, references, step
from engine.kubelet.admission import NODE_SHUTDOWN, Used, admit
from engine.kubelet.effects import EmitEvent
from engine.kubelet.heartbeat import Heart, Heartbeat
from engine.kubelet.inputs import Evict, PodUpdated, Resolved
from engine.kubelet.nodes import NodeSpec
from engine.kubelet.pods import PodEntry, Pods
from engine.kubelet.podstate import PodState
from engine.kubelet.runtime import NodeNetwork, Runtime, Usage
from engine.kubelet.writer import StatusWriter
from engine.store.events import DELETED

REGISTER_RETRY_S = 1.0
SHUTDOWN_REGULAR_S = 20.0
SHUTDOWN_CRITICAL_S = 10.0
"""shutdownGracePeriod 30 s of which shutdownGracePeriodCriticalPods 10 s: the documentation's example; upstream's default is off."""
CRITICAL_PRIORITY = SYSTEM_CLASSES[CLUSTER_CRITICAL]
"""From which on pods are stopped last."""
RECENT_EVENTS = 32_768
"""Events of all nodes that are remembered in case they happen again; upstream's kubelets remember 4,096 each."""
CONFIG_RESOURCES = ("configmaps", "secrets", "persistentvolumeclaims")
NODE_GROUPS = ("system:nodes", "system:authenticated")

log = logging.getLogger(__name__)


class _Node:
    """One node: its heart, the uids of its pods, what they ask for."""

    __slots__ = ("heart", "off", "pods", "recorder", "used")

    def __init__(self, heart: Heart) -> None:
        self.heart = heart
        self.off = False
        self.pods: dict[str, None] = {}
        self.used = Used()
        self.recorder: Recorder | None = None


class Fleet:
    """Nodes that run their pods in `runtime`. `run` until cancelled; `connect_to` a server's `pods/log` for `kubectl logs`."""

    def __init__(
        self, client: Client, world: World, specs: Sequence[NodeSpec], runtime: Runtime, informers: Informers | None = None
    ) -> None:
        self._client = client.acting_as("kubelet")
        self._world = world
        self._runtime = runtime
        self._informers = informers or Informers(client, world)
        self._owns_informers = informers is None
        self._pods = Pods(world, runtime)
        self._pods.wrote, self._pods.resolve = self._wrote, self._resolve
        self._pods.emit, self._pods.finished = self._emit, self._finished
        self._writer = StatusWriter(world, self._pods, lambda name: self._nodes[name].heart.client)
        self._heartbeat = Heartbeat(world, runtime)
        self._events = Behind(RECENT_EVENTS)
        self._nodes: dict[str, _Node] = {}
        self._following: list[tuple[str, Handler]] = []
        self._resolving: dict[str, None] = {}
        self._unresolved = asyncio.Event()
        self.ready = asyncio.Event()
        """Set when every node is registered and the pods are known."""
        for spec in specs:
            self._join(spec)

    def _join(self, spec: NodeSpec) -> None:
        user = User(f"system:node:{spec.name}", NODE_GROUPS)
        machine = nodes.new_machine(self._world, self._runtime.version)
        heart = Heart(spec, self._client.acting_as("kubelet", user), machine)
        self._nodes[spec.name] = _Node(heart)
        self._runtime.join(NodeNetwork(spec.name, (spec.ip,), spec.pod_cidr))

    async def run(self) -> None:
        """Register the nodes and run their pods until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                if self._owns_informers:
                    self._informers.start(group)
                group.create_task(self._writer.run(), name="kubelet/status")
                group.create_task(self._resolve_all(), name="kubelet/references")
                await self._informers.synced(("nodes", "pods"))
                self._follow("nodes", self._node_changed)
                for number, node in enumerate(self._nodes.values()):
                    await self._register(node)
                    if number % 64 == 63:
                        await asyncio.sleep(0)
                self._follow("pods", self._pod_changed)
                self.ready.set()
                await self._heartbeat.run()
        finally:
            self._close()

    def _follow(self, resource: str, handler: Handler) -> None:
        self._informers[resource].on(handler)
        self._following.append((resource, handler))

    def _close(self) -> None:
        for resource, handler in self._following:
            self._informers[resource].off(handler)
        self._following.clear()
        self._pods.close()
        self._runtime.close()
        self._events.close()

    # -- nodes

    async def add(self, spec: NodeSpec) -> None:
        """One node more, while the fleet runs."""
        self._join(spec)
        node = self._nodes[spec.name]
        await self._register(node)
        if not node.off:
            for pod in self._informers["pods"].lister.by_index("node", spec.name):
                if uid_of(pod) not in node.pods:
                    self._begin(node, pod)

    async def _register(self, node: _Node) -> None:
        """Create the Node, or take over the one that is there (tryRegisterWithAPIServer); go on until it works."""
        heart = node.heart
        while True:
            try:
                known = self._informers["nodes"].lister.get("", heart.spec.name)
                if known is None:
                    status = nodes.node_status(heart.spec, heart.machine, None, [], self._world.clock.now())
                    known = await heart.client.create("nodes", nodes.node_object(heart.spec, status))
                heart.node = known
                booted = (known.get("status") or {}).get("nodeInfo") or {}
                if booted.get("bootID"):
                    heart.machine = nodes.Machine(booted["bootID"], self._runtime.version)
                node.off = nodes.power_of(known) in ("off", "shutdown")
                if node.off:
                    return
                heart.posted_at = self._world.clock.now() if (known.get("status") or {}).get("allocatable") else 0.0
                heart.status_wanted = not nodes.stands(known, heart.machine)
                self._heartbeat.start(heart)
                await self._heartbeat.beat(heart)
            except StatusError as error:
                log.warning("node %s: registration: %s", heart.spec.name, error)
                await asyncio.sleep(REGISTER_RETRY_S)
            else:
                self._node_event(node, "Normal", "Starting", "Starting kubelet.")
                self._node_event(node, "Normal", "NodeReady", f"Node {heart.spec.name} status is now: NodeReady")
                return

    def _node_event(self, node: _Node, type: str, reason: str, message: str) -> None:
        """Events of nodes carry the node's name as its uid, as upstream's do."""
        name = node.heart.spec.name
        about = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}}
        self._recorder(node).event(about, type, reason, message)

    def _recorder(self, node: _Node) -> Recorder:
        if node.recorder is None:
            node.recorder = Recorder(node.heart.client, self._world, "kubelet", node.heart.spec.name, behind=self._events)
        return node.recorder

    def _node_changed(self, kind: str, old: Obj | None, new: Obj) -> None:
        node = self._nodes.get(new["metadata"]["name"])
        if node is None:
            return
        if kind == DELETED:
            self._power_off(node)
            node.heart.node = None
            return
        heart = node.heart
        if heart.node is None or revision_of(new) > revision_of(heart.node):
            heart.node = new
        power = nodes.power_of(new)
        if power == "off" and not node.off:
            self._power_off(node)
        elif power == "shutdown" and not node.off and not heart.machine.shutting_down:
            self._shut_down(node)
        elif not power and (node.off or heart.machine.shutting_down):
            self._power_on(node)
        elif heart.beating and not nodes.stands(new, heart.machine):
            heart.status_wanted = True

    def _power_off(self, node: _Node) -> None:
        """The machine is dead at once: no heartbeat, no container, nobody to tell."""
        node.off = True
        self._heartbeat.stop(node.heart)
        for uid in [*node.pods]:
            self._pods.lose(uid)
        node.pods.clear()
        node.used = Used()

    def _shut_down(self, node: _Node) -> None:
        """Graceful node shutdown: regular pods first, then critical ones, then off (pkg/kubelet/nodeshutdown)."""
        heart = node.heart
        heart.machine, heart.status_wanted = replace(heart.machine, shutting_down=True), True
        boot = heart.machine.boot_id
        self._terminate(node, boot, False)
        now = self._pods.timers.read()
        self._pods.timers.at(now + SHUTDOWN_REGULAR_S, self._terminate, node, boot, True)
        self._pods.timers.at(now + SHUTDOWN_REGULAR_S + SHUTDOWN_CRITICAL_S, self._shut_down_over, node, boot)

    def _terminate(self, node: _Node, boot: str, critical: bool) -> None:
        if node.heart.machine.boot_id != boot:
            return
        for uid in [*node.pods]:
            entry = self._pods.entries.get(uid)
            if entry is None or entry.state.finished or critical != ((entry.state.pod["spec"].get("priority") or 0) >= CRITICAL_PRIORITY):
                continue
            grace = min(entry.state.plan.grace_s, SHUTDOWN_CRITICAL_S if critical else SHUTDOWN_REGULAR_S)
            self._pods.feed(uid, Evict("Terminated", "Pod was terminated in response to imminent node shutdown.", grace))

    def _shut_down_over(self, node: _Node, boot: str) -> None:
        if node.heart.machine.boot_id == boot and not node.off:
            self._power_off(node)

    def _power_on(self, node: _Node) -> None:
        """The machine boots: a new boot id, and every pod that is still meant to be here starts anew."""
        if not node.off:
            self._power_off(node)
        node.off = False
        heart = node.heart
        heart.machine = nodes.new_machine(self._world, self._runtime.version)
        heart.lease, heart.status_wanted = None, True
        self._heartbeat.start(heart)
        self._node_event(node, "Normal", "Starting", "Starting kubelet.")
        boot = f"Node {heart.spec.name} has been rebooted, boot id: {heart.machine.boot_id}"
        self._node_event(node, "Warning", "Rebooted", boot)
        for pod in self._informers["pods"].lister.by_index("node", heart.spec.name):
            self._begin(node, pod, rebooted=True)

    # -- pods

    def _pod_changed(self, kind: str, old: Obj | None, new: Obj) -> None:
        node = self._nodes.get(new["spec"].get("nodeName") or "")
        if node is None or node.off:
            return
        uid = uid_of(new)
        entry = self._pods.entries.get(uid)
        if kind == DELETED:
            self._pods.remove(new)
            node.pods.pop(uid, None)
        elif entry is None:
            self._begin(node, new)
        elif revision_of(new) > revision_of(entry.state.pod):
            changed = new["metadata"].get("annotations") != entry.state.pod["metadata"].get("annotations")
            if changed and (complaint := self._runtime.update(entry.node, entry.state._replace(pod=new))):
                self._emit(entry, EmitEvent("Warning", "InvalidAnnotation", complaint))
            self._pods.feed(uid, PodUpdated(new))

    def _begin(self, node: _Node, pod: Obj, rebooted: bool = False) -> None:
        """A pod that this node did not know: admitted, taken over, or rejected."""
        uid, spec = uid_of(pod), node.heart.spec
        now = self._pods.timers.read()
        state = step.new(pod, (spec.ip,), now)
        if rebooted:
            state = adoption.after_reboot(state, now)
        entry = self._pods.add(spec.name, state)
        node.pods[uid] = None
        status = pod.get("status") or {}
        if not status.get("startTime") and "deletionTimestamp" not in pod["metadata"] and node.heart.node is not None:
            shutting_down = node.heart.machine.shutting_down
            rejected = NODE_SHUTDOWN if shutting_down else admit(pod, state.plan, node.heart.node, node.used)
            if rejected is not None:
                self._pods.feed(uid, rejected)
                return
        if status.get("phase") not in ("Succeeded", "Failed"):
            node.used = node.used.plus(state.plan)
            entry.counted = state.plan
        self._pods.feed(uid, PodUpdated(pod))

    def _wrote(self, uid: str, entry: PodEntry) -> None:
        self._writer.mark(uid, entry)

    def _finished(self, uid: str, entry: PodEntry) -> None:
        """Its requests are free for other pods."""
        node = self._nodes[entry.node]
        if entry.counted is not None:
            node.used = node.used.plus(entry.counted, -1)
            entry.counted = None

    def _emit(self, entry: PodEntry, event: EmitEvent) -> None:
        pod = entry.state.pod
        about = {"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}
        if event.field_path:
            about["fieldPath"] = event.field_path
        self._recorder(self._nodes[entry.node]).event(about, event.type, event.reason, event.message)

    # -- references

    def _resolve(self, uid: str, entry: PodEntry) -> None:
        self._resolving[uid] = None
        self._unresolved.set()

    async def _resolve_all(self) -> None:
        """Answer `Resolve`; the informers that it takes start with the first pod that refers to something."""
        while True:
            await self._unresolved.wait()
            await self._informers.synced(CONFIG_RESOURCES)
            self._unresolved.clear()
            waiting, self._resolving = self._resolving, {}
            for uid in waiting:
                entry = self._pods.entries.get(uid)
                if entry is not None:
                    self._pods.feed(uid, Resolved(self._problems(entry)))
            await asyncio.sleep(0)

    def _problems(self, entry: PodEntry) -> tuple[references.Problem, ...]:
        namespace = entry.state.pod["metadata"]["namespace"]

        def lookup(resource: str, name: str) -> Obj | None:
            return self._informers[resource].lister.get(namespace, name)

        return references.resolve(entry.state.plan.references, namespace, lookup)

    # -- what others ask of kubelets

    @property
    def status_writes(self) -> int:
        """Pod status writes and final deletions so far."""
        return self._writer.writes

    def usage(self, pod: Obj, container: str, now: float) -> Usage:
        """What a container of a pod uses at a time; nothing where it does not run on a node of ours."""
        entry = self._pods.entries.get(uid_of(pod))
        if entry is None:
            return Usage(0.0, 0)
        for i, plan in enumerate(entry.state.plan.containers):
            if plan.name == container:
                return self._runtime.usage(entry.state, i, now)
        return Usage(0.0, 0)

    async def open_logs(self, request: Request, pod: Obj) -> Stream:
        """The connector of `pods/log`.

        Raises:
            StatusError: 400, the container is not known, must be named, or has not started; 404, its node is not ours; 503, it is dead.
        """
        name, node_name = pod["metadata"]["name"], pod["spec"].get("nodeName") or ""
        state = self._state_of(pod, name, node_name)
        known = [c.name for c in state.plan.containers]
        container = request.query.get("container") or _only(pod, name, state)
        if container not in known:
            raise bad_request(f"container {container} is not valid for pod {name}")
        return self._runtime.logs(state, known.index(container), request.query)

    def _state_of(self, pod: Obj, name: str, node_name: str) -> PodState:
        if not node_name:
            raise bad_request(f"pod {name} does not have a host assigned")
        node = self._nodes.get(node_name)
        if node is None:
            raise not_found("nodes", node_name)
        entry = self._pods.entries.get(uid_of(pod))
        if node.off or entry is None:
            unreachable = f'Get "https://{node.heart.spec.ip}:10250/containerLogs/{pod["metadata"]["namespace"]}/{name}": dial tcp'
            raise StatusError(500, "InternalError", f"{unreachable} {node.heart.spec.ip}:10250: connect: no route to host")
        return entry.state


def _only(pod: Obj, name: str, state: PodState) -> str:
    """The container that is meant where none is named (pkg/registry/core/pod/strategy.go LogLocation)."""
    mains = [state.plan.containers[i].name for i in state.plan.mains]
    inits = [c.name for c in state.plan.containers[: state.plan.first_main]]
    if len(mains) == 1 and not inits:
        return mains[0]
    if default := (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container"):
        return str(default)
    if len(mains) == 1:
        return mains[0]
    choices = f"choose one of: [{' '.join(mains)}]" + (f" or one of the init containers: [{' '.join(inits)}]" if inits else "")
    raise bad_request(f"a container name must be specified for pod {name}, {choices}")
