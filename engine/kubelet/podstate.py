"""All that the kubelet knows of a pod, immutable. What can be derived from it is not in it."""

from typing import NamedTuple

from engine.base.objects import Obj
from engine.kubelet.plan import PodPlan

NEVER = float("inf")


class Image(NamedTuple):
    """A pulled image as the runtime calls it; shared by all containers of a node that use it."""

    name: str
    id: str


class Termination(NamedTuple):
    """How an instance of a container ended. Times are epoch seconds."""

    code: int
    reason: str
    message: str
    started_at: float
    finished_at: float
    id: str
    instance: int
    signal: int = 0


class ProbeState(NamedTuple):
    """Where a probe's worker stands: what it says (`result`), how often in a row it was told so, when it asks next."""

    kind: str
    result: bool
    next_at: float
    last: bool | None = None
    run: int = 0
    asked: bool = False


class Stop(NamedTuple):
    """A container on its way out: `kill_at` is when TERM no longer suffices (`NEVER` after the KILL)."""

    kill_at: float
    termed: bool
    grace_s: float
    exact: bool
    """The grace is an override (probe, eviction), which the minimum of 2 s does not apply to."""


class ContainerState(NamedTuple):
    """One container. `instance` numbers its lives from 0 and marks stale news of earlier ones."""

    life: str
    reason: str = ""
    message: str = ""
    restarts: int = 0
    instance: int = 0
    id: str = ""
    image: Image | None = None
    started_at: float = 0.0
    started: bool = False
    ready: bool = False
    ended: Termination | None = None
    last: Termination | None = None
    probes: tuple[ProbeState, ...] = ()
    due: float = NEVER
    """When a wait (restart or pull back-off) is over."""
    backoff_s: float = 0.0
    backoff_at: float = 0.0
    pull_backoff_s: float = 0.0
    stop: Stop | None = None


class PodStop(NamedTuple):
    """The whole pod is being stopped: deleted, out of time, completed, failed. `kill_at` bounds all of its containers."""

    why: str
    kill_at: float
    grace_s: float
    exact: bool = False


class PodState(NamedTuple):
    """One pod on its node."""

    pod: Obj
    plan: PodPlan
    containers: tuple[ContainerState, ...]
    host_ips: tuple[str, ...]
    start_time: float
    sandbox: str = ""
    ips: tuple[str, ...] = ()
    volumes: str = ""
    volumes_due: float = NEVER
    volumes_backoff_s: float = 0.0
    stop: PodStop | None = None
    reason: str = ""
    """Why the pod as a whole failed: Evicted, DeadlineExceeded, OutOfcpu…"""
    message: str = ""
    finished: bool = False
    """Every container is stopped for good and the phase is terminal."""
    rejected: bool = False
    settled: bool = False
    """The pod had ended before this kubelet saw it; its status stands."""
    removed: bool = False
    """The pod is gone from the API; only its containers are left to stop."""
    timer: float = NEVER

    @property
    def uid(self) -> str:
        """The pod's uid."""
        uid: str = self.pod["metadata"]["uid"]
        return uid

    @property
    def deleting(self) -> bool:
        """Whether the API wants the pod gone."""
        return self.removed or "deletionTimestamp" in self.pod["metadata"]
