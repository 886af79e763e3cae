"""Whether and when a container that ended runs again."""

from engine.base.objects import Obj
from engine.kubelet.plan import EPHEMERAL, INIT, SIDECAR, ContainerPlan
from engine.kubelet.podstate import ContainerState, Termination

BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 300.0
BACKOFF_FORGOTTEN_S = 600.0
"""A container that ran this long after its last back-off starts afresh (pkg/kubelet/kubelet.go)."""


def restarts(container: ContainerPlan, pod_policy: str, code: int) -> bool:
    """Whether an instance that ended with `code` is followed by another.

    The container's restartPolicyRules come first, then its restartPolicy, then the pod's
    (pkg/kubelet/container/helpers.go ShouldContainerBeRestarted). An init container that succeeded is done.
    """
    if container.role == EPHEMERAL:
        return False
    for rule in container.spec.get("restartPolicyRules") or ():
        if rule.get("action") == "Restart" and _matches(rule.get("exitCodes") or {}, code):
            return True
    if container.role == SIDECAR:
        return True
    policy = container.restart or pod_policy
    if policy == "Never" or (container.role == INIT and code == 0):
        return False
    return policy == "Always" or code != 0


def _matches(exit_codes: Obj, code: int) -> bool:
    listed = code in (exit_codes.get("values") or ())
    return listed if exit_codes.get("operator") == "In" else not listed


def _forgotten(c: ContainerState, finished_at: float) -> bool:
    return not c.backoff_s or finished_at - c.backoff_at > BACKOFF_FORGOTTEN_S


def restart_at(c: ContainerState, ended: Termination) -> float:
    """When the next instance may start: at once the first time, then 10 s after the end, doubled up to 300 s.

    Upstream: kuberuntime_manager.go doBackOff with client-go/util/flowcontrol/backoff.go IsInBackOffSince.
    """
    return ended.finished_at if _forgotten(c, ended.finished_at) else ended.finished_at + c.backoff_s


def backed_off(c: ContainerState, ended: Termination, now: float) -> ContainerState:
    """The container with the back-off that its next end will meet (flowcontrol/backoff.go Next)."""
    longer = BACKOFF_FIRST_S if _forgotten(c, ended.finished_at) else min(c.backoff_s * 2, BACKOFF_MAX_S)
    return c._replace(backoff_s=longer, backoff_at=now)


def next_pull_backoff(seconds: float) -> float:
    """The wait after a failed pull: 10 s, doubled up to 300 s (pkg/kubelet/images/image_manager.go)."""
    return min(seconds * 2, BACKOFF_MAX_S) if seconds else BACKOFF_FIRST_S


def go_duration(seconds: float) -> str:
    """Whole seconds as Go prints a duration: `10s`, `2m40s`, `5m0s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
