"""What a measure is, and what several of them share."""

import gc
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from engine.base import collector


class Figure(NamedTuple):
    """One measured number; `budget` is the most it may be (the least where `at_least`), None where there is none."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return ""
        met = self.value >= self.budget if self.at_least else self.value <= self.budget
        return "ok" if met else "MISSED"


@dataclass(frozen=True)
class Bench:
    """A measure: `run` does it once. `slow` ones are left out unless asked for by name or with --all."""

    name: str
    about: str
    run: Callable[[], list[Figure]]
    slow: bool = False


class Watch:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu_s(self) -> float:
        return time.process_time() - self._cpu


def percentile(values: list[float], percent: float) -> float:
    """The value below which `percent` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def peak_rss_mb() -> float:
    """The most memory this process had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform != "darwin" else peak / 2**20


def process_cpu_s(pid: int) -> float:
    """CPU seconds of another process."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_rss_mb(pid: int) -> float:
    """Resident memory of another process in MiB."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


@contextmanager
def quiet_collector() -> Iterator[None]:
    """What the engine does at start: long-lived objects are taken out of the collector's sight."""
    collector.settle()
    try:
        yield
    finally:
        gc.unfreeze()
