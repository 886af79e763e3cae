"""Which daemon pods a node should get or lose, and the steps of a rolling update (pkg/controller/daemon/update.go)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, labels_of, name_of
from engine.control.daemon_pods import HASH_LABEL, Fit, is_updated
from engine.control.pods import is_available, is_ready


@dataclass(slots=True)
class Plan:
    """Pods to delete and nodes to create pods on, in order."""

    delete: list[Obj] = field(default_factory=list)
    create: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Daemons:
    """A DaemonSet with its pods by node (`pods`), what holds for each node (`fits`), the hash of its template, and on how many nodes
    it should run (`desired`)."""

    daemon_set: Obj
    pods: Mapping[str, Sequence[Obj]]
    fits: Mapping[str, Fit]
    template_hash: str
    desired: int
    now: float

    @property
    def min_ready_s(self) -> int:
        """spec.minReadySeconds."""
        return int(self.daemon_set["spec"].get("minReadySeconds") or 0)

    def available(self, pod: Obj) -> bool:
        """Whether a pod has been ready long enough."""
        return is_available(pod, self.min_ready_s, self.now)

    def updated(self, pod: Obj) -> bool:
        """Whether a pod is of the current template."""
        return is_updated(self.daemon_set, pod, self.template_hash)

    @property
    def limits(self) -> tuple[int, int]:
        """(maxSurge, maxUnavailable) of the nodes, both rounded up; one may be unavailable where both are 0."""
        strategy = self.daemon_set["spec"].get("updateStrategy") or {}
        rolling: dict[str, Any] = strategy.get("rollingUpdate") or {}
        if strategy.get("type") != "RollingUpdate":
            return 0, 0
        surge, unavailable = (
            resolve(rolling.get("maxSurge", 0), self.desired, True),
            resolve(rolling.get("maxUnavailable", 1), self.desired, True),
        )
        return (surge, unavailable) if surge or unavailable or not self.desired else (0, 1)


def oldest_first(pods: Sequence[Obj]) -> list[Obj]:
    """Scheduled pods first, then by age (podByCreationTimestampAndPhase)."""
    return sorted(pods, key=lambda p: (not p["spec"].get("nodeName"), p["metadata"].get("creationTimestamp") or "", name_of(p)))


def excess(daemons: Daemons, running: Sequence[Obj]) -> list[Obj]:
    """Pods of one node beyond the one that it should have; with surge, beyond an old one and a new one that is not yet available."""
    if len(running) <= 1:
        return []
    ordered = oldest_first(running)
    if not daemons.limits[0]:
        return ordered[1:]
    new = next((p for p in ordered if labels_of(p).get(HASH_LABEL) == daemons.template_hash), None)
    old = next((p for p in ordered if labels_of(p).get(HASH_LABEL) != daemons.template_hash), None)
    surplus = [p for p in ordered if p is not new and p is not old]
    if new is not None and old is not None and (not is_ready(old) or daemons.available(new)):
        surplus.append(old)
    return surplus


def _pair(daemons: Daemons, pods: Sequence[Obj]) -> tuple[Obj | None, Obj | None, bool]:
    """(new pod, old pod, whether there is at most one of each) of a node (findUpdatedPodsOnNode)."""
    new = old = None
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        if daemons.updated(pod):
            if new is not None:
                return None, None, False
            new = pod
        else:
            if old is not None:
                return None, None, False
            old = pod
    return new, old, True


def rolling_update(daemons: Daemons) -> Plan:
    """The next step of a rolling update, with or without surge."""
    surge, unavailable = daemons.limits
    nodes = [*daemons.pods, *(n for n, fit in daemons.fits.items() if fit.should_run and n not in daemons.pods)]
    return _with_surge(daemons, nodes, surge) if surge else _in_place(daemons, nodes, unavailable)


def _in_place(daemons: Daemons, nodes: Sequence[str], max_unavailable: int) -> Plan:
    """Delete old pods: those that are not available at once, of the others as many as may be unavailable."""
    plan = Plan()
    unavailable = 0
    candidates: list[Obj] = []
    for node in nodes:
        new, old, clear = _pair(daemons, daemons.pods.get(node, ()))
        if not clear or (old is None) == (new is None):
            unavailable += 1
        elif new is not None:
            unavailable += not daemons.available(new)
        elif old is not None and not daemons.available(old):
            plan.delete.append(old)
            unavailable += 1
        elif old is not None:
            candidates.append(old)
    plan.delete += candidates[: max(0, max_unavailable - unavailable)]
    return plan


def _with_surge(daemons: Daemons, nodes: Sequence[str], max_surge: int) -> Plan:
    """Create new pods beside old ones, and delete an old one when the new one is available."""
    plan = Plan()
    surging = available = 0
    candidates: list[str] = []
    misplaced: list[Obj] = []
    for node in nodes:
        new, old, clear = _pair(daemons, daemons.pods.get(node, ()))
        if not clear:
            surging += 1
            continue
        first = old if old is not None else new
        available += first is not None and daemons.available(first)
        if old is None:
            continue
        if new is not None:
            if daemons.available(new):
                plan.delete.append(old)
            else:
                surging += 1
        elif not daemons.fits.get(node, Fit(False, False)).should_run:
            (misplaced if daemons.available(old) else plan.delete).append(old)
        elif not daemons.available(old):
            plan.create.append(node)
        else:
            candidates.append(node)
    plan.delete += misplaced[: max(0, available - daemons.desired)]
    plan.create += candidates[: max(0, max_surge - surging)]
    return plan
