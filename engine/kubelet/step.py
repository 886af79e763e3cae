"""`step(state, input, now) -> (state, effects)`: the life of a pod on its node, pure (pkg/kubelet/kubelet.go SyncPod and its kin)."""

from collections.abc import Callable
from typing import Any

from engine.base.objects import Obj
from engine.kubelet import adoption, containers, events, hooks, inputs, phase, probes, progress, pulls, termination
from engine.kubelet.effects import DeletePod, Effect, EmitEvent, PatchStatus, RemoveSandbox, SetTimer
from engine.kubelet.inputs import Input
from engine.kubelet.plan import PodPlan, plan_of
from engine.kubelet.podstate import NEVER, ContainerState, PodState, Termination
from engine.kubelet.turn import Turn


def new(pod: Obj, host_ips: tuple[str, ...], now: float) -> PodState:
    """The state of a pod that the node sees for the first time; nothing happens before its first `PodUpdated`.

    A pod whose status says that it ran here already is taken over as it is (the kubelet restarted, its containers did not).
    """
    plan = plan_of(pod)
    state = PodState(pod, plan, (ContainerState(containers.WAITING),) * len(plan.containers), host_ips, now)
    return adoption.taken_over(state)


def step(state: PodState, news: Input, now: float) -> tuple[PodState, list[Effect]]:
    """What follows from `news` at `now` (epoch seconds). Stale news (of earlier instances) change nothing."""
    turn = Turn(state, now)
    _HANDLERS[type(news)](turn, news)
    if turn.state.stop is None and not turn.state.finished:
        progress.advance(turn)
    if not turn.state.finished:
        termination.proceed(turn)
        probes.ask_due(turn)
    after = turn.done()
    if _visible(after, state):
        turn.effects.append(PatchStatus())
    timer = _next_timer(turn)
    if timer != after.timer:
        after = after._replace(timer=timer)
        turn.effects.append(SetTimer(timer))
    return after, turn.effects


def _visible(after: PodState, before: PodState) -> bool:
    """Whether the status may read otherwise now (it is compared before it is written)."""
    if after.removed or after.settled:
        return False
    return (
        after.containers is not before.containers
        or after.sandbox != before.sandbox
        or after.reason != before.reason
        or after.finished != before.finished
        or after.pod is not before.pod
    )


def _next_timer(turn: Turn) -> float:
    state = turn.state
    if state.finished:
        return NEVER
    due = state.volumes_due
    if turn.plan.deadline_s is not None and state.stop is None:
        due = min(due, state.start_time + turn.plan.deadline_s)
    for c in turn.containers:
        due = min(due, c.due)
        if c.stop is not None:
            due = min(due, c.stop.kill_at)
        if c.probes:
            due = min(due, probes.next_due(c, turn))
    return due


def _pod_updated(turn: Turn, news: inputs.PodUpdated) -> None:
    """Take over a new version. Only ephemeral containers may join; a deletion begins to stop everything."""
    state = turn.state
    old = state.pod
    plan = state.plan if old is news.pod else plan_of(news.pod)
    turn.state = state._replace(pod=news.pod, plan=plan)
    turn.plan = plan
    turn.containers += [ContainerState(containers.WAITING)] * (len(plan.containers) - len(turn.containers))
    metadata = news.pod["metadata"]
    _restart_changed(turn, state.plan)
    if old is news.pod:
        adoption.announce(turn)
    elif old["metadata"].get("annotations") != metadata.get("annotations"):
        probes.recheck(turn)
    if state.finished:
        if "deletionTimestamp" in metadata and "deletionTimestamp" not in old["metadata"]:
            turn.effects.append(DeletePod())
    elif (news.pod.get("status") or {}).get("phase") in phase.TERMINAL and not _alive(turn):
        _settle(turn)
    elif "deletionTimestamp" in metadata:
        grace = metadata.get("deletionGracePeriodSeconds")
        termination.stop_pod(turn, "deleted", plan.grace_s if grace is None else grace)


def _restart_changed(turn: Turn, before: PodPlan) -> None:
    """A container with another image is stopped; its end leads to a restart (kuberuntime_manager.go containerChanged)."""
    if before is turn.plan:
        return
    for i, (old, new) in enumerate(zip(before.containers, turn.plan.containers, strict=False)):
        if old.image != new.image and turn.containers[i].life == containers.RUNNING:
            message = f"Container {new.name} definition changed, will be restarted"
            termination.stop_container(turn, i, turn.plan.grace_s, message=message)


def _alive(turn: Turn) -> bool:
    return any(c.life in containers.ALIVE for c in turn.containers)


def _settle(turn: Turn) -> None:
    """The pod had ended before the kubelet saw it: its status stands, and only the final deletion is left to do."""
    turn.state = turn.state._replace(finished=True, settled=True)
    turn.effects.append(RemoveSandbox())
    if turn.state.deleting:
        turn.effects.append(DeletePod())


def _pod_removed(turn: Turn, news: inputs.PodRemoved) -> None:
    """The object is gone (force deletion): what runs is still stopped in the pod's own grace."""
    turn.state = turn.state._replace(removed=True)
    if not turn.state.finished:
        grace = turn.state.pod["metadata"].get("deletionGracePeriodSeconds")
        termination.stop_pod(turn, "deleted", turn.plan.grace_s if grace is None else grace)


def _rejected(turn: Turn, news: inputs.Rejected) -> None:
    """kubelet.go rejectPod."""
    turn.state = turn.state._replace(reason=news.reason, message=f"Pod was rejected: {news.message}", finished=True, rejected=True)
    turn.effects.append(EmitEvent(events.WARNING, news.reason, news.message))


def _evict(turn: Turn, news: inputs.Evict) -> None:
    """pkg/kubelet/eviction, nodeshutdown: the pod fails with a reason, its grace overridden."""
    turn.state = turn.state._replace(reason=news.reason, message=news.message)
    if news.reason == "Evicted":
        turn.effects.append(EmitEvent(events.WARNING, news.reason, news.message))
    termination.stop_pod(turn, "evicted", news.grace_s, exact=True)


def _sandbox_ready(turn: Turn, news: inputs.SandboxReady) -> None:
    turn.state = turn.state._replace(sandbox="ready", ips=news.ips, volumes_due=NEVER)


def _sandbox_failed(turn: Turn, news: inputs.SandboxFailed) -> None:
    turn.effects.append(events.sandbox_failed(news.message))
    turn.state = turn.state._replace(sandbox="", volumes_due=turn.now + progress.SANDBOX_RETRY_S)


def _started(turn: Turn, news: inputs.Started) -> None:
    c = turn.containers[news.container]
    if c.instance != news.instance:
        return
    plan = turn.plan.containers[news.container]
    if c.life == containers.STOPPING and not c.started_at:
        turn.change(news.container, c._replace(id=news.id, started_at=news.at))
        termination.term(turn, news.container)
    elif c.life == containers.STARTING:
        turn.effects += (events.created(plan), events.started(plan))
        hook = plan.post_start is not None
        life = containers.after(c.life, "started with hook" if hook else "started")
        c = c._replace(life=life, id=news.id, started_at=news.at, reason="", message="", ended=None)
        turn.change(news.container, c if hook else probes.begun(c, plan))
        hooks.start_post_start(turn, news.container)


def _start_failed(turn: Turn, news: inputs.StartFailed) -> None:
    """The runtime's own failure: exit code 128 and reason StartError, as containerd reports it."""
    c = turn.containers[news.container]
    if containers.happens(c, news.instance, "exited"):
        plan = turn.plan.containers[news.container]
        turn.effects += (events.created(plan), events.failed(plan, news.message))
        end = Termination(128, "StartError", news.message, 0.0, turn.now, news.id, c.instance)
        turn.change(news.container, containers.ended(c, end))


def _exited(turn: Turn, news: inputs.Exited) -> None:
    c = turn.containers[news.container]
    if containers.happens(c, news.instance, "exited"):
        reason = news.reason or ("Completed" if news.code == 0 else "Error")
        end = Termination(news.code, reason, news.message, c.started_at, news.at, c.id, c.instance, news.signal)
        turn.change(news.container, containers.ended(c, end))


def _timer(turn: Turn, news: inputs.Timer) -> None:
    """The timer has fired; everything that is due is looked at in any case."""
    turn.state = turn.state._replace(timer=NEVER)


_HANDLERS: dict[type[Any], Callable[[Turn, Any], None]] = {
    inputs.PodUpdated: _pod_updated,
    inputs.PodRemoved: _pod_removed,
    inputs.Rejected: _rejected,
    inputs.Evict: _evict,
    inputs.SandboxReady: _sandbox_ready,
    inputs.SandboxFailed: _sandbox_failed,
    inputs.Resolved: progress.resolved,
    inputs.Pulling: pulls.pulling,
    inputs.Pulled: pulls.pulled,
    inputs.PullFailed: pulls.failed,
    inputs.Started: _started,
    inputs.StartFailed: _start_failed,
    inputs.Exited: _exited,
    inputs.ProbeResult: probes.answered,
    inputs.HookDone: hooks.finished,
    inputs.Timer: _timer,
}
