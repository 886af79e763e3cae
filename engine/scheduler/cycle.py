"""One scheduling cycle: filter, score, choose (pkg/scheduler/schedule_one.go).

All nodes are considered for every pod, where upstream samples them in large clusters: results per node are kept for each pod
template and brought up to date by what changed since, so that a pod of a known template costs the few nodes that changed, and one
look at each distinct combination of scores. Ties are broken at random, as upstream does.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
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
        self._only, self._elsewhere = _narrowed(active)
        self._rejected: dict[str, Rejection] = {}
        self._group_of: dict[str, _Group] = {}
        self._groups: dict[_Group, dict[str, None]] = {}
        nodes = self._snapshot.nodes
        for node in nodes.values() if self._only is None else [nodes[name] for name in sorted(self._only) if name in nodes]:
            self._judge(node)

    @property
    def narrowed(self) -> bool:
        """Whether only some nodes were looked at, which the pod names: no other pod is like it."""
        return self._only is not None

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

    def what_if(self, pod: PodInfo, name: str, gone: Sequence[PodInfo]) -> Rejection | None:
        """What a node would say without some of its pods: with the pods that are nominated to it before `pod`, and without them
        (RunFilterPluginsWithNominatedPods)."""
        node = self._snapshot.nodes[name]
        nominees = self._snapshot.nominees_before(name, pod)
        rejection = self._suppose(node, gone, nominees)
        return self._suppose(node, gone, ()) if rejection is None and nominees else rejection

    def _suppose(self, node: NodeInfo, gone: Sequence[PodInfo], more: Sequence[PodInfo]) -> Rejection | None:
        rejection = self._filter(node.supposing(gone, more))
        states = [state for _, state in self._spreading if state.filters]
        if rejection is not None or not states:
            return rejection
        moves = [*((pod, -1) for pod in gone), *((pod, 1) for pod in more)]
        for state in states:
            for pod, sign in moves:
                state.follow(node, pod, sign)
            rejection = state.judge(state.domain(node))
            for pod, sign in moves:
                state.follow(node, pod, -sign)
            if rejection is not None:
                return rejection
        return None

    def _held(self, pod: PodInfo) -> dict[str, Rejection]:
        """Nodes that would take the pod but for those nominated to them before it."""
        held = {}
        for name in self._snapshot.nominees:
            if name in self._group_of and (nominees := self._snapshot.nominees_before(name, pod)):
                rejection = self._suppose(self._snapshot.nodes[name], (), nominees)
                if rejection is not None:
                    held[name] = rejection
        return held

    def refresh(self) -> bool:
        """Catch up with the snapshot; False where the results must be made anew (nodes came, went, were relabelled)."""
        changes = self._snapshot.changes_since(self._sequence)
        reads_taints = any(state.reads_taints for _, state in self._spreading)
        if changes is None or any(change.topology or (reads_taints and change.taints) for change in changes):
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

    def decide(self, rng: Rng, pod: PodInfo | None = None) -> Decision:
        """Choose among the feasible nodes for `pod` (the one the results were made with by default); one that it is nominated to
        comes before all others."""
        pod = pod or self._pod
        held = self._held(pod) if self._snapshot.nominees else {}
        groups, rejected = self._feasible()
        feasible = {group: self._members(group, held) for group in groups}
        feasible = {group: members for group, members in feasible.items() if members}
        if not feasible:
            return Decision(rejections=self._all_rejections(rejected, held))
        count = sum(map(len, feasible.values()))
        nominated = self._snapshot.nominated_node(pod.uid)
        if nominated in self._group_of and nominated in feasible.get(self._group_of[nominated], ()):
            return Decision(nominated, 0, count)
        totals = self._totals(feasible)
        best = max(totals)
        winners = [members for members, total in zip(feasible.values(), totals, strict=True) if total == best]
        ties = sum(map(len, winners))
        return Decision(_nth(winners, rng.randrange(ties) if ties > 1 else 0), best, count)

    def _members(self, group: _Group, held: Mapping[str, Rejection]) -> Mapping[str, None]:
        members = self._groups[group]
        return members if members.keys().isdisjoint(held) else {name: None for name in members if name not in held}

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

    def _all_rejections(self, by_group: Mapping[_Group, Rejection], held: Mapping[str, Rejection]) -> dict[str, Rejection]:
        found: dict[str, Rejection] = {}
        for name in self._snapshot.nodes:
            group = self._group_of.get(name)
            if group is None:
                found[name] = self._rejected.get(name, self._elsewhere)
            else:
                found[name] = held[name] if name in held else by_group[group]
        return found

    def _totals(self, feasible: Mapping[_Group, Mapping[str, None]]) -> list[int]:
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
            for group, members in feasible.items():
                sizes[group.domains[at]] += len(members)
            rated = dict(zip(sizes, state.rate(sizes), strict=True))
            for i, group in enumerate(feasible):
                totals[i] += spreader.weight * rated[group.domains[at]]
        return totals

    def scores(self) -> dict[str, int]:
        """The final score of each feasible node, for whoever asks why a pod is where it is."""
        groups, _ = self._feasible()
        totals = self._totals({group: self._groups[group] for group in groups}) if groups else []
        return {name: total for group, total in zip(groups, totals, strict=True) for name in self._groups[group]}


def _narrowed(active: Sequence[tuple[Plugin, Any]]) -> tuple[frozenset[str] | None, Rejection]:
    """The names of the only nodes to look at, None for all, and what the others are told."""
    only: frozenset[str] | None = None
    by: list[str] = []
    for plugin, state in active:
        names = plugin.narrow(state) if plugin.narrow is not None else None
        if names is not None:
            only = names if only is None else only & names
            by.append(plugin.name)
    reason = f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(by))}]"
    return only, Rejection(by[0] if by else "", (reason,), unresolvable=True)


def _nth(members: list[Mapping[str, None]], index: int) -> str:
    for names in members:
        if index < len(names):
            return next(islice(names, index, None))
        index -= len(names)
    raise IndexError(index)
