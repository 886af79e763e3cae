"""Startup, liveness and readiness probes (pkg/kubelet/prober/worker.go)."""

from engine.kubelet import containers, events, termination
from engine.kubelet.effects import RunProbe
from engine.kubelet.inputs import ProbeResult
from engine.kubelet.plan import LIVENESS, READINESS, STARTUP, ContainerPlan, ProbePlan
from engine.kubelet.podstate import NEVER, ContainerState, ProbeState
from engine.kubelet.turn import Turn

INITIAL_RESULT = {STARTUP: False, LIVENESS: True, READINESS: False}
"""What counts before the first answer; startup is Unknown upstream, which gates as a failure does."""


def begun(c: ContainerState, plan: ContainerPlan) -> ContainerState:
    """The container when its process has just started: workers set, `started` and `ready` by their initial results."""
    workers = tuple(ProbeState(p.kind, INITIAL_RESULT[p.kind], c.started_at + p.initial_delay_s) for p in plan.probes)
    started = plan.probe(STARTUP) is None
    return c._replace(probes=workers, started=started, ready=started and plan.probe(READINESS) is None)


def ask_due(turn: Turn) -> None:
    """Ask every probe whose time has come."""
    for i, c in enumerate(turn.containers):
        if not c.probes or c.life not in (containers.RUNNING, containers.STOPPING):
            continue
        plan = turn.plan.containers[i]
        workers = tuple(_ask(turn, i, plan, c, worker) for worker in c.probes)
        if workers != c.probes:
            turn.change(i, c._replace(probes=workers))


def _ask(turn: Turn, i: int, plan: ContainerPlan, c: ContainerState, worker: ProbeState) -> ProbeState:
    if worker.asked or worker.next_at > turn.now or not _active(c, worker, turn):
        return worker
    probe = plan.probe(worker.kind)
    if probe is None:
        return worker
    turn.effects.append(RunProbe(i, c.instance, probe))
    return worker._replace(asked=True)


def _active(c: ContainerState, worker: ProbeState, turn: Turn) -> bool:
    """The startup probe gates the others and ends with its success; a pod that stops is asked for readiness only."""
    if worker.kind == READINESS:
        return c.started
    if turn.state.stop is not None or c.life == containers.STOPPING:
        return False
    return c.started if worker.kind == LIVENESS else not c.started


def next_due(c: ContainerState, turn: Turn) -> float:
    """When the container's next probe is to be asked."""
    return min((w.next_at for w in c.probes if not w.asked and _active(c, w, turn)), default=NEVER)


def answered(turn: Turn, news: ProbeResult) -> None:
    """Count an answer, and act where it crosses its threshold."""
    c = turn.containers[news.container]
    if c.instance != news.instance or c.life not in (containers.RUNNING, containers.STOPPING):
        return
    plan = turn.plan.containers[news.container]
    probe = plan.probe(news.kind)
    worker = next((w for w in c.probes if w.kind == news.kind), None)
    if probe is None or worker is None or not worker.asked:
        return
    run = worker.run + 1 if worker.last == news.ok else 1
    crossed = run >= (probe.successes if news.ok else probe.failures)
    told = worker._replace(asked=False, last=news.ok, run=run, next_at=_next_at(c, probe, news, turn.now, crossed))
    if not news.ok:
        turn.effects.append(events.unhealthy(plan, news.kind, news.message))
    if crossed:
        told = told._replace(result=news.ok)
    c = _with_worker(c, told)
    turn.change(news.container, _judged(c, turn.now) if crossed else c)
    if crossed and not news.ok and news.kind != READINESS:
        _fail(turn, news.container, plan, probe)


def _next_at(c: ContainerState, probe: ProbePlan, news: ProbeResult, now: float, crossed: bool) -> float:
    """The first tick of the worker after now; after `until` where a success that already counts is known to hold."""
    if crossed and news.ok and news.until > now:
        if news.until == NEVER:
            return NEVER
        now = news.until - 1e-6
    first = c.started_at + probe.initial_delay_s
    ticks = int((now - first) / probe.period_s + 1e-6) + 1 if now >= first else 0
    return first + ticks * probe.period_s


def _with_worker(c: ContainerState, worker: ProbeState) -> ContainerState:
    return c._replace(probes=tuple(worker if w.kind == worker.kind else w for w in c.probes))


def _judged(c: ContainerState, now: float) -> ContainerState:
    """`started` and `ready` after a result changed. A startup success has the other probes asked at once."""
    result = {w.kind: w.result for w in c.probes}
    started = c.started or result.get(STARTUP, True)
    if started and not c.started:
        workers = tuple(w if w.kind == STARTUP else w._replace(next_at=max(w.next_at, now) if w.asked else now) for w in c.probes)
        c = c._replace(probes=workers)
    return c._replace(started=started, ready=started and result.get(READINESS, True))


def _fail(turn: Turn, i: int, plan: ContainerPlan, probe: ProbePlan) -> None:
    """A liveness or startup probe gave up on the container: stop it; its end leads to a restart (kuberuntime_manager.go)."""
    message = f"Container {plan.name} failed {probe.kind} probe, will be restarted"
    grace = turn.plan.grace_s if probe.grace_s is None else probe.grace_s
    termination.stop_container(turn, i, grace, exact=probe.grace_s is not None, message=message)


def recheck(turn: Turn) -> None:
    """The pod changed in a way that may change answers that were known to hold: ask again at the next tick."""
    for i, c in enumerate(turn.containers):
        if any(w.next_at == NEVER and not w.asked for w in c.probes):
            turn.change(i, c._replace(probes=tuple(w._replace(next_at=turn.now) if w.next_at == NEVER else w for w in c.probes)))
