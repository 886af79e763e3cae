"""The journal on disk: what survives, what is refused, what is found out."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.base.causes import Cause
from engine.store.events import CompactedError, FutureRevisionError, Put, Remove, StoreClosedError
from engine.store.journals.base import JournalError
from engine.store.journals.sqlite import SqliteJournal
from engine.store.shards import LEASES
from engine.store.store import Store
from tests.store.test_store import ME, HandClock, names, obj, put, remove


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def opened(path, clock=None, **options):
    return Store(clock or HandClock(), SqliteJournal(path, **options))


def session(path, scenario, **options):
    """Run `scenario(store)` on a store over `path` and close it; a failed journal may close too."""

    async def run():
        store = opened(path, **options)
        try:
            return await scenario(store)
        finally:
            await store.close()

    return asyncio.run(run())


def fill(path, commits=5):
    async def scenario(store):
        for i in range(commits):
            await store.durable(store.commit([put(f"p{i}", value=i)], ME))

    session(path, scenario)


def test_the_state_survives_with_causes_and_origins(path):
    async def before(store):
        store.commit([put("a", value=1), put("b")], Cause("creator", 1, "web.yaml:7"))
        store.commit([put("a", value=2, expected=2)], Cause("changer"))
        store.commit([remove("b", 2)], ME)
        await store.durable(4)
        return store.list("pods"), store.history("pods", "default", "a")

    async def after(store):
        assert (store.revision, store.durable_revision, store.compacted) == (4, 4, 1)
        assert store.origin("pods", "default", "a") == (2, 1000.0, Cause("creator", 1, "web.yaml:7"))
        return store.list("pods"), store.history("pods", "default", "a")

    assert session(path, before) == session(path, after)


def test_past_revisions_can_be_listed_after_a_restart(path):
    async def before(store):
        store.commit([put("a", "x", 1), put("b", "y", 1)], ME)
        store.commit([put("a", "x", 2, expected=2)], ME)
        store.commit([remove("b", 2, "y")], ME)
        store.commit([put("b", "y", 9), put("c", "x")], ME)
        return [store.list_at("pods", n, r) for n in ("", "x", "y") for r in range(1, 6)], store.get_at("pods", "y", "b", 3)

    async def after(store):
        store.commit([put("later", "x")], ME)
        assert store.get_at("pods", "y", "b", 4) is None and store.get_at("pods", "y", "b", 1) is None
        with pytest.raises(FutureRevisionError):
            store.list_at("pods", "", 7)
        return [store.list_at("pods", n, r) for n in ("", "x", "y") for r in range(1, 6)], store.get_at("pods", "y", "b", 3)

    assert session(path, before) == session(path, after)


def test_a_watch_resumes_over_a_restart(path):
    heard = []

    async def before(store):
        store.subscribe("pods", "", 0, heard.append)
        store.commit([put("a", value=1), put("b", "other")], ME)
        store.commit([put("a", value=2, expected=2)], ME)
        store.commit([remove("a", 3)], ME)

    async def after(store):
        again, part, live = [], [], []
        store.subscribe("pods", "", 1, again.append)
        store.subscribe("pods", "default", 2, part.append)
        assert again == heard and part == heard[2:]
        store.commit([put("new")], ME)
        store.subscribe("pods", "", 3, live.append)
        assert [e.name for e in live] == ["a", "new"] and live[0].previous["spec"] == {"n": 2}

    session(path, before)
    session(path, after)


def test_memory_forgets_before_the_journal_does(path):
    async def scenario(store):
        for i in range(50):
            store.commit([put(f"p{i:02}")], ME)
            await asyncio.sleep(0)
        await store.durable(store.revision)
        store.commit([put("last")], ME)
        assert len(store._log) <= 11 and store.compacted == 1
        assert len(store.list_at("pods", "", 20)) == 19
        heard = []
        store.subscribe("pods", "", 1, heard.append)
        assert [e.revision for e in heard] == list(range(2, 53))
        assert len(store.history("pods", "default", "p00")) == 1

    async def run():
        store = Store(HandClock(), SqliteJournal(path), history_events=10)
        await scenario(store)
        await store.close()

    asyncio.run(run())


def test_nothing_is_forgotten_in_memory_before_it_is_on_disk(path):
    async def run():
        store = Store(HandClock(), SqliteJournal(path), history_events=2)
        for i in range(20):
            store.commit([put(f"p{i:02}")], ME)
        assert len(store.list_at("pods", "", 5)) == 4
        await store.close()

    asyncio.run(run())


def test_concurrent_writers_share_a_batch_and_each_hears_of_its_own(path):
    async def scenario(store):
        done = []

        async def writer(name):
            for i in range(20):
                revision = store.commit([put(f"{name}-{i}")], ME)
                await store.durable(revision)
                assert store.durable_revision >= revision
                done.append(revision)

        await asyncio.gather(*(writer(f"w{i}") for i in range(8)))
        return done

    assert sorted(session(path, scenario)) == list(range(2, 162))


def test_compaction_keeps_the_state_and_the_recent_past(path):
    async def before(store):
        store.commit([put("a", value=1), put("gone")], Cause("creator"))
        store.commit([put("a", value=2, expected=2), remove("gone", 2)], ME)
        store.commit([put("a", value=3, expected=3)], ME)
        store.commit([put("a", value=4, expected=4)], ME)
        store.compact(4)
        assert store.compacted == 1
        await store.durable(4)
        store.compact(4)
        assert store.compacted == 4
        await store.durable(store.revision)

    async def after(store):
        assert (store.revision, store.compacted) == (5, 4)
        assert store.get_at("pods", "default", "a", 4)["spec"] == {"n": 3}
        assert [(e.type, e.revision, e.previous is None) for e in store.history("pods", "default", "a")] == [
            ("MODIFIED", 4, True),
            ("MODIFIED", 5, False),
        ]
        assert store.history("pods", "default", "gone") == []
        assert store.origin("pods", "default", "a").cause.actor == "creator"
        for ask in (lambda: store.list_at("pods", "", 3), lambda: store.subscribe("pods", "", 3, print)):
            with pytest.raises(CompactedError):
                ask()

    session(path, before)
    session(path, after)


def test_an_empty_state_keeps_its_revision_over_compaction(path):
    async def before(store):
        store.commit([put("a")], ME)
        await store.durable(store.commit([remove("a", 2)], ME))
        store.compact(3)

    async def after(store):
        return store.revision, store.compacted, store.count("pods"), store.commit([put("b")], ME)

    session(path, before)
    assert session(path, after) == (3, 3, 0, 4)


def test_of_leases_only_the_last_version_is_kept(path):
    async def before(store):
        store.commit([put("pod"), put("node", resource=LEASES, value=0)], ME)
        for revision in range(2, 30):
            store.commit([put("node", resource=LEASES, value=revision, expected=revision)], ME)
            if revision % 7 == 0:
                await store.durable(revision + 1)

    async def after(store):
        assert store.revision == 30
        assert store.get(LEASES, "default", "node")["spec"] == {"n": 29}
        assert store.origin(LEASES, "default", "node").revision == 2

    session(path, before)
    session(path, after)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT resource, id >> 16 FROM log ORDER BY id").fetchall() == [("pods", 2), (LEASES, 30)]


def test_a_lease_alone_starts_no_batch_until_somebody_waits(path):
    async def scenario(store):
        revision = store.commit([put("node", resource=LEASES)], ME)
        for _ in range(5):
            await asyncio.sleep(0.002)
        assert store.durable_revision == 1
        await asyncio.wait_for(store.durable(revision), 2)

    session(path, scenario)


def test_writers_wait_where_the_disk_cannot_follow(path):
    async def scenario(store):
        for i in range(200):
            store.commit([put(f"p{i}")], ME)
            assert store.revision - store.durable_revision <= 10
        await store.durable(store.revision)
        return store.count("pods")

    assert session(path, scenario, pending_events_max=10) == 200


def test_an_object_that_cannot_be_written_fails_its_commit_only(path):
    async def scenario(store):
        unwritable = {**obj("bad"), "spec": {"n": 1 << 70}}
        with pytest.raises(TypeError):
            store.commit([put("half"), Put("pods", "default", "bad", unwritable, 0)], ME)
        await store.durable(store.commit([put("good")], ME))
        return names(store.list("pods")), store.revision

    assert session(path, scenario) == ([("default", "good")], 2)


def test_a_full_disk_closes_the_store_and_leaves_what_is_durable(path):
    big = "x" * 20_000

    async def scenario(store):
        durable = 1
        heard = []
        store.subscribe("pods", "", 0, heard.append)
        with pytest.raises(StoreClosedError, match=r"journal\.db: database or disk is full"):
            for i in range(100):
                revision = store.commit([Put("pods", "default", f"p{i:02}", {**obj(f"p{i:02}"), "spec": big}, 0)], ME)
                await store.durable(revision)
                durable = revision
        with pytest.raises(StoreClosedError, match=r"journal\.db"):
            store.commit([put("more")], ME)
        assert durable > 3 and store.revision == store.durable_revision == durable
        assert "disk is full" in store.failure and len(heard) > store.count("pods")
        await store.durable(durable)
        return names(store.list("pods"))

    async def again(store):
        return names(store.list("pods"))

    left = session(path, scenario, page_count_max=40)
    assert left and session(path, again) == left


def test_a_failure_undoes_updates_and_deletions_that_are_not_durable(path):
    async def scenario(store):
        store.commit([put("kept", value=1), put("deleted", value=1), put("node", resource=LEASES, value=1)], Cause("creator"))
        await store.durable(2)
        store.commit([put("kept", value=2, expected=2), remove("deleted", 2), put("node", resource=LEASES, value=2, expected=2)], ME)
        store.commit([Put("pods", "default", "huge", {**obj("huge"), "spec": "x" * 500_000}, 0)], ME)
        with pytest.raises(StoreClosedError):
            await store.durable(4)
        assert [o["spec"]["n"] for o in store.list("pods") + store.list(LEASES)] == [1, 1, 1]
        assert store.origin("pods", "default", "kept").cause.actor == "creator"
        assert store.revision == 2 and len(store.history("pods", "default", "kept")) == 1

    session(path, scenario, page_count_max=20)


def test_only_the_owner_can_read_the_files(path):
    async def scenario(store):
        store.commit([put("a", 0)], ME)
        await store.durable(store.revision)
        return {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    modes = session(path, scenario)
    assert modes.keys() >= {"journal.db", "journal.db-wal", "journal.db-lock"}
    assert set(modes.values()) == {0o600}, "they hold Secrets"


def test_a_second_process_is_refused(path):
    fill(path)
    code = "import sys; from pathlib import Path; from engine.store.journals.sqlite import SqliteJournal; SqliteJournal(Path(sys.argv[1]))"

    store = opened(path)
    with pytest.raises(JournalError, match=r"journal\.db: is in use by another process"):
        SqliteJournal(path)
    other = subprocess.run([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert other.returncode == 1 and "journal.db: is in use by another process" in other.stderr
    asyncio.run(store.close())
    reopened = opened(path)
    assert reopened.count("pods") == 5
    asyncio.run(reopened.close())


def test_every_commit_is_synced_to_the_disk(path):
    journal = SqliteJournal(path)
    writer = journal._file._writer
    assert [writer.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous", "page_size")] == ["wal", 2, 8192]
    asyncio.run(journal.close())


def test_loaded_objects_share_their_equal_parts(path):
    template = {"containers": [{"name": "web", "image": "nginx"}], "tolerations": [{"key": "a", "operator": "Exists"}]}

    async def before(store):
        for i in range(3):
            spec = {**template, "nodeName": f"node-{i}"}
            store.commit([Put("pods", "default", f"p{i}", {**obj(f"p{i}"), "spec": spec}, 0)], ME)

    async def after(store):
        return store.list("pods")

    session(path, before)
    a, b, c = session(path, after)
    assert a["spec"]["containers"] is b["spec"]["containers"] is c["spec"]["containers"]
    assert [o["spec"]["nodeName"] for o in (a, b, c)] == ["node-0", "node-1", "node-2"]
    assert [names([o]) for o in (a, b, c)] == [[("default", f"p{i}")] for i in range(3)]


def test_a_busy_loop_does_not_starve_the_journal(path):
    """The loop never idles here, it only polls between slices of work: the thread must get the interpreter lock all the same."""

    async def scenario(store):
        async def work():
            while True:
                sum(range(150_000))
                await asyncio.sleep(0)

        busy = asyncio.create_task(work())
        for i in range(20):
            await asyncio.wait_for(store.durable(store.commit([put(f"p{i}")], ME)), 10)
        busy.cancel()
        return store.durable_revision

    assert session(path, scenario) == 21
    assert sys.getswitchinterval() <= 0.0001


def test_a_closed_journal_leaves_what_memory_has(path):
    async def run():
        store = Store(HandClock(), SqliteJournal(path), history_events=1)
        for i in range(5):
            await store.durable(store.commit([put(f"p{i}")], ME))
        await store.close()
        await store.close()
        return store

    store = asyncio.run(run())
    assert store.count("pods") == 5 and len(store.history("pods", "default", "p0")) == 1
    with pytest.raises(CompactedError):
        store.list_at("pods", "", 2)


def test_marks_age_the_history_over_restarts(path):
    """A journal that is opened every half hour is compacted all the same."""
    clock = HandClock()

    async def before(store):
        for i in range(4):
            await store.durable(store.commit([put(f"p{i}")], ME))
            clock.at += 400

    session(path, before, clock=clock)
    store = opened(path, clock)
    assert list(store._marks) == [(1000.0, 2), (1400.0, 3), (1800.0, 4), (2200.0, 5)]
    asyncio.run(store.close())


def test_a_remove_is_remembered_with_its_last_object(path):
    async def before(store):
        store.commit([put("a")], ME)
        store.commit([Remove("pods", "default", "a", obj("a", value=77), 2)], ME)

    async def after(store):
        last = store.history("pods", "default", "a")[-1]
        return last.type, last.object["spec"], last.object["metadata"]["resourceVersion"], last.previous["spec"]

    session(path, before)
    assert session(path, after) == ("DELETED", {"n": 77}, "3", {"n": 0})


def test_the_change_of_a_revision_is_found_in_memory_and_in_the_journal(path):
    async def scenario(store):
        store.commit([put("a")], ME)
        store.commit([put("b", resource="nodes")], ME)
        store.commit([remove("a", 2)], ME)
        return [store.change_at(revision) for revision in (2, 3, 4, 5)]

    in_memory = session(path, scenario)

    async def again(store):
        return [store.change_at(revision) for revision in (2, 3, 4, 5)]

    assert [(e.type, e.resource, e.name) for e in in_memory[:3]] == [
        ("ADDED", "pods", "a"),
        ("ADDED", "nodes", "b"),
        ("DELETED", "pods", "a"),
    ]
    assert in_memory[3] is None
    reopened = session(path, again)
    assert reopened[1] == in_memory[1]
