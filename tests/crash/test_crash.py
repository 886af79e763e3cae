"""kill -9 at any moment loses nothing that was acknowledged. `KTUI_CRASH_KILLS=300` kills that often."""

import asyncio
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.base.clock import RealClock
from engine.store.events import Event
from engine.store.journals.sqlite import SqliteJournal
from engine.store.shards import LEASES
from engine.store.store import Store
from tests.crash.writer import RESOURCE

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KTUI_CRASH_KILLS") or 20)
WRITERS = 8


def killed_writer(path: Path, after_s: float, opened_first: bool) -> tuple[int, list[tuple[int, str, str]]]:
    """Let a writer run for a time, from its start or from when it has opened the journal.

    Returns:
        The revision that it opened at (0: it did not come that far), and its acknowledgements in order.
    """
    process = subprocess.Popen([sys.executable, "-m", "tests.crash.writer", str(path), str(WRITERS)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    output = os.read(pipe, 1 << 16) if opened_first else b""
    deadline = time.monotonic() + after_s
    while (left := deadline - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            chunk = os.read(pipe, 1 << 16)
            assert chunk, "the writer died before it was killed"
            output += chunk
    process.send_signal(signal.SIGKILL)
    output += process.stdout.read()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    if not output:
        return 0, []
    first, *lines = output.decode().splitlines()
    acknowledged = [(int(revision), key, value) for revision, key, value in map(str.split, lines)]
    return int(first.split()[1]), acknowledged


class Ledger:
    """What was acknowledged over all lives of the journal."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[int, str]] = {}
        self.revision = 1
        self.writes = 0

    def add(self, opened_at: int, acknowledged: list[tuple[int, str, str]]) -> None:
        """Take the acknowledgements of one life; revisions must be new and each writer's must rise."""
        assert opened_at >= self.revision or not (opened_at or acknowledged)
        of_writer: dict[str, int] = {}
        keys_of: dict[int, set[str]] = {}
        for revision, key, value in acknowledged:
            writer = key.split("-")[0]
            assert revision > opened_at and revision >= of_writer.get(writer, 0)
            of_writer[writer] = revision
            assert {k.split("-")[0] for k in keys_of.setdefault(revision, set())} <= {writer} and key not in keys_of[revision]
            keys_of[revision].add(key)
            self.last[key] = (revision, value)
            self.revision = max(self.revision, revision)
        self.writes += len(acknowledged)

    def check(self, store: Store) -> None:
        """Every acknowledged write is there, unless a later one of the same key took its place; no commit is there by half."""
        assert store.revision >= self.revision
        for key, (revision, value) in self.last.items():
            if revision >= store.compacted:
                then = store.get_at(RESOURCE, "default", key, revision)
                assert (str(then["data"]["n"]) if then else "-") == value, (key, revision)
            elif (found := store.get(RESOURCE, "default", key)) is not None:
                at = int(found["metadata"]["resourceVersion"])
                assert at > revision or (at == revision and str(found["data"]["n"]) == value), (key, revision)
        for writer in range(WRITERS):
            left, right = (store.get(RESOURCE, "default", f"w{writer}-{side}") for side in ("left", "right"))
            assert (left is None) == (right is None)
            if left is not None and right is not None:
                assert left["data"]["n"] == right["data"]["n"]
                assert left["metadata"]["resourceVersion"] == right["metadata"]["resourceVersion"]
        self._check_history(store)

    def _check_history(self, store: Store) -> None:
        heard: list[Event] = []
        store.subscribe(RESOURCE, "", store.compacted, heard.append)
        revisions = [event.revision for event in heard]
        assert revisions == sorted(revisions)
        pairs = {e.revision: [f.name for f in heard if f.revision == e.revision] for e in heard if e.name.endswith(("left", "right"))}
        assert all(len(names) == 2 for names in pairs.values())
        assert max(revisions, default=0) <= store.revision
        assert all(int(lease["metadata"]["resourceVersion"]) <= store.revision for lease in store.list(LEASES))


@pytest.mark.timeout(30 + 2 * KILLS)
def test_no_acknowledged_write_is_lost_by_kill_9(tmp_path):
    path = tmp_path / "journal.db"
    rng = random.Random(20261120)
    ledger = Ledger()
    for _ in range(KILLS):
        opened_first = rng.random() < 0.9
        ledger.add(*killed_writer(path, rng.uniform(0.0, 0.15), opened_first))
        store = Store(RealClock(), SqliteJournal(path))
        ledger.check(store)
        asyncio.run(store.close())
    assert ledger.writes > KILLS
