"""`python -m tests.bench.churn DATA ROWS RATE`: change random ConfigMaps of an engine, RATE times a second, until ended."""

import asyncio
import random
import sys
import time
from pathlib import Path

from engine.base.api import Client
from engine.base.errors import StatusError
from engine.client.local import EngineOptions, LocalEngine

TICK_S = 0.02


async def _change(client: Client, name: str) -> None:
    patch = {"data": {"b": random.choice((None, "x"))}}
    await client.patch("configmaps", name, patch, "default")


async def churn(data: Path, rows: int, rate: float) -> None:
    """Patch rows so that a visible cell changes (the number of keys); ends when the engine does."""
    client = await LocalEngine(EngineOptions(data)).attach()
    await client.discover()
    started, done = time.perf_counter(), 0
    while True:
        due = int((time.perf_counter() - started) * rate)
        names = [f"cm-{random.randrange(rows):06d}" for _ in range(max(0, min(due - done, int(rate * 5 * TICK_S))))]
        done = max(done + len(names), due - int(rate))
        await asyncio.gather(*(_change(client, name) for name in names))
        await asyncio.sleep(TICK_S)


if __name__ == "__main__":
    try:
        asyncio.run(churn(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
    except StatusError as error:
        sys.exit(f"churn ended: {error}")
