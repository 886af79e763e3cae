"""Key press to painted frame on a real pseudo-terminal of 200x50, with 100,000 rows of which 1,000 a second change."""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.client.local import EngineOptions, LocalEngine
from tests.bench.measure import Bench, Figure, percentile
from tests.bench.terminal import Terminal

ROWS = int(os.environ.get("KTUI_BENCH_ROWS", "100000"))
RATE = 1_000
PRESSES = 150
WRITERS = 64
READY = re.compile(rb"kube-system")
SELECTED = re.compile(rb"\xe2\x96\x8e[^\n]*?cm-(\d{6})")


async def _fill(engine: LocalEngine) -> None:
    client = await engine.connect()
    numbers = itertools.count()

    async def worker() -> None:
        while (i := next(numbers)) < ROWS:
            await client.create("configmaps", {"metadata": {"name": f"cm-{i:06d}"}, "data": {"a": "1"}}, "default")

    await asyncio.gather(*(worker() for _ in range(WRITERS)))
    await client.transport.close()


def _presses(terminal: Terminal) -> list[float]:
    """Milliseconds from each press to the frame that shows the next row selected."""
    taken: list[float] = []
    last: bytes | None = None
    for _ in range(PRESSES):
        terminal.buffer = b""
        pressed = time.perf_counter()
        terminal.press("j")
        found = terminal.wait(SELECTED, 5, other_than=last)
        if found is None:
            raise RuntimeError("a key press was not answered within 5 s")
        taken.append((time.perf_counter() - pressed) * 1000)
        last = found
        terminal.idle(0.02)
    return taken


def _on_screen(data: Path) -> list[Figure]:
    terminal = Terminal([sys.executable, "-m", "ktui", "attach", "--data", str(data)], rows=50, columns=200)
    try:
        if terminal.wait(READY, 30) is None:
            raise RuntimeError("the app did not come up within 30 s")
        terminal.idle(1.0)
        terminal.buffer = b""
        opened = time.perf_counter()
        terminal.press(":")
        terminal.idle(0.3)
        terminal.press("configmaps\r")
        if terminal.wait(SELECTED, 60) is None:
            raise RuntimeError("the rows were not shown within 60 s")
        shown_s = time.perf_counter() - opened
        terminal.idle(4.0)
        calm = _presses(terminal)
        churning = subprocess.Popen([sys.executable, "-m", "tests.bench.churn", str(data), str(ROWS), str(RATE)])
        terminal.idle(3.0)
        cpu, at = terminal.cpu_s, time.perf_counter()
        busy = _presses(terminal)
        share = (terminal.cpu_s - cpu) / (time.perf_counter() - at) * 100
        churning.terminate()
        churning.wait()
        return [
            Figure(f"{ROWS:,} rows on screen after the command", shown_s, "s"),
            Figure("key to frame, nothing changing, p50", percentile(calm, 50), "ms"),
            Figure("key to frame, nothing changing, p99", percentile(calm, 99), "ms"),
            Figure(f"key to frame, {RATE:,} changes/s, p50", percentile(busy, 50), "ms"),
            Figure(f"key to frame, {RATE:,} changes/s, p99", percentile(busy, 99), "ms", 50.0),
            Figure("CPU of the app meanwhile", share, "%"),
            Figure("memory of the app", terminal.rss_mb, "MiB"),
        ]
    finally:
        terminal.quit()


def _measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(EngineOptions(Path(folder) / "data", nodes=0, controllers="none"))
        asyncio.run(_fill(engine))
        try:
            return _on_screen(engine.options.data)
        finally:
            asyncio.run(engine.stop())


BENCH = Bench("keys", f"key press to painted frame, {ROWS:,} rows, {RATE:,} changes/s", _measure)
