"""What the scheduler knows of a pod: requests, ports, priority, constraints. Pods of one template share all but their identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.base import quantity
from engine.base.objects import Obj, controller_of, labels_of, namespace_of
from engine.base.selectors import Selector, from_label_selector
from engine.kinds.common.memo import Memo

DEFAULT_MILLI_CPU_REQUEST = 100
DEFAULT_MEMORY_REQUEST_BYTES = 200 * 1024 * 1024
"""What a container without requests counts for in scores (pkg/scheduler/util/pod_resources.go)."""

CPU, MEMORY, EPHEMERAL_STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"

Resources = Mapping[str, int]
"""Millicores of cpu, whole units of everything else."""


def amount(resource: str, value: Any) -> int:
    """A quantity in the scheduler's units: millicores of cpu, whole units of everything else, rounded up."""
    return quantity.milli(value) if resource == CPU else quantity.whole(value)


def amounts(quantities: Mapping[str, Any] | None) -> dict[str, int]:
    """A resource list in the scheduler's units."""
    return {name: amount(name, value) for name, value in (quantities or {}).items()}


def _requests_of(container: Obj) -> dict[str, int]:
    return amounts((container.get("resources") or {}).get("requests"))


def _nonzero(requests: dict[str, int]) -> dict[str, int]:
    return {CPU: DEFAULT_MILLI_CPU_REQUEST, MEMORY: DEFAULT_MEMORY_REQUEST_BYTES, **requests}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, value in more.items():
        total[name] = total.get(name, 0) + value


def _sum_up(spec: Obj, requests_of: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for container in spec.get("containers") or ():
        _add(total, requests_of(container))
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in spec.get("initContainers") or ():
        requests = dict(requests_of(container))
        if container.get("restartPolicy") == "Always":
            _add(total, requests)
            _add(sidecars, requests)
            requests = dict(sidecars)
        else:
            _add(requests, sidecars)
        for name, value in requests.items():
            peak[name] = max(peak.get(name, 0), value)
    for name, value in peak.items():
        total[name] = max(total.get(name, 0), value)
    total.update(amounts((spec.get("resources") or {}).get("requests")))
    _add(total, amounts(spec.get("overhead")))
    return total


@dataclass(frozen=True, slots=True)
class Shape:
    """What pods of one template have in common.

    `requests`: max(sum of containers and sidecars, peak of init containers) + overhead (component-helpers/resource/helpers.go).
    """

    requests: Resources
    nonzero_cpu: int
    nonzero_memory: int
    host_ports: tuple[tuple[str, str, int], ...]
    """(hostIP, protocol, port)"""
    images: tuple[str, ...]


def _shape(spec: Obj) -> Shape:
    requests = _sum_up(spec, _requests_of)
    nonzero = _sum_up(spec, lambda container: _nonzero(_requests_of(container)))
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    ports = [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"])
        for container in containers
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]
    return Shape(
        {name: value for name, value in requests.items() if value},
        nonzero.get(CPU, 0),
        nonzero.get(MEMORY, 0),
        tuple(ports),
        tuple(container.get("image") or "" for container in containers),
    )


class _Shapes:
    """Shapes by identity of the containers' list, which binding a pod keeps while it copies the spec around it."""

    def __init__(self) -> None:
        self._memo: Memo[dict[tuple[int, int], tuple[Any, Shape]]] = Memo(lambda containers: {})

    def __call__(self, spec: Obj) -> Shape:
        others = (spec.get("initContainers"), spec.get("overhead"), spec.get("resources"))
        known = self._memo(spec["containers"])
        at = (id(others[0]), id(others[1]))
        entry = known.get(at)
        if entry is None or any(a is not b for a, b in zip(entry[0], others, strict=True)):
            entry = known[at] = (others, _shape(spec))
        return entry[1]


shape_of = _Shapes()


@dataclass(frozen=True, slots=True)
class Term:
    """A pod affinity term; `namespaces` None means all that `namespace_selector` selects."""

    selector: Selector
    topology_key: str
    namespaces: frozenset[str]
    namespace_selector: Selector
    weight: int = 0

    def matches(self, pod: "PodInfo", namespace_labels: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether the term selects `pod`; `namespace_labels` are the labels of all namespaces."""
        if pod.namespace not in self.namespaces and (
            self.namespace_selector.nothing or not self.namespace_selector.matches(namespace_labels.get(pod.namespace) or {})
        ):
            return False
        return self.selector.matches(pod.labels)


def _term(term: Obj, namespace: str, weight: int = 0) -> Term:
    namespace_selector = from_label_selector(term.get("namespaceSelector"))
    namespaces = frozenset(term.get("namespaces") or ())
    if not namespaces and namespace_selector.nothing:
        namespaces = frozenset((namespace,))
    return Term(from_label_selector(term.get("labelSelector")), term.get("topologyKey") or "", namespaces, namespace_selector, weight)


def _terms(affinity: Obj | None, namespace: str) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    rules = affinity or {}
    required = tuple(_term(t, namespace) for t in rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
    preferred = tuple(
        _term(t["podAffinityTerm"], namespace, t["weight"]) for t in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    )
    return required, preferred


class PodInfo:
    """One pod as the scheduler sees it."""

    __slots__ = ("_affinity", "labels", "name", "namespace", "obj", "priority", "shape", "spec", "uid")

    def __init__(self, obj: Obj) -> None:
        self.obj = obj
        self.spec: Obj = obj["spec"]
        self.namespace = namespace_of(obj)
        self.name: str = obj["metadata"]["name"]
        self.uid: str = obj["metadata"]["uid"]
        self.labels = labels_of(obj)
        self.priority: int = self.spec.get("priority") or 0
        self.shape: Shape = shape_of(self.spec)
        self._affinity: tuple[tuple[Term, ...], ...] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)"""
        return self.namespace, self.name

    @property
    def terminating(self) -> bool:
        """Whether it is being deleted; it still takes its place, but others are not spread by it."""
        return "deletionTimestamp" in self.obj["metadata"]

    def counts_like(self, other: "PodInfo") -> bool:
        """Whether a newer version of the pod changes nothing for the scheduling of others."""
        return self.shape is other.shape and self.labels == other.labels and self.terminating == other.terminating

    @property
    def node_name(self) -> str:
        """spec.nodeName, empty while the pod is not bound."""
        return self.spec.get("nodeName") or ""

    @property
    def owner_uid(self) -> str:
        """The uid of its controller, empty where it has none."""
        owner = controller_of(self.obj)
        return owner["uid"] if owner else ""

    @property
    def has_affinity(self) -> bool:
        """Whether it says anything about other pods."""
        affinity = self.spec.get("affinity")
        return bool(affinity and (affinity.get("podAffinity") or affinity.get("podAntiAffinity")))

    def _all_terms(self) -> tuple[tuple[Term, ...], ...]:
        if self._affinity is None:
            affinity = self.spec.get("affinity") or {}
            self._affinity = (
                *_terms(affinity.get("podAffinity"), self.namespace),
                *_terms(affinity.get("podAntiAffinity"), self.namespace),
            )
        return self._affinity

    @property
    def required_affinity(self) -> tuple[Term, ...]:
        """Pods that must be near."""
        return self._all_terms()[0]

    @property
    def preferred_affinity(self) -> tuple[Term, ...]:
        """Pods that had better be near."""
        return self._all_terms()[1]

    @property
    def required_anti_affinity(self) -> tuple[Term, ...]:
        """Pods that must not be near."""
        return self._all_terms()[2]

    @property
    def preferred_anti_affinity(self) -> tuple[Term, ...]:
        """Pods that had better not be near."""
        return self._all_terms()[3]
