"""The official limits: 5,000 nodes with 150,000 pods, built once through the API, then heartbeats watched."""

import asyncio
import os

from engine.base.world import real_world
from engine.cluster import Cluster, ClusterOptions
from engine.store.store import Store
from tests.bench.measure import Bench, Figure, Watch, peak_rss_mb, process_rss_mb, quiet_collector
from tests.bench.thousand_replicas import deployment, nodes_ready

NODES = int(os.environ.get("KTUI_BENCH_NODES", "5000"))
PODS = NODES * 30
REPLICAS = 3_000


async def _running(cluster: Cluster) -> int:
    sets = (await cluster.client.list("deployments.apps"))["items"]
    return sum((d.get("status") or {}).get("readyReplicas") or 0 for d in sets)


async def _measure() -> list[Figure]:
    world = real_world()
    cluster = Cluster(world, Store(world.clock), ClusterOptions(nodes=NODES, delays=False, strict=True))
    await cluster.bootstrap()
    with quiet_collector():
        watch = Watch()
        cluster.start()
        await cluster.until(lambda: nodes_ready(cluster), 600, 0.5)
        figures = [Figure(f"{NODES:,} nodes Ready", watch.wall_s, "s")]
        watch = Watch()
        for i in range(PODS // REPLICAS):
            await cluster.client.create("deployments.apps", deployment(f"d{i}", REPLICAS))

        async def all_running() -> bool:
            return await _running(cluster) == PODS // REPLICAS * REPLICAS

        done = await cluster.until(all_running, 1_800, 1.0)
        built = await _running(cluster)
        rate = built / watch.wall_s
    figures += [
        Figure(f"{built:,} pods Ready{'' if done else ' (gave up)'}", watch.wall_s, "s"),
        Figure("pods built", rate, "/s", 1_500, at_least=True),
        Figure("memory", process_rss_mb(os.getpid()), "MiB", 1_536),
        Figure("memory at most", peak_rss_mb(), "MiB"),
    ]
    await cluster.pass_time(30)
    watch = Watch()
    await cluster.pass_time(20)
    figures.append(Figure("heartbeats: CPU of one core", watch.cpu_s / watch.wall_s * 100, "%", 25))
    await cluster.stop()
    return figures


BENCH = Bench("scale", f"{NODES:,} nodes, {PODS:,} pods, built once (memory journal)", lambda: asyncio.run(_measure()), slow=True)
