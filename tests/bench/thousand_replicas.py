"""A Deployment of 1,000 replicas, applied -> all Ready, through the API with the durable journal, on nodes without start delay."""

import asyncio
import tempfile
from pathlib import Path

from engine.base.objects import Obj, dig
from engine.cluster import Cluster, ClusterOptions, open_store
from tests.bench.measure import Bench, Figure, Watch, quiet_collector

NODES = 20
REPLICAS = 1_000


def deployment(name: str, replicas: int, image: str = "nginx:1") -> Obj:
    container = {"name": "c", "image": image, "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


async def ready(cluster: Cluster, name: str, replicas: int) -> bool:
    found = await cluster.client.get("deployments.apps", name, "default")
    status = found.get("status") or {}
    wanted = (status.get("readyReplicas"), status.get("updatedReplicas"), status.get("replicas"))
    return wanted == (replicas, replicas, replicas) and status.get("observedGeneration") == found["metadata"]["generation"]


async def nodes_ready(cluster: Cluster) -> bool:
    nodes = (await cluster.client.list("nodes"))["items"]
    return len(nodes) == cluster.options.nodes and not any(dig(node, "spec", "taints") for node in nodes)


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        world, store = open_store(Path(folder) / "journal.db")
        cluster = Cluster(world, store, ClusterOptions(nodes=NODES, delays=False, strict=True))
        await cluster.bootstrap()
        cluster.start()
        try:
            if not await cluster.until(lambda: nodes_ready(cluster), 30, 0.02):
                raise RuntimeError("the nodes did not become ready")
            await cluster.pass_time(0.5)
            figures = []
            with quiet_collector():
                watch = Watch()
                await cluster.client.create("deployments.apps", deployment("d", REPLICAS))
                await cluster.until(lambda: ready(cluster, "d", REPLICAS), 60, 0.01)
                figures.append(Figure("applied -> 1,000 Ready", watch.wall_s, "s", 1.5))
                figures.append(Figure("CPU of it", watch.cpu_s, "s"))
                await cluster.pass_time(2)
                watch = Watch()
                await cluster.client.update("deployments.apps", deployment("d", REPLICAS, "nginx:2"))
                await cluster.until(lambda: ready(cluster, "d", REPLICAS), 120, 0.01)
                figures.append(Figure("rolling update of 1,000", watch.wall_s, "s"))
            return figures
        finally:
            await cluster.stop()


BENCH = Bench("thousand-replicas", "Deployment of 1,000 replicas on 20 nodes, API to API, durable", lambda: asyncio.run(_measure()))
