"""The row of a pod (pkg/printers/internalversion/printers.go printPod)."""

from collections.abc import Mapping
from typing import Any

from engine.base.clock import human_duration, parse_time
from engine.base.conditions import condition_of, is_true
from engine.base.objects import Obj, is_terminating, name_of
from engine.kinds.common import tables
from engine.kinds.common.tables import NONE

COLUMNS = (
    tables.NAME,
    tables.text("Ready"),
    tables.text("Status"),
    tables.text("Restarts"),
    tables.AGE,
    *tables.wide("IP", "Node", "Nominated Node", "Readiness Gates"),
)
_EMPTY: Mapping[str, Any] = {}


class _Progress:
    """What the containers' statuses add up to."""

    __slots__ = ("initializing", "last_restart", "ready", "restarts", "status")

    def __init__(self, status: str) -> None:
        self.status = status
        self.ready = 0
        self.restarts = 0
        self.last_restart = ""
        self.initializing = False

    def count(self, container: Obj) -> None:
        """Add a container's restarts."""
        self.restarts += container.get("restartCount") or 0
        ended = ((container.get("lastState") or _EMPTY).get("terminated") or _EMPTY).get("finishedAt") or ""
        self.last_restart = max(self.last_restart, ended)


def cells(pod: Obj, now: float) -> list[Any]:
    """One pod's row."""
    spec, status = pod.get("spec") or _EMPTY, pod.get("status") or _EMPTY
    progress = _progress(pod, spec, status)
    shown = progress.status
    if is_terminating(pod):
        if status.get("reason") == "NodeLost":
            shown = "Unknown"
        elif status.get("phase") not in ("Succeeded", "Failed"):
            shown = "Terminating"
    restarts = str(progress.restarts)
    if progress.restarts and progress.last_restart:
        restarts = f"{restarts} ({human_duration(now - parse_time(progress.last_restart))} ago)"
    total = len(spec.get("containers") or ()) + sum(c.get("restartPolicy") == "Always" for c in spec.get("initContainers") or ())
    return [
        name_of(pod),
        f"{progress.ready}/{total}",
        shown,
        restarts,
        tables.age(pod, now),
        _ip(status),
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def pod_status(pod: Obj) -> str:
    """The text of the Status column."""
    text: str = cells(pod, 0.0)[2]
    return text


def row_conditions(pod: Obj) -> list[Obj]:
    """Completed, for pods that have ended."""
    phase = (pod.get("status") or _EMPTY).get("phase")
    if phase == "Succeeded":
        return [{"type": "Completed", "status": "True", "reason": "Succeeded", "message": "The pod has completed successfully."}]
    if phase == "Failed":
        return [{"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."}]
    return []


def _progress(pod: Obj, spec: Obj, status: Obj) -> _Progress:
    progress = _Progress(status.get("reason") or status.get("phase") or "")
    scheduled = condition_of(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("reason") == "SchedulingGated":
        progress.status = "SchedulingGated"
    sidecars = _Progress("")
    if status.get("initContainerStatuses"):
        _initialise(spec, status, progress, sidecars)
    if not progress.initializing or is_true(pod, "Initialized"):
        progress.restarts, progress.last_restart = sidecars.restarts, sidecars.last_restart
        _run(status, progress, is_true(pod, "Ready"))
    return progress


def _initialise(spec: Obj, status: Obj, progress: _Progress, sidecars: _Progress) -> None:
    restartable = {c.get("name"): c.get("restartPolicy") == "Always" for c in spec.get("initContainers") or ()}
    for i, container in enumerate(status["initContainerStatuses"]):
        progress.count(container)
        is_sidecar = restartable.get(container.get("name"), False)
        if is_sidecar:
            sidecars.count(container)
        state = container.get("state") or _EMPTY
        ended, waiting = state.get("terminated"), state.get("waiting") or _EMPTY
        if ended is not None and not ended.get("exitCode"):
            continue
        if is_sidecar and container.get("started"):
            progress.ready += bool(container.get("ready"))
            continue
        progress.initializing = True
        if ended is not None:
            progress.status = f"Init:{_ended(ended)}"
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            progress.status = f"Init:{waiting['reason']}"
        else:
            progress.status = f"Init:{i}/{len(restartable)}"
        return


def _run(status: Obj, progress: _Progress, pod_ready: bool) -> None:
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        progress.count(container)
        state = container.get("state") or _EMPTY
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting is not None and waiting.get("reason"):
            progress.status = waiting["reason"]
        elif ended is not None:
            progress.status = _ended(ended)
        elif container.get("ready") and state.get("running") is not None:
            running = True
            progress.ready += 1
    if progress.status == "Completed" and running:
        progress.status = "Running" if pod_ready else "NotReady"


def _ended(state: Obj) -> str:
    if state.get("reason"):
        reason: str = state["reason"]
        return reason
    return f"Signal:{state['signal']}" if state.get("signal") else f"ExitCode:{state.get('exitCode') or 0}"


def _ip(status: Obj) -> str:
    ips = status.get("podIPs")
    return (ips[0].get("ip") if ips else status.get("podIP")) or NONE


def _gates(pod: Obj) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates")
    if not gates:
        return NONE
    return f"{sum(is_true(pod, g.get('conditionType')) for g in gates)}/{len(gates)}"
