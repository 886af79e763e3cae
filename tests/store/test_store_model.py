"""The store against a model that keeps every state it ever had, over memory and over a file that is closed, copied and reopened."""

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from engine.base.causes import Cause
from engine.store.events import CompactedError, ConflictError, Event, Put, Remove
from engine.store.journals.sqlite import SqliteJournal
from engine.store.shards import LEASES
from engine.store.store import Store
from tests.store.test_store import HandClock, obj

HISTORY_EVENTS = 12

keys = st.tuples(st.sampled_from(["pods", "configmaps", LEASES]), st.sampled_from(["a", "a-b", "b"]), st.sampled_from(["x", "y", "z"]))
intents = st.sampled_from(["put", "put", "put", "remove"])


def told(event: Event):
    """What of an event the model knows as well."""
    previous = event.previous["spec"]["n"] if event.previous is not None else None
    return event.type, event.revision, (event.resource, event.namespace, event.name), event.object["spec"]["n"], previous, event.cause.actor


class Model:
    """All states by revision, and all events."""

    def __init__(self) -> None:
        self.states: dict[int, dict[tuple[str, str, str], tuple[int, int]]] = {1: {}}
        self.events: list[tuple] = []
        self.compacted = 1

    @property
    def revision(self) -> int:
        return max(self.states)

    @property
    def now(self):
        return self.states[self.revision]

    def commit(self, changes, actor):
        """Changes: (key, value or None) of keys that are all different."""
        revision, state = self.revision + 1, dict(self.now)
        for key, value in changes:
            old = state.pop(key, None)
            kind = "DELETED" if value is None else "MODIFIED" if old else "ADDED"
            if value is not None:
                state[key] = value, revision
            self.events.append((kind, revision, key, old[0] if value is None else value, old[0] if old else None, actor))
        self.states[revision] = state

    def page(self, revision, resource, namespace):
        state = self.states[revision]
        return [(k[1:], *state[k]) for k in sorted(state) if k[0] == resource and namespace in ("", k[1])]

    def back_to(self, revision):
        """Forget what came after a revision: the process died and it was not durable."""
        self.states = {r: s for r, s in self.states.items() if r <= revision}
        self.events = [e for e in self.events if e[1] <= revision]


def shown(objects):
    return [((o["metadata"]["namespace"], o["metadata"]["name"]), o["spec"]["n"], int(o["metadata"]["resourceVersion"])) for o in objects]


class MemoryStore(RuleBasedStateMachine):
    """Commits, conflicts, lists, pages, time travel, subscriptions, compaction."""

    subscriptions = Bundle("subscriptions")

    @initialize()
    def open_first(self) -> None:
        self.clock = HandClock()
        self.model = Model()
        self.value = 0
        self.open()

    def open(self) -> None:
        self.store = Store(self.clock, history_events=HISTORY_EVENTS)

    def write(self, key, intent):
        """A valid write of what is there now, and the change as the model sees it."""
        resource, namespace, name = key
        current = self.model.now.get(key)
        self.value += 1
        if intent == "remove" and current:
            return Remove(resource, namespace, name, obj(name, namespace, current[0]), current[1]), (key, None)
        return Put(resource, namespace, name, obj(name, namespace, self.value), current[1] if current else 0), (key, self.value)

    @rule(chosen=st.dictionaries(keys, intents, min_size=1, max_size=3), wait_s=st.sampled_from([0, 0, 1, 40]))
    def commit(self, chosen, wait_s):
        self.clock.at += wait_s
        writes, changes = zip(*(self.write(k, i) for k, i in chosen.items()), strict=True)
        actor = f"actor-{self.value}"
        assert self.store.commit(writes, Cause(actor)) == self.model.revision + 1
        self.model.commit(changes, actor)

    @rule(key=keys, good=keys, stale=st.integers(0, 60))
    def conflict(self, key, good, stale):
        current = self.model.now.get(key)
        if key == good or stale == (current[1] if current else 0):
            return
        resource, namespace, name = key
        with pytest.raises(ConflictError) as caught:
            self.store.commit([self.write(good, "put")[0], Put(resource, namespace, name, obj(name, namespace), stale)], Cause("loser"))
        assert caught.value.current == (current[1] if current else 0)

    @rule(resource=st.sampled_from(["pods", LEASES]), namespace=st.sampled_from(["", "a", "b"]), limit=st.integers(1, 4))
    def page(self, resource, namespace, limit):
        found, after = [], None
        while objects := self.store.list(resource, namespace, after, limit):
            found += shown(objects)
            after = found[-1][0]
        assert found == self.model.page(self.model.revision, resource, namespace)

    @rule(data=st.data(), namespace=st.sampled_from(["", "a"]))
    def look_back(self, data, namespace):
        revision = data.draw(st.integers(1, self.model.revision))
        if revision < self.store.compacted:
            with pytest.raises(CompactedError):
                self.store.list_at("pods", namespace, revision)
            return
        page = self.model.page(revision, "pods", namespace)
        assert shown(self.store.list_at("pods", namespace, revision)) == page
        for key, value, _ in self.model.page(revision, "pods", ""):
            assert self.store.get_at("pods", *key, revision)["spec"]["n"] == value

    @rule(key=keys)
    def history(self, key):
        events = [told(e) for e in self.store.history(*key)]
        mine = [e for e in self.model.events if e[2] == key]
        assert len(events) >= (key in self.model.now)
        assert [e[:4] + e[5:] for e in events] == [e[:4] + e[5:] for e in mine[len(mine) - len(events) :]]
        origin = self.store.origin(*key)
        created = [e for e in mine if e[0] == "ADDED"]
        assert (origin is not None) == (key in self.model.now)
        assert origin is None or (origin.revision, origin.cause.actor) == (created[-1][1], created[-1][5])

    @rule(target=subscriptions, resource=st.sampled_from(["pods", "configmaps"]), namespace=st.sampled_from(["", "a"]), data=st.data())
    def subscribe(self, resource, namespace, data):
        since = data.draw(st.integers(0, self.model.revision))
        heard: list[Event] = []
        if 0 < since < self.store.compacted:
            with pytest.raises(CompactedError):
                self.store.subscribe(resource, namespace, since, heard.append)
            since = 0
        cancel = self.store.subscribe(resource, namespace, since, heard.append)
        return self.store, resource, namespace, since or self.model.revision, heard, cancel

    @rule(subscription=consumes(subscriptions))
    def hear(self, subscription):
        store, resource, namespace, since, heard, cancel = subscription
        cancel()
        if store is self.store:
            expected = [e for e in self.model.events if e[1] > since and e[2][0] == resource and namespace in ("", e[2][1])]
            assert [told(e) for e in heard] == expected

    @rule(data=st.data())
    def compact(self, data):
        revision = data.draw(st.integers(1, self.model.revision))
        self.store.compact(revision)
        self.model.compacted = max(self.model.compacted, min(revision, self.store.durable_revision))
        assert self.store.compacted >= self.model.compacted

    @invariant()
    def agrees(self):
        assert self.store.revision == self.model.revision
        assert self.store.resources() == sorted({key[0] for key in self.model.now})
        for resource in ("pods", "configmaps", LEASES):
            assert shown(self.store.list(resource)) == self.model.page(self.model.revision, resource, "")
            assert self.store.count(resource, "a") == len(self.model.page(self.model.revision, resource, "a"))


class JournalledStore(MemoryStore):
    """The same over a file, with an asyncio loop only where something is waited for, so that each test knows what is on disk."""

    @initialize()
    def open_first(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ktui-journal-"))
        self.runner = asyncio.Runner()
        self.lives = 0
        self.path = self.folder / "0.db"
        super().open_first()

    def open(self) -> None:
        self.store = Store(self.clock, SqliteJournal(self.path), history_events=HISTORY_EVENTS)

    @rule()
    def durable(self):
        self.runner.run(self.store.durable(self.model.revision))
        assert self.store.durable_revision == self.model.revision

    @rule()
    def reopen(self):
        self.runner.run(self.store.close())
        self.open()

    @rule()
    def crash(self):
        """What lies on the disk now is all that is left."""
        durable = self.store.durable_revision
        self.lives += 1
        new = self.folder / f"{self.lives}.db"
        with closing(sqlite3.connect(self.path, isolation_level=None)) as quiet:
            quiet.execute("BEGIN IMMEDIATE")
            for suffix in ("", "-wal", "-lock"):
                shutil.copy(f"{self.path}{suffix}", f"{new}{suffix}")
        self.runner.run(self.store.close())
        self.path = new
        self.model.back_to(durable)
        self.open()
        assert self.store.compacted <= self.model.compacted
        self.model.compacted = self.store.compacted

    @invariant()
    def keeps_all_history(self):
        assert self.store.compacted == self.model.compacted

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestMemoryStore = MemoryStore.TestCase
TestMemoryStore.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
TestJournalledStore = JournalledStore.TestCase
TestJournalledStore.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, derandomize=True)
