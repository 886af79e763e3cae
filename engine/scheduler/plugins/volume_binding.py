"""Claims are bound or can be bound on the node, and bound volumes reach it (plugins/volumebinding)."""

from typing import Any, NamedTuple

from engine.base.node_selection import Term, term_of
from engine.base.objects import Obj, dig
from engine.control.volumes import CLASSES, NO_PROVISIONER, best_match, class_of
from engine.scheduler.framework import (
    CLAIM_CHANGED,
    CLASS_CHANGED,
    NODE_EVENTS,
    VOLUME_CHANGED,
    Plugin,
    Rejection,
    Surroundings,
)
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo
from engine.scheduler.volumes import PLUGIN_NAME, claim_names, claims_of

CONFLICT = Rejection(PLUGIN_NAME, ("node(s) didn't match PersistentVolume's node affinity",), unresolvable=True)
NONE_AVAILABLE = Rejection(PLUGIN_NAME, ("node(s) didn't find available persistent volumes to bind",), unresolvable=True)


class State(NamedTuple):
    """The node selector terms of the bound volumes; claims that wait, each with what its class could provision where."""

    reachable: list[list[Term]]
    waiting: list[tuple[Obj, list[Term] | None]]
    """None: the class provisions nothing; no terms: anywhere."""
    volumes: list[Obj]


def prepare(pod: PodInfo, around: Surroundings) -> State | None:
    """Nothing to say about pods without claims."""
    if not claim_names(pod):
        return None
    claims = claims_of(pod, around.lookup)
    required = [dig(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms") for volume in claims.volumes]
    waiting = [(claim, _topologies(around.lookup(CLASSES, "", class_of(claim)))) for claim in claims.waiting]
    return State([[term_of(term) for term in terms] for terms in required if terms], waiting, [*around.volumes()] if waiting else [])


def _topologies(storage_class: Obj | None) -> list[Term] | None:
    """Where a class provisions (checkVolumeProvisions)."""
    if storage_class is None or storage_class.get("provisioner") == NO_PROVISIONER:
        return None
    return [
        term_of({"matchExpressions": [{**e, "operator": "In"} for e in topology.get("matchLabelExpressions") or ()]})
        for topology in storage_class.get("allowedTopologies") or ()
    ]


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject nodes that a bound volume cannot be reached from, and those where a waiting claim finds no volume."""
    for terms in state.reachable:
        if not any(term.match(node.labels, node.name) for term in terms):
            return CONFLICT
    taken: set[str] = set()
    for claim, topologies in state.waiting:
        volume = best_match((v for v in state.volumes if v["metadata"]["name"] not in taken), claim, node.obj, False)
        if volume is not None:
            taken.add(volume["metadata"]["name"])
        elif topologies is None or (topologies and not any(term.match(node.labels, node.name) for term in topologies)):
            return NONE_AVAILABLE
    return None


PLUGIN = Plugin(PLUGIN_NAME, order=100, prepare=prepare, filter=judge, events=NODE_EVENTS | {CLAIM_CHANGED, VOLUME_CHANGED, CLASS_CHANGED})
