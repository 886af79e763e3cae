"""A pod's phase from the lives of its containers (pkg/kubelet/kubelet_pods.go getPhase)."""

from engine.kubelet import containers, restarts
from engine.kubelet.plan import EPHEMERAL, INIT, SIDECAR, PodPlan
from engine.kubelet.podstate import ContainerState, PodState

PENDING, RUNNING, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"
TERMINAL = frozenset({SUCCEEDED, FAILED})

_RUNS, _WAITS, _STOPPED = "runs", "waits", "stopped"


def _standing(c: ContainerState) -> str:
    """How the phase counts a container: one that waits after an earlier end counts as stopped."""
    if c.life in (containers.RUNNING, containers.STOPPING):
        return _RUNS if c.started_at else _WAITS
    if c.life in (containers.EXITED, containers.BACKOFF) or c.last is not None:
        return _STOPPED
    return _WAITS


def last_end_code(c: ContainerState) -> int:
    """The exit code of the last instance that ended; -1 where none did."""
    end = c.ended or c.last
    return end.code if end else -1


def any_main_started(state: PodState) -> bool:
    """Whether the pod has been through its initialisation (kubecontainer.HasAnyRegularContainerStarted)."""
    return any(state.containers[i].started_at or state.containers[i].last for i in state.plan.mains)


def phase_of(state: PodState) -> str:
    """The phase. A pod that is being stopped keeps Running until its last container has ended."""
    if state.reason:
        return FAILED if state.finished else _going_on(state)
    return _terminal(state) if state.finished else _going_on(state)


def _terminal(state: PodState) -> str:
    ends = [state.containers[i] for i in state.plan.mains]
    if _init_failed(state.plan, state.containers):
        return FAILED
    return SUCCEEDED if all(c.life == containers.EXITED and last_end_code(c) == 0 for c in ends) else FAILED


def _init_failed(plan: PodPlan, all_containers: tuple[ContainerState, ...]) -> bool:
    """Whether an init container failed for good."""
    for plan_c, c in zip(plan.containers, all_containers, strict=True):
        if plan_c.role == INIT and c.life == containers.EXITED and c.ended and c.ended.code != 0:
            return not restarts.restarts(plan_c, plan.restart_policy, c.ended.code)
    return False


def _going_on(state: PodState) -> str:
    counts = {_RUNS: 0, _WAITS: 0, _STOPPED: 0}
    initialised = any_main_started(state)
    for plan, c in zip(state.plan.containers, state.containers, strict=True):
        standing = _standing(c)
        if plan.role == EPHEMERAL:
            continue
        if plan.role == INIT:
            if not initialised and standing != _STOPPED:
                return PENDING
        elif plan.role == SIDECAR:
            if not initialised and not c.started and standing != _STOPPED:
                return PENDING
            if standing == _RUNS:
                counts[_RUNS] += 1
        else:
            counts[standing] += 1
    if counts[_WAITS]:
        return PENDING
    return RUNNING
