"""DaemonSets: a pod on every node that it fits (pkg/controller/daemon/daemon_controller.go, update.go)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.base.objects import Obj, is_terminating, labels_of, name_of, namespace_of, put, uid_of
from engine.control import history
from engine.control.actions import Action, Actions, Create, Delete, Emit, Key, Parallel, Patch, Remember, RequeueAfter, Update
from engine.control.batches import settling
from engine.control.controller import Controller, Watch, owned_by, owned_or_selected
from engine.control.daemon_pods import HASH_LABEL, new_pods, placement_of, target_of
from engine.control.daemon_rollout import Daemons, Plan, excess, oldest_first, rolling_update
from engine.control.pods import available_in, is_terminal, phase_of
from engine.control.read import Read
from engine.control.refs import claim
from engine.control.selection import selector_of

RESOURCE = "daemonsets.apps"
NODES = "nodes"
BURST_REPLICAS = 250
BACKOFF_BASE_S, BACKOFF_MAX_S = 1.0, 900.0
"""How long a node that failed a daemon pod waits for the next one: doubled each time, from the start after twice the longest."""

Backoffs = dict[str, tuple[float, float]]
"""node -> (seconds, since when)."""


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Create and delete daemon pods, roll to a new template, write the status (syncDaemonSet)."""
    daemon_set = read.get(RESOURCE, key.namespace, key.name)
    if daemon_set is None:
        return []
    selector = selector_of(daemon_set)
    if selector.empty:
        message = "This daemon set is selecting all pods. A non-empty selector is required."
        return [Emit(daemon_set, "Warning", "SelectingAll", message)]
    if is_terminating(daemon_set):
        return []
    uid = uid_of(daemon_set)
    revisions, pods = read[history.RESOURCE], read["pods"]
    known = [*revisions.owned_by(uid), *revisions.orphans(key.namespace)]
    of_revisions = claim(daemon_set, RESOURCE, selector, history.RESOURCE, known)
    of_pods = claim(daemon_set, RESOURCE, selector, "pods", [*pods.owned_by(uid), *pods.orphans(key.namespace)])
    sync = _Sync(daemon_set, read, now, of_revisions.objects, of_pods.objects)
    return [*of_revisions.actions, *of_pods.actions, *sync.run(read.memory.get(key, {}))]


class _Sync:
    """One reconcile. `revisions` and `pods` are those that belong to the DaemonSet."""

    def __init__(self, daemon_set: Obj, read: Read, now: float, revisions: list[Obj], pods: Sequence[Obj]) -> None:
        self.set = daemon_set
        self.read = read
        self.now = now
        self.actions: list[Action] = []
        self.waits: list[float] = []
        self.collisions: int | None = (daemon_set.get("status") or {}).get("collisionCount")
        self.all_pods = pods
        template = daemon_set["spec"]["template"]
        current = [r for r in revisions if history.keeps(r, template)]
        self.old = [r for r in revisions if not history.keeps(r, template)]
        revision = self._current(current)
        by_node: dict[str, list[Obj]] = {}
        for pod in pods:
            node = target_of(pod)
            if node and not (is_terminal(pod) and is_terminating(pod)):
                by_node.setdefault(node, []).append(pod)
        placement = placement_of(daemon_set)
        fits = {name_of(node): placement.fit(node) for node in read[NODES]}
        desired = sum(fit.should_run for fit in fits.values())
        self.daemons = Daemons(daemon_set, by_node, fits, _hash_of(revision), desired, now)

    def _current(self, current: list[Obj]) -> Obj:
        """The revision of the current template, the newest of all (constructHistory); of several, the newest."""
        number = max((history.number_of(r) for r in self.old), default=0) + 1
        if not current:
            template_hash, self.collisions = history.free_hash(self.set, self.collisions, self.read)
            made = history.new_revision(self.set, number, HASH_LABEL, template_hash)
            self.actions.append(Create(history.RESOURCE, made))
            return made
        kept = max(current, key=history.number_of)
        if len(current) > 1:
            self._merge(kept, [r for r in current if r is not kept])
        if history.number_of(kept) < number:
            kept = {**kept, "revision": number}
            self.actions.append(Update(history.RESOURCE, kept))
        return kept

    def _merge(self, kept: Obj, duplicates: Sequence[Obj]) -> None:
        """Revisions of the same template: their pods become those of the one that is kept (dedupCurHistories)."""
        label = {"labels": {HASH_LABEL: _hash_of(kept)}}
        hashes = {_hash_of(r) for r in duplicates}
        for pod in self.all_pods:
            if labels_of(pod).get(HASH_LABEL) in hashes:
                self.actions.append(Patch("pods", namespace_of(pod), name_of(pod), {"metadata": label}, ignore_missing=True))
        self.actions += [Delete.of(history.RESOURCE, r) for r in duplicates]

    def run(self, backoffs: Mapping[str, tuple[float, float]]) -> Actions:
        """Pods that are missing or too many; where there are none of either, the next step of a rolling update; then the status."""
        plan = self._manage(dict(backoffs))
        if not plan.create and not plan.delete:
            if (self.set["spec"].get("updateStrategy") or {}).get("type") == "RollingUpdate":
                plan = rolling_update(self.daemons)
            self._truncate()
        self._do(plan)
        self._write_status()
        return [*self.actions, RequeueAfter(min(self.waits))] if self.waits else self.actions

    def _manage(self, backoffs: Backoffs) -> Plan:
        plan = Plan()
        before = dict(backoffs)
        for node, fit in self.daemons.fits.items():
            pods = self.daemons.pods.get(node)
            if fit.should_run and not pods:
                plan.create.append(node)
            elif fit.may_stay:
                plan.delete += self._spent(node, pods or (), backoffs)
                running = [p for p in pods or () if not is_terminating(p) and not is_terminal(p)]
                plan.delete += excess(self.daemons, running)
            elif pods:
                plan.delete += [p for p in pods if not is_terminating(p)]
        for node, pods in self.daemons.pods.items():
            if node not in self.daemons.fits:
                plan.delete += [p for p in pods if not p["spec"].get("nodeName") and not is_terminating(p)]
        if backoffs != before:
            self.actions.append(Remember(backoffs))
        return plan

    def _spent(self, node: str, pods: Sequence[Obj], backoffs: Backoffs) -> list[Obj]:
        """Finished pods of a node, to be replaced; failed ones after their backoff (podsShouldBeOnNode)."""
        doomed = []
        for pod in pods:
            if is_terminating(pod) or not is_terminal(pod):
                continue
            about = f"daemon pod {namespace_of(pod)}/{name_of(pod)} on node {node}"
            if phase_of(pod) == "Succeeded":
                self.actions.append(Emit(self.set, "Normal", "SucceededDaemonPod", f"Found succeeded {about}, will try to delete it"))
                doomed.append(pod)
                continue
            wait = _remaining(backoffs.get(node), self.now)
            if wait > 0:
                self.waits.append(wait)
                continue
            backoffs[node] = (_next(backoffs.get(node), self.now), self.now)
            self.actions.append(Emit(self.set, "Warning", "FailedDaemonPod", f"Found failed {about}, will try to kill it"))
            doomed.append(pod)
        return doomed

    def _do(self, plan: Plan) -> None:
        """syncNodes: creations in slow start, then deletions, at most 250 of each; failures do not keep the status from being written."""
        creates = tuple(Create("pods", pod) for pod in new_pods(self.set, self.daemons.template_hash, plan.create[:BURST_REPLICAS]))
        deletes = tuple(Delete.of("pods", p) for p in plan.delete[:BURST_REPLICAS])
        if creates:
            self.actions.append(Parallel(creates, about=self.set, then=lambda failures: []))
        if deletes:
            self.actions.append(Parallel(deletes, about=self.set, slow_start=False, then=lambda failures: []))

    def _truncate(self) -> None:
        """Delete old revisions that no pod has, beyond revisionHistoryLimit, the oldest first (cleanupHistory)."""
        limit = self.set["spec"].get("revisionHistoryLimit")
        surplus = len(self.old) - (10 if limit is None else int(limit))
        if surplus > 0:
            live = {labels_of(pod).get(HASH_LABEL) for pod in self.all_pods}
            unused = [r for r in history.oldest_first(self.old) if _hash_of(r) not in live]
            self.actions += [Delete.of(history.RESOURCE, r) for r in unused[:surplus]]

    def _write_status(self) -> None:
        """updateDaemonSetStatus: the oldest pod of a node counts."""
        daemons, min_ready_s = self.daemons, self.daemons.min_ready_s
        current = misplaced = ready = available = updated = 0
        for node, fit in daemons.fits.items():
            pods = daemons.pods.get(node)
            if not pods:
                continue
            if not fit.should_run:
                misplaced += 1
                continue
            current += 1
            pod = pods[0] if len(pods) == 1 else oldest_first(pods)[0]
            wait = available_in(pod, min_ready_s, self.now)
            ready += wait is not None
            available += wait == 0.0
            if wait:
                self.waits.append(wait)
            updated += daemons.updated(pod)
        desired = daemons.desired
        status: dict[str, Any] = {
            "currentNumberScheduled": current,
            "numberMisscheduled": misplaced,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            "observedGeneration": self.set["metadata"].get("generation", 0),
        }
        more = {"updatedNumberScheduled": updated, "numberAvailable": available, "numberUnavailable": desired - available}
        status.update({name: count for name, count in more.items() if count})
        before = self.set.get("status") or {}
        if self.collisions is not None:
            status["collisionCount"] = self.collisions
        if before.get("conditions"):
            status["conditions"] = before["conditions"]
        if status != before:
            self.actions.append(Update(RESOURCE, put(self.set, ("status",), status), "status"))


def _hash_of(revision: Obj) -> str:
    return labels_of(revision).get(HASH_LABEL) or name_of(revision)


def _expired(backoff: tuple[float, float] | None, now: float) -> bool:
    return backoff is None or now - backoff[1] > 2 * BACKOFF_MAX_S


def _remaining(backoff: tuple[float, float] | None, now: float) -> float:
    """Seconds until the backoff ends (IsInBackOffSinceUpdate)."""
    return 0.0 if backoff is None or _expired(backoff, now) else backoff[1] + backoff[0] - now


def _next(backoff: tuple[float, float] | None, now: float) -> float:
    return BACKOFF_BASE_S if backoff is None or _expired(backoff, now) else min(2 * backoff[0], BACKOFF_MAX_S)


def _node_changed(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """DaemonSets for which a node became another one: it came, went, or its labels or taints decide otherwise."""
    if old is not None and kind != "DELETED":
        before, after = (old.get("spec") or {}).get("taints"), (new.get("spec") or {}).get("taints")
        if before == after and labels_of(old) == labels_of(new):
            return
    for daemon_set in read[RESOURCE]:
        placement = placement_of(daemon_set)
        if kind == "DELETED" or (placement.fit(old) != placement.fit(new) if old is not None else placement.fit(new).should_run):
            yield Key(namespace_of(daemon_set), name_of(daemon_set))


CONTROLLER = Controller(
    name="daemonset-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(
        Watch("pods", owned_or_selected("apps", "DaemonSet", RESOURCE), settling(RESOURCE, lambda obj, read: len(read[NODES]))),
        Watch(NODES, _node_changed),
        Watch(history.RESOURCE, owned_by("apps", "DaemonSet")),
    ),
)
