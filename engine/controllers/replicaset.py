"""ReplicaSets: as many pods as asked for (pkg/controller/replicaset/replica_set.go)."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.base.clock import rfc3339
from engine.base.conditions import find, updated, without
from engine.base.objects import Obj, controller_of, is_terminating, labels_of, put, uid_of
from engine.base.selectors import from_map
from engine.control.actions import Action, Actions, Create, Delete, Failure, Key, Parallel, RequeueAfter, Update
from engine.control.controller import Controller, Watch, owned_or_selected
from engine.control.pods import available_in, by_deletion, is_active
from engine.control.pods import is_terminating as is_terminating_pod
from engine.control.read import Read
from engine.control.refs import claim
from engine.control.selection import selector_of
from engine.control.templates import pod_from_template

RESOURCE = "replicasets.apps"
BURST_REPLICAS = 500
"""Pods that one reconcile creates or deletes at most."""
SETTLE_S_PER_POD = 0.00005
SETTLE_S_MAX = 0.1
"""Changes of many pods are counted together: 50 µs per pod is what a count costs twenty times over."""
SETTLE_S_PER_POD_OF_ALL = 0.00001
"""And longer, the more other pods there are: where 50 sets of 3,000 start at once, each is counted every 1.5 s."""


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Adopt and release pods, create or delete what is missing or too much, write the status."""
    rs = read.get(RESOURCE, key.namespace, key.name)
    if rs is None:
        return []
    pods = read["pods"]
    owned = pods.owned_by(uid_of(rs))
    active = [pod for pod in owned if is_active(pod)]
    orphans = [pod for pod in pods.orphans(key.namespace) if is_active(pod)]
    claimed = claim(rs, RESOURCE, selector_of(rs), "pods", [*active, *orphans])
    terminating = sum(is_terminating_pod(pod) for pod in owned) if len(active) < len(owned) else 0
    counts = _counts(rs, claimed.objects, terminating, now)

    def finish(failures: Sequence[Failure]) -> Actions:
        status = _status(rs, counts, failures, now)
        return [] if status == rs.get("status") else [Update(RESOURCE, put(rs, ("status",), status), "status")]

    actions: list[Action] = [*claimed.actions]
    if counts.available_in is not None:
        actions.append(RequeueAfter(counts.available_in))
    scaling = None if is_terminating(rs) else _scale(rs, claimed.objects, read, now, finish)
    return [*actions, scaling] if scaling is not None else [*actions, *finish(())]


def _scale(rs: Obj, active: list[Obj], read: Read, now: float, finish: Callable[[Sequence[Failure]], Actions]) -> Parallel | None:
    """manageReplicas: what brings the number of active pods to spec.replicas."""
    wanted = rs["spec"].get("replicas", 1)
    if len(active) < wanted:
        pod = pod_from_template(rs["spec"]["template"], rs)
        return Parallel((Create("pods", pod),) * min(wanted - len(active), BURST_REPLICAS), about=rs, then=finish)
    surplus = min(len(active) - wanted, BURST_REPLICAS)
    if not surplus:
        return None
    doomed = active if surplus == len(active) else by_deletion(active, _related(rs, active, read), now)[:surplus]
    deletes = tuple(Delete.of("pods", pod) for pod in doomed)
    return Parallel(deletes, about=rs, slow_start=False, then=finish)


def _related(rs: Obj, active: list[Obj], read: Read) -> list[Obj]:
    """Pods of all ReplicaSets that have the same controller: old and new pods of a rollout (getIndirectlyRelatedPods)."""
    ref = controller_of(rs)
    siblings = read[RESOURCE].owned_by(ref["uid"]) if ref is not None else [rs]
    if len(siblings) <= 1:
        return active
    return [pod for sibling in siblings for pod in read["pods"].owned_by(uid_of(sibling))]


class _Counts:
    """How many of the active pods are fully labelled, ready, available; `available_in` seconds the next one becomes available."""

    __slots__ = ("available", "available_in", "labelled", "ready", "terminating", "total")

    def __init__(self) -> None:
        self.total = self.labelled = self.ready = self.available = self.terminating = 0
        self.available_in: float | None = None


def _counts(rs: Obj, active: list[Obj], terminating: int, now: float) -> _Counts:
    counts = _Counts()
    counts.total, counts.terminating = len(active), terminating
    labels = (rs["spec"]["template"].get("metadata") or {}).get("labels")
    selector = from_map(labels)
    min_ready_s = rs["spec"].get("minReadySeconds") or 0
    for pod in active:
        worn = labels_of(pod)
        counts.labelled += not labels or worn is labels or selector.matches(worn)
        wait = available_in(pod, min_ready_s, now)
        if wait is None:
            continue
        counts.ready += 1
        if wait == 0.0:
            counts.available += 1
        elif counts.available_in is None or wait < counts.available_in:
            counts.available_in = wait
    return counts


def _status(rs: Obj, counts: _Counts, failures: Sequence[Failure], now: float) -> Obj:
    """calculateStatus (replica_set_utils.go): condition ReplicaFailure while pods cannot be created or deleted."""
    status: dict[str, Any] = {
        "replicas": counts.total,
        "fullyLabeledReplicas": counts.labelled,
        "readyReplicas": counts.ready,
        "availableReplicas": counts.available,
    }
    status = {name: count for name, count in status.items() if count or name == "replicas"}
    status["terminatingReplicas"] = counts.terminating
    status["observedGeneration"] = rs["metadata"].get("generation", 0)
    conditions = (rs.get("status") or {}).get("conditions") or []
    failed = find(conditions, "ReplicaFailure")
    if failures and failed is None:
        reason = "FailedCreate" if counts.total < rs["spec"].get("replicas", 1) else "FailedDelete"
        condition = {"type": "ReplicaFailure", "status": "True", "lastTransitionTime": rfc3339(now)}
        conditions = updated(conditions, {**condition, "reason": reason, "message": str(failures[0].error)})
    elif not failures and failed is not None:
        conditions = without(conditions, "ReplicaFailure")
    if conditions:
        status["conditions"] = conditions
    return status


def _settle(key: Key, read: Read) -> float:
    rs = read.get(RESOURCE, key.namespace, key.name)
    pods = (rs["spec"].get("replicas") or 0) if rs is not None else 0
    return min(pods * SETTLE_S_PER_POD, SETTLE_S_MAX) + len(read["pods"]) * SETTLE_S_PER_POD_OF_ALL if pods > 100 else 0.0


CONTROLLER = Controller(
    name="replicaset-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    settle=_settle,
    watches=(Watch("pods", owned_or_selected("apps", "ReplicaSet", RESOURCE), _settle),),
)
