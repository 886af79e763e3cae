"""The events a kubelet records, with upstream's reasons and texts (pkg/kubelet/events/event.go and where they are emitted)."""

from engine.base.objects import Obj
from engine.kubelet.effects import EmitEvent
from engine.kubelet.inputs import Pulled
from engine.kubelet.plan import ContainerPlan
from engine.kubelet.restarts import go_duration

NORMAL, WARNING = "Normal", "Warning"


def pod_ref(pod: Obj) -> str:
    """`name_namespace(uid)`: how the kubelet's texts call a pod (pkg/kubelet/util/format/pod.go)."""
    metadata = pod["metadata"]
    return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"


def go_seconds(seconds: float) -> str:
    """A duration to the millisecond as Go prints it: `0s`, `312ms`, `1.204s`, `1m2.5s`."""
    ms = round(seconds * 1000)
    if ms == 0:
        return "0s"
    if ms < 1000:
        return f"{ms}ms"
    minutes, ms = divmod(ms, 60_000)
    shown = f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{shown}" if minutes else shown


def pulling(c: ContainerPlan) -> EmitEvent:
    """Before an image is fetched."""
    return EmitEvent(NORMAL, "Pulling", f'Pulling image "{c.image}"', c.field_path)


def pulled(c: ContainerPlan, news: Pulled) -> EmitEvent:
    """The image is there."""
    if news.took_s is None:
        text = f'Container image "{c.image}" already present on machine and can be accessed by the pod'
    else:
        text = (
            f'Successfully pulled image "{c.image}" in {go_seconds(news.took_s)} ({go_seconds(news.waited_s)} including waiting). '
            f"Image size: {news.size_bytes} bytes."
        )
    return EmitEvent(NORMAL, "Pulled", text, c.field_path)


def pull_failed(c: ContainerPlan, reason: str, message: str) -> list[EmitEvent]:
    """A pull failed, and so did the container's start."""
    if reason == "ErrImageNeverPull":
        why = EmitEvent(WARNING, reason, f'Container image "{c.image}" is not present with pull policy of Never', c.field_path)
    elif reason == "InvalidImageName":
        why = EmitEvent(WARNING, "InspectFailed", message, c.field_path)
    else:
        why = EmitEvent(WARNING, "Failed", f'Failed to pull image "{c.image}": {message}', c.field_path)
    return [why, EmitEvent(WARNING, "Failed", f"Error: {reason}", c.field_path)]


def pull_backoff(c: ContainerPlan, message: str) -> list[EmitEvent]:
    """The next pull waits."""
    return [
        EmitEvent(NORMAL, "BackOff", message, c.field_path),
        EmitEvent(WARNING, "Failed", "Error: ImagePullBackOff", c.field_path),
    ]


def created(c: ContainerPlan) -> EmitEvent:
    """The runtime made the container."""
    return EmitEvent(NORMAL, "Created", "Container created", c.field_path)


def started(c: ContainerPlan) -> EmitEvent:
    """The runtime started it."""
    return EmitEvent(NORMAL, "Started", "Container started", c.field_path)


def failed(c: ContainerPlan, message: str) -> EmitEvent:
    """The container could not be made."""
    return EmitEvent(WARNING, "Failed", f"Error: {message}", c.field_path)


def killing(c: ContainerPlan, message: str = "") -> EmitEvent:
    """A container is about to be stopped."""
    return EmitEvent(NORMAL, "Killing", message or f"Stopping container {c.name}", c.field_path)


def unhealthy(c: ContainerPlan, kind: str, output: str) -> EmitEvent:
    """A probe failed."""
    return EmitEvent(WARNING, "Unhealthy", f"{kind.capitalize()} probe failed: {output}", c.field_path)


def back_off(c: ContainerPlan, pod: Obj) -> EmitEvent:
    """A restart waits."""
    return EmitEvent(WARNING, "BackOff", f"Back-off restarting failed container {c.name} in pod {pod_ref(pod)}", c.field_path)


def back_off_message(c: ContainerPlan, pod: Obj, seconds: float) -> str:
    """What the waiting container's status says (kuberuntime_manager.go doBackOff)."""
    return f"back-off {go_duration(seconds)} restarting failed container={c.name} pod={pod_ref(pod)}"


def hook_failed(c: ContainerPlan, kind: str) -> EmitEvent:
    """A life-cycle hook failed; the details are in the kubelet's log only."""
    name = "PostStart" if kind == "postStart" else "PreStop"
    return EmitEvent(WARNING, f"Failed{name}Hook", f"{name}Hook failed", c.field_path)


def failed_mount(volume: str, message: str) -> EmitEvent:
    """A volume cannot be set up."""
    return EmitEvent(WARNING, "FailedMount", f'MountVolume.SetUp failed for volume "{volume}" : {message}')


def sandbox_failed(message: str) -> EmitEvent:
    """The pod's network could not be made."""
    return EmitEvent(WARNING, "FailedCreatePodSandBox", f"Failed to create pod sandbox: {message}")
