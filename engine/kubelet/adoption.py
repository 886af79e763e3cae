"""Pods that ran before this kubelet did: taken over from their status, with the same ids, counts and times.

Upstream's kubelet asks the runtime what runs; the simulated runtime lives in the kubelet's process, so the API's word is taken.
"""

from engine.base.clock import parse_time
from engine.base.objects import Obj
from engine.kubelet import containers, phase, probes
from engine.kubelet.effects import AdoptContainer
from engine.kubelet.plan import ContainerPlan
from engine.kubelet.podstate import NEVER, ContainerState, Image, PodState, Termination
from engine.kubelet.turn import Turn


def taken_over(state: PodState) -> PodState:
    """The state that a pod's status describes; unchanged where the pod has not begun, or is over."""
    status = state.pod.get("status") or {}
    if not status.get("startTime") or status.get("phase") in phase.TERMINAL:
        return state
    reports: dict[str, Obj] = {}
    for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        reports.update((report["name"], report) for report in status.get(field) or ())
    taken = tuple(_container(plan, reports.get(plan.name)) for plan in state.plan.containers)
    ips = tuple(ip["ip"] for ip in status.get("podIPs") or ())
    alive = any(c.life != containers.WAITING for c in taken)
    return state._replace(
        containers=taken,
        start_time=parse_time(status["startTime"]),
        ips=ips,
        sandbox="ready" if alive and ips else "",
        volumes="ready" if alive else "",
    )


def _container(plan: ContainerPlan, report: Obj | None) -> ContainerState:
    if report is None:
        return ContainerState(containers.WAITING)
    count = report.get("restartCount") or 0
    shown, last = report.get("state") or {}, _termination((report.get("lastState") or {}).get("terminated"), count - 1)
    base = ContainerState(containers.WAITING, restarts=count, instance=count, last=last)
    if report.get("imageID"):
        base = base._replace(image=Image(report.get("image") or plan.image, report["imageID"]))
    if running := shown.get("running"):
        started_at = parse_time(running["startedAt"])
        base = base._replace(life=containers.RUNNING, id=report.get("containerID") or "", started_at=started_at)
        return _with_results(probes.begun(base, plan), report)
    if terminated := _termination(shown.get("terminated"), count):
        return base._replace(life=containers.EXITED, ended=terminated, id=terminated.id)
    if last is not None and (shown.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        return base._replace(life=containers.EXITED, ended=last._replace(instance=count), last=None)
    return base


def _with_results(c: ContainerState, report: Obj) -> ContainerState:
    """What the probes had found stands; they go on asking."""
    started, ready = bool(report.get("started")), bool(report.get("ready"))
    results = {"startup": started, "readiness": ready, "liveness": True}
    workers = tuple(w._replace(result=results[w.kind], last=results[w.kind], run=1) for w in c.probes)
    return c._replace(started=started or c.started, ready=ready, probes=workers)


def _termination(report: Obj | None, instance: int) -> Termination | None:
    if not report:
        return None
    started, finished = report.get("startedAt"), report.get("finishedAt")
    return Termination(
        code=report.get("exitCode") or 0,
        reason=report.get("reason") or "",
        message=report.get("message") or "",
        started_at=parse_time(started) if started else 0.0,
        finished_at=parse_time(finished) if finished else 0.0,
        id=report.get("containerID") or "",
        instance=max(instance, 0),
        signal=report.get("signal") or 0,
    )


def announce(turn: Turn) -> None:
    """Tell the runtime of the containers that were taken over, at the pod's first input."""
    for i, c in enumerate(turn.containers):
        if c.life == containers.RUNNING and c.started_at:
            turn.effects.append(AdoptContainer(i, c.instance, c.id, c.started_at))


REBOOT_EXIT = 255
"""What upstream reports of a container that a reboot took away: exit code 255, reason Unknown."""


def after_reboot(state: PodState, now: float) -> PodState:
    """The pod as it is when its node comes back: nothing runs any more, and there is no network."""

    def lost(c: ContainerState) -> ContainerState:
        if c.life != containers.RUNNING:
            return c
        return containers.ended(c, Termination(REBOOT_EXIT, "Unknown", "", c.started_at, now, c.id, c.instance))

    return state._replace(containers=tuple(lost(c) for c in state.containers), sandbox="", ips=(), volumes="", volumes_due=NEVER)
