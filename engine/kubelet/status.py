"""PodStatus as the kubelet writes it (pkg/kubelet/kubelet_pods.go generateAPIPodStatus, pkg/kubelet/status/generate.go)."""

from functools import lru_cache
from typing import Any

from engine.base.clock import rfc3339
from engine.base.objects import Obj
from engine.kubelet import containers, phase
from engine.kubelet.plan import EPHEMERAL, INIT, SIDECAR, ContainerPlan
from engine.kubelet.podstate import ContainerState, PodState, Termination

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
"""Conditions of the kubelet, in the order in which it writes them."""
SHARED = "DisruptionTarget"

_UNKNOWN_END = {
    "exitCode": 137,
    "reason": "ContainerStatusUnknown",
    "message": "The container could not be located when the pod was terminated",
    "startedAt": None,
    "finishedAt": None,
}


def render(state: PodState, now: float) -> Obj:
    """The pod's status at `now`; conditions that did not change keep the times of the status that the pod has."""
    pod = state.pod
    now_phase = phase.phase_of(state)
    generation = pod["metadata"].get("generation") or 0
    status: dict[str, Any] = {"observedGeneration": generation} if generation else {}
    status["phase"] = now_phase
    rejected = state.rejected
    if not rejected:
        status["conditions"] = _conditions(state, now_phase, generation, now)
    if state.reason and state.finished:
        status["message"] = state.message
        status["reason"] = state.reason
    if state.host_ips and not rejected:
        status["hostIP"] = state.host_ips[0]
        status["hostIPs"] = _ips(state.host_ips)
    if state.ips:
        status["podIP"] = state.ips[0]
        status["podIPs"] = _ips(state.ips)
    status["startTime"] = rfc3339(state.start_time)
    if not rejected:
        _add_containers(status, state)
    status["qosClass"] = (pod.get("status") or {}).get("qosClass") or state.plan.qos
    for kept in ("nominatedNodeName", "resourceClaimStatuses", "resize"):
        if kept in (pod.get("status") or {}):
            status[kept] = pod["status"][kept]
    return status


def _add_containers(status: dict[str, Any], state: PodState) -> None:
    init = [_container_status(state, i) for i in range(state.plan.first_main)]
    if init:
        status["initContainerStatuses"] = init
    status["containerStatuses"] = [_container_status(state, i) for i in state.plan.mains]
    ephemeral = [_container_status(state, i) for i in range(state.plan.first_ephemeral, len(state.containers))]
    if ephemeral:
        status["ephemeralContainerStatuses"] = ephemeral


@lru_cache(maxsize=1_024)
def _ips(ips: tuple[str, ...]) -> list[Obj]:
    return [{"ip": ip} for ip in ips]


def _container_status(state: PodState, i: int) -> Obj:
    plan, c = state.plan.containers[i], state.containers[i]
    shown, last, restarts = _states(state, plan, c)
    status: dict[str, Any] = {
        "name": plan.name,
        "state": shown,
        "lastState": last,
        "ready": c.ready if plan.role != INIT else "terminated" in shown and shown["terminated"]["exitCode"] == 0,
        "restartCount": restarts,
        "image": c.image.name if c.image else plan.image,
        "imageID": c.image.id if c.image else "",
    }
    identity = c.id or (c.last.id if c.last else "")
    if identity:
        status["containerID"] = identity
    if plan.role != EPHEMERAL:
        status["started"] = c.started
    if c.started_at and c.life != containers.EXITED:
        resources = plan.spec.get("resources") or {}
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
        status["resources"] = resources
    if plan.mounts:
        status["volumeMounts"] = plan.mounts
    return status


def _states(state: PodState, plan: ContainerPlan, c: ContainerState) -> tuple[Obj, Obj, int]:
    """`state`, `lastState` and restartCount. Between two instances the earlier one is shown until the next runs."""
    last = _terminated(c.last) if c.last else _NONE
    if c.life in (containers.RUNNING, containers.STOPPING) and c.started_at:
        return _running(rfc3339(c.started_at)), last, c.restarts
    if c.life == containers.EXITED and c.ended:
        return _terminated(c.ended), last, c.restarts
    if c.life == containers.BACKOFF and c.ended:
        return _waiting("CrashLoopBackOff", c.message), _terminated(c.ended), c.restarts
    if c.last and not c.reason:
        return last, _NONE, c.restarts - 1
    if state.finished:
        return {"terminated": _UNKNOWN_END}, last, c.restarts
    if c.reason:
        return _waiting(c.reason, c.message), last, c.restarts
    return _waiting("PodInitializing" if _initialising(state, plan) else "ContainerCreating", ""), last, c.restarts


def _initialising(state: PodState, plan: ContainerPlan) -> bool:
    return state.plan.first_main > 0 and plan.role != EPHEMERAL


_NONE: Obj = {}


@lru_cache(maxsize=512)
def _running(since: str) -> Obj:
    return {"running": {"startedAt": since}}


@lru_cache(maxsize=512)
def _waiting(reason: str, message: str) -> Obj:
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def _terminated(end: Termination) -> Obj:
    shown: dict[str, Any] = {"exitCode": end.code}
    if end.signal:
        shown["signal"] = end.signal
    shown["reason"] = end.reason
    if end.message:
        shown["message"] = end.message
    shown["startedAt"] = rfc3339(end.started_at) if end.started_at else None
    shown["finishedAt"] = rfc3339(end.finished_at)
    if end.id:
        shown["containerID"] = end.id
    return {"terminated": shown}


@lru_cache(maxsize=8_192)
def _condition(kind: str, status: str, generation: int, since: str, reason: str, message: str) -> Obj:
    """One condition, shared by all pods that have the same."""
    made: dict[str, Any] = {"type": kind}
    if generation:
        made["observedGeneration"] = generation
    made |= {"status": status, "lastProbeTime": None, "lastTransitionTime": since}
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def _conditions(state: PodState, now_phase: str, generation: int, now: float) -> list[Obj]:
    old: list[Obj] = (state.pod.get("status") or {}).get("conditions") or []
    before = {c["type"]: c for c in old}
    foreign = [c for c in old if c["type"] not in OWNED and c["type"] != SHARED]
    containers_ready = _containers_ready(state, now_phase)
    said = (
        ("PodReadyToStartContainers", state.sandbox == "ready", "", ""),
        ("Initialized", *_initialized(state, now_phase)),
        ("Ready", *(_gates(state, before) if containers_ready[0] else containers_ready)),
        ("ContainersReady", *containers_ready),
        ("PodScheduled", True, "", ""),
    )
    stamp = rfc3339(now)
    made: list[Obj] = []
    for kind, ok, reason, message in said:
        status = "True" if ok else "False"
        earlier = before.get(kind)
        kept = earlier["lastTransitionTime"] if earlier and earlier["status"] == status and earlier.get("lastTransitionTime") else stamp
        made.append(_condition(kind, status, generation, kept, reason, message))
    shared = [before[SHARED]] if SHARED in before else []
    if not shared and state.stop is not None and state.stop.why == "evicted":
        shared = [_condition(SHARED, "True", generation, stamp, "TerminationByKubelet", state.message)]
    return [*foreign, *made, *shared]


def _names(text: str, names: list[str]) -> str:
    return f"containers with {text} status: [{' '.join(names)}]" if names else ""


_Said = tuple[bool, str, str]


def _containers_ready(state: PodState, now_phase: str) -> _Said:
    if now_phase == phase.SUCCEEDED:
        return False, "PodCompleted", ""
    if now_phase == phase.FAILED:
        return False, "PodFailed", ""
    unready = [
        plan.name
        for plan, c in zip(state.plan.containers, state.containers, strict=True)
        if plan.role not in (INIT, EPHEMERAL) and not c.ready
    ]
    message = _names("unready", unready)
    return (False, "ContainersNotReady", message) if message else (True, "", "")


def _initialized(state: PodState, now_phase: str) -> _Said:
    if now_phase == phase.SUCCEEDED:
        return True, "PodCompleted", ""
    if state.plan.first_main == 0 or phase.any_main_started(state):
        return True, "", ""
    incomplete = [
        plan.name
        for plan, c in zip(state.plan.containers[: state.plan.first_main], state.containers, strict=False)
        if not (c.started if plan.role == SIDECAR else c.life == containers.EXITED and c.ended and c.ended.code == 0)
    ]
    message = _names("incomplete", incomplete)
    return (False, "ContainersNotInitialized", message) if message else (True, "", "")


def _gates(state: PodState, before: dict[str, Obj]) -> _Said:
    """Ready once the containers are: every readiness gate's condition must be True."""
    missing: list[str] = []
    for gate in state.pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        condition = before.get(kind)
        if condition is None:
            missing.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif condition.get("status") != "True":
            missing.append(f'the status of pod readiness gate "{kind}" is not "True", but {condition.get("status")}')
    return (False, "ReadinessGatesNotReady", ", ".join(missing)) if missing else (True, "", "")
