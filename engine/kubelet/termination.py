"""Stopping: preStop, TERM, KILL within the grace; sidecars after the main containers, last first.

Upstream: pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer, kuberuntime_termination_order.go.
"""

from engine.kubelet import containers, events
from engine.kubelet.effects import KILL, PRE_STOP, TERM, DeletePod, PatchStatus, RemoveSandbox, RunHook, SignalContainer
from engine.kubelet.plan import SIDECAR
from engine.kubelet.podstate import NEVER, PodStop, Stop
from engine.kubelet.turn import Turn

GRACE_MIN_S = 2.0
"""minimumGracePeriodInSeconds: what is left for TERM after a preStop hook that took it all."""


def stop_pod(turn: Turn, why: str, grace_s: float, exact: bool = False) -> None:
    """Begin to stop every container; a second call may only shorten the grace."""
    kill_at = turn.now + (grace_s if exact else max(grace_s, GRACE_MIN_S))
    stop = turn.state.stop
    if stop is not None and (why == stop.why or why != "deleted") and kill_at >= stop.kill_at:
        return
    if stop is not None:
        kill_at = min(kill_at, stop.kill_at)
    turn.state = turn.state._replace(stop=PodStop(why, kill_at, grace_s, exact))
    for i, c in enumerate(turn.containers):
        if c.life == containers.STOPPING and c.stop is not None and c.stop.kill_at != NEVER:
            turn.change(i, c._replace(stop=c.stop._replace(kill_at=min(c.stop.kill_at, kill_at))))
        elif (c.life, "abandon") in containers.TRANSITIONS:
            turn.change(i, c._replace(life=containers.after(c.life, "abandon"), due=NEVER))


def stop_container(turn: Turn, i: int, grace_s: float, *, exact: bool = False, message: str = "") -> None:
    """Begin to stop one container: its preStop hook first, which uses up the grace, then TERM."""
    c = turn.containers[i]
    if c.life not in containers.STOPPABLE:
        return
    plan = turn.plan.containers[i]
    started = c.life != containers.STARTING
    turn.effects.append(events.killing(plan, message))
    grace_s = grace_s if exact else max(grace_s, GRACE_MIN_S)
    stop = Stop(turn.now + grace_s, termed=False, grace_s=grace_s, exact=exact)
    turn.change(i, c._replace(life=containers.after(c.life, "stop"), stop=stop))
    if plan.pre_stop is not None and started and grace_s > 0:
        turn.effects.append(RunHook(i, c.instance, PRE_STOP, plan.pre_stop, grace_s))
    elif started:
        term(turn, i)


def term(turn: Turn, i: int) -> None:
    """Send TERM, leaving at least 2 s until the KILL unless the grace was overridden."""
    c = turn.containers[i]
    if c.stop is None or c.stop.termed:
        return
    kill_at = c.stop.kill_at if c.stop.exact else max(c.stop.kill_at, turn.now + GRACE_MIN_S)
    turn.change(i, c._replace(stop=c.stop._replace(termed=True, kill_at=kill_at)))
    turn.effects.append(SignalContainer(i, c.instance, TERM))
    if kill_at <= turn.now:
        _kill_overdue(turn, i)


def _kill_overdue(turn: Turn, i: int) -> None:
    c = turn.containers[i]
    if c.life != containers.STOPPING or c.stop is None or c.stop.kill_at > turn.now:
        return
    if not c.stop.termed and c.started_at:
        term(turn, i)
        return
    turn.change(i, c._replace(stop=c.stop._replace(kill_at=NEVER)))
    turn.effects.append(SignalContainer(i, c.instance, KILL))


def proceed(turn: Turn) -> None:
    """Go on stopping: kill what is overdue, stop the sidecars whose turn it is, finish when nothing is left."""
    for i in range(len(turn.containers)):
        _kill_overdue(turn, i)
    stop = turn.state.stop
    if stop is None:
        return
    left = max(stop.kill_at - turn.now, 0.0)
    waiting_for = False
    for i in reversed(range(len(turn.containers))):
        c, plan = turn.containers[i], turn.plan.containers[i]
        if c.life in containers.STOPPABLE and not (plan.role == SIDECAR and waiting_for):
            stop_container(turn, i, left, exact=stop.exact)
        waiting_for = waiting_for or turn.containers[i].life in containers.ALIVE
    if not waiting_for and not turn.state.finished:
        _finish(turn)


def _finish(turn: Turn) -> None:
    turn.state = turn.state._replace(finished=True)
    turn.effects.append(RemoveSandbox())
    if not turn.state.removed:
        turn.effects.append(PatchStatus())
        if turn.state.deleting:
            turn.effects.append(DeletePod())
