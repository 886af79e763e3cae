"""The scheduler as a component: watches pods and nodes, runs cycles, binds (pkg/scheduler/scheduler.go, schedule_one.go)."""

import asyncio
import functools
import logging
from collections.abc import Iterable

import engine.scheduler.plugins
from engine.base import errors
from engine.base.api import STRATEGIC_PATCH, Client, Request, Response
from engine.base.causes import Cause
from engine.base.clock import rfc3339
from engine.base.errors import StatusError
from engine.base.objects import Obj, dig, labels_of, revision_of, uid_of
from engine.base.plugins import exported
from engine.base.selectors import Requirement, Selector, from_label_selector, from_map
from engine.base.world import World
from engine.control.events import Recorder
from engine.control.informers import Handler, Informers
from engine.scheduler import messages, volumes
from engine.scheduler.cycle import Decision, Profile, TemplateResults
from engine.scheduler.framework import (
    CLAIM_CHANGED,
    CLASS_CHANGED,
    NODE_ADDED,
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
from engine.scheduler.preemption import Preemption, preempt
from engine.scheduler.queue import FLUSH_PERIOD_S, QueuedPod, SchedulingQueue
from engine.scheduler.templates import Templates
from engine.scheduler.verdicts import Verdict, Verdicts
from engine.store.events import ADDED, DELETED

NAME = "default-scheduler"
TURN_PODS = 32
"""Cycles before other tasks get a turn."""

SERVICES, REPLICA_SETS, STATEFUL_SETS = "services", "replicasets.apps", "statefulsets.apps"
CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
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
        self._snapshot = Snapshot()
        self._queue = SchedulingQueue()
        self._verdicts = Verdicts()
        self._profile = Profile.of(exported(engine.scheduler.plugins, "PLUGIN"))
        self._around = Surroundings(self._snapshot, self._lookup, self._spread_selector)
        self._templates = Templates(self._profile, self._around)
        self._wake = asyncio.Event()
        self._volumes_changed = asyncio.Event()
        self._binding: set[asyncio.Task[None]] = set()

    async def verdict(self, request: Request, pod: Obj) -> Response:
        """GET pods/verdict: what the last cycle found for a pending pod.

        Raises:
            StatusError: 404, the pod is scheduled or was not tried yet.
        """
        found = self._verdicts.get(uid_of(pod))
        if found is None:
            raise errors.not_found("pods/verdict", pod["metadata"]["name"])
        return Response(200, found.to_object())

    async def run(self) -> None:
        """Schedule until cancelled."""
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
            for task in self._binding:
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
            self._queue.remove(uid)
            self._verdicts.forget(uid)
            if self._snapshot.remove(uid) is not None:
                self._happened(POD_GONE)
            return
        node_name = obj["spec"].get("nodeName")
        if node_name:
            self._queue.remove(uid)
            self._verdicts.forget(uid)
            if self._snapshot.place(PodInfo(obj), node_name):
                self._happened(POD_BOUND)
        elif (obj["spec"].get("schedulerName") or NAME) == NAME and not self._snapshot.node_of(uid):
            changed = old is None or old["spec"] is not obj["spec"] or labels_of(old) != labels_of(obj)
            self._queue.update(PodInfo(obj), changed, self._world.clock.now())
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
        decision = results.decide(self._rng)
        if not decision.node:
            await self._fits_nowhere(queued, results, decision)
            return
        self._snapshot.place(pod, decision.node)
        waiting = volumes.claims_of(pod, self._lookup).waiting if volumes.claim_names(pod) else []
        if waiting:
            task = asyncio.get_running_loop().create_task(self._bind_with_volumes(queued, decision.node, waiting))
            self._binding.add(task)
            task.add_done_callback(self._binding.discard)
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
            self._snapshot.remove(pod.uid)
            if error.code != 404:
                log.warning("binding %s/%s to %s: %s", pod.namespace, pod.name, node, error)
                self._queue.put_back(queued, frozenset(), self._world.clock.now())
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
                patch = {"metadata": {"annotations": {volumes.SELECTED_NODE: node}}}
                cause = Cause("kube-scheduler", revision_of(pod.obj))
                await self._client.patch(CLAIMS, claim["metadata"]["name"], patch, pod.namespace, cause=cause)
            async with asyncio.timeout(volumes.BIND_TIMEOUT_S):
                while not self._all_bound(pod):
                    await self._volumes_changed.wait()
        except (StatusError, TimeoutError) as error:
            log.warning("binding volumes of %s/%s: %s", pod.namespace, pod.name, error)
            self._snapshot.remove(pod.uid)
            self._queue.put_back(queued, frozenset(), self._world.clock.now())
            return
        if queued.place != "gone":
            await self._bind(queued, node)

    def _all_bound(self, pod: PodInfo) -> bool:
        claims = (self._lookup(CLAIMS, pod.namespace, name) for name in volumes.claim_names(pod))
        return all(claim is not None and volumes.is_bound(claim) for claim in claims)

    async def _rejected(self, queued: QueuedPod, error: Unschedulable) -> None:
        nodes = len(self._snapshot.nodes)
        message = f"{messages.rejected_before(nodes, error.reason)} {messages.preemption_refused(nodes)}"
        await self._unschedulable(queued, message, Decision(), frozenset((error.plugin,)))

    async def _fits_nowhere(self, queued: QueuedPod, results: TemplateResults, decision: Decision) -> None:
        nodes = len(self._snapshot.nodes)
        if not nodes:
            await self._unschedulable(queued, "no nodes available to schedule pods", decision, frozenset(("NodeName",)))
            return
        reasons = [reason for rejection in decision.rejections.values() for reason in rejection.reasons]
        message = messages.unavailable(nodes, reasons)
        chosen = preempt(queued.pod, decision, self._profile, self._around, self._informers[BUDGETS].lister.list(queued.pod.namespace))
        if isinstance(chosen, str):
            message = f"{message} {chosen}"
        else:
            await self._evict(queued.pod, chosen)
        await self._unschedulable(queued, message, decision, decision.plugins)

    async def _unschedulable(self, queued: QueuedPod, message: str, decision: Decision, plugins: frozenset[str]) -> None:
        pod, now = queued.pod, self._world.clock.now()
        self._verdicts.keep(pod.uid, Verdict(now, queued.attempts, message, decision))
        self._recorder.event(pod.obj, "Warning", "FailedScheduling", message, action="Scheduling")
        self._queue.put_back(queued, self._profile.events_of(plugins), now)
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        conditions: list[Obj] = dig(pod.obj, "status", "conditions", default=[])
        known: Obj = next((c for c in conditions if c["type"] == "PodScheduled"), {})
        if all(known.get(name) == value for name, value in condition.items()):
            return
        since = known.get("lastTransitionTime") if known.get("status") == "False" else rfc3339(now)
        patch = {"status": {"conditions": [{**condition, "lastTransitionTime": since, "lastProbeTime": None}]}}
        await self._patch_status(pod, patch)

    async def _patch_status(self, pod: PodInfo, patch: Obj) -> None:
        try:
            await self._client.patch(
                "pods", pod.name, patch, pod.namespace, "status", STRATEGIC_PATCH, Cause("kube-scheduler", revision_of(pod.obj))
            )
        except StatusError as error:
            log.debug("status of %s/%s: %s", pod.namespace, pod.name, error)

    async def _evict(self, pod: PodInfo, chosen: Preemption) -> None:
        """Delete the victims and nominate the node (framework/preemption prepareCandidate)."""
        now = rfc3339(self._world.clock.now())
        message = f"{NAME}: preempting to accommodate a higher priority pod"
        condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": message}
        for victim in chosen.victims:
            await self._patch_status(victim, {"status": {"conditions": [{**condition, "lastTransitionTime": now}]}})
            try:
                await self._client.delete("pods", victim.name, victim.namespace, cause=Cause("kube-scheduler", revision_of(pod.obj)))
            except StatusError as error:
                log.debug("preempting %s/%s: %s", victim.namespace, victim.name, error)
                continue
            self._recorder.event(
                victim.obj, "Normal", "Preempted", f"Preempted by pod {pod.uid} on node {chosen.node}", related=pod.obj, action="Preempting"
            )
        await self._patch_status(pod, {"status": {"nominatedNodeName": chosen.node}})
