"""From `ktui` typed to the first frame with live rows, on a real pseudo-terminal; and where the time goes."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ktui.paths import shipped
from tests.bench.measure import Bench, Figure, Watch, percentile
from tests.bench.terminal import Terminal

RUNS = 5
LIVE_ROW = re.compile(rb"node-1\b")
STEPS = {
    "python": "pass",
    "import of the engine's process": "import engine.__main__",
    "import of the app": "import ktui.app",
    "API server over an empty store": (
        "from engine.base.world import real_world; from engine.store.store import Store; from engine.apiserver.server import ApiServer; "
        "w = real_world(); ApiServer(Store(w.clock), w)"
    ),
}


def _import_ms(code: str) -> float:
    times = []
    for _ in range(RUNS):
        watch = Watch()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(watch.wall_s * 1000)
    return min(times)


def _first_live_frame_s(folder: Path) -> float:
    command = [sys.executable, "-m", "ktui", str(shipped("manifests")), "--data", str(folder)]
    terminal = Terminal(command, rows=50, columns=200)
    try:
        if terminal.wait(LIVE_ROW, 30) is None:
            raise RuntimeError("no live row within 30 s")
        return time.perf_counter() - terminal.started
    finally:
        terminal.quit()


def _measure() -> list[Figure]:
    first, again = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            first.append(_first_live_frame_s(Path(folder) / "d"))
            again.append(_first_live_frame_s(Path(folder) / "d"))
    figures = [
        Figure("ktui to the first frame with live rows, new state", percentile(first, 50), "s", 1.0),
        Figure("ktui to the first frame with live rows, kept state", percentile(again, 50), "s", 1.0),
    ]
    return figures + [Figure(f"step: {name}", _import_ms(code), "ms") for name, code in STEPS.items()]


BENCH = Bench("cold-start", "a new user's first second", _measure)
