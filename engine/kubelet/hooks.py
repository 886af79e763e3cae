"""Life-cycle hooks: postStart before a container counts as running, preStop before it is told to stop."""

from engine.kubelet import containers, events, probes, termination
from engine.kubelet.effects import POST_START, PRE_STOP, RunHook
from engine.kubelet.inputs import HookDone
from engine.kubelet.turn import Turn

POST_START_TIMEOUT_S = 600.0
"""Upstream knows no bound for exec hooks; a hook of ours that never ends fails at last."""


def start_post_start(turn: Turn, i: int) -> None:
    """Run the hook of a container whose process has just started."""
    plan = turn.plan.containers[i]
    if plan.post_start is not None:
        turn.effects.append(RunHook(i, turn.containers[i].instance, POST_START, plan.post_start, POST_START_TIMEOUT_S))


def finished(turn: Turn, news: HookDone) -> None:
    """A hook ended. A failed postStart stops the container (kuberuntime_container.go startContainer)."""
    i = news.container
    c = turn.containers[i]
    if c.instance != news.instance:
        return
    plan = turn.plan.containers[i]
    if news.error:
        turn.effects.append(events.hook_failed(plan, news.kind))
    if news.kind == PRE_STOP:
        if c.life == containers.STOPPING:
            termination.term(turn, i)
    elif c.life == containers.HOOKING:
        if news.error:
            termination.stop_container(turn, i, turn.plan.grace_s, message="FailedPostStartHook")
        else:
            running = c._replace(life=containers.after(c.life, "hooked"), reason="")
            turn.change(i, probes.begun(running, plan))
