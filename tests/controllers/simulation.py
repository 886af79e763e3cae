"""Whole clusters in virtual time: control plane, scheduler, simulated nodes."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.cluster import Cluster, ClusterOptions, simulated
from engine.sim.loop import VirtualLoop, run


def in_cluster(main: Callable[[Cluster], Awaitable[Any]], nodes: int = 3) -> Any:
    """Run `main(cluster)` with a cluster of simulated nodes; the first failure of a component ends it."""
    loop = VirtualLoop()

    async def whole() -> Any:
        cluster = simulated(loop, ClusterOptions(nodes=nodes, strict=True))
        await cluster.bootstrap()
        cluster.start()
        try:
            return await main(cluster)
        finally:
            await cluster.stop()

    return run(whole(), loop)
