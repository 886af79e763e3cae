"""The API over the unix socket with the durable journal: creates, gets, lists, watch latency. The engine is another process."""

import asyncio
import itertools
import tempfile
import time
from pathlib import Path

from engine.base.api import TABLE, Client, ListQuery
from engine.client.local import EngineOptions, LocalEngine
from tests.bench.measure import Bench, Figure, percentile

SEQUENTIAL = 500
CONCURRENT = 4_000
WORKERS = 32
WATCHED = 300

CONFIG_MAPS = "configmaps"


def config_map(name: str) -> dict[str, object]:
    data = {f"key-{i}": "x" * 100 for i in range(5)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


async def _timed(results: list[float], work: object) -> None:
    start = time.perf_counter()
    await work  # type: ignore[misc]
    results.append((time.perf_counter() - start) * 1000)


async def _sequential(client: Client) -> list[Figure]:
    created: list[float] = []
    read: list[float] = []
    for i in range(SEQUENTIAL):
        await _timed(created, client.create(CONFIG_MAPS, config_map(f"s{i}")))
    for i in range(SEQUENTIAL):
        await _timed(read, client.get(CONFIG_MAPS, f"s{i}", "default"))
    return [
        Figure("sequential create p50", percentile(created, 50), "ms", 1.0),
        Figure("sequential create p99", percentile(created, 99), "ms"),
        Figure("sequential get p50", percentile(read, 50), "ms"),
    ]


async def _concurrent(client: Client) -> list[Figure]:
    numbers = itertools.count()

    async def worker() -> None:
        while (i := next(numbers)) < CONCURRENT:
            await client.create(CONFIG_MAPS, config_map(f"c{i}"))

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    rate = CONCURRENT / (time.perf_counter() - start)
    listed: list[float] = []
    for _ in range(10):
        await _timed(listed, client.list(CONFIG_MAPS, ListQuery("default")))
    tables: list[float] = []
    for _ in range(10):
        await _timed(tables, client.list(CONFIG_MAPS, ListQuery("default"), TABLE))
    return [
        Figure(f"creates with {WORKERS} at once", rate, "/s", 2_000, at_least=True),
        Figure(f"list of {CONCURRENT + SEQUENTIAL} p50", percentile(listed, 50), "ms"),
        Figure(f"table of {CONCURRENT + SEQUENTIAL} p50", percentile(tables, 50), "ms"),
    ]


async def _watch(client: Client) -> list[Figure]:
    start = await client.list(CONFIG_MAPS, ListQuery("default", limit=1))
    stream = await client.watch(CONFIG_MAPS, ListQuery("default", resource_version=start["metadata"]["resourceVersion"]))
    sent: dict[str, float] = {}
    delays: list[float] = []

    async def follow() -> None:
        while len(delays) < WATCHED:
            for event in await stream.batch():
                name = event.object["metadata"]["name"]
                if name in sent:
                    delays.append((time.perf_counter() - sent.pop(name)) * 1000)

    follower = asyncio.ensure_future(follow())
    for i in range(WATCHED):
        sent[f"w{i}"] = time.perf_counter()
        await client.create(CONFIG_MAPS, config_map(f"w{i}"))
        await asyncio.sleep(0.002)
    await asyncio.wait_for(follower, 10)
    stream.close()
    return [
        Figure("watch, request to event, p50", percentile(delays, 50), "ms"),
        Figure("watch, request to event, p99", percentile(delays, 99), "ms", 10.0),
    ]


async def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(EngineOptions(Path(folder) / "data", nodes=0, controllers="none"))
        client = await engine.connect()
        try:
            return [*await _sequential(client), *await _concurrent(client), *await _watch(client)]
        finally:
            await client.transport.close()
            await engine.stop()


BENCH = Bench("api", "ConfigMaps over the unix socket, durable", lambda: asyncio.run(_measure()))
