"""The journal's SQLite file: one log table, much as kine's. Blocking calls, no threads.

A row's id is its revision (and place in the commit), so a range of revisions is a range of ids, and the index over
(resource, namespace, name), which ends with the id, finds the version of any key at any revision. The state is the last row of each
key. Compaction deletes the rows that later ones supersede.

Beside the file lies `<file>-lock`. It is locked while the journal is open, and holds the last acknowledged revision: SQLite silently
drops the end of a damaged write-ahead log, and only by that number the loss of acknowledged commits is noticed.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from engine.store.events import DELETED
from engine.store.journals.base import JournalError
from engine.store.journals.rows import PART_BITS, Row, first_id

APPLICATION_ID = 0x6B747569
FORMAT = 1
FIRST_REVISION = 1
MARK_PERIOD_S = 300.0
"""How often the journal notes which revision it was at which time, to know later what is old."""
COMPACT_ROWS_STEP = 2_000
PAGE_BYTES = 8_192
"""For rows of 2 KB: 15 us each in batches of 32, and 2.7 KB on disk (4 KiB pages: 30 us and 4.1 KB); 16 KiB slow down single commits."""
INSERT_ROWS_MAX = 256
"""Rows per statement. One statement, and so one hand-over of the interpreter lock, for many rows: with one for each the writing thread
would wait for a busy loop at every row."""

_SCHEMA = (
    "CREATE TABLE log (id INTEGER PRIMARY KEY, time REAL NOT NULL, actor TEXT NOT NULL, cause INTEGER NOT NULL, source TEXT NOT NULL,"
    " resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, origin BLOB, value BLOB NOT NULL,"
    " checksum INTEGER NOT NULL)",
    "CREATE INDEX log_key ON log (resource, namespace, name)",
    "CREATE TABLE mark (time REAL NOT NULL, revision INTEGER PRIMARY KEY)",
    "CREATE TABLE compacted (revision INTEGER NOT NULL)",
    f"INSERT INTO compacted VALUES ({FIRST_REVISION})",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
)
_LATEST = "SELECT max(id) FROM log INDEXED BY log_key WHERE {} GROUP BY resource, namespace, name"
_SUPERSEDED = (
    "DELETE FROM log WHERE id > ?1 AND id <= ?2 AND (type = 'DELETED' OR EXISTS (SELECT 1 FROM log AS later WHERE"
    " later.resource = log.resource AND later.namespace = log.namespace AND later.name = log.name AND later.id > log.id AND later.id < ?3))"
)
_OLDER_VERSIONS = (
    "DELETE FROM log WHERE id IN (SELECT old.id FROM log AS new JOIN log AS old USING (resource, namespace, name)"
    " WHERE new.id >= ?1 AND new.resource = ?2 AND old.id < new.id)"
)


class LogFile:
    """One open journal file: a connection to write (from one thread) and one to read."""

    def __init__(self, path: Path, page_count_max: int = 0, accept_loss: bool = False) -> None:
        """Open or create the file.

        Args:
            accept_loss: go on although acknowledged commits are missing. Their revisions are not used again, and history starts anew.
            page_count_max: the most pages of 8 KiB that it may have; 0 for no limit.

        Raises:
            JournalError: another process has it open, it is no journal, or it is damaged.
        """
        self.path = path
        self._lock = _Lock(path)
        self._open: list[sqlite3.Connection] = []
        os.close(_private(path))
        try:
            self._writer = self._connect()
            self._reader = self._connect()
            if page_count_max:
                self._writer.execute(f"PRAGMA max_page_count = {page_count_max}")
            self._prepare()
            if accept_loss:
                self._writer.execute("UPDATE compacted SET revision = max(revision, ?)", (self._missing(),))
            self.compacted: int = self._reader.execute("SELECT revision FROM compacted").fetchone()[0]
            self.revision = self._last_revision()
            marks = self.marks()
        except sqlite3.Error as error:
            self.close()
            raise JournalError(f"{path}: cannot be opened as a journal: {error}") from error
        except JournalError:
            self.close()
            raise
        self._marked_s = marks[-1][0] if marks else float("-inf")

    def _prepare(self) -> None:
        application = self._writer.execute("PRAGMA application_id").fetchone()[0]
        tables = self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables and not application:
            self._writer.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                self._writer.execute(statement)
            self._writer.execute("COMMIT")
            return
        if application != APPLICATION_ID:
            raise JournalError(f"{self.path}: is a database of another program")
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version != FORMAT:
            raise JournalError(f"{self.path}: has format {version}, this program reads format {FORMAT}")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._open.append(connection)
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _last_written(self) -> int:
        last = self._reader.execute("SELECT max(id) FROM log").fetchone()[0]
        return (last or 0) >> PART_BITS

    def _missing(self) -> int:
        """The last acknowledged revision if it is missing, else 0."""
        acknowledged = self._lock.revision()
        return acknowledged if acknowledged > self._last_written() else 0

    def _last_revision(self) -> int:
        found = max(self.compacted, self._last_written())
        if found < self._missing():
            raise JournalError(
                f"{self.path}: ends at revision {found} though revision {self._missing()} was acknowledged: the file or its write-ahead"
                " log was damaged, cut off or removed (to go on without what is missing, open it with accept_loss)"
            )
        return found

    # Reading (on the loop's thread)

    def live(self) -> Iterator[Row]:
        """The last row of every key that exists, in the order in which they were written.

        Raises:
            JournalError: rows are missing or changed.
        """
        try:
            rows, keys = self._count("NOT INDEXED"), self._count("INDEXED BY log_key")
            if rows != keys:
                raise JournalError(f"{self.path}: is damaged: {keys} rows are indexed, {rows} are there")
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: is damaged: {error}") from error
        yield from self._select(f"id IN ({_LATEST.format('1')}) AND type != '{DELETED}'", ())

    def _count(self, how: str) -> int:
        count: int = self._reader.execute(f"SELECT count(*) FROM log {how}").fetchone()[0]
        return count

    def page_at(self, resource: str, namespace: str, revision: int) -> list[Row]:
        """The rows of the keys that existed at `revision`, in (namespace, name) order; an empty namespace means all."""
        of = "resource = ? AND namespace = ? AND id < ?" if namespace else "resource = ? AND id < ?"
        arguments = (resource, namespace) if namespace else (resource,)
        where = f"id IN ({_LATEST.format(of)}) AND type != '{DELETED}'"
        return list(self._select(where, (*arguments, first_id(revision + 1)), "namespace, name"))

    def before(self, resource: str, namespace: str, name: str, end: int) -> Row | None:
        """The last row of a key with an id below `end`."""
        where = "resource = ? AND namespace = ? AND name = ? AND id < ?"
        return next(self._select(where, (resource, namespace, name, end), "id DESC LIMIT 1"), None)

    def versions(self, resource: str, namespace: str, name: str, until: int) -> list[Row]:
        """The rows of a key up to a revision, oldest first."""
        where = "resource = ? AND namespace = ? AND name = ? AND id < ?"
        return list(self._select(where, (resource, namespace, name, first_id(until + 1))))

    def between(self, resource: str, namespace: str, since: int, until: int) -> list[Row]:
        """The rows of a resource with since < revision <= until, oldest first."""
        where = "id >= ? AND id < ? AND +resource = ?" + (" AND +namespace = ?" if namespace else "")
        return list(self._select(where, (first_id(since + 1), first_id(until + 1), resource, *((namespace,) if namespace else ()))))

    def marks(self) -> list[tuple[float, int]]:
        """(time, revision) samples of the past, oldest first."""
        return self._reader.execute("SELECT time, revision FROM mark ORDER BY revision").fetchall()

    def _select(self, where: str, arguments: tuple[str | int, ...], order: str = "id") -> Iterator[Row]:
        try:
            for columns in self._reader.execute(f"SELECT * FROM log WHERE {where} ORDER BY {order}", arguments):
                row = Row._make(columns)
                if not row.sound():
                    key = f"{row.resource} {row.namespace}/{row.name}"
                    raise JournalError(f"{self.path}: is damaged: {key} of revision {row.revision} has a wrong checksum")
                yield row
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: is damaged: {error}") from error

    # Writing (on the journal's thread)

    def write(self, rows: Sequence[Row], only_last: str) -> None:
        """Append rows in one transaction and sync it to the disk; of resource `only_last` older versions are deleted.

        Raises:
            sqlite3.Error: nothing was written.
        """
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            start = 0
            while start < len(rows):
                size = min(INSERT_ROWS_MAX, 1 << (len(rows) - start).bit_length() - 1)
                chunk = rows[start : start + size]
                self._writer.execute(_insert(size), [column for row in chunk for column in row])
                start += size
            if any(row.resource == only_last for row in rows):
                self._writer.execute(_OLDER_VERSIONS, (rows[0].id, only_last))
            last = rows[-1]
            if last.time >= self._marked_s + MARK_PERIOD_S:
                self._writer.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (last.time, last.revision))
                self._marked_s = last.time
            self._writer.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            raise
        self._lock.acknowledge(last.revision)

    def compact(self, revision: int) -> Iterator[None]:
        """Delete what is superseded at or before `revision`, in steps, each a transaction; it may be left between any two.

        Raises:
            sqlite3.Error: the step was not done.
        """
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.execute("UPDATE compacted SET revision = ?", (revision,))
        self._writer.execute("DELETE FROM mark WHERE revision <= ?", (revision,))
        self._writer.execute("COMMIT")
        yield
        done, end = 0, first_id(revision + 1)
        window = "SELECT max(id) FROM (SELECT id FROM log WHERE id > ? AND id < ? ORDER BY id LIMIT ?)"
        while (until := self._writer.execute(window, (done, end, COMPACT_ROWS_STEP)).fetchone()[0]) is not None:
            self._writer.execute(_SUPERSEDED, (done, until, end))
            done = until
            yield

    def close(self) -> None:
        """Close the file and let others open it."""
        for connection in self._open:
            connection.close()
        self._lock.release()


def _insert(rows: int) -> str:
    row = f"({','.join('?' * len(Row._fields))})"
    return f"INSERT INTO log VALUES {','.join([row] * rows)}"


def _private(path: Path) -> int:
    """The file, opened to be read and written; made, where there is none, so that nobody but its owner can read it (it holds Secrets).

    Raises:
        JournalError: it cannot be opened.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error


class _Lock:
    """The file `<journal>-lock`: locked by the process that has the journal open, holding the last acknowledged revision."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + "-lock")
        self._file = _private(self.path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise JournalError(f"{path}: is in use by another process") from error

    def revision(self) -> int:
        """The last acknowledged revision; 0 for a new journal."""
        text = os.pread(self._file, 20, 0)
        return int(text) if text.isdigit() else 0

    def acknowledge(self, revision: int) -> None:
        """Note that `revision` is about to be acknowledged. Not synced: after a power failure it may be older, which is harmless."""
        os.pwrite(self._file, b"%020d" % revision, 0)

    def release(self) -> None:
        """Unlock."""
        os.close(self._file)
