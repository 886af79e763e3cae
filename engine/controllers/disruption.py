"""How many pods a budget allows to be disrupted (pkg/controller/disruption/disruption.go)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from engine.base.api import STRATEGIC_PATCH
from engine.base.clock import parse_time, rfc3339
from engine.base.conditions import condition_of, find, without
from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, controller_of, is_terminating, labels_of, name_of, namespace_of, put, uid_of
from engine.control.actions import Action, Actions, Emit, Key, Patch, RequeueAfter, Update
from engine.control.controller import Controller, Watch
from engine.control.pods import is_ready, is_terminal, phase_of
from engine.control.read import Read
from engine.control.selection import selector_of

RESOURCE = "poddisruptionbudgets.policy"
REPLICA_SETS, DEPLOYMENTS = "replicasets.apps", "deployments.apps"
SCALED = {
    ("apps", "ReplicaSet"): REPLICA_SETS,
    ("apps", "StatefulSet"): "statefulsets.apps",
    ("", "ReplicationController"): "replicationcontrollers",
}
"""Controllers of pods that have a scale."""
DELETION_TIMEOUT_S = 120.0
"""How long an evicted pod is expected to be deleted, and how long a pod is marked as disrupted without being deleted."""
SETTLE_PODS_MIN = 100
SETTLE_S_PER_POD = 0.00005
SETTLE_S_MAX = 0.1
"""Changes of the pods of a large budget are counted together."""


class MarkedPod(NamedTuple):
    """Key of a pod with condition DisruptionTarget, which is taken back where the pod stays."""

    namespace: str
    name: str
    kind: str = "Pod"


class Expected(NamedTuple):
    """What a budget asks of its pods. `error` says why it cannot be told."""

    pods: int = 0
    healthy: int = 0
    unmanaged: bool = False
    error: str = ""


def reconcile(key: Key | MarkedPod, read: Read, now: float) -> Actions:
    """Write the status of a budget, or unmark a pod."""
    if isinstance(key, MarkedPod):
        return _unmark(read.get("pods", key.namespace, key.name), now)
    budget = read.get(RESOURCE, key.namespace, key.name)
    if budget is None:
        return []
    pods = read["pods"].select(key.namespace, selector_of(budget))
    actions: list[Action] = []
    if not pods:
        actions.append(Emit(budget, "Normal", "NoPods", "No matching pods found"))
    expected = _expected(budget["spec"], pods, read)
    if expected.error:
        message = f"Failed to calculate the number of expected pods: {expected.error}"
        told = Emit(budget, "Warning", "CalculateExpectedPodCountFailed", message)
        return [*actions, told, *_write(budget, _failed(budget, expected.error, now))]
    if expected.unmanaged:
        actions.append(Emit(budget, "Warning", "UnmanagedPods", _unmanaged_text(budget)))
    disrupted, late, recheck_s = _disrupted(budget, pods, now)
    actions += late
    healthy = sum(not is_terminating(pod) and name_of(pod) not in disrupted and is_ready(pod) for pod in pods)
    actions += _write(budget, _status(budget, expected, healthy, disrupted, now))
    return [*actions, RequeueAfter(recheck_s)] if recheck_s is not None else actions


def _expected(spec: Obj, pods: Sequence[Obj], read: Read) -> Expected:
    """getExpectedPodCount: percentages, and maxUnavailable, are of the scale of the pods' controllers, rounded up."""
    most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if most is None and least is None:
        return Expected()
    if most is None and isinstance(least, int):
        return Expected(len(pods), least)
    scales: dict[str, int] = {}
    asked: set[str] = set()
    unmanaged = False
    for pod in pods:
        ref = controller_of(pod)
        if ref is None:
            unmanaged = True
            continue
        if ref["uid"] in asked:
            continue
        asked.add(ref["uid"])
        found = _scale(ref, namespace_of(pod), read)
        if isinstance(found, str):
            return Expected(error=found or f'found no controllers for pod "{name_of(pod)}"')
        scales[found[0]] = found[1]
    total = sum(scales.values())
    if most is not None:
        return Expected(total, max(0, total - resolve(most, total, up=True)), unmanaged)
    return Expected(total, resolve(least or 0, total, up=True), unmanaged)


def _scale(ref: Obj, namespace: str, read: Read) -> tuple[str, int] | str:
    """(uid, replicas) of a pod's controller, the Deployment where a ReplicaSet has one; else why there is none."""
    group = ref["apiVersion"].rpartition("/")[0]
    resource = SCALED.get((group, ref["kind"]))
    if resource is None:
        plural = f"{ref['kind'].lower()}s"
        return (
            f"{plural}.{group} does not implement the scale subresource" if group else f"{plural} does not implement the scale subresource"
        )
    owner = read.get(resource, namespace, ref["name"])
    if owner is None or uid_of(owner) != ref["uid"]:
        return ""
    above = controller_of(owner) if resource == REPLICA_SETS else None
    if above is not None and above["kind"] == "Deployment":
        deployment = read.get(DEPLOYMENTS, namespace, above["name"])
        if deployment is None or uid_of(deployment) != above["uid"]:
            return ""
        owner = deployment
    return uid_of(owner), owner["spec"].get("replicas", 1)


def _unmanaged_text(budget: Obj) -> str:
    labels = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
    shown = "".join(f"{label}: {value}," for label, value in sorted(labels.items()))
    selector = f"&LabelSelector{{MatchLabels:map[string]string{{{shown}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"
    return (
        f"Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the status of the PDB "
        "cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set "
        '".spec.minAvailable" field of the PDB to an integer value.'
    )


def _disrupted(budget: Obj, pods: Sequence[Obj], now: float) -> tuple[dict[str, str], list[Action], float | None]:
    """(evicted pods that still are to be deleted, events about those that were not, seconds to the next of these)."""
    recorded = (budget.get("status") or {}).get("disruptedPods") or {}
    kept: dict[str, str] = {}
    late: list[Action] = []
    recheck: float | None = None
    for pod in pods:
        since = recorded.get(name_of(pod))
        if since is None or is_terminating(pod):
            continue
        left = parse_time(since) + DELETION_TIMEOUT_S - now
        if left <= 0:
            shown = f"{namespace_of(budget)}/{name_of(budget)}"
            late.append(Emit(pod, "Warning", "NotDeleted", f"Pod was expected by PDB {shown} to be deleted but it wasn't"))
        else:
            kept[name_of(pod)] = since
            recheck = left if recheck is None else min(recheck, left)
    return kept, late, recheck


def _status(budget: Obj, expected: Expected, healthy: int, disrupted: Mapping[str, str], now: float) -> Obj:
    """updatePdbStatus."""
    allowed = max(0, healthy - expected.healthy) if expected.pods > 0 else 0
    generation = budget["metadata"].get("generation", 0)
    counts = {"currentHealthy": healthy, "desiredHealthy": expected.healthy, "expectedPods": expected.pods}
    made: dict[str, Any] = {"observedGeneration": generation, "disruptionsAllowed": allowed, **counts}
    if disrupted:
        made["disruptedPods"] = disrupted
    status, reason = ("True", "SufficientPods") if allowed > 0 else ("False", "InsufficientPods")
    return {**made, "conditions": _conditions(budget, status, reason, "", now)}


def _failed(budget: Obj, error: str, now: float) -> Obj:
    """failSafe: nothing may be disrupted."""
    status = budget.get("status") or {}
    return {**status, "disruptionsAllowed": 0, "conditions": _conditions(budget, "False", "SyncFailed", error, now)}


def _conditions(budget: Obj, status: str, reason: str, message: str, now: float) -> list[Obj]:
    conditions = (budget.get("status") or {}).get("conditions") or []
    current = find(conditions, "DisruptionAllowed")
    moved = current is None or current["status"] != status
    made = {
        "type": "DisruptionAllowed",
        "status": status,
        "observedGeneration": budget["metadata"].get("generation", 0),
        "lastTransitionTime": rfc3339(now) if moved or current is None else current["lastTransitionTime"],
        "reason": reason,
        "message": message,
    }
    return [*without(conditions, "DisruptionAllowed"), made]


def _write(budget: Obj, status: Obj) -> list[Action]:
    return [] if status == budget.get("status") else [Update(RESOURCE, put(budget, ("status",), status), "status")]


def _unmark(pod: Obj | None, now: float) -> Actions:
    """A pod that was to be disrupted and still is here after two minutes is so no longer (syncStalePodDisruption)."""
    condition = condition_of(pod, "DisruptionTarget") if pod is not None else None
    if pod is None or condition is None or not _is_marked(pod):
        return []
    left = parse_time(condition["lastTransitionTime"]) + DELETION_TIMEOUT_S - now
    if left > 0:
        return [RequeueAfter(left)]
    made = {"type": "DisruptionTarget", "status": "False", "reason": None, "message": None, "lastTransitionTime": rfc3339(now)}
    return [Patch.status("pods", pod, {"conditions": [made]}, STRATEGIC_PATCH)]


def _is_marked(pod: Obj) -> bool:
    condition = condition_of(pod, "DisruptionTarget")
    return condition is not None and condition["status"] == "True" and not is_terminating(pod) and not is_terminal(pod)


def _pod_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key | MarkedPod]:
    """The budgets whose counts a change of a pod may change, and the pod itself where it is marked."""
    if kind == "MODIFIED" and old is not None and _seen(old) == _seen(new):
        return ()
    found: list[Key | MarkedPod] = [
        Key(namespace_of(b), name_of(b)) for b in read[RESOURCE].list(namespace_of(new)) if _selects(b, new, old)
    ]
    return [*found, MarkedPod(namespace_of(new), name_of(new))] if kind != "DELETED" and _is_marked(new) else found


def _selects(budget: Obj, new: Obj, old: Obj | None) -> bool:
    selector = selector_of(budget)
    return selector.matches(labels_of(new)) or (old is not None and selector.matches(labels_of(old)))


def _seen(pod: Obj) -> tuple[Any, ...]:
    ref = controller_of(pod)
    return (labels_of(pod), is_ready(pod), is_terminating(pod), phase_of(pod), ref["uid"] if ref else "", _is_marked(pod))


def _settle(key: Any, read: Read) -> float:
    budget = read.get(RESOURCE, key.namespace, key.name)
    pods = ((budget.get("status") or {}).get("expectedPods") or 0) if budget is not None else 0
    return min(pods * SETTLE_S_PER_POD, SETTLE_S_MAX) if pods > SETTLE_PODS_MIN else 0.0


CONTROLLER = Controller(
    name="disruption-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(Watch("pods", _pod_keys, _settle),),
    reads=(DEPLOYMENTS, *SCALED.values()),
    workers=1,
    component="controllermanager",
)
