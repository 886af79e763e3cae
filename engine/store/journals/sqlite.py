"""The journal on disk: group commit into a SQLite file, by a thread of its own.

The loop hands batches to the thread, one at a time; what is committed while a batch is being written and synced makes up the next one, so
the more writers wait the larger the batches. Only the loop touches the journal's state: the thread gets a batch through one queue and
tells what became of it through another. A module with a thread, the only one: syncing a file blocks, and asyncio has no other way.
"""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from engine.base.limits import JOURNAL_HISTORY_S, JOURNAL_PENDING_EVENTS_MAX
from engine.base.objects import Obj
from engine.store.events import ADDED, DELETED, Event, FutureRevisionError, StoreClosedError
from engine.store.journals.base import Change, Entry, JournalError, Recovered
from engine.store.journals.logfile import LogFile
from engine.store.journals.rows import COMMIT_WRITES_MAX, Row, Sharing, first_id, row_of
from engine.store.shards import LEASES

SWITCH_INTERVAL_S = 0.0001
"""How soon the thread may ask a busy loop for the interpreter lock. Python's 5 ms starve it: a loop that polls its selector every 3 ms
gives the lock away for a microsecond, which restarts the waiting thread's 5 ms; commits then took up to 7 s. With this: 12 ms."""
LEASE_FLUSH_S = 5.0
"""How long a renewed lease may wait for another commit to be written along with, unless somebody waits for it."""


class _Batch(NamedTuple):
    revision: int
    rows: Sequence[Row]
    compact: int


class _Outcome(NamedTuple):
    revision: int
    rows: int
    failure: str


class SqliteJournal:
    """A file; the folder must exist. Give each journal to one store."""

    def __init__(
        self,
        path: Path,
        *,
        history_s: float = JOURNAL_HISTORY_S,
        pending_events_max: int = JOURNAL_PENDING_EVENTS_MAX,
        page_count_max: int = 0,
        accept_loss: bool = False,
    ) -> None:
        """Open the file, or create it.

        Args:
            history_s: how long past revisions can be listed (`Store.run` compacts what is older).
            pending_events_max: at this many events that wait to be written, a commit blocks until the disk has caught up.
            page_count_max: a quota in pages of 8 KiB; 0 for none.
            accept_loss: open it although acknowledged commits are missing, which were lost to damage.

        Raises:
            JournalError: another process has it open, it is no journal, or what was acknowledged is no longer in it.
        """
        self._file = LogFile(path, page_count_max, accept_loss)
        self._history_s = history_s
        self._pending_max = pending_events_max
        self._pending: list[Row] = []
        self._leases: dict[tuple[str, str], Row] = {}
        self._pending_revision = self._durable = self._file.revision
        self._oldest = self._file.compacted
        self._compact = 0
        self._failure = ""
        self._on_failure: Callable[[], None] = lambda: None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._writing = 0
        self._busy = False
        self._closed = False
        self._timer: asyncio.Handle | None = None
        self._timer_soon = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._batches: SimpleQueue[_Batch | None] = SimpleQueue()
        self._outcomes: SimpleQueue[_Outcome] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def oldest(self) -> int | None:
        """The last compaction's revision; after the end of the journal nothing can be read."""
        return None if self._closed else self._oldest

    @property
    def history_s(self) -> float:
        """As given."""
        return self._history_s

    @property
    def durable_revision(self) -> int:
        """The last revision that was synced."""
        return self._durable

    @property
    def failure(self) -> str:
        """The file's name and what SQLite said."""
        return self._failure

    # Reading

    def load(self, on_failure: Callable[[], None]) -> Recovered:
        """The state at the last commit; every row of it is checked."""
        self._on_failure = on_failure
        return Recovered(self._file.revision, self._entries(), self._file.marks())

    def _entries(self) -> Iterator[Entry]:
        sharing = Sharing()
        try:
            for row in self._file.live():
                yield Entry(row.resource, row.namespace, row.name, sharing.decode(row.value), row.version())
        except JournalError:
            self._closed = True
            self._file.close()
            raise

    def page_at(self, resource: str, namespace: str, revision: int) -> list[Obj]:
        """The objects of a resource as of a revision, in (namespace, name) order."""
        sharing = Sharing()
        return [sharing.decode(row.value) for row in self._file.page_at(resource, namespace, revision)]

    def get_at(self, resource: str, namespace: str, name: str, revision: int) -> Obj | None:
        """One object as of a revision."""
        row = self._file.before(resource, namespace, name, first_id(revision + 1))
        return None if row is None or row.type == DELETED else row.obj()

    def replay(self, resource: str, namespace: str, since: int, until: int) -> list[Event]:
        """Events with since < revision <= until, oldest first."""
        events = []
        last: dict[tuple[str, str], Obj] = {}
        for row in self._file.between(resource, namespace, since, until):
            key = row.namespace, row.name
            previous = None
            if row.type != ADDED:
                previous = last.get(key)
                if previous is None:
                    older = self._file.before(resource, row.namespace, row.name, row.id)
                    previous = older.obj() if older else None
            last[key] = row.obj()
            events.append(row.event(last[key], previous))
        return events

    def versions(self, resource: str, namespace: str, name: str, until: int) -> list[Event]:
        """All versions of a key with revision <= until, oldest first; what was before the oldest is not known.

        Of those that a compaction supersedes none is shown, whether it is deleted yet or not.
        """
        rows = [] if self._closed else self._file.versions(resource, namespace, name, until)
        old = [row for row in rows if row.revision <= self._oldest]
        events = []
        previous = None
        for row in rows[max(0, len(old) - 1) :]:
            if row.type == DELETED and row.revision <= self._oldest:
                continue
            obj = row.obj()
            events.append(row.event(obj, None if row.type == ADDED else previous))
            previous = obj
        return events

    # Writing: the loop's side

    def append(self, changes: Sequence[Change]) -> None:
        """Take the changes of one commit.

        They are encoded here, 5 us for a Pod, and not in the thread, which would hold the same interpreter lock for it: so what cannot be
        written fails its own commit and no other.
        """
        if self._failure:
            raise StoreClosedError(self._failure)
        if len(changes) > COMMIT_WRITES_MAX:
            raise ValueError(f"a commit of {len(changes)} writes; the journal takes {COMMIT_WRITES_MAX}")
        rows = [row_of(event, part, origin) for part, (event, origin) in enumerate(changes)]
        self._wait_for_room()
        urgent = False
        for row in rows:
            if row.resource == LEASES:
                self._leases[row.namespace, row.name] = row
            else:
                self._pending.append(row)
                urgent = True
        self._pending_revision = changes[0].event.revision
        self._schedule(0.0 if urgent else LEASE_FLUSH_S)

    def _wait_for_room(self) -> None:
        while len(self._pending) + self._writing >= self._pending_max:
            self._flush()
            self._finish(self._outcomes.get())
            if self._failure:
                raise StoreClosedError(self._failure)

    def _schedule(self, delay_s: float) -> None:
        """Flush after a delay; without a running loop, when somebody waits for it."""
        if self._busy or self._closed:
            return
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            if self._timer is not None and self._loop is loop:
                if delay_s or self._timer_soon:
                    return
                self._timer.cancel()
            self._loop = loop
            self._timer_soon = not delay_s
            self._timer = loop.call_later(delay_s, self._flush) if delay_s else loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Hand what is pending to the thread, unless it is busy with the batch before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy or self._failure or not (self._pending or self._leases or self._compact):
            return
        rows = self._pending
        if self._leases:
            rows = sorted([*rows, *self._leases.values()])
        self._batches.put(_Batch(self._pending_revision, rows, self._compact))
        self._writing, self._busy = len(rows), True
        self._pending, self._leases, self._compact = [], {}, 0
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        if self._thread is None:
            sys.setswitchinterval(min(SWITCH_INTERVAL_S, sys.getswitchinterval()))
            self._thread = threading.Thread(target=self._work, name=f"journal {self._file.path}", daemon=True)
            self._thread.start()

    def _collect(self) -> None:
        with suppress(Empty):
            while True:
                self._finish(self._outcomes.get_nowait())

    def _finish(self, outcome: _Outcome) -> None:
        """Take note of what became of a batch, wake those who wait for it, and start the next one."""
        self._busy, self._writing = False, 0
        if outcome.failure and not self._failure:
            self._failure = f"{self._file.path}: {outcome.failure}"
            self._on_failure()
        elif not self._failure:
            self._durable = outcome.revision
        waiting = self._waiters
        self._waiters = []
        for revision, future in waiting:
            if future.done():
                continue
            if revision <= self._durable:
                future.set_result(None)
            elif self._failure:
                future.set_exception(StoreClosedError(self._failure))
            else:
                self._waiters.append((revision, future))
        if self._pending or self._waiters or self._compact:
            self._flush()
        elif self._leases:
            self._schedule(LEASE_FLUSH_S)

    async def durable(self, revision: int) -> None:
        """Return once the commit is synced."""
        if revision <= self._durable:
            return
        if self._failure:
            raise StoreClosedError(self._failure)
        if revision > self._pending_revision:
            raise FutureRevisionError(revision, self._pending_revision)
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiters.append((revision, future))
        self._schedule(0.0)
        await future

    def compact(self, revision: int) -> None:
        """Delete superseded rows in the background; the revisions before are unreadable from now on."""
        self._oldest = self._compact = revision
        self._schedule(0.0)

    async def close(self) -> None:
        """Write what is waiting, stop the thread, let go of the file."""
        if self._closed:
            return
        with suppress(StoreClosedError):
            await self.durable(self._pending_revision)
        self._closed = True
        self._flush()
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join()
        self._file.close()

    # Writing: the thread's side

    def _work(self) -> None:
        ended = "its thread died"
        try:
            self._write_batches()
            ended = ""
        finally:
            if ended:
                self._tell(_Outcome(0, 0, ended))

    def _write_batches(self) -> None:
        compaction: Iterator[None] | None = None
        while True:
            try:
                batch = self._batches.get(block=compaction is None)
            except Empty:
                compaction = self._step(compaction)
                continue
            if batch is None:
                return
            self._tell(_Outcome(batch.revision, len(batch.rows), self._write(batch.rows)))
            if batch.compact:
                compaction = self._step(self._file.compact(batch.compact))

    def _write(self, rows: Sequence[Row]) -> str:
        """Why the rows could not be written; empty when they are on the disk."""
        try:
            if rows:
                self._file.write(rows, LEASES)
        except (sqlite3.Error, OSError) as error:
            return str(error)
        return ""

    def _step(self, compaction: Iterator[None] | None) -> Iterator[None] | None:
        """Do a step of a compaction; None when it is finished."""
        try:
            return compaction if compaction is not None and next(compaction, self) is None else None
        except sqlite3.Error as error:
            self._tell(_Outcome(0, 0, f"compaction: {error}"))
            return None

    def _tell(self, outcome: _Outcome) -> None:
        self._outcomes.put(outcome)
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._collect)
