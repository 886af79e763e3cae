"""Damaged journals: found out, named, and never taken for whole."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.store.events import CompactedError
from engine.store.journals.base import JournalError
from tests.store.test_sqlite_journal import fill, opened, session
from tests.store.test_store import ME, put


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def garbage(path):
    path.write_bytes(b"no database at all" * 1000)


def emptied(path):
    os.truncate(path, 0)


def removed(path):
    path.unlink()


def overwritten(path):
    """Flip bytes of a value, in the middle of the file."""
    content = path.read_bytes()
    at = content.index(b'"n":')
    path.write_bytes(content[:at] + b'"m":' + content[at + 4 :])


def cut(path):
    os.truncate(path, path.stat().st_size - 8192)


def zeroed(path):
    """A page in the middle, as after a lost write."""
    content = bytearray(path.read_bytes())
    content[8192 : 2 * 8192] = bytes(8192)
    path.write_bytes(content)


def foreign(path):
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE other (x)")
        database.execute("PRAGMA application_id = 7")


def other_format(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")


def row_gone(path):
    """The last commit, taken out with SQLite's own means."""
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM log WHERE id = (SELECT max(id) FROM log)")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (garbage, "file is not a database"),
        (emptied, "ends at revision 1 though revision 6 was acknowledged"),
        (removed, "ends at revision 1 though revision 6 was acknowledged"),
        (overwritten, "wrong checksum"),
        (cut, "malformed"),
        (zeroed, "damaged|malformed"),
        (foreign, "database of another program"),
        (other_format, "has format 99"),
        (row_gone, "ends at revision 5 though revision 6"),
    ],
)
def test_damage_is_reported_with_the_file(path, damage, message):
    fill(path)
    damage(path)
    with pytest.raises(JournalError, match=message) as caught:
        opened(path)
    assert "journal.db" in str(caught.value)


WRITER = """
import asyncio, os, sys
from pathlib import Path
from tests.store.test_sqlite_journal import opened, put, ME
async def main():
    store = opened(Path(sys.argv[1]))
    for i in range(5):
        await store.durable(store.commit([put(f"p{i}")], ME))
    os._exit(0)
asyncio.run(main())
"""


@pytest.mark.parametrize("cut_bytes", [1, 4000, 60_000, 10_000_000])
def test_acknowledged_commits_that_a_cut_log_lost_are_missed(path, cut_bytes):
    """SQLite itself would silently go back to the last whole transaction that it finds."""
    subprocess.run([sys.executable, "-c", WRITER, str(path)], cwd=Path(__file__).parents[2], check=True)
    wal = path.with_name("journal.db-wal")
    os.truncate(wal, max(0, wal.stat().st_size - cut_bytes))
    with pytest.raises(JournalError, match=r"journal\.db: ends at revision . though revision 6 was acknowledged"):
        opened(path)
    for accept in (True, False):
        store = opened(path, accept_loss=accept)
        assert (store.revision, store.compacted) == (6, 6) and store.count("pods") < 5
        with pytest.raises(CompactedError):
            store.list_at("pods", "", 5)
        asyncio.run(store.close())


def test_an_unclean_end_loses_nothing_and_a_garbled_tail_is_dropped(path):
    subprocess.run([sys.executable, "-c", WRITER, str(path)], cwd=Path(__file__).parents[2], check=True)
    with path.with_name("journal.db-wal").open("ab") as wal:
        wal.write(bytes(range(256)) * 40)
    store = opened(path)
    assert (store.revision, store.count("pods")) == (6, 5)
    asyncio.run(store.close())


def test_damage_of_a_past_version_is_found_when_it_is_read(path):
    async def before(store):
        store.commit([put("a", value=1)], ME)
        store.commit([put("a", value=2, expected=2)], ME)

    async def after(store):
        assert store.get("pods", "default", "a")["spec"] == {"n": 2}
        with pytest.raises(JournalError, match=r"default/a of revision 2 has a wrong checksum"):
            store.list_at("pods", "", 2)

    session(path, before)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE log SET time = time + 1 WHERE id = (SELECT min(id) FROM log)")
    session(path, after)
