"""The sample shop on a cluster in virtual time, applied by the folder's own sync; what scenarios do to it and see of it."""

import shutil
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from engine.base.objects import Obj, dig, is_terminating, name_of
from engine.cluster import Cluster, ClusterOptions, simulated
from engine.kubelet.runtimes.simulated import SimulatedRuntime
from engine.sim.loop import VirtualLoop, run

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
SETTLED_S = 60.0
"""When scenarios begin, so that the phases of heartbeats and monitors are the same in each."""
POWER = "sim.ktui.dev/power"
WORKLOADS = ("deployments.apps", "statefulsets.apps", "daemonsets.apps")


def is_ready(obj: Obj) -> bool:
    """Whether a pod or node has the condition Ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in dig(obj, "status", "conditions", default=()))


class Shop:
    """The running shop."""

    def __init__(self, cluster: Cluster, loop: VirtualLoop, manifests: Path) -> None:
        self.cluster = cluster
        self.manifests = manifests
        self.client = cluster.client.acting_as("operator")
        self._loop = loop

    def now(self) -> float:
        """Seconds of virtual time."""
        return self._loop.time()

    async def power(self, nodes: Iterable[str], state: str | None) -> None:
        """Switch machines `off`, or on with None."""
        for node in nodes:
            await self.client.patch("nodes", node, {"metadata": {"annotations": {POWER: state}}})

    def pods(self, namespace: str = "prod", node: str = "", app: str = "") -> list[Obj]:
        """Pods, of a node or an app where named."""
        found = self.cluster.store.list("pods", namespace)
        return [p for p in found if (not node or p["spec"].get("nodeName") == node) and (not app or name_of(p).startswith(f"{app}-"))]

    def pod(self, name: str, namespace: str = "prod") -> Obj | None:
        """One pod."""
        return self.cluster.store.get("pods", namespace, name)

    def node(self, name: str) -> Obj:
        """One node."""
        found = self.cluster.store.get("nodes", "", name)
        assert found is not None
        return found

    def taints(self, name: str) -> set[tuple[str, str]]:
        """(key, effect) of a node's taints, keys without their prefix."""
        return {(t["key"].rpartition("/")[2], t["effect"]) for t in dig(self.node(name), "spec", "taints", default=())}

    def zone(self, name: str) -> list[str]:
        """The nodes of a zone."""
        nodes = self.cluster.store.list("nodes")
        return [name_of(n) for n in nodes if n["metadata"]["labels"]["topology.kubernetes.io/zone"] == name]

    def events(self, reason: str) -> list[Obj]:
        """Events of a reason."""
        return [event for event in self.cluster.store.list("events") if event["reason"] == reason]

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> float:
        """Let time pass until `condition` holds; the seconds that took."""
        start = self.now()

        async def holds() -> bool:
            return condition()

        assert await self.cluster.until(holds, timeout_s), f"not within {timeout_s:g} s"
        return self.now() - start

    def is_healthy(self) -> bool:
        """Whether every workload has all its replicas ready, every node is ready and free of taints, and no pod is left over."""
        store = self.cluster.store
        if not all(is_ready(node) and not dig(node, "spec", "taints") for node in store.list("nodes")):
            return False
        if any(is_terminating(pod) for pod in store.list("pods")):
            return False
        return all(self._is_complete(kind, obj) for kind in WORKLOADS for obj in store.list(kind))

    def _is_complete(self, kind: str, obj: Obj) -> bool:
        status = obj.get("status") or {}
        if status.get("observedGeneration") != obj["metadata"]["generation"]:
            return False
        if kind == "daemonsets.apps":
            wanted = len(self.cluster.store.list("nodes"))
            return bool(status["numberReady"] == status["desiredNumberScheduled"] == status["updatedNumberScheduled"] == wanted)
        wanted = obj["spec"]["replicas"]
        counts = [status.get(field) for field in ("replicas", "readyReplicas", "updatedReplicas")]
        return counts == [wanted] * 3

    def check_consistency(self) -> None:
        """No pod without its owner, on no node, or with an address that another pod has; no container without its pod."""
        store = self.cluster.store
        runtime = self.cluster.fleet._runtime
        assert isinstance(runtime, SimulatedRuntime)
        assert runtime._pods.keys() <= {pod["metadata"]["uid"] for pod in store.list("pods")}
        owners = {obj["metadata"]["uid"] for kind in ("replicasets.apps", "jobs.batch", *WORKLOADS[1:]) for obj in store.list(kind)}
        nodes = {name_of(node) for node in store.list("nodes")}
        addresses = []
        for pod in store.list("pods"):
            assert pod["metadata"]["ownerReferences"][0]["uid"] in owners
            assert pod["spec"]["nodeName"] in nodes
            if dig(pod, "status", "phase") == "Running":
                addresses.append(pod["status"]["podIP"])
        assert len(addresses) == len(set(addresses))


def play(scenario: Callable[[Shop], Awaitable[None]], nodes: int = 5, folder: Path | None = None) -> None:
    """Run a scenario on a shop that is healthy; with `folder`, on a copy of its manifests there that may be edited."""
    loop = VirtualLoop()
    manifests = MANIFESTS if folder is None else Path(shutil.copytree(MANIFESTS, folder / "shop"))

    async def main() -> None:
        cluster = simulated(loop, ClusterOptions(nodes=nodes, manifests=manifests, strict=True))
        await cluster.bootstrap()
        cluster.start()
        shop = Shop(cluster, loop, manifests)
        try:
            await shop.until(lambda: len(shop.pods()) > 10 and shop.is_healthy(), 120)
            await cluster.pass_time(SETTLED_S - shop.now())
            await scenario(shop)
        finally:
            await cluster.stop()

    run(main(), loop)
