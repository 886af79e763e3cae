"""What a scheduler plugin is, and what it may say (pkg/scheduler/framework).

Two forms of plugin keep a cycle from looking at every node again for every pod:

* A `Plugin` judges a node by the pod and that node alone; its results are kept until the node changes.
* A `SpreadingPlugin` also depends on where other pods are. It reduces a node to a `domain` (what of the node matters to it) and
  judges domains, so that nodes of the same domain are judged once. Its state follows placements one by one.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from engine.base.objects import Obj
from engine.base.selectors import Selector
from engine.scheduler.nodes import NodeInfo, Snapshot
from engine.scheduler.pods import PodInfo

MAX_NODE_SCORE = 100


class Rejection(NamedTuple):
    """Why a node does not take a pod. `unresolvable`: removing pods from the node would not help (UnschedulableAndUnresolvable)."""

    plugin: str
    reasons: tuple[str, ...]
    unresolvable: bool = False


class Unschedulable(Exception):
    """A plugin rejects a pod before any node is looked at (PreFilter); `reason` is what the event says."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(reason)
        self.plugin = plugin
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plugin may read besides the pod and the nodes.

    `lookup(resource, namespace, name)` finds an object; `spread_selector(pod)` is the selector of the services and the controller that
    the pod belongs to (plugins/helper/spread.go DefaultSelector), None where there are none.
    """

    snapshot: Snapshot
    lookup: Callable[[str, str, str], Obj | None]
    spread_selector: Callable[[PodInfo], Selector | None]
    volumes: Callable[[], Iterable[Obj]] = tuple
    """All persistent volumes."""


def default_normalize(scores: list[int], reverse: bool = False) -> list[int]:
    """Scale to 0..100 by the maximum (plugins/helper/normalize_score.go)."""
    highest = max(scores)
    if highest == 0:
        return [MAX_NODE_SCORE] * len(scores) if reverse else scores
    scaled = [MAX_NODE_SCORE * score // highest for score in scores]
    return [MAX_NODE_SCORE - score for score in scaled] if reverse else scaled


class ClusterEvent(NamedTuple):
    """Something that may make pods schedulable: `nodes` came, changed or went, `pods` were bound (`add`) or went, claims, volumes…"""

    resource: str
    action: str


NODE_ADDED = ClusterEvent("nodes", "add")
NODE_UPDATED = ClusterEvent("nodes", "update")
NODE_GONE = ClusterEvent("nodes", "delete")
POD_BOUND = ClusterEvent("pods", "add")
POD_GONE = ClusterEvent("pods", "delete")
CLAIM_CHANGED = ClusterEvent("persistentvolumeclaims", "update")
VOLUME_CHANGED = ClusterEvent("persistentvolumes", "update")
CLASS_CHANGED = ClusterEvent("storageclasses.storage.k8s.io", "update")
NODE_EVENTS = frozenset((NODE_ADDED, NODE_UPDATED))


@dataclass(frozen=True, slots=True)
class Plugin:
    """Judges nodes one by one.

    `prepare(pod, surroundings)` (PreFilter, PreScore) gives the state that the other functions get, None where the plugin has
    nothing to say about this pod; it raises Unschedulable to reject the pod. `order` is upstream's (apis/config/v1/default_plugins.go).
    """

    name: str
    order: int
    prepare: Callable[[PodInfo, Surroundings], Any] = lambda pod, surroundings: ()
    filter: Callable[[Any, PodInfo, NodeInfo], Rejection | None] | None = None
    score: Callable[[Any, PodInfo, NodeInfo], int] | None = None
    normalize: Callable[[list[int]], list[int]] | None = None
    weight: int = 0
    events: frozenset[ClusterEvent] = field(default_factory=frozenset)
    """What may make a pod schedulable that this plugin rejected (QueueingHints)."""
    narrow: Callable[[Any], frozenset[str] | None] | None = None
    """The names of the only nodes to look at (PreFilterResult), None for all."""


class Spreading(Protocol):
    """The state of a `SpreadingPlugin` for one pod template."""

    filters: bool
    scores: bool
    reads_taints: bool
    """Whether it must be made anew when taints change."""

    def domain(self, node: NodeInfo) -> Hashable:
        """What of a node matters."""

    def follow(self, node: NodeInfo, pod: PodInfo, sign: int) -> bool:
        """A pod came to a node (1) or left it (-1); False where the state must be made anew."""

    def judge(self, domain: Hashable) -> Rejection | None:
        """Whether nodes of a domain take the pod."""

    def rate(self, domains: Mapping[Hashable, int]) -> list[int]:
        """Normalised scores of domains with feasible nodes, in their order; values are how many nodes each has."""


@dataclass(frozen=True, slots=True)
class SpreadingPlugin:
    """Judges nodes by where other pods are; `prepare` gives its state, None where it has nothing to say about this pod."""

    name: str
    order: int
    prepare: Callable[[PodInfo, Surroundings], Spreading | None]
    weight: int = 0
    concerns: Callable[[PodInfo], bool] = lambda pod: False
    """Whether a pod that is placed can make the plugin speak about templates that it had nothing to say about."""
    events: frozenset[ClusterEvent] = field(default_factory=frozenset)
