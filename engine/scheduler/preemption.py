"""Which pods of lower priority must go so that a pod fits (framework/preemption/preemption.go, plugins/defaultpreemption)."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.clock import parse_time
from engine.base.objects import Obj, dig
from engine.base.selectors import from_label_selector
from engine.scheduler import messages
from engine.scheduler.cycle import Decision, TemplateResults
from engine.scheduler.framework import Rejection
from engine.scheduler.nodes import NodeInfo, Snapshot
from engine.scheduler.pods import PodInfo

CANDIDATE_NODES_PERCENTAGE = 10
CANDIDATE_NODES_MIN = 100
"""defaultpreemption args: minCandidateNodesPercentage, minCandidateNodesAbsolute."""
PREEMPTED = "PreemptionByScheduler"
"""The reason of a victim's condition DisruptionTarget."""


@dataclass(frozen=True, slots=True)
class Preemption:
    """The node and its victims, in order of importance, most important first."""

    node: str
    victims: tuple[PodInfo, ...]
    budget_violations: int


@dataclass(frozen=True, slots=True)
class NoPreemption:
    """What the event says where nobody is preempted; `tried` where the pod may preempt but no node was found: its nomination is void."""

    message: str
    tried: bool = False


def preempt(
    pod: PodInfo, decision: Decision, results: TemplateResults, snapshot: Snapshot, budgets: Sequence[Obj]
) -> Preemption | NoPreemption:
    """The best node to make room on, or why there is none. `results` are those that `decision` was made from, `budgets` all there are."""
    refusal = _refusal(pod, decision, snapshot)
    if refusal:
        return NoPreemption(f"preemption: {refusal}")
    nodes = snapshot.nodes
    candidates: list[Preemption] = []
    reasons: list[str] = []
    wanted = max(CANDIDATE_NODES_MIN, len(nodes) * CANDIDATE_NODES_PERCENTAGE // 100)
    harmless = 0
    for name, rejection in decision.rejections.items():
        if rejection.unresolvable:
            reasons.append(messages.NOT_HELPFUL)
            continue
        if harmless and len(candidates) >= wanted:
            break
        found = _victims(pod, nodes[name], results, budgets)
        if isinstance(found, Preemption):
            candidates.append(found)
            harmless += not found.budget_violations
        else:
            reasons += found
    if not candidates:
        return NoPreemption(f"preemption: {messages.unavailable(len(nodes), reasons)}", tried=True)
    return min(candidates, key=_cost)


def _refusal(pod: PodInfo, decision: Decision, snapshot: Snapshot) -> str:
    """Why a pod may not preempt (PodEligibleToPreemptOthers), empty where it may."""
    if pod.spec.get("preemptionPolicy") == "Never":
        return "not eligible due to preemptionPolicy=Never."
    node = snapshot.nodes.get(snapshot.nominated_node(pod.uid))
    if node is None or decision.rejections[node.name].unresolvable:
        return ""
    if any(other.priority < pod.priority and _is_leaving(other) for other in node.pods.values()):
        return "not eligible due to a terminating pod on the nominated node."
    return ""


def _is_leaving(pod: PodInfo) -> bool:
    """Whether it is terminating because of a preemption."""
    conditions = dig(pod.obj, "status", "conditions", default=())
    return pod.terminating and any(
        c["type"] == "DisruptionTarget" and c["status"] == "True" and c.get("reason") == PREEMPTED for c in conditions
    )


def _victims(pod: PodInfo, node: NodeInfo, results: TemplateResults, budgets: Sequence[Obj]) -> Preemption | tuple[str, ...]:
    """Remove all pods of lower priority; where the pod then fits, take back as many as possible, the most important first.

    Otherwise why not, in the words of the event (SelectVictimsOnNode).
    """
    lower = sorted((other for other in node.pods.values() if other.priority < pod.priority), key=_importance)
    if not lower:
        return (messages.NO_VICTIMS,)
    rejection: Rejection | None = results.what_if(pod, node.name, lower)
    if rejection is not None:
        return rejection.reasons
    violating, harmless = _split_by_budget(lower, budgets)
    gone = {other.uid: other for other in lower}
    violations = 0
    for other in (*violating, *harmless):
        del gone[other.uid]
        if results.what_if(pod, node.name, [*gone.values()]) is not None:
            gone[other.uid] = other
            violations += other in violating
    return Preemption(node.name, tuple(other for other in lower if other.uid in gone), violations)


def _split_by_budget(pods: list[PodInfo], budgets: Sequence[Obj]) -> tuple[list[PodInfo], list[PodInfo]]:
    """Pods whose eviction would violate a budget, and the others. Here an empty selector matches nothing (filterPodsWithPDBViolation)."""
    allowed = [dig(budget, "status", "disruptionsAllowed", default=0) for budget in budgets]
    selectors = [from_label_selector(dig(budget, "spec", "selector")) for budget in budgets]
    violating: list[PodInfo] = []
    harmless: list[PodInfo] = []
    for pod in pods:
        hit = False
        for at, (budget, selector) in enumerate(zip(budgets, selectors, strict=True)):
            if budget["metadata"]["namespace"] != pod.namespace or selector.empty or not selector.matches(pod.labels):
                continue
            if pod.name in dig(budget, "status", "disruptedPods", default={}):
                continue
            allowed[at] -= 1
            hit = hit or allowed[at] < 0
        (violating if hit else harmless).append(pod)
    return violating, harmless


def _started(pod: PodInfo) -> float:
    text = dig(pod.obj, "status", "startTime")
    return parse_time(text) if text else float("inf")


def _importance(pod: PodInfo) -> tuple[int, float]:
    """Higher priority first, then the one that started earlier (scheduler/util MoreImportantPod)."""
    return -pod.priority, _started(pod)


def _cost(candidate: Preemption) -> tuple[float, ...]:
    """pickOneNodeForPreemption: budget violations, highest victim priority, sum of priorities, number of victims, latest start."""
    victims = candidate.victims
    highest = max((v.priority for v in victims), default=-(2**31))
    earliest = min((_started(v) for v in victims if v.priority == highest), default=0.0)
    return candidate.budget_violations, highest, sum(v.priority + 2**31 for v in victims), len(victims), -earliest
