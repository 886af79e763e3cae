"""What `step` wants done. The caller does it, in order, and reports back with an input where one is named."""

from typing import NamedTuple

from engine.base.objects import Obj
from engine.kubelet.plan import ProbePlan

TERM, KILL = 15, 9
POST_START, PRE_STOP = "postStart", "preStop"


class PrepareSandbox(NamedTuple):
    """Give the pod a network: `SandboxReady`, `SandboxFailed`."""


class Resolve(NamedTuple):
    """Look up the plan's references: `Resolved`."""


class PullImage(NamedTuple):
    """Have the image on the node, by the plan's policy: `Pulled`, `PullFailed`."""

    container: int
    instance: int


class StartContainer(NamedTuple):
    """Create and start an instance: `Started`, `StartFailed`, later `Exited`."""

    container: int
    instance: int


class AdoptContainer(NamedTuple):
    """The container ran before the kubelet did, since `started_at`: watch it from now on."""

    container: int
    instance: int
    id: str
    started_at: float


class SignalContainer(NamedTuple):
    """TERM or KILL to the container: `Exited` follows."""

    container: int
    instance: int
    signal: int


class RunProbe(NamedTuple):
    """Ask once, within the plan's timeout: `ProbeResult`."""

    container: int
    instance: int
    probe: ProbePlan


class RunHook(NamedTuple):
    """Run a life-cycle hook (`kind` postStart or preStop), for `timeout_s` at most: `HookDone`."""

    container: int
    instance: int
    kind: str
    hook: Obj
    timeout_s: float


class RemoveSandbox(NamedTuple):
    """All containers have stopped: give back the network and all else the pod holds."""


class PatchStatus(NamedTuple):
    """The status may have changed: write `render(state, now)` when the pod's other news have been handled."""


class DeletePod(NamedTuple):
    """Delete the API object with grace 0, after the last status is written."""


class EmitEvent(NamedTuple):
    """Record an Event about the pod, or about one of its containers where `field_path` is given."""

    type: str
    reason: str
    message: str
    field_path: str = ""


class SetTimer(NamedTuple):
    """Send `Timer` at this time; replaces the pod's earlier timer; infinity for none."""

    at: float


RuntimeEffect = PrepareSandbox | PullImage | StartContainer | AdoptContainer | SignalContainer | RunProbe | RunHook | RemoveSandbox
Effect = RuntimeEffect | Resolve | PatchStatus | DeletePod | EmitEvent | SetTimer
