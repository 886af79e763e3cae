"""Pods are spread over zones, hosts or other domains (plugins/podtopologyspread; upstream's system defaults included)."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from engine.base.node_selection import RequiredNodes
from engine.base.objects import Obj
from engine.base.selectors import IN, NOTHING, Requirement, Selector, from_label_selector
from engine.base.taints import untolerated
from engine.scheduler.framework import (
    MAX_NODE_SCORE,
    NODE_EVENTS,
    NODE_GONE,
    POD_BOUND,
    POD_GONE,
    Rejection,
    SpreadingPlugin,
    Surroundings,
)
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "PodTopologySpread"
HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
SYSTEM_DEFAULTS = ((HOSTNAME, 3), (ZONE, 5))
"""podtopologyspread/plugin.go systemDefaultConstraints: (topology key, maxSkew), ScheduleAnyway."""

MISSING = Rejection(NAME, ("node(s) didn't match pod topology spread constraints (missing required label)",), unresolvable=True)
SKEWED = Rejection(NAME, ("node(s) didn't match pod topology spread constraints",))


class Constraint(NamedTuple):
    """One constraint of the pod or of the system's defaults."""

    key: str
    max_skew: int
    min_domains: int
    selector: Selector
    honor_affinity: bool
    honor_taints: bool


def _constraint(constraint: Obj, pod: PodInfo) -> Constraint:
    raw = constraint.get("labelSelector")
    selector = from_label_selector(raw) if raw is not None else NOTHING
    keys = [key for key in constraint.get("matchLabelKeys") or () if key in pod.labels]
    if keys:
        more = tuple(Requirement(key, IN, (pod.labels[key],)) for key in keys)
        selector = Selector(selector.requirements + more, selector.nothing)
    return Constraint(
        constraint["topologyKey"],
        constraint["maxSkew"],
        constraint.get("minDomains") or 1,
        selector,
        (constraint.get("nodeAffinityPolicy") or "Honor") == "Honor",
        (constraint.get("nodeTaintsPolicy") or "Ignore") == "Honor",
    )


class _Counts:
    """How many matching pods there are per domain of one constraint, and per node where the domain is the host."""

    def __init__(self, constraint: Constraint, pod: PodInfo, keys: tuple[str, ...]) -> None:
        self.constraint = constraint
        self.keys = keys
        """The labels that a node must have to count."""
        self.per_host = constraint.key == HOSTNAME
        self.by_domain: dict[str, int] = {}
        self._namespace = pod.namespace

    def seen(self, node: NodeInfo) -> None:
        """A node that counts: its domain exists, and has the node's pods."""
        domain = node.labels[self.constraint.key]
        self.by_domain[domain] = self.by_domain.get(domain, 0) + sum(map(self.matches, node.pods.values()))

    def matches(self, pod: PodInfo) -> bool:
        """Whether a placed pod counts."""
        return pod.namespace == self._namespace and not pod.terminating and self.constraint.selector.matches(pod.labels)

    def change(self, node: NodeInfo, sign: int) -> None:
        """A matching pod came or left."""
        self.by_domain[node.labels[self.constraint.key]] += sign

    def domain(self, node: NodeInfo) -> Hashable:
        """The label's value, or the count where each node is a domain of its own: nodes with equally many pods are alike."""
        value = node.labels.get(self.constraint.key)
        return self.by_domain.get(value, 0) if self.per_host and value is not None else value

    def count(self, domain: Hashable) -> int:
        """Matching pods in a domain as `domain` gives it."""
        if self.per_host and isinstance(domain, int):
            return domain
        return self.by_domain.get(str(domain), 0)

    @property
    def least(self) -> int:
        """The global minimum: 0 while there are fewer domains than minDomains."""
        if len(self.by_domain) < self.constraint.min_domains:
            return 0
        return min(self.by_domain.values(), default=0)


def _counts(constraints: Sequence[Constraint], pod: PodInfo, require_all: bool) -> list[_Counts]:
    keys = tuple(constraint.key for constraint in constraints)
    return [_Counts(constraint, pod, keys if require_all else (constraint.key,)) for constraint in constraints]


class Spread:
    """The state for one pod template."""

    def __init__(self, pod: PodInfo, hard: list[Constraint], soft: list[Constraint], require_all: bool, around: Surroundings) -> None:
        self._hard = _counts(hard, pod, require_all)
        self._soft = _counts(soft, pod, require_all)
        self._all = self._hard + self._soft
        self._self_match = [int(c.constraint.selector.matches(pod.labels)) for c in self._hard]
        self._require_all = require_all
        self.filters = bool(hard)
        self.scores = bool(soft)
        self.reads_taints = any(c.constraint.honor_taints for c in self._all)
        self._required = RequiredNodes.of(pod.spec)
        self._tolerations = pod.spec.get("tolerations") or ()
        for node in around.snapshot.nodes.values():
            for counts in self._all:
                if self._includes(counts, node):
                    counts.seen(node)

    def _includes(self, counts: _Counts, node: NodeInfo) -> bool:
        """Whether the pods of a node count (nodeLabelsMatchSpreadConstraints, matchNodeInclusionPolicies)."""
        if any(key not in node.labels for key in counts.keys):
            return False
        if counts.constraint.honor_affinity and not self._required.match(node.labels, node.name):
            return False
        return not counts.constraint.honor_taints or untolerated(node.taints, self._tolerations, ("NoSchedule", "NoExecute")) is None

    def domain(self, node: NodeInfo) -> Hashable:
        return tuple([counts.domain(node) for counts in self._all])

    def follow(self, node: NodeInfo, pod: PodInfo, sign: int) -> bool:
        for counts in self._all:
            if counts.matches(pod) and self._includes(counts, node):
                counts.change(node, sign)
        return True

    def judge(self, domain: Hashable) -> Rejection | None:
        """filtering.go: skew = matching + self - minimum must not exceed maxSkew; a node without the label never does."""
        assert isinstance(domain, tuple)
        for counts, self_match, value in zip(self._hard, self._self_match, domain, strict=False):
            if value is None:
                return MISSING
            if counts.count(value) + self_match - counts.least > counts.constraint.max_skew:
                return SKEWED
        return None

    def rate(self, domains: Mapping[Hashable, int]) -> list[int]:
        """scoring.go: sum of count x ln(size + 2) + maxSkew - 1, then 100 x (max + min - score) / max; lower counts are better."""
        soft = [domain[len(self._hard) :] for domain in domains if isinstance(domain, tuple)]
        ignored = [self._require_all and None in values for values in soft]
        sizes = [self._size(at, soft, ignored, list(domains.values())) for at in range(len(self._soft))]
        weights = [math.log(size + 2) for size in sizes]
        raw = []
        for values, skip in zip(soft, ignored, strict=True):
            total = 0.0
            for counts, weight, value in zip(self._soft, weights, values, strict=True):
                if value is not None and not skip:
                    total += counts.count(value) * weight + (counts.constraint.max_skew - 1)
            raw.append(round(total))
        rated = [score for score, skip in zip(raw, ignored, strict=True) if not skip]
        low, high = min(rated, default=0), max(rated, default=0)
        return [
            0 if skip else MAX_NODE_SCORE if high == 0 else MAX_NODE_SCORE * (high + low - score) // high
            for score, skip in zip(raw, ignored, strict=True)
        ]

    def _size(self, at: int, soft: list[tuple[Hashable, ...]], ignored: list[bool], nodes: list[int]) -> int:
        if self._soft[at].per_host:
            return sum(count for count, skip in zip(nodes, ignored, strict=True) if not skip)
        return len({values[at] for values, skip in zip(soft, ignored, strict=True) if not skip and values[at] is not None})


def prepare(pod: PodInfo, around: Surroundings) -> Spread | None:
    """The pod's own constraints; the system's defaults for pods without any that belong to a service or a controller."""
    own = pod.spec.get("topologySpreadConstraints") or ()
    if own:
        hard = [_constraint(c, pod) for c in own if c.get("whenUnsatisfiable") == "DoNotSchedule"]
        soft = [_constraint(c, pod) for c in own if c.get("whenUnsatisfiable") != "DoNotSchedule"]
        return Spread(pod, hard, soft, True, around)
    selector = around.spread_selector(pod)
    if selector is None:
        return None
    defaults = [Constraint(key, skew, 1, selector, True, False) for key, skew in SYSTEM_DEFAULTS]
    return Spread(pod, [], defaults, False, around)


PLUGIN = SpreadingPlugin(NAME, order=110, prepare=prepare, weight=2, events=NODE_EVENTS | {NODE_GONE, POD_BOUND, POD_GONE})
