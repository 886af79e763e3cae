"""Nodes and pods for scheduler tests, and a cycle over them without a cluster."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import engine.scheduler.plugins
from engine.base.objects import Obj, frozen
from engine.base.plugins import exported
from engine.base.selectors import Selector
from engine.base.world import Rng, Streams
from engine.scheduler.cycle import Decision, Profile, TemplateResults
from engine.scheduler.framework import Surroundings
from engine.scheduler.nodes import Snapshot
from engine.scheduler.pods import PodInfo

PROFILE = Profile.of(exported(engine.scheduler.plugins, "PLUGIN"))
_uids = itertools.count(1)


def node(name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "110", zone: str = "", **spec: Any) -> Obj:
    labels = {"kubernetes.io/hostname": name, **({"topology.kubernetes.io/zone": zone} if zone else {})}
    images = spec.pop("images", [])
    labels |= spec.pop("labels", {})
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, **spec.pop("extended", {})}
    made: Obj = frozen(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
            "status": {"allocatable": allocatable, "images": images},
        }
    )
    return made


def pod(name: str = "p", cpu: str = "", memory: str = "", labels: Mapping[str, str] | None = None, **spec: Any) -> PodInfo:
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    containers = spec.pop("containers", None) or [{"name": "c", "image": "nginx", "resources": {"requests": requests}}]
    status = spec.pop("status", {})
    metadata = {"name": name, "namespace": "ns", "uid": f"uid-{next(_uids)}", "labels": dict(labels or {}), "resourceVersion": "1"}
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}, "status": status}
    return PodInfo(frozen(obj))


class Board:
    """A snapshot with a profile: place pods, decide, look at the verdicts."""

    def __init__(self, nodes: Iterable[Obj], seed: int = 0) -> None:
        self.snapshot = Snapshot()
        for item in nodes:
            self.snapshot.set_node(item)
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.selector: Selector | None = None
        self.around = Surroundings(self.snapshot, lambda *key: self.objects.get(key), lambda pod: self.selector)
        self.rng: Rng = Streams(seed).stream("scheduler")

    def results(self, pod: PodInfo) -> TemplateResults:
        return TemplateResults(PROFILE, pod, self.around)

    def decide(self, pod: PodInfo) -> Decision:
        return self.results(pod).decide(self.rng)

    def run(self, pod: PodInfo) -> str:
        """Decide and place; the node's name, empty where it fits nowhere."""
        decision = self.decide(pod)
        if decision.node:
            self.snapshot.place(pod, decision.node)
        return decision.node

    def reasons(self, pod: PodInfo) -> dict[str, tuple[str, ...]]:
        return {name: rejection.reasons for name, rejection in self.decide(pod).rejections.items()}
