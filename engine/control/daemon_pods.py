"""Where pods of a DaemonSet run, and what is added to them (pkg/controller/daemon/daemon_controller.go, util/daemonset_util.go)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from engine.base.node_selection import RequiredNodes
from engine.base.objects import Obj, annotations_of, dig, labels_of, name_of
from engine.base.taints import untolerated
from engine.control.templates import pod_from_template

HASH_LABEL = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"

_NODE = "node.kubernetes.io/"
_TOLERATED = (
    (_NODE + "not-ready", "NoExecute"),
    (_NODE + "unreachable", "NoExecute"),
    (_NODE + "disk-pressure", "NoSchedule"),
    (_NODE + "memory-pressure", "NoSchedule"),
    (_NODE + "pid-pressure", "NoSchedule"),
    (_NODE + "unschedulable", "NoSchedule"),
)
_NETWORK_UNAVAILABLE = (_NODE + "network-unavailable", "NoSchedule")


class Fit(NamedTuple):
    """Whether a node should get a daemon pod, and whether one that it has may stay."""

    should_run: bool
    may_stay: bool


_YES, _NO = Fit(True, True), Fit(False, False)


def tolerations_of(spec: Obj) -> list[Obj]:
    """A pod spec's tolerations with those that every daemon pod gets (AddOrUpdateDaemonPodTolerations)."""
    wanted = (*_TOLERATED, _NETWORK_UNAVAILABLE) if spec.get("hostNetwork") else _TOLERATED
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    return [
        *(t for t in spec.get("tolerations") or () if {k: v for k, v in t.items() if v and k != "tolerationSeconds"} not in added),
        *added,
    ]


class Placement:
    """The predicates of one template (nodeShouldRunDaemonPod); made once, asked for every node."""

    def __init__(self, spec: Obj) -> None:
        self.node_name = spec.get("nodeName") or ""
        self.required = RequiredNodes.of(spec)
        self.anywhere = self.required.anything and not self.node_name
        self.tolerations = tolerations_of(spec)

    def fit(self, node: Obj) -> Fit:
        """What holds for a node: its name, labels and taints; whether it is schedulable or ready does not matter."""
        taints = (node.get("spec") or {}).get("taints")
        if self.anywhere and not taints:
            return _YES
        name = name_of(node)
        if (self.node_name and self.node_name != name) or not self.required.match(labels_of(node), name):
            return _NO
        if not taints or untolerated(taints, self.tolerations, ("NoSchedule", "NoExecute")) is None:
            return _YES
        return Fit(False, untolerated(taints, self.tolerations, ("NoExecute",)) is None)


_PLACEMENTS_MAX = 1_024
_placements: dict[int, tuple[Obj, Placement]] = {}


def placement_of(daemon_set: Obj) -> Placement:
    """The predicates of a DaemonSet's template, which is the same object until it changes."""
    spec = daemon_set["spec"]["template"]["spec"]
    found = _placements.get(id(spec))
    if found is None or found[0] is not spec:
        if len(_placements) >= _PLACEMENTS_MAX:
            _placements.clear()
        found = _placements[id(spec)] = (spec, Placement(spec))
    return found[1]


def target_of(pod: Obj) -> str:
    """The node of a daemon pod: where it is, or what its affinity names (GetTargetNodeName); empty where it is neither."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = dig(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    for term in required or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In" and len(field.get("values") or ()) == 1:
                return str(field["values"][0])
    return ""


@lru_cache(maxsize=8_192)
def _terms(node: str) -> Obj:
    """One object per node, shared by all its daemon pods."""
    return {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]}


def new_pods(daemon_set: Obj, template_hash: str, nodes: Sequence[str]) -> list[Obj]:
    """A pod for each of `nodes`, kept on it by a node affinity that replaces the template's required one."""
    template = daemon_set["spec"]["template"]
    base = pod_from_template(template, daemon_set)
    labels: dict[str, Any] = {**(base["metadata"].get("labels") or {}), HASH_LABEL: template_hash}
    generation = annotations_of(daemon_set).get(GENERATION_ANNOTATION)
    if generation:
        labels[GENERATION_LABEL] = generation
    metadata = {**base["metadata"], "labels": labels}
    spec = {**template["spec"], "tolerations": placement_of(daemon_set).tolerations}
    affinity = template["spec"].get("affinity") or {}
    node_affinity = affinity.get("nodeAffinity") or {}
    pods: list[Obj] = []
    for node in nodes:
        narrowed = {**affinity, "nodeAffinity": {**node_affinity, "requiredDuringSchedulingIgnoredDuringExecution": _terms(node)}}
        pods.append({**base, "metadata": metadata, "spec": {**spec, "affinity": narrowed}})
    return pods


def is_updated(daemon_set: Obj, pod: Obj, template_hash: str) -> bool:
    """Whether a pod is of the current template, by hash or by generation (IsPodUpdated)."""
    labels = labels_of(pod)
    if labels.get(HASH_LABEL) == template_hash:
        return True
    generation = annotations_of(daemon_set).get(GENERATION_ANNOTATION)
    return generation is not None and labels.get(GENERATION_LABEL) == generation
