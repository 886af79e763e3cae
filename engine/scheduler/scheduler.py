"""The scheduler as a component: watches pods and nodes, runs cycles, binds (pkg/scheduler/scheduler.go, schedule_one.go)."""

import asyncio
import functools
import logging
from collections.abc import Iterable
from typing import Any

import engine.scheduler.plugins
from engine.base import errors
from engine.base.api import STRATEGIC_PATCH, Client, DeleteOptions, Request, Response
from engine.base.causes import Cause
from engine.base.clock import rfc3339
from engine.base.errors import StatusError
from engine.base.objects import Obj, dig, labels_of, revision_of, uid_of
from engine.base.plugins import exported
from engine.base.selectors import Requirement, Selector, from_label_selector, from_map
from engine.base.world import World
from engine.control.events import Recorder
from engine.control.informers import Handler, Informers
from engine.control.volumes import CLAIMS, CLASSES, SELECTED_NODE, VOLUMES
from engine.scheduler import messages, volumes
from engine.scheduler.cycle import Decision, Profile, TemplateResults
from engine.scheduler.framework import (
    CLAIM_CHANGED,
    CLASS_CHANGED,
    NODE_ADDED,
    NODE_GONE,
    NODE_UPDATED,
    POD_BOUND,
    POD_GONE,
    VOLUME_CHANGED,
    ClusterEvent,
    Surroundings,
    Unschedulable,
)
from engine.scheduler.nodes import Snapshot
from engine.scheduler.pods import PodInfo
from engine.scheduler.preemption import PREEMPTED, NoPreemption, Preemption, preempt
from engine.scheduler.queue import FLUSH_PERIOD_S, QueuedPod, SchedulingQueue
from engine.scheduler.templates import Templates
from engine.scheduler.verdicts import Verdict, Verdicts
from engine.store.events import ADDED, DELETED

NAME = "default-scheduler"
TURN_PODS = 32
"""Cycles before other tasks get a turn."""

SERVICES, REPLICA_SETS, STATEFUL_SETS = "services", "replicasets.apps", "statefulsets.apps"
BUDGETS = "poddisruptionbudgets.policy"
SPREADING_OWNERS = {"ReplicaSet": REPLICA_SETS, "StatefulSet": STATEFUL_SETS, "ReplicationController": "replicationcontrollers"}

log = logging.getLogger(__name__)


class Scheduler:
    """Gives every pod of `default-scheduler` a node. `run` until cancelled; `verdict` answers for `pods/verdict`."""

    def __init__(self, client: Client, world: World, informers: Informers | None = None) -> None:
        """Given `informers` are shared with whoever gave them, who also runs them."""
        self._client = client.acting_as("kube-scheduler")
        self._world = world
        self._rng = world.rng.stream("scheduler")
        self._recorder = Recorder(client, world, NAME, style="events")
        self._informers = informers or Informers(client, world)
        self._own_informers = informers is None
        self._following: list[tuple[str, Handler]] = []
        self._profile = Profile.of(exported(engine.scheduler.plugins, "PLUGIN"))
        self._reset()

    def _reset(self) -> None:
        """Know nothing: what a scheduler knows it learns from the API when it starts."""
        self._snapshot = Snapshot()
        self._queue = SchedulingQueue()
        self._verdicts = Verdicts()
        around = Surroundings(self._snapshot, self._lookup, self._spread_selector, lambda: self._informers[VOLUMES].lister)
        self._templates = Templates(self._profile, around)
        self._wake = asyncio.Event()
        self._volumes_changed = asyncio.Event()
        self._binding: dict[str, asyncio.Task[None]] = {}

    async def verdict(self, request: Request, pod: Obj) -> Response:
        """GET pods/verdict: what the last cycle found for a pending pod, or which gates it waits for.

        Raises:
            StatusError: 404, the pod is scheduled or was not tried yet.
        """
        found = self._verdicts.get(uid_of(pod))
        queued = self._queue.get(uid_of(pod))
        if queued is not None and queued.place == "gated":
            gates = [gate["name"] for gate in queued.pod.spec["schedulingGates"]]
            found = Verdict(queued.added, 0, f"waiting for scheduling gates: [{' '.join(gates)}]", Decision())
        if found is None:
            raise errors.not_found("pods/verdict", pod["metadata"]["name"])
        return Response(200, found.to_object())

    async def run(self) -> None:
        """Schedule until cancelled."""
        self._reset()
        try:
            async with asyncio.TaskGroup() as group:
                self._follow()
                if self._own_informers:
                    self._informers.start(group)
                await self._informers.synced(("nodes", "pods", "namespaces", *self._looked_up()))
                group.create_task(self._flush(), name="scheduler/flush")
                await self._loop()
        finally:
            self._unfollow()
            for task in self._binding.values():
                task.cancel()
            self._recorder.close()

    def _looked_up(self) -> Iterable[str]:
        return (SERVICES, *SPREADING_OWNERS.values(), CLAIMS, VOLUMES, CLASSES, BUDGETS)

    def _follow(self) -> None:
        handlers: list[tuple[str, Handler]] = [("nodes", self._on_node), ("pods", self._on_pod), ("namespaces", self._on_namespace)]
        handlers += [(resource, self._on_selector) for resource in (SERVICES, *SPREADING_OWNERS.values())]
        events = ((CLAIMS, CLAIM_CHANGED), (VOLUMES, VOLUME_CHANGED), (CLASSES, CLASS_CHANGED))
        handlers += [(resource, functools.partial(self._on_volume, event)) for resource, event in events]
        for resource, handler in handlers:
            self._informers[resource].on(handler)
            self._following.append((resource, handler))

    def _unfollow(self) -> None:
        for resource, handler in self._following:
            self._informers[resource].off(handler)
        self._following.clear()
        if self._own_informers:
            self._informers.stop()

    def _lookup(self, resource: str, namespace: str, name: str) -> Obj | None:
        return self._informers[resource].lister.get(namespace, name)

    def _spread_selector(self, pod: PodInfo) -> Selector | None:
        """The services that select the pod, and its controller (plugins/helper/spread.go DefaultSelector)."""
        found: dict[Requirement, None] = {}
        for service in self._informers[SERVICES].lister.list(pod.namespace):
            selector = from_map(dig(service, "spec", "selector"))
            if selector.matches(pod.labels):
                found.update(dict.fromkeys(selector.requirements))
        for owner in pod.obj["metadata"].get("ownerReferences") or ():
            if owner.get("controller") and owner["kind"] in SPREADING_OWNERS:
                obj = self._lookup(SPREADING_OWNERS[owner["kind"]], pod.namespace, owner["name"])
                raw = dig(obj, "spec", "selector") if obj else None
                chosen = from_map(raw) if owner["kind"] == "ReplicationController" else from_label_selector(raw)
                found.update(dict.fromkeys(chosen.requirements))
        return Selector(tuple(found)) if found else None

    def _on_node(self, change: str, old: Obj | None, node: Obj) -> None:
        if change == DELETED:
            self._snapshot.remove_node(node["metadata"]["name"])
            self._happened(NODE_GONE)
            return
        if self._snapshot.set_node(node):
            self._happened(NODE_ADDED if change == ADDED else NODE_UPDATED)

    def _on_namespace(self, change: str, old: Obj | None, namespace: Obj) -> None:
        name = namespace["metadata"]["name"]
        if change == DELETED:
            self._snapshot.namespace_labels.pop(name, None)
        elif old is None or labels_of(old) != labels_of(namespace):
            self._snapshot.namespace_labels[name] = labels_of(namespace)
            self._templates.clear()

    def _on_selector(self, change: str, old: Obj | None, new: Obj) -> None:
        if old is None or change == DELETED or dig(old, "spec", "selector") != dig(new, "spec", "selector"):
            self._templates.clear(new["metadata"].get("namespace") or "")

    def _on_volume(self, event: ClusterEvent, change: str, old: Obj | None, new: Obj) -> None:
        self._happened(event)
        self._volumes_changed.set()
        self._volumes_changed.clear()

    def _on_pod(self, change: str, old: Obj | None, obj: Obj) -> None:
        uid = uid_of(obj)
        if change == DELETED or dig(obj, "status", "phase") in ("Succeeded", "Failed"):
            self._settled(PodInfo(obj))
            if (binding := self._binding.get(uid)) is not None:
                binding.cancel()
            if self._snapshot.remove(uid) is not None:
                self._happened(POD_GONE)
            return
        node_name = obj["spec"].get("nodeName")
        if node_name:
            pod = PodInfo(obj)
            self._settled(pod)
            if self._snapshot.place(pod, node_name) or old is None or not old["spec"].get("nodeName"):
                self._happened(POD_BOUND)
        elif (obj["spec"].get("schedulerName") or NAME) == NAME and (uid in self._queue or not self._snapshot.node_of(uid)):
            self._waits(old, obj)

    def _settled(self, pod: PodInfo) -> None:
        """A pod is bound or gone."""
        self._queue.remove(pod.uid)
        self._verdicts.forget(pod.uid)
        self._snapshot.nominate(pod, "")

    def _waits(self, old: Obj | None, obj: Obj) -> None:
        """A pod without a node came or changed; a nomination that its status does not show yet stands."""
        pod = PodInfo(obj)
        before, nominated = (dig(o, "status", "nominatedNodeName", default="") if o else "" for o in (old, obj))
        if not self._snapshot.node_of(pod.uid):
            self._snapshot.nominate(pod, nominated if nominated != before else self._snapshot.nominated_node(pod.uid))
        changed = old is None or old["spec"] is not obj["spec"] or labels_of(old) != labels_of(obj)
        self._queue.update(pod, changed, self._world.clock.now())
        self._wake.set()

    def _happened(self, event: ClusterEvent) -> None:
        self._queue.happened(event, self._world.clock.now())
        self._wake.set()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_PERIOD_S)
            self._queue.flush_leftovers(self._world.clock.now())
            self._wake.set()

    async def _loop(self) -> None:
        done = 0
        while True:
            queued = self._queue.pop(self._world.clock.now())
            if queued is None:
                await self._wait()
                continue
            await self._schedule(queued)
            done += 1
            if done % TURN_PODS == 0:
                await asyncio.sleep(0)

    async def _wait(self) -> None:
        due = self._queue.next_due()
        timeout = None if due is None else max(due - self._world.clock.now(), 0.001)
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _schedule(self, queued: QueuedPod) -> None:
        """One cycle for one pod."""
        pod = queued.pod
        if pod.terminating:
            return
        try:
            results = self._templates.results(pod)
        except Unschedulable as error:
            await self._rejected(queued, error)
            return
        decision = results.decide(self._rng, pod)
        if not decision.node:
            await self._fits_nowhere(queued, results, decision)
            return
        self._snapshot.place(pod, decision.node)
        self._snapshot.nominate(pod, "")
        waiting = volumes.claims_of(pod, self._lookup).waiting if volumes.claim_names(pod) else []
        if waiting:
            task = asyncio.get_running_loop().create_task(self._bind_with_volumes(queued, decision.node, waiting))
            self._binding[pod.uid] = task
            task.add_done_callback(lambda _: self._binding.pop(pod.uid, None))
        else:
            await self._bind(queued, decision.node)

    async def _bind(self, queued: QueuedPod, node: str) -> None:
        pod = queued.pod
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
            "target": {"kind": "Node", "name": node},
        }
        cause = Cause("kube-scheduler", revision_of(pod.obj))
        try:
            await self._client.create_subresource("pods", pod.name, "binding", body, pod.namespace, cause)
        except StatusError as error:
            if error.code == 404:
                self._queue.remove(pod.uid)
            await self._unassume(queued, f'binding rejected: running Bind plugin "DefaultBinder": {error}')
            return
        self._queue.remove(pod.uid)
        self._recorder.event(
            pod.obj, "Normal", "Scheduled", f"Successfully assigned {pod.namespace}/{pod.name} to {node}", action="Binding"
        )

    async def _bind_with_volumes(self, queued: QueuedPod, node: str, waiting: list[Obj]) -> None:
        """PreBind of VolumeBinding: tell the claims the node, wait until they are bound, then bind the pod."""
        pod = queued.pod
        try:
            for claim in waiting:
                patch = {"metadata": {"annotations": {SELECTED_NODE: node}}}
                cause = Cause("kube-scheduler", revision_of(pod.obj))
                await self._client.patch(CLAIMS, claim["metadata"]["name"], patch, pod.namespace, cause=cause)
            async with asyncio.timeout(volumes.BIND_TIMEOUT_S):
                while not self._all_bound(pod):
                    await self._volumes_changed.wait()
        except (StatusError, TimeoutError) as error:
            why = str(error) or "context deadline exceeded"
            await self._unassume(queued, f'running PreBind plugin "{volumes.PLUGIN_NAME}": binding volumes: {why}')
            return
        await self._bind(queued, node)

    async def _unassume(self, queued: QueuedPod, message: str) -> None:
        """The pod does not come to the node it was thought to be on; it is tried again, and others may have its place."""
        self._snapshot.remove(queued.pod.uid)
        self._happened(POD_GONE)
        if queued.place != "gone":
            await self._unschedulable(queued, message, Decision(), frozenset(), "SchedulerError")

    def _all_bound(self, pod: PodInfo) -> bool:
        claims = (self._lookup(CLAIMS, pod.namespace, name) for name in volumes.claim_names(pod))
        return all(claim is not None and volumes.is_bound(claim) for claim in claims)

    async def _rejected(self, queued: QueuedPod, error: Unschedulable) -> None:
        message = messages.rejected_before(len(self._snapshot.nodes), error.reason)
        await self._unschedulable(queued, message, Decision(), frozenset((error.plugin,)))

    async def _fits_nowhere(self, queued: QueuedPod, results: TemplateResults, decision: Decision) -> None:
        nodes = len(self._snapshot.nodes)
        if not nodes:
            await self._unschedulable(queued, "no nodes available to schedule pods", decision, frozenset(("NodeName",)))
            return
        reasons = [reason for rejection in decision.rejections.values() for reason in rejection.reasons]
        message = messages.unavailable(nodes, reasons)
        pod = queued.pod
        found = preempt(pod, decision, results, self._snapshot, self._informers[BUDGETS].lister.list())
        if isinstance(found, NoPreemption):
            if found.tried:
                self._snapshot.nominate(pod, "")
            await self._unschedulable(queued, f"{message} {found.message}", decision, decision.plugins)
            return
        self._snapshot.nominate(pod, found.node)
        await self._unschedulable(queued, message, decision, decision.plugins)
        await self._evict(pod, found)

    async def _unschedulable(
        self, queued: QueuedPod, message: str, decision: Decision, plugins: frozenset[str], reason: str = "Unschedulable"
    ) -> None:
        """Say why, and where it is nominated to run (handleSchedulingFailure)."""
        pod, now = queued.pod, self._world.clock.now()
        self._verdicts.keep(pod.uid, Verdict(now, queued.attempts, message, decision))
        self._recorder.event(pod.obj, "Warning", "FailedScheduling", message, action="Scheduling")
        self._queue.put_back(queued, self._profile.events_of(plugins), now)
        condition: Obj = {
            "type": "PodScheduled",
            "observedGeneration": pod.obj["metadata"].get("generation"),
            "status": "False",
            "reason": reason,
            "message": message,
        }
        conditions: list[Obj] = dig(pod.obj, "status", "conditions", default=[])
        known: Obj = next((c for c in conditions if c["type"] == "PodScheduled"), {})
        status: dict[str, Any] = {}
        if any(known.get(name) != value for name, value in condition.items()):
            since = known.get("lastTransitionTime") if known.get("status") == "False" else rfc3339(now)
            status["conditions"] = [{**condition, "lastTransitionTime": since, "lastProbeTime": None}]
        nominated = self._snapshot.nominated_node(pod.uid)
        if nominated != dig(pod.obj, "status", "nominatedNodeName", default=""):
            status["nominatedNodeName"] = nominated or None
        if status:
            await self._patch_status(pod, status)

    async def _patch_status(self, pod: PodInfo, status: Obj, because: PodInfo | None = None) -> None:
        patch = {"metadata": {"uid": pod.uid}, "status": status}
        cause = Cause("kube-scheduler", revision_of((because or pod).obj))
        try:
            await self._client.patch("pods", pod.name, patch, pod.namespace, "status", STRATEGIC_PATCH, cause)
        except StatusError as error:
            log.debug("status of %s/%s: %s", pod.namespace, pod.name, error)

    async def _evict(self, pod: PodInfo, chosen: Preemption) -> None:
        """Delete the victims; pods of lower priority that were nominated to the node are no longer (prepareCandidate)."""
        now = rfc3339(self._world.clock.now())
        message = f"{NAME}: preempting to accommodate a higher priority pod"
        condition = {"type": "DisruptionTarget", "status": "True", "reason": PREEMPTED, "message": message, "lastProbeTime": None}
        for victim in chosen.victims:
            if victim.terminating:
                continue
            generation = victim.obj["metadata"].get("generation")
            conditions = [{**condition, "observedGeneration": generation, "lastTransitionTime": now}]
            await self._patch_status(victim, {"conditions": conditions}, pod)
            cause = Cause("kube-scheduler", revision_of(pod.obj))
            try:
                await self._client.delete("pods", victim.name, victim.namespace, DeleteOptions(uid=victim.uid), cause)
            except StatusError as error:
                log.debug("preempting %s/%s: %s", victim.namespace, victim.name, error)
                continue
            self._recorder.event(
                victim.obj, "Normal", "Preempted", f"Preempted by pod {pod.uid} on node {chosen.node}", related=pod.obj, action="Preempting"
            )
        for other in [*self._snapshot.nominees.get(chosen.node, {}).values()]:
            if other.priority < pod.priority:
                self._snapshot.nominate(other, "")
                await self._patch_status(other, {"nominatedNodeName": None}, pod)
