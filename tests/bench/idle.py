"""What an engine costs that does nothing: 10 nodes, 50 pods."""

import asyncio
import tempfile
from pathlib import Path

from engine.base.api import Client
from engine.client.local import EngineOptions, LocalEngine
from tests.bench.measure import Bench, Figure, process_cpu_s, process_rss_mb
from tests.bench.thousand_replicas import deployment

SETTLE_S = 12.0
WATCH_S = 15.0


async def _ready(client: Client) -> bool:
    found = await client.get("deployments.apps", "d", "default")
    return (found.get("status") or {}).get("readyReplicas") == 50


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(EngineOptions(Path(folder) / "data", nodes=10))
        client = await engine.connect()
        try:
            await client.create("deployments.apps", deployment("d", 50))
            await asyncio.sleep(SETTLE_S)
            if not await _ready(client):
                raise RuntimeError(f"50 pods were not ready within {SETTLE_S:g} s")
            pid = engine.pid
            before = process_cpu_s(pid)
            await asyncio.sleep(WATCH_S)
            spent = process_cpu_s(pid) - before
            return [
                Figure("CPU of one core", spent / WATCH_S * 100, "%", 1.0),
                Figure("memory", process_rss_mb(pid), "MiB", 120),
            ]
        finally:
            await client.transport.close()
            await engine.stop()


BENCH = Bench("idle", "an engine at rest: 10 nodes, 50 pods", lambda: asyncio.run(_measure()))
