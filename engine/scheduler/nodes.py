"""The scheduler's picture of the nodes and the pods on them, with a log of what changed so that cached results can catch up."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.base.objects import Obj, dig, labels_of
from engine.scheduler.pods import PODS, PodInfo, amounts

CHANGES_MAX = 20_000
"""Changes that are remembered; results older than that are computed anew."""

PodKey = tuple[str, str]


class NodeInfo:
    """One node: what it offers, what the pods on it (assumed ones included) ask for. `pods` are keyed by uid."""

    __slots__ = ("allocatable", "images", "labels", "name", "nonzero_cpu", "nonzero_memory", "obj", "pods", "ports", "requested", "taints")

    def __init__(self, obj: Obj) -> None:
        self.pods: dict[str, PodInfo] = {}
        self.requested: dict[str, int] = {}
        self.nonzero_cpu = 0
        self.nonzero_memory = 0
        self.ports: dict[tuple[str, str, int], int] = {}
        self.name: str = obj["metadata"]["name"]
        self.describe(obj)

    def describe(self, obj: Obj) -> None:
        """Take over what the node object says."""
        status = obj.get("status") or {}
        self.obj = obj
        self.labels: Mapping[str, str] = labels_of(obj)
        self.taints: list[Obj] = (obj.get("spec") or {}).get("taints") or []
        self.allocatable = amounts(status.get("allocatable"))
        self.images: dict[str, int] = {
            name: image.get("sizeBytes") or 0 for image in status.get("images") or () for name in image.get("names") or ()
        }

    @property
    def unschedulable(self) -> bool:
        """Whether it is cordoned."""
        return bool((self.obj.get("spec") or {}).get("unschedulable"))

    @property
    def pods_max(self) -> int:
        """How many pods it takes."""
        return self.allocatable.get(PODS, 0)

    def add(self, pod: PodInfo) -> None:
        """Count a pod."""
        self.pods[pod.uid] = pod
        self._count(pod, 1)

    def remove(self, pod: PodInfo) -> None:
        """Count a pod no more."""
        self._count(self.pods.pop(pod.uid), -1)

    def _count(self, pod: PodInfo, sign: int) -> None:
        shape = pod.shape
        for name, value in shape.requests.items():
            self.requested[name] = self.requested.get(name, 0) + sign * value
        self.nonzero_cpu += sign * shape.nonzero_cpu
        self.nonzero_memory += sign * shape.nonzero_memory
        for port in shape.host_ports:
            count = self.ports.get(port, 0) + sign
            if count:
                self.ports[port] = count
            else:
                del self.ports[port]

    def supposing(self, gone: Iterable[PodInfo], more: Iterable[PodInfo]) -> "NodeInfo":
        """A copy on which some of the pods are gone and others have come; for what-ifs."""
        copy = NodeInfo(self.obj)
        left = {pod.uid for pod in gone}
        for uid, pod in self.pods.items():
            if uid not in left:
                copy.add(pod)
        for pod in more:
            copy.add(pod)
        return copy


def _may_help(old: Obj, new: Obj) -> bool:
    """Whether an update of a node can make room for a pod (backend/queue nodeSchedulingPropertiesChange); heartbeats cannot."""
    if old.get("spec") != new.get("spec") or labels_of(old) != labels_of(new):
        return True
    return bool(dig(old, "status", "allocatable") != dig(new, "status", "allocatable"))


class Change(NamedTuple):
    """A pod came to a node (`sign` 1) or left it (-1); or the node itself changed (`pod` None), `topology` where nodes or labels did."""

    node: str
    pod: PodInfo | None = None
    sign: int = 0
    topology: bool = False
    taints: bool = False


class Snapshot:
    """All nodes and the pods on them, always current (pkg/scheduler/backend/cache). `sequence` counts its changes."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeInfo] = {}
        self.namespace_labels: dict[str, Mapping[str, str]] = {}
        self.image_nodes: dict[str, int] = {}
        """How many nodes have an image."""
        self.affine: dict[str, PodInfo] = {}
        """Pods on nodes, or nominated to run on one, that say something about other pods, by uid."""
        self.nominees: dict[str, dict[str, PodInfo]] = {}
        """By node: pods that wait for their victims to leave it, by uid."""
        self.sequence = 0
        self._changes: list[Change] = []
        self._nominations: dict[str, str] = {}
        self._places: dict[str, tuple[str, PodInfo]] = {}
        self._strays: dict[str, dict[str, PodInfo]] = {}
        """Pods on nodes that are not known (yet), by node."""

    def set_node(self, obj: Obj) -> bool:
        """A node came or changed; whether pods that fit nowhere should be tried again."""
        name = obj["metadata"]["name"]
        node = self.nodes.get(name)
        if node is None:
            node = self.nodes[name] = NodeInfo(obj)
            for pod in self._strays.pop(name, {}).values():
                node.add(pod)
            self._count_images(node.images, 1)
            self._log(Change(name, topology=True))
            return True
        helps = _may_help(node.obj, obj)
        if not helps and dig(node.obj, "status", "images") == dig(obj, "status", "images"):
            node.obj = obj
            return False
        taints, topology = node.taints, node.labels != labels_of(obj)
        self._count_images(node.images, -1)
        node.describe(obj)
        self._count_images(node.images, 1)
        self._log(Change(name, topology=topology, taints=taints != node.taints))
        return helps

    def remove_node(self, name: str) -> None:
        """A node is gone; pods on it stay known until they are deleted."""
        node = self.nodes.pop(name, None)
        if node is not None:
            self._count_images(node.images, -1)
            if node.pods:
                self._strays[name] = node.pods
            self._log(Change(name, topology=True))

    def _count_images(self, images: Mapping[str, int], sign: int) -> None:
        for name in images:
            self.image_nodes[name] = self.image_nodes.get(name, 0) + sign

    def place(self, pod: PodInfo, node_name: str) -> bool:
        """A pod is on a node, or is assumed to be; False where it was known there and counts the same."""
        known = self._places.get(pod.uid)
        if known is not None:
            if known[0] == node_name and known[1].counts_like(pod):
                self._replace(known[1], pod, node_name)
                return False
            self.remove(pod.uid)
        self._places[pod.uid] = (node_name, pod)
        if pod.has_affinity:
            self.affine[pod.uid] = pod
        node = self.nodes.get(node_name)
        if node is None:
            self._strays.setdefault(node_name, {})[pod.uid] = pod
        else:
            node.add(pod)
            self._log(Change(node_name, pod, 1))
        return True

    def _replace(self, old: PodInfo, pod: PodInfo, node_name: str) -> None:
        self._places[pod.uid] = (node_name, pod)
        node = self.nodes.get(node_name)
        if node is not None:
            node.pods[pod.uid] = pod
        if pod.uid in self.affine:
            self.affine[pod.uid] = pod

    def remove(self, uid: str) -> PodInfo | None:
        """A pod is no longer on its node; returns it, None where it was on none."""
        known = self._places.pop(uid, None)
        if known is None:
            return None
        node_name, pod = known
        self.affine.pop(uid, None)
        node = self.nodes.get(node_name)
        if node is not None:
            node.remove(pod)
            self._log(Change(node_name, pod, -1))
        else:
            strays = self._strays.get(node_name, {})
            strays.pop(uid, None)
            if not strays:
                self._strays.pop(node_name, None)
        return pod

    def nominate(self, pod: PodInfo, node_name: str) -> None:
        """A pod is to run on a node once there is room; on none where the name is empty."""
        before = self._nominations.pop(pod.uid, "")
        if before:
            nominees = self.nominees[before]
            del nominees[pod.uid]
            if not nominees:
                del self.nominees[before]
        if node_name:
            self._nominations[pod.uid] = node_name
            self.nominees.setdefault(node_name, {})[pod.uid] = pod
        if pod.has_affinity and before != node_name:
            if node_name:
                self.affine[pod.uid] = pod
            elif pod.uid not in self._places:
                self.affine.pop(pod.uid, None)
            self._log(Change(node_name or before, topology=True))

    def nominated_node(self, uid: str) -> str:
        """Where a pod is nominated to run, empty where nowhere."""
        return self._nominations.get(uid, "")

    def nominees_before(self, node_name: str, pod: PodInfo) -> list[PodInfo]:
        """The pods nominated to a node that go before `pod`: those of at least its priority."""
        nominees = self.nominees.get(node_name)
        return [p for p in nominees.values() if p.priority >= pod.priority and p.uid != pod.uid] if nominees else []

    def node_of(self, uid: str) -> str:
        """The node of a pod, empty where it is on none."""
        known = self._places.get(uid)
        return known[0] if known else ""

    def _log(self, change: Change) -> None:
        self.sequence += 1
        self._changes.append(change)
        if len(self._changes) > 2 * CHANGES_MAX:
            del self._changes[:CHANGES_MAX]

    def changes_since(self, sequence: int) -> list[Change] | None:
        """What changed after `sequence`, in order; None where that is no longer remembered."""
        missing = self.sequence - sequence
        if missing > len(self._changes):
            return None
        return self._changes[len(self._changes) - missing :]
