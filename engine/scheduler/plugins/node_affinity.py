"""nodeSelector and node affinity (plugins/nodeaffinity; component-helpers/scheduling/corev1/nodeaffinity)."""

from typing import Any, NamedTuple

from engine.base.node_selection import RequiredNodes, term_of
from engine.base.objects import Obj, dig
from engine.base.selectors import IN
from engine.scheduler.framework import NODE_EVENTS, Plugin, Rejection, Surroundings, Unschedulable, default_normalize
from engine.scheduler.nodes import NodeInfo
from engine.scheduler.pods import PodInfo

NAME = "NodeAffinity"
REJECTION = Rejection(NAME, ("node(s) didn't match Pod's node affinity/selector",), unresolvable=True)


class State(NamedTuple):
    """What the pod asks for; `only` are the nodes that it names, None where it does not."""

    required: RequiredNodes | None
    preferred: list[tuple[int, Any]]
    only: frozenset[str] | None


def prepare(pod: PodInfo, around: Surroundings) -> State | None:
    """Nothing to say about pods without selector and affinity.

    Raises:
        Unschedulable: the terms ask for two nodes at once.
    """
    required = RequiredNodes.of(pod.spec)
    terms: list[Obj] = dig(pod.spec, "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution", default=[])
    preferred = [(term["weight"], term_of(term["preference"])) for term in terms if term.get("weight")]
    if required.anything and not preferred:
        return None
    only = _named(required)
    if only is not None and not only:
        raise Unschedulable(NAME, "pod affinity terms conflict")
    return State(None if required.anything else required, preferred, only)


def _named(required: RequiredNodes) -> frozenset[str] | None:
    """The nodes that every term names by metadata.name, as those of DaemonSet pods do."""
    if not required.terms:
        return None
    found: frozenset[str] = frozenset()
    for term in required.terms:
        names = [frozenset(field.values) for field in term.fields if field.operator == IN]
        if not names:
            return None
        found |= names[0].intersection(*names[1:])
    return found


def judge(state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
    """Reject nodes outside the selector or all required terms."""
    return None if state.required is None or state.required.match(node.labels, node.name) else REJECTION


def score(state: Any, pod: PodInfo, node: NodeInfo) -> int:
    """The sum of the weights of preferred terms that hold."""
    return sum(weight for weight, term in state.preferred if term.match(node.labels, node.name))


PLUGIN = Plugin(
    NAME,
    order=40,
    prepare=prepare,
    filter=judge,
    score=score,
    normalize=default_normalize,
    weight=2,
    events=NODE_EVENTS,
    narrow=lambda state: state.only,
)
