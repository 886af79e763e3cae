"""What a pod that is not being stopped does next: network, volumes, init containers and sidecars in order, then the others.

Upstream: pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions, computeInitContainerActions.
"""

from engine.kubelet import containers, events, pulls, restarts, termination
from engine.kubelet.effects import EmitEvent, PrepareSandbox, Resolve
from engine.kubelet.inputs import Resolved
from engine.kubelet.plan import SIDECAR
from engine.kubelet.podstate import NEVER, ContainerState
from engine.kubelet.references import ENV, VOLUME
from engine.kubelet.turn import Turn

SANDBOX_RETRY_S = 10.0
VOLUME_RETRY_FIRST_S = 0.5
VOLUME_RETRY_MAX_S = 122.0
"""pkg/util/goroutinemap/exponentialbackoff: 500 ms, doubled up to 2 m 2 s."""
CONFIG_RETRY_S = 12.0

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def advance(turn: Turn) -> None:
    """Take every step that can be taken now."""
    state = turn.state
    deadline = turn.plan.deadline_s
    if deadline is not None and turn.now >= state.start_time + deadline:
        turn.state = state._replace(reason="DeadlineExceeded", message=DEADLINE_MESSAGE)
        turn.effects.append(EmitEvent(events.NORMAL, "DeadlineExceeded", DEADLINE_MESSAGE))
        termination.stop_pod(turn, "deadline", turn.plan.grace_s)
    elif _volumes_ready(turn) and _sandbox_ready(turn) and _initialised(turn):
        for i in range(turn.plan.first_main, len(turn.containers)):
            _keep_running(turn, i)
        _end_if_done(turn)


def _volumes_ready(turn: Turn) -> bool:
    state = turn.state
    if state.volumes == "ready" or not turn.plan.references:
        return True
    if state.volumes == "" or (state.volumes == "waiting" and turn.now >= state.volumes_due):
        turn.state = state._replace(volumes="asked", volumes_due=NEVER)
        turn.effects.append(Resolve())
    return False


def _sandbox_ready(turn: Turn) -> bool:
    state = turn.state
    if state.sandbox == "" and (state.volumes_due == NEVER or turn.now >= state.volumes_due):
        turn.state = state._replace(sandbox="asked", volumes_due=NEVER)
        turn.effects.append(PrepareSandbox())
    return turn.state.sandbox == "ready"


def resolved(turn: Turn, news: Resolved) -> None:
    """Volumes hold up the whole pod (FailedMount), missing variables only their container (CreateContainerConfigError)."""
    state = turn.state
    blocked = [p for p in news.problems if p.use == VOLUME]
    if blocked:
        pause = min(state.volumes_backoff_s * 2 or VOLUME_RETRY_FIRST_S, VOLUME_RETRY_MAX_S)
        turn.effects += [events.failed_mount(p.owner, p.message) for p in blocked]
        turn.state = state._replace(volumes="waiting", volumes_due=turn.now + pause, volumes_backoff_s=pause)
        return
    turn.state = state._replace(volumes="ready", volumes_due=NEVER)
    missing = {p.owner: p.message for p in reversed(news.problems) if p.use == ENV}
    for i, plan in enumerate(turn.plan.containers):
        c = turn.containers[i]
        if c.life == containers.WAITING and plan.name in missing:
            turn.effects.append(events.failed(plan, missing[plan.name]))
            waiting = c._replace(reason="CreateContainerConfigError", message=missing[plan.name], due=turn.now + CONFIG_RETRY_S)
            turn.change(i, waiting)
        elif c.reason == "CreateContainerConfigError":
            turn.change(i, c._replace(reason="", message="", due=NEVER))


def _initialised(turn: Turn) -> bool:
    """Whether the main containers may run. Sidecars are kept running; the first unfinished step holds up all after it."""
    began = any(turn.containers[i].started_at or turn.containers[i].last for i in turn.plan.mains)
    for i in range(turn.plan.first_main):
        plan, c = turn.plan.containers[i], turn.containers[i]
        if plan.role == SIDECAR:
            _keep_running(turn, i)
            if not began and not turn.containers[i].started:
                return False
        elif not began and not (c.life == containers.EXITED and c.ended is not None and c.ended.code == 0):
            if c.life == containers.EXITED and c.ended is not None and not _restarts(turn, i, c.ended.code):
                termination.stop_pod(turn, "failed", turn.plan.grace_s)
                return False
            _keep_running(turn, i)
            return False
    return True


def _restarts(turn: Turn, i: int, code: int) -> bool:
    return restarts.restarts(turn.plan.containers[i], turn.plan.restart_policy, code)


def _keep_running(turn: Turn, i: int) -> None:
    """Start a container that waits, restart one that ended and should run."""
    c = turn.containers[i]
    if c.life == containers.WAITING:
        _start_waiting(turn, i, c)
    elif c.life == containers.EXITED and c.ended is not None:
        if _restarts(turn, i, c.ended.code):
            _restart(turn, i, c)
    elif c.life == containers.BACKOFF and turn.now >= c.due:
        _restart(turn, i, c)


def _start_waiting(turn: Turn, i: int, c: ContainerState) -> None:
    if c.due != NEVER and c.due > turn.now:
        return
    if c.reason == "ErrImagePull":
        pulls.back_off(turn, i, c)
    elif c.reason == "CreateContainerConfigError":
        turn.change(i, c._replace(due=turn.now + CONFIG_RETRY_S))
        turn.effects.append(Resolve())
    else:
        pulls.begin(turn, i)


def _restart(turn: Turn, i: int, c: ContainerState) -> None:
    """The next instance: at once, or after the back-off that earlier ends have earned."""
    if c.ended is None:
        return
    due = restarts.restart_at(c, c.ended)
    if due > turn.now:
        plan, pod = turn.plan.containers[i], turn.state.pod
        turn.effects.append(events.back_off(plan, pod))
        message = events.back_off_message(plan, pod, c.backoff_s)
        turn.change(i, c._replace(life=containers.after(c.life, "back off"), message=message, due=due))
        return
    again = containers.restarted(restarts.backed_off(c, c.ended, turn.now))
    turn.change(i, again)
    pulls.begin(turn, i)


def _end_if_done(turn: Turn) -> None:
    """All main containers ended for good: the sidecars are stopped and the pod is over."""
    for i in turn.plan.mains:
        c = turn.containers[i]
        if c.life != containers.EXITED or c.ended is None or _restarts(turn, i, c.ended.code):
            return
    termination.stop_pod(turn, "completed", turn.plan.grace_s)
