"""Ten virtual minutes of 10 nodes with 100 pods, one of which loses its node on the way."""

from engine.cluster import ClusterOptions, simulated
from engine.sim.loop import VirtualLoop, run
from tests.bench.measure import Bench, Figure, Watch
from tests.bench.thousand_replicas import deployment, nodes_ready, ready


def _measure() -> list[Figure]:
    loop = VirtualLoop()

    async def body() -> list[Figure]:
        cluster = simulated(loop, ClusterOptions(nodes=10, strict=True))
        await cluster.bootstrap()
        cluster.start()
        await cluster.until(lambda: nodes_ready(cluster), 60)
        watch = Watch()
        await cluster.client.create("deployments.apps", deployment("d", 100))
        await cluster.until(lambda: ready(cluster, "d", 100), 60)
        await cluster.client.patch("nodes", "node-3", {"metadata": {"annotations": {"sim.ktui.dev/power": "off"}}})
        await cluster.pass_time(600)
        recovered = await ready(cluster, "d", 100)
        figure = Figure("10 virtual minutes, 10 nodes, 100 pods, one node lost", watch.wall_s, "s", 2.0)
        await cluster.stop()
        if not recovered:
            raise RuntimeError("the cluster did not recover from the loss of a node")
        return [figure]

    return run(body(), loop)


BENCH = Bench("virtual-time", "how fast simulated time passes", _measure)
