"""What happens to a pod, as `step` is told."""

from typing import NamedTuple

from engine.base.objects import Obj
from engine.kubelet.podstate import Image
from engine.kubelet.references import Problem


class PodUpdated(NamedTuple):
    """The API has a new version of the pod (also one with deletionTimestamp)."""

    pod: Obj


class PodRemoved(NamedTuple):
    """The pod is gone from the API."""


class Rejected(NamedTuple):
    """The node does not admit the pod."""

    reason: str
    message: str


class Evict(NamedTuple):
    """Stop the pod and let it fail: node pressure, node shutdown. `grace_s` overrides the pod's."""

    reason: str
    message: str
    grace_s: float


class SandboxReady(NamedTuple):
    """The pod has its network."""

    ips: tuple[str, ...]


class SandboxFailed(NamedTuple):
    """The pod could not be given a network."""

    message: str


class Resolved(NamedTuple):
    """The answer to `Resolve`; no problems: everything is there."""

    problems: tuple[Problem, ...]


class Pulling(NamedTuple):
    """The image was not there, or the policy is Always: it is being fetched."""

    container: int
    instance: int


class Pulled(NamedTuple):
    """The image is there. `took_s` is None when it was there before; `waited_s` includes the wait for other pulls."""

    container: int
    instance: int
    image: Image
    took_s: float | None = None
    waited_s: float = 0.0
    size_bytes: int = 0


class PullFailed(NamedTuple):
    """`reason` is ErrImagePull, ErrImageNeverPull, InvalidImageName…"""

    container: int
    instance: int
    reason: str
    message: str


class Started(NamedTuple):
    """The container's process runs."""

    container: int
    instance: int
    id: str
    at: float


class StartFailed(NamedTuple):
    """The container could not be made to run; `id` is what there is of it."""

    container: int
    instance: int
    id: str
    message: str


class Exited(NamedTuple):
    """The container's process ended. `reason` empty: Completed or Error after the code."""

    container: int
    instance: int
    code: int
    at: float
    reason: str = ""
    message: str = ""
    signal: int = 0


class ProbeResult(NamedTuple):
    """What a probe found. A success may hold `until` a known time: no need to ask before it."""

    container: int
    instance: int
    kind: str
    ok: bool
    message: str = ""
    until: float = 0.0


class HookDone(NamedTuple):
    """A postStart or preStop hook ended; `error` is empty when it went well."""

    container: int
    instance: int
    kind: str
    error: str = ""


class Timer(NamedTuple):
    """The time that `SetTimer` asked for has come."""


Input = (
    PodUpdated
    | PodRemoved
    | Rejected
    | Evict
    | SandboxReady
    | SandboxFailed
    | Resolved
    | Pulling
    | Pulled
    | PullFailed
    | Started
    | StartFailed
    | Exited
    | ProbeResult
    | HookDone
    | Timer
)
