"""The life cycle of a container instance, as a table."""

from engine.kubelet.podstate import ContainerState, Termination

WAITING = "waiting"
"""Not yet made: the pod is not so far, or something it needs is missing (`reason` says what)."""
PULLING = "pulling"
STARTING = "starting"
HOOKING = "hooking"
"""The process runs, its postStart hook does as well."""
RUNNING = "running"
STOPPING = "stopping"
EXITED = "exited"
BACKOFF = "backoff"
"""Exited, and to be restarted when the back-off is over."""

TRANSITIONS = {
    (WAITING, "pull"): PULLING,
    (PULLING, "pulled"): STARTING,
    (PULLING, "pull failed"): WAITING,
    (PULLING, "abandon"): WAITING,
    (STARTING, "started"): RUNNING,
    (STARTING, "started with hook"): HOOKING,
    (STARTING, "exited"): EXITED,
    (STARTING, "stop"): STOPPING,
    (HOOKING, "hooked"): RUNNING,
    (HOOKING, "exited"): EXITED,
    (HOOKING, "stop"): STOPPING,
    (RUNNING, "exited"): EXITED,
    (RUNNING, "stop"): STOPPING,
    (STOPPING, "exited"): EXITED,
    (EXITED, "back off"): BACKOFF,
    (EXITED, "restart"): WAITING,
    (BACKOFF, "restart"): WAITING,
    (BACKOFF, "abandon"): EXITED,
}

ALIVE = frozenset({STARTING, HOOKING, RUNNING, STOPPING})
"""There is, or will be in a moment, a process that must be seen to end."""
STOPPABLE = frozenset({STARTING, HOOKING, RUNNING})


def after(life: str, event: str) -> str:
    """The life that `event` leads to.

    Raises:
        KeyError: the event cannot happen in this life.
    """
    return TRANSITIONS[life, event]


def happens(c: ContainerState, instance: int, event: str) -> bool:
    """Whether news of an instance is about the present one, in a life where it can happen. Other news are stale."""
    return c.instance == instance and (c.life, event) in TRANSITIONS


def restarted(c: ContainerState) -> ContainerState:
    """The next instance of a container that has ended; restartCount goes up, back-offs stay."""
    return ContainerState(
        life=after(c.life, "restart"),
        restarts=c.restarts + 1,
        instance=c.instance + 1,
        image=c.image,
        last=c.ended,
        backoff_s=c.backoff_s,
        backoff_at=c.backoff_at,
        pull_backoff_s=c.pull_backoff_s,
    )


def ended(c: ContainerState, termination: Termination) -> ContainerState:
    """The container after its instance ended."""
    return c._replace(
        life=after(c.life, "exited"),
        reason="",
        message="",
        ready=False,
        started=False,
        ended=termination,
        probes=(),
        stop=None,
        id=termination.id,
    )
