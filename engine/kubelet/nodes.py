"""Simulated nodes: what they register as, and the status they post (pkg/kubelet/kubelet_node_status.go, nodestatus/setters.go)."""

from dataclasses import dataclass, field
from typing import Any

from engine.base.clock import rfc3339
from engine.base.objects import Obj
from engine.base.world import World
from engine.kubelet import network
from engine.kubelet.podstate import Image
from engine.kubelet.simulation.draws import digest

KUBELET_VERSION = "v1.36.2"
IMAGES_LISTED_MAX = 50
"""nodeStatusMaxImages."""
POWER = "sim.ktui.dev/power"
REGION = "local"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node to simulate; `number` (from 0) gives it its addresses."""

    name: str
    number: int
    zone: str = "local-a"
    cpu: str = "8"
    memory: str = "32Gi"
    pods: str = "110"
    ephemeral_storage: str = "100Gi"
    instance_type: str = "sim.large"
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[Obj, ...] = field(default=())

    @property
    def ip(self) -> str:
        """The node's own address."""
        return network.node_ip(self.number)

    @property
    def pod_cidr(self) -> str:
        """Where its pods' addresses come from."""
        return network.pod_cidr(self.number)


def default_nodes(count: int = 5, zones: int = 3) -> list[NodeSpec]:
    """`node-1`, `node-2`… spread over zones `local-a`, `local-b`…"""
    return [NodeSpec(f"node-{i + 1}", i, f"local-{chr(ord('a') + i % zones)}") for i in range(count)]


def node_object(spec: NodeSpec, status: Obj) -> Obj:
    """What a kubelet registers (labels by kubelet_node_status.go initialNode; the cloud's are the simulation's)."""
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": spec.instance_type,
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": spec.zone,
        **dict(spec.labels),
    }
    wanted: dict[str, Any] = {"podCIDR": spec.pod_cidr, "podCIDRs": [spec.pod_cidr], "providerID": f"ktui://{spec.zone}/{spec.name}"}
    if spec.taints:
        wanted["taints"] = list(spec.taints)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": spec.name, "labels": labels},
        "spec": wanted,
        "status": status,
    }


_HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


_SHUTTING_DOWN = (*_HEALTHY[:3], ("Ready", "False", "KubeletNotReady", "node is shutting down"))


@dataclass(frozen=True, slots=True)
class Machine:
    """What is true of a node until it boots again."""

    boot_id: str
    runtime_version: str
    shutting_down: bool = False

    @property
    def conditions(self) -> tuple[tuple[str, str, str, str], ...]:
        """(type, status, reason, message) as the kubelet posts them."""
        return _SHUTTING_DOWN if self.shutting_down else _HEALTHY


def stands(node: Obj, machine: Machine) -> bool:
    """Whether the conditions in the API are those that the kubelet posts; a lifecycle controller may have overwritten them."""
    found = {c["type"]: c["status"] for c in (node.get("status") or {}).get("conditions") or ()}
    return all(found.get(kind) == status for kind, status, _, _ in machine.conditions)


def _conditions(machine: Machine, old: Obj | None, now: float) -> list[Obj]:
    before = {c["type"]: c for c in ((old or {}).get("status") or {}).get("conditions") or ()}
    own = {kind for kind, *_ in machine.conditions}
    stamp = rfc3339(now)
    made: list[Obj] = [c for kind, c in before.items() if kind not in own]
    for kind, status, reason, message in machine.conditions:
        earlier = before.get(kind)
        since = earlier["lastTransitionTime"] if earlier and earlier["status"] == status else stamp
        made.append(
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": stamp,
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }
        )
    return made


def node_status(spec: NodeSpec, machine: Machine, old: Obj | None, images: list[tuple[Image, int]], now: float) -> Obj:
    """The status of a node that runs; `old` is the object in the API, whose condition times and foreign fields are kept."""
    amounts = {"cpu": spec.cpu, "ephemeral-storage": spec.ephemeral_storage, "memory": spec.memory, "pods": spec.pods}
    kept = (old or {}).get("status") or {}
    extra = {k: v for k, v in (kept.get("capacity") or {}).items() if k not in amounts}
    serial = digest("machine", spec.name)
    listed = sorted(images, key=lambda item: (-item[1], item[0].name))[:IMAGES_LISTED_MAX]
    return {
        **kept,
        "addresses": [{"type": "InternalIP", "address": spec.ip}, {"type": "Hostname", "address": spec.name}],
        "allocatable": {**extra, **amounts},
        "capacity": {**extra, **amounts},
        "conditions": _conditions(machine, old, now),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": [{"names": [image.id, image.name], "sizeBytes": size} for image, size in listed],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": machine.boot_id,
            "containerRuntimeVersion": machine.runtime_version,
            "kernelVersion": "6.12.0-ktui",
            "kubeProxyVersion": "",
            "kubeletVersion": KUBELET_VERSION,
            "machineID": serial[:32],
            "operatingSystem": "linux",
            "osImage": "ktui simulated node",
            "systemUUID": f"{serial[:8]}-{serial[8:12]}-{serial[12:16]}-{serial[16:20]}-{serial[20:32]}",
        },
    }


def new_machine(world: World, runtime_version: str) -> Machine:
    """A machine that has just booted."""
    return Machine(world.ids.uid(), runtime_version)


def power_of(node: Obj) -> str:
    """The annotation `sim.ktui.dev/power`: `off` (dead at once), `shutdown` (in good order, then off), or empty (running)."""
    return (node["metadata"].get("annotations") or {}).get(POWER) or ""
