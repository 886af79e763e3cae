"""Which pods of lower priority must go so that a pod fits (framework/preemption/preemption.go, plugins/defaultpreemption)."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.clock import parse_time
from engine.base.objects import Obj, dig
from engine.base.selectors import from_label_selector
from engine.scheduler import messages
from engine.scheduler.cycle import Decision, Profile, fits
from engine.scheduler.framework import Rejection, Surroundings
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

CANDIDATE_NODES_PERCENTAGE = 10
CANDIDATE_NODES_MIN = 100
"""defaultpreemption args: minCandidateNodesPercentage, minCandidateNodesAbsolute."""


@dataclass(frozen=True, slots=True)
class Preemption:
    """The node and its victims, in order of importance, most important first."""

    node: str
    victims: tuple[PodInfo, ...]
    budget_violations: int


def preempt(pod: PodInfo, decision: Decision, profile: Profile, around: Surroundings, budgets: Sequence[Obj]) -> Preemption | str:
    """The best node to make room on, or what the event says where there is none. `budgets` are those of the pod's namespace."""
    nodes = around.snapshot.nodes
    if pod.spec.get("preemptionPolicy") == "Never":
        return "preemption: not eligible due to preemptionPolicy=Never."
    nominated = dig(pod.obj, "status", "nominatedNodeName")
    if nominated in nodes and any(p.terminating and p.priority < pod.priority for p in nodes[nominated].pods.values()):
        return "preemption: not eligible due to a terminating pod on the nominated node."
    candidates: list[Preemption] = []
    verdicts: dict[str, Rejection] = {}
    wanted = max(CANDIDATE_NODES_MIN, len(nodes) * CANDIDATE_NODES_PERCENTAGE // 100)
    for name, rejection in decision.rejections.items():
        if rejection.unresolvable or len(candidates) >= wanted:
            verdicts[name] = rejection
            continue
        found = _victims(pod, nodes[name], profile, around, budgets)
        if found is None:
            verdicts[name] = rejection
        else:
            candidates.append(found)
    if not candidates:
        return messages.preemption(verdicts, len(nodes))
    return min(candidates, key=_cost)


def _victims(pod: PodInfo, node: NodeInfo, profile: Profile, around: Surroundings, budgets: Sequence[Obj]) -> Preemption | None:
    """Remove all pods of lower priority; where the pod then fits, take back as many as possible, the most important first."""
    lower = [other for other in node.pods.values() if other.priority < pod.priority]
    if not lower:
        return None
    gone = {other.uid for other in lower}
    if not _fits_without(pod, node, gone, profile, around):
        return None
    violating, harmless = _split_by_budget(sorted(lower, key=_importance), budgets)
    violations = 0
    for other in (*violating, *harmless):
        gone.discard(other.uid)
        if not _fits_without(pod, node, gone, profile, around):
            gone.add(other.uid)
            violations += other in violating
    victims = tuple(other for other in sorted(lower, key=_importance) if other.uid in gone)
    return Preemption(node.name, victims, violations)


def _fits_without(pod: PodInfo, node: NodeInfo, gone: set[str], profile: Profile, around: Surroundings) -> bool:
    """Whether all filters accept the pod on the node once `gone` have left; spreading plugins judge that state too."""
    copy = node.without(gone)
    prepared = {plugin.name: plugin.prepare(pod, around) for plugin in profile.plugins if plugin.filter is not None}
    if not fits(profile, pod, copy, prepared):
        return False
    for spreader in profile.spreading:
        state = spreader.prepare(pod, around)
        if state is None or not state.filters:
            continue
        for uid in gone:
            state.follow(node, node.pods[uid], -1)
        if state.judge(state.domain(node)) is not None:
            return False
    return True


def _split_by_budget(pods: list[PodInfo], budgets: Sequence[Obj]) -> tuple[list[PodInfo], list[PodInfo]]:
    """Pods whose eviction would violate a budget, and the others. Here an empty selector matches nothing (filterPodsWithPDBViolation)."""
    allowed = {b["metadata"]["name"]: dig(b, "status", "disruptionsAllowed", default=0) for b in budgets}
    violating: list[PodInfo] = []
    harmless: list[PodInfo] = []
    for pod in pods:
        hit = False
        for budget in budgets:
            selector = from_label_selector(dig(budget, "spec", "selector"))
            name = budget["metadata"]["name"]
            if budget["metadata"]["namespace"] != pod.namespace or selector.empty or not selector.matches(pod.labels):
                continue
            if pod.name in dig(budget, "status", "disruptedPods", default={}):
                continue
            allowed[name] -= 1
            hit = hit or allowed[name] < 0
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
