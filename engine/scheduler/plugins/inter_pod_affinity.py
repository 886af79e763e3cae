"""Pods near to, or away from, other pods (plugins/interpodaffinity)."""

from collections.abc import Hashable, Iterable, Iterator, Mapping

from engine.scheduler.framework import (
    MAX_NODE_SCORE,
    NODE_EVENTS,
    POD_BOUND,
    POD_GONE,
    Rejection,
    SpreadingPlugin,
    Surroundings,
)
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo, Term

NAME = "InterPodAffinity"
HARD_POD_AFFINITY_WEIGHT = 1
"""What required affinity of pods that are there already counts for in scores (apis/config/v1/defaults.go)."""

NOT_NEAR = Rejection(NAME, ("node(s) didn't match pod affinity rules",), unresolvable=True)
TOO_NEAR = Rejection(NAME, ("node(s) didn't match pod anti-affinity rules",))
UNWELCOME = Rejection(NAME, ("node(s) didn't satisfy existing pods anti-affinity rules",))

Pair = tuple[str, str]
"""(topology key, value)"""


class _Pairs:
    """Counts per topology pair; pairs at zero are gone."""

    def __init__(self) -> None:
        self.counts: dict[Pair, int] = {}

    def add(self, node: NodeInfo, key: str, amount: int) -> None:
        value = node.labels.get(key)
        if value is None:
            return
        pair = (key, value)
        count = self.counts.get(pair, 0) + amount
        if count:
            self.counts[pair] = count
        else:
            self.counts.pop(pair, None)


class Affinities:
    """The state for one pod template."""

    filters = True
    scores = True
    reads_taints = False

    def __init__(self, pod: PodInfo, around: Surroundings) -> None:
        self._pod = pod
        self._namespaces = around.snapshot.namespace_labels
        self._near, self._away, self._unwelcome, self._liking = _Pairs(), _Pairs(), _Pairs(), _Pairs()
        self._near_itself = all(term.matches(pod, self._namespaces) for term in pod.required_affinity)
        snapshot = around.snapshot
        self.keys = tuple(sorted({term.topology_key for p in (pod, *snapshot.affine.values()) for term in _all_terms(p)}))
        for node in snapshot.nodes.values():
            for other in node.pods.values():
                if pod.has_affinity or other.has_affinity:
                    self._count(node, other, 1)

    def follow(self, node: NodeInfo, pod: PodInfo, sign: int) -> bool:
        if pod.has_affinity and any(term.topology_key not in self.keys for term in _all_terms(pod)):
            return False
        if pod.has_affinity or self._pod.has_affinity:
            self._count(node, pod, sign)
        return True

    def _count(self, node: NodeInfo, other: PodInfo, sign: int) -> None:
        """What a pod on a node means for ours, and ours for it (filtering.go, scoring.go)."""
        mine, names = self._pod, self._namespaces
        if mine.required_affinity and all(term.matches(other, names) for term in mine.required_affinity):
            for term in mine.required_affinity:
                self._near.add(node, term.topology_key, sign)
        for term in _matching(mine.required_anti_affinity, other, names):
            self._away.add(node, term.topology_key, sign)
        for term in _matching(mine.preferred_affinity, other, names):
            self._liking.add(node, term.topology_key, sign * term.weight)
        for term in _matching(mine.preferred_anti_affinity, other, names):
            self._liking.add(node, term.topology_key, -sign * term.weight)
        if not other.has_affinity:
            return
        for term in _matching(other.required_anti_affinity, mine, names):
            self._unwelcome.add(node, term.topology_key, sign)
        for term in _matching(other.required_affinity, mine, names):
            self._liking.add(node, term.topology_key, sign * HARD_POD_AFFINITY_WEIGHT)
        for term in _matching(other.preferred_affinity, mine, names):
            self._liking.add(node, term.topology_key, sign * term.weight)
        for term in _matching(other.preferred_anti_affinity, mine, names):
            self._liking.add(node, term.topology_key, -sign * term.weight)

    def domain(self, node: NodeInfo) -> Hashable:
        labels = node.labels
        return tuple([labels.get(key) for key in self.keys])

    def judge(self, domain: Hashable) -> Rejection | None:
        assert isinstance(domain, tuple)
        pairs = {key: value for key, value in zip(self.keys, domain, strict=True) if value is not None}
        if not self._is_near(pairs):
            return NOT_NEAR
        if any((term.topology_key, pairs.get(term.topology_key)) in self._away.counts for term in self._pod.required_anti_affinity):
            return TOO_NEAR
        if any(pair in self._unwelcome.counts for pair in pairs.items()):
            return UNWELCOME
        return None

    def _is_near(self, pairs: Mapping[str, str]) -> bool:
        """Every term has a pod in the node's domain; the first pod of a group that wants to be together may go anywhere."""
        terms = self._pod.required_affinity
        if any(term.topology_key not in pairs for term in terms):
            return False
        if all((term.topology_key, pairs[term.topology_key]) in self._near.counts for term in terms):
            return True
        return not self._near.counts and self._near_itself

    def rate(self, domains: Mapping[Hashable, int]) -> list[int]:
        """Sums of weights, scaled to 0..100 between the lowest and the highest."""
        liking = self._liking.counts
        raw = [
            sum(liking.get((key, value), 0) for key, value in zip(self.keys, domain, strict=True))
            for domain in domains
            if isinstance(domain, tuple)
        ]
        low, high = min(raw), max(raw)
        return [MAX_NODE_SCORE * (score - low) // (high - low) if high > low else 0 for score in raw]


def _all_terms(pod: PodInfo) -> Iterator[Term]:
    yield from pod.required_affinity
    yield from pod.preferred_affinity
    yield from pod.required_anti_affinity
    yield from pod.preferred_anti_affinity


def _matching(terms: Iterable[Term], pod: PodInfo, namespaces: Mapping[str, Mapping[str, str]]) -> Iterator[Term]:
    return (term for term in terms if term.matches(pod, namespaces))


def prepare(pod: PodInfo, around: Surroundings) -> Affinities | None:
    """Nothing to say where neither this pod nor any that is placed or nominated says anything about others."""
    if not pod.has_affinity and not around.snapshot.affine:
        return None
    return Affinities(pod, around)


PLUGIN = SpreadingPlugin(
    NAME,
    order=120,
    prepare=prepare,
    weight=2,
    concerns=lambda pod: pod.has_affinity,
    events=NODE_EVENTS | {POD_BOUND, POD_GONE},
)
