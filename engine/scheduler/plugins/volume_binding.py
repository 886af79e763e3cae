"""Claims are bound or can wait, and bound volumes reach the node (plugins/volumebinding)."""

from typing import Any

from engine.base.node_selection import term_of
from engine.base.objects import dig
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


def prepare(pod: PodInfo, around: Surroundings) -> list[Any] | None:
    """The node selector terms of the bound volumes; nothing to say about pods without claims."""
    if not claim_names(pod):
        return None
    required = [dig(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms") for volume in claims_of(pod, around.lookup).volumes]
    return [[term_of(term) for term in terms] for terms in required if terms]


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject nodes that a bound volume cannot be reached from."""
    reachable = all(any(term.match(node.labels, node.name) for term in terms) for terms in state)
    return None if reachable else CONFLICT


PLUGIN = Plugin(PLUGIN_NAME, order=100, prepare=prepare, filter=judge, events=NODE_EVENTS | {CLAIM_CHANGED, VOLUME_CHANGED, CLASS_CHANGED})
