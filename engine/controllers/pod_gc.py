"""Pods that nobody else will delete: too many finished ones, and those whose node is gone (pkg/controller/podgc/gc_controller.go)."""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.base.clock import rfc3339
from engine.base.conditions import condition_of, is_true, updated
from engine.base.objects import Obj, is_terminating, name_of
from engine.control.actions import Action, Actions, Check, Delete, Key, Parallel, Patch, Remember, RequeueAfter
from engine.control.controller import Controller
from engine.control.pods import is_terminal, phase_of
from engine.control.read import Read

SWEEP = Key("", "sweep")
SWEEP_PERIOD_S = 20.0
TERMINATED_PODS_MAX = 12_500
"""--terminated-pod-gc-threshold."""
QUARANTINE_S = 40.0
"""How long a node must be missing before its pods are deleted."""
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"

_NODE = "node"
_STATE = "pod-gc"


def _states(pod: Obj) -> Sequence[str]:
    """Index: `terminated`, and `terminating` for pods that are being deleted."""
    found = ("terminated",) if is_terminal(pod) else ()
    return (*found, "terminating") if is_terminating(pod) else found


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """One sweep over all pods, and the next in 20 s."""
    pods, nodes = read["pods"], read["nodes"]
    missing = [n for n in pods.index_values(_NODE) if n and nodes.get("", n) is None]
    since: dict[str, float] = {n: read.memory.get(key, {}).get(n, now) for n in missing}
    actions: list[Action] = [RequeueAfter(SWEEP_PERIOD_S), Remember(since)]
    actions += _surplus(pods.by_index(_STATE, "terminated"))
    terminating = pods.by_index(_STATE, "terminating")
    for pod in terminating:
        node = nodes.get("", (pod.get("spec") or {}).get("nodeName") or "")
        if node is not None and _is_out_of_service(node):
            actions.append(_ended(pod, None, now))
    for name in missing:
        if now - since[name] >= QUARANTINE_S:
            gone = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}
            actions.append(_after_check(name, [_ended(pod, gone, now) for pod in pods.by_index(_NODE, name)]))
    return [*actions, *(_ended(pod, None, now) for pod in terminating if not (pod.get("spec") or {}).get("nodeName"))]


def _after_check(node: str, ends: Actions) -> Parallel:
    """What ends the pods of a node, done only if the server knows no such node."""
    return Parallel((Check("nodes", "", node, "", present=False),), then=lambda failures: [] if failures else ends)


def _surplus(terminated: list[Obj]) -> Iterable[Action]:
    """Deletions of finished pods beyond the threshold: evicted ones first, then the oldest."""
    surplus = len(terminated) - TERMINATED_PODS_MAX
    if surplus <= 0:
        return ()

    def order(pod: Obj) -> tuple[bool, str, str]:
        evicted = phase_of(pod) == "Failed" and (pod.get("status") or {}).get("reason") == "Evicted"
        return (not evicted, pod["metadata"].get("creationTimestamp") or "", name_of(pod))

    return [_forced(pod) for pod in sorted(terminated, key=order)[:surplus]]


def _forced(pod: Obj) -> Delete:
    return Delete.of("pods", pod, grace_period_s=0)


def _ended(pod: Obj, condition: Obj | None, now: float) -> Parallel:
    """Mark the pod as failed, where it is not finished, then delete it without grace; what fails is left to the next sweep."""
    status: dict[str, Any] = {}
    if not is_terminal(pod):
        status["phase"] = "Failed"
        if condition is not None and condition_of(pod, condition["type"]) is None:
            made = {**condition, "lastProbeTime": None, "lastTransitionTime": rfc3339(now)}
            status["conditions"] = updated((pod.get("status") or {}).get("conditions") or (), made)
    if not status:
        return Parallel((_forced(pod),), then=lambda failures: [])
    mark = Patch.status("pods", pod, status)
    return Parallel((mark,), then=lambda failures: [] if failures else [_forced(pod)])


def _is_out_of_service(node: Obj) -> bool:
    taints = (node.get("spec") or {}).get("taints") or ()
    return not is_true(node, "Ready") and any(t["key"] == OUT_OF_SERVICE for t in taints)


CONTROLLER = Controller(
    name="pod-garbage-collector-controller",
    resource="",
    reconcile=reconcile,
    reads=("pods", "nodes"),
    indexes={"pods": {_STATE: _states}},
    initial=(SWEEP,),
    workers=1,
)
