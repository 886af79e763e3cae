"""One scheduling cycle: filter, score, choose (pkg/scheduler/schedule_one.go).

All nodes are considered for every pod, where upstream samples them in large clusters: results per node are kept for each pod
template and brought up to date by what changed since, so that a pod of a known template costs the few nodes that changed, and one
look at each distinct combination of scores. Ties are broken at random, as upstream does.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.base.world import Rng
from engine.scheduler.framework import ClusterEvent, Plugin, Rejection, Spreading, SpreadingPlugin, Surroundings
from engine.scheduler.nodes import NodeInfo, Snapshot
from engine.scheduler.pods import PodInfo


class _Group(NamedTuple):
    """What nodes have in common that score alike: raw scores by plugin, and the domain for each spreading plugin."""

    scores: tuple[int, ...]
    domains: tuple[Hashable, ...]


@dataclass(slots=True)
class Decision:
    """What a cycle found: the node, or why there is none.

    `rejections` are by node, in the order of nodes; `score` is the final score of the chosen node.
    """

    node: str = ""
    score: int = 0
    feasible: int = 0
    rejections: dict[str, Rejection] = field(default_factory=dict)

    @property
    def plugins(self) -> frozenset[str]:
        """The plugins that rejected nodes."""
        return frozenset(rejection.plugin for rejection in self.rejections.values())


@dataclass(frozen=True, slots=True)
class Profile:
    """The plugins of a scheduler, in upstream's order."""

    plugins: tuple[Plugin, ...]
    spreading: tuple[SpreadingPlugin, ...]

    @classmethod
    def of(cls, found: Sequence[Plugin | SpreadingPlugin]) -> "Profile":
        """A profile of plugins as a package offers them."""
        ordered = sorted(found, key=lambda plugin: plugin.order)
        return cls(
            tuple(p for p in ordered if isinstance(p, Plugin)),
            tuple(p for p in ordered if isinstance(p, SpreadingPlugin)),
        )

    def events_of(self, names: frozenset[str]) -> frozenset[ClusterEvent]:
        """What may make a pod schedulable that these plugins rejected."""
        everyone: list[Plugin | SpreadingPlugin] = [*self.plugins, *self.spreading]
        return frozenset(event for plugin in everyone if plugin.name in names for event in plugin.events)


class TemplateResults:
    """The results of all nodes for the pods of one template, kept current by following the snapshot's changes."""

    def __init__(self, profile: Profile, pod: PodInfo, around: Surroundings) -> None:
        """Judge every node once.

        Raises:
            Unschedulable: a plugin rejects the pod before any node is looked at.
        """
        self._pod = pod
        self._snapshot: Snapshot = around.snapshot
        self._sequence = self._snapshot.sequence
        prepared = [(plugin, plugin.prepare(pod, around)) for plugin in profile.plugins]
        active = [(plugin, state) for plugin, state in prepared if state is not None]
        self._filters = [(plugin.filter, state) for plugin, state in active if plugin.filter is not None]
        self._scorers = [(plugin, plugin.score, state) for plugin, state in active if plugin.score is not None]
        spreading = [(plugin, plugin.prepare(pod, around)) for plugin in profile.spreading]
        self._spreading: list[tuple[SpreadingPlugin, Spreading]] = [(p, state) for p, state in spreading if state is not None]
        self._silent = [plugin for plugin, state in spreading if state is None]
        self._rejected: dict[str, Rejection] = {}
        self._group_of: dict[str, _Group] = {}
        self._groups: dict[_Group, dict[str, None]] = {}
        for node in self._snapshot.nodes.values():
            self._judge(node)

    def _judge(self, node: NodeInfo) -> None:
        name = node.name
        before = self._group_of.pop(name, None)
        if before is not None:
            members = self._groups[before]
            del members[name]
            if not members:
                del self._groups[before]
        rejection = self._filter(node)
        if rejection is not None:
            self._rejected[name] = rejection
            return
        self._rejected.pop(name, None)
        pod = self._pod
        group = _Group(
            tuple([score(state, pod, node) for _, score, state in self._scorers]),
            tuple([state.domain(node) for _, state in self._spreading]),
        )
        self._group_of[name] = group
        self._groups.setdefault(group, {})[name] = None

    def _filter(self, node: NodeInfo) -> Rejection | None:
        pod = self._pod
        for judge, state in self._filters:
            rejection = judge(state, pod, node)
            if rejection is not None:
                return rejection
        return None

    def refresh(self) -> bool:
        """Catch up with the snapshot; False where the results must be made anew (nodes came, went, were relabelled)."""
        changes = self._snapshot.changes_since(self._sequence)
        if changes is None or any(change.topology for change in changes):
            return False
        touched: dict[str, NodeInfo] = {}
        nodes = self._snapshot.nodes
        for change in changes:
            node = nodes[change.node]
            if change.pod is not None and not self._follow(node, change.pod, change.sign):
                return False
            touched[change.node] = node
        for node in touched.values():
            self._judge(node)
        self._sequence = self._snapshot.sequence
        return True

    def _follow(self, node: NodeInfo, pod: PodInfo, sign: int) -> bool:
        if any(plugin.concerns(pod) for plugin in self._silent):
            return False
        return all(state.follow(node, pod, sign) for _, state in self._spreading)

    def decide(self, rng: Rng) -> Decision:
        """Choose among the feasible nodes."""
        feasible, rejected = self._feasible()
        if not feasible:
            return Decision(rejections=self._all_rejections(rejected))
        totals = self._totals(feasible)
        best = max(totals)
        winners = [self._groups[group] for group, total in zip(feasible, totals, strict=True) if total == best]
        count = sum(map(len, winners))
        return Decision(_nth(winners, rng.randrange(count) if count > 1 else 0), best, sum(len(self._groups[g]) for g in feasible))

    def _feasible(self) -> tuple[list[_Group], dict[_Group, Rejection]]:
        filtering = [(at, state) for at, (_, state) in enumerate(self._spreading) if state.filters]
        if not filtering:
            return list(self._groups), {}
        verdicts: dict[tuple[int, Hashable], Rejection | None] = {}
        feasible: list[_Group] = []
        rejected: dict[_Group, Rejection] = {}
        for group in self._groups:
            for at, state in filtering:
                domain = (at, group.domains[at])
                if domain not in verdicts:
                    verdicts[domain] = state.judge(group.domains[at])
                verdict = verdicts[domain]
                if verdict is not None:
                    rejected[group] = verdict
                    break
            else:
                feasible.append(group)
        return feasible, rejected

    def _all_rejections(self, by_group: Mapping[_Group, Rejection]) -> dict[str, Rejection]:
        found: dict[str, Rejection] = {}
        for name in self._snapshot.nodes:
            rejection = self._rejected.get(name)
            found[name] = rejection if rejection is not None else by_group[self._group_of[name]]
        return found

    def _totals(self, feasible: list[_Group]) -> list[int]:
        totals = [0] * len(feasible)
        for at, (plugin, _, _) in enumerate(self._scorers):
            scores = [group.scores[at] for group in feasible]
            if plugin.normalize is not None:
                scores = plugin.normalize(scores)
            for i, score in enumerate(scores):
                totals[i] += plugin.weight * score
        for at, (spreader, state) in enumerate(self._spreading):
            if not state.scores:
                continue
            sizes: Counter[Hashable] = Counter()
            for group in feasible:
                sizes[group.domains[at]] += len(self._groups[group])
            rated = dict(zip(sizes, state.rate(sizes), strict=True))
            for i, group in enumerate(feasible):
                totals[i] += spreader.weight * rated[group.domains[at]]
        return totals

    def scores(self) -> dict[str, int]:
        """The final score of each feasible node, for whoever asks why a pod is where it is."""
        feasible, _ = self._feasible()
        totals = self._totals(feasible) if feasible else []
        return {name: total for group, total in zip(feasible, totals, strict=True) for name in self._groups[group]}


def _nth(members: list[dict[str, None]], index: int) -> str:
    for names in members:
        if index < len(names):
            if index == 0:
                return next(iter(names))
            return list(names)[index]
        index -= len(names)
    raise IndexError(index)


def fits(profile: Profile, pod: PodInfo, node: NodeInfo, prepared: Mapping[str, Any]) -> bool:
    """Whether the filters that look at one node only accept `pod` on it; `prepared` are the plugins' states by name."""
    return all(
        plugin.filter is None or prepared.get(plugin.name) is None or plugin.filter(prepared[plugin.name], pod, node) is None
        for plugin in profile.plugins
    )
