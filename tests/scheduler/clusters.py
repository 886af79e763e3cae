"""A whole cluster in virtual time for scheduler tests: simulated nodes without delays, all controllers, the real scheduler."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from engine.base.objects import Obj, dig, labels_of, name_of
from engine.cluster import Cluster, ClusterOptions, simulated
from engine.kubelet.nodes import NodeSpec
from engine.sim.loop import VirtualLoop, run

ZONE = "topology.kubernetes.io/zone"


class Site:
    """The cluster of a test."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.client = cluster.client.acting_as("test")

    async def deploy(self, name: str, replicas: int, cpu: str = "100m", **spec: Any) -> None:
        """Create a Deployment."""
        template = {"metadata": {"labels": {"app": name}}, "spec": _spec(cpu, spec)}
        wanted = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
        obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": wanted}
        await self.client.create("deployments.apps", obj, "default")

    async def pod(self, name: str, cpu: str = "100m", labels: Mapping[str, str] | None = None, **spec: Any) -> None:
        """Create a pod."""
        metadata = {"name": name, "labels": dict(labels or {}), "annotations": spec.pop("annotations", {})}
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _spec(cpu, spec)}
        await self.client.create("pods", obj, "default")

    async def priority(self, name: str, value: int, **more: Any) -> None:
        """Create a PriorityClass."""
        obj = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value, **more}
        await self.client.create("priorityclasses.scheduling.k8s.io", obj)

    async def add_node(self, number: int, cpu: str = "8", zone: str = "local-a", **spec: Any) -> str:
        """Another machine joins."""
        name = f"node-{number + 1}"
        await self.cluster.fleet.add(NodeSpec(name, number, zone, cpu, **spec))
        return name

    async def patch_node(self, name: str, **spec: Any) -> None:
        """Change the spec of a node."""
        await self.client.patch("nodes", name, {"spec": spec})

    async def wait(self, seconds: float = 5) -> None:
        """Let time pass."""
        await self.cluster.pass_time(seconds)

    def get(self, name: str) -> Obj:
        """A pod."""
        found = self.cluster.store.get("pods", "default", name)
        assert found is not None, name
        return found

    def pods(self, app: str = "") -> list[Obj]:
        """The pods, of an app where named."""
        return [p for p in self.cluster.store.list("pods", "default") if not app or labels_of(p).get("app") == app]

    def host(self, name: str) -> str:
        """The node of a pod, empty where it has none."""
        return str(self.get(name)["spec"].get("nodeName") or "")

    def by_node(self, app: str = "") -> Counter[str]:
        """How many pods each node has; pods on none under the empty name."""
        return Counter(pod["spec"].get("nodeName") or "" for pod in self.pods(app))

    def by_zone(self, app: str = "") -> Counter[str]:
        """How many pods each zone has."""
        zones = {name_of(node): labels_of(node)[ZONE] for node in self.cluster.store.list("nodes")}
        return Counter(zones[pod["spec"]["nodeName"]] for pod in self.pods(app))

    def condition(self, name: str, type: str = "PodScheduled") -> Obj:
        """A condition of a pod."""
        found: Obj = next((c for c in dig(self.get(name), "status", "conditions", default=()) if c["type"] == type), {})
        return found

    def events(self, about: str, reason: str) -> list[Obj]:
        """The events of a pod."""
        found = self.cluster.store.list("events", "default")
        return [event for event in found if (event["involvedObject"]["name"], event["reason"]) == (about, reason)]

    async def verdict(self, name: str) -> Obj:
        """What the scheduler found for a pod."""
        return await self.client.get("pods", name, "default", "verdict")


def _spec(cpu: str, spec: dict[str, Any]) -> Obj:
    container = {"name": "c", "image": "nginx:1.27", "resources": {"requests": {"cpu": cpu}}, **spec.pop("container", {})}
    return {"containers": [container], **spec}


def play(test: Callable[[Site], Awaitable[None]], nodes: int = 3, controllers: str = "*") -> None:
    """Run a test with a cluster of `nodes` (8 CPU each, zones local-a, local-b, local-c in turn)."""
    loop = VirtualLoop()

    async def main() -> None:
        cluster = simulated(loop, ClusterOptions(nodes=nodes, controllers=controllers, strict=True, delays=False))
        await cluster.bootstrap()
        cluster.start()
        try:
            await cluster.pass_time(2)
            await test(Site(cluster))
        finally:
            await cluster.stop()

    run(main(), loop)
