"""What a node refuses to run (pkg/kubelet/lifecycle/predicate.go)."""

from typing import NamedTuple

from engine.base import quantity
from engine.base.objects import Obj, labels_of, name_of
from engine.base.selectors import requirement_of
from engine.kubelet.inputs import Rejected
from engine.kubelet.plan import PodPlan

NODE_SHUTDOWN = Rejected("NodeShutdown", "Pod was rejected as the node is shutting down.")
"""pkg/kubelet/nodeshutdown."""


class Used(NamedTuple):
    """What the pods that a node has admitted ask for."""

    pods: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0

    def plus(self, plan: PodPlan, sign: int = 1) -> "Used":
        """With one pod more, or less."""
        return Used(self.pods + sign, self.cpu_milli + sign * plan.cpu_milli, self.memory_bytes + sign * plan.memory_bytes)


def admit(pod: Obj, plan: PodPlan, node: Obj, used: Used) -> Rejected | None:
    """None where the node takes the pod; otherwise why not: OutOfpods, OutOfcpu, OutOfmemory, NodeAffinity."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    checks = (
        ("pods", 1, used.pods, quantity.whole(allocatable.get("pods") or 0)),
        ("cpu", plan.cpu_milli, used.cpu_milli, quantity.milli(allocatable.get("cpu") or 0)),
        ("memory", plan.memory_bytes, used.memory_bytes, quantity.whole(allocatable.get("memory") or 0)),
    )
    for resource, requested, in_use, capacity in checks:
        if requested and in_use + requested > capacity:
            return Rejected(
                f"OutOf{resource}",
                f"Node didn't have enough resource: {resource}, requested: {requested}, used: {in_use}, capacity: {capacity}",
            )
    if not _affinity_holds(pod["spec"], node):
        return Rejected("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
    return None


def _affinity_holds(spec: Obj, node: Obj) -> bool:
    selector = spec.get("nodeSelector")
    if selector:
        labels = labels_of(node)
        if any(labels.get(k) != v for k, v in selector.items()):
            return False
    node_affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(_term_holds(term, node) for term in required.get("nodeSelectorTerms") or ())


def _term_holds(term: Obj, node: Obj) -> bool:
    """All expressions of a term; an empty term holds nowhere (component-helpers/scheduling/corev1/nodeaffinity)."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    about = {"metadata.name": name_of(node)}
    return all(requirement_of(e).matches(labels_of(node)) for e in expressions) and all(requirement_of(f).matches(about) for f in fields)
