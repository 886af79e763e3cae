"""The store in memory: commits, lists, history, subscriptions."""

import asyncio

import pytest

from engine.base.causes import Cause
from engine.base.clock import LoopClock
from engine.base.objects import frozen
from engine.sim import loop as virtual
from engine.store.events import CompactedError, ConflictError, Event, FutureRevisionError, Put, Remove, StoreClosedError
from engine.store.shards import LEASES
from engine.store.store import COMPACT_PERIOD_S, LEASE_HISTORY_S, Store

ME = Cause("test", 3, "web.yaml:1")


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def obj(name, namespace="default", value=0):
    """A frozen object: any attempt of the store to change it raises."""
    return frozen(
        {"kind": "Pod", "metadata": {"name": name, "namespace": namespace, "resourceVersion": "0", "uid": "u"}, "spec": {"n": value}}
    )


def put(name, namespace="default", value=0, expected=0, resource="pods"):
    return Put(resource, namespace, name, obj(name, namespace, value), expected)


def remove(name, expected, namespace="default", resource="pods"):
    return Remove(resource, namespace, name, obj(name, namespace), expected)


def names(objects):
    return [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects]


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(clock):
    return Store(clock)


def test_an_empty_store_is_at_revision_one(store):
    assert (store.revision, store.compacted, store.list("pods"), store.resources()) == (1, 1, [], [])


def test_a_commit_takes_one_revision_whatever_it_writes(store):
    revision = store.commit([put("a"), put("b"), put("c", resource="configmaps")], ME)
    assert revision == store.revision == 2
    assert {o["metadata"]["resourceVersion"] for o in store.list("pods") + store.list("configmaps")} == {"2"}
    assert store.resources() == ["configmaps", "pods"]


def test_an_object_keeps_its_parts_and_the_order_of_its_fields(store):
    given = obj("a")
    store.commit([Put("pods", "default", "a", given, 0)], ME)
    stored = store.get("pods", "default", "a")
    assert stored["spec"] is given["spec"]
    assert list(stored) == list(given) and list(stored["metadata"]) == list(given["metadata"])
    assert given["metadata"]["resourceVersion"] == "0"


@pytest.mark.parametrize(
    ("write", "current"),
    [
        (put("a"), 2),
        (put("a", expected=7), 2),
        (put("new", expected=2), 0),
        (remove("a", 1), 2),
        (remove("new", 2), 0),
        (remove("new", 0), 0),
    ],
)
def test_a_stale_write_is_a_conflict_and_nothing_of_its_commit_happens(store, write, current):
    store.commit([put("a")], ME)
    with pytest.raises(ConflictError) as caught:
        store.commit([put("other"), write], ME)
    assert caught.value.current == current and caught.value.write is write
    assert store.revision == 2 and names(store.list("pods")) == [("default", "a")]


@pytest.mark.parametrize("writes", [[], [put("a"), put("a")], [put("a"), remove("a", 0)]])
def test_a_commit_writes_each_key_once(store, writes):
    with pytest.raises(ValueError, match="a commit"):
        store.commit(writes, ME)
    assert store.revision == 1


def test_lists_are_in_namespace_and_name_order(store):
    for namespace, name in [("b", "x"), ("a", "y"), ("a-b", "z"), ("a", "x"), ("b", "a")]:
        store.commit([put(name, namespace)], ME)
    everything = [("a", "x"), ("a", "y"), ("a-b", "z"), ("b", "a"), ("b", "x")]
    assert names(store.list("pods")) == everything
    assert names(store.list("pods", "a")) == everything[:2]
    assert (store.count("pods"), store.count("pods", "b"), store.count("pods", "none"), store.count("none")) == (5, 2, 0, 0)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("namespace", ["", "a", "b"])
def test_pages_join_to_the_whole_list(store, limit, namespace):
    for i in range(7):
        store.commit([put(f"p{i}", "ab"[i % 2])], ME)
    found, after = [], None
    while page := store.list("pods", namespace, after, limit):
        assert len(page) <= limit
        found += page
        after = names(page)[-1]
    assert found == store.list("pods", namespace)


def test_a_page_starts_after_a_key_that_is_gone(store):
    for name in "abc":
        store.commit([put(name)], ME)
    store.commit([remove("b", 3)], ME)
    assert names(store.list("pods", "", ("default", "b"))) == [("default", "c")]
    assert names(store.list("pods", "default", ("aaa", "z"))) == [("default", "a"), ("default", "c")]
    assert store.list("pods", "default", ("zzz", "a")) == []


def test_every_past_revision_can_be_read(store):
    store.commit([put("a", value=1), put("b", value=1)], ME)
    store.commit([put("a", value=2, expected=2)], ME)
    store.commit([remove("a", 3), put("c", "other")], ME)
    store.commit([put("a", value=4)], ME)
    seen = {r: [(o["metadata"]["name"], o["spec"]["n"]) for o in store.list_at("pods", "default", r)] for r in range(1, 6)}
    assert seen == {1: [], 2: [("a", 1), ("b", 1)], 3: [("a", 2), ("b", 1)], 4: [("b", 1)], 5: [("a", 4), ("b", 1)]}
    assert [store.get_at("pods", "default", "a", r) and store.get_at("pods", "default", "a", r)["spec"]["n"] for r in range(1, 6)] == [
        None,
        1,
        2,
        None,
        4,
    ]
    assert names(store.list_at("pods", "", 4)) == [("default", "b"), ("other", "c")]
    with pytest.raises(FutureRevisionError):
        store.list_at("pods", "", 6)


def test_history_tells_versions_and_causes(store):
    store.commit([put("a", value=1)], Cause("one"))
    store.commit([put("a", value=2, expected=2)], Cause("two", 2))
    store.commit([remove("a", 3)], Cause("three", 3, "web.yaml:9"))
    assert [(e.type, e.revision, e.cause.actor) for e in store.history("pods", "default", "a")] == [
        ("ADDED", 2, "one"),
        ("MODIFIED", 3, "two"),
        ("DELETED", 4, "three"),
    ]
    assert store.history("pods", "default", "none") == store.history("none", "", "x") == []


def test_the_current_version_and_the_origin_outlive_the_history(store, clock):
    store.commit([put("a")], Cause("creator", 1, "web.yaml:1"))
    store.commit([put("a", expected=2)], Cause("changer"))
    clock.at += 10_000
    store.commit([put("b")], ME)
    only = store.history("pods", "default", "a")
    assert [(e.type, e.revision, e.cause.actor, e.time) for e in only] == [("MODIFIED", 3, "changer", 1000.0)]
    assert store.origin("pods", "default", "a") == (2, 1000.0, Cause("creator", 1, "web.yaml:1"))
    assert store.origin("pods", "default", "none") is None


def test_a_recreated_object_has_a_new_origin(store):
    store.commit([put("a")], Cause("first"))
    store.commit([remove("a", 2)], ME)
    store.commit([put("a")], Cause("second"))
    assert store.origin("pods", "default", "a").cause.actor == "second"


def test_history_is_bounded_in_time(store, clock):
    store.commit([put("a")], ME)
    clock.at += 299
    store.commit([put("b")], ME)
    assert store.compacted == 1
    clock.at += 2
    store.commit([put("c")], ME)
    assert store.compacted == 2
    with pytest.raises(CompactedError):
        store.list_at("pods", "", 1)
    assert names(store.list_at("pods", "", 2)) == [("default", "a")]


def test_history_is_bounded_in_number(clock):
    store = Store(clock, history_events=10)
    for i in range(30):
        store.commit([put(f"p{i}")], ME)
    assert store.compacted == 21 and len(store.list_at("pods", "", 21)) == 20


def test_leases_do_not_push_out_the_history_of_others(store, clock):
    store.commit([put("pod")], ME)
    store.commit([put("node", resource=LEASES)], ME)
    for revision in range(3, 40):
        clock.at += 1
        store.commit([put("node", resource=LEASES, expected=revision)], ME)
    assert store.compacted == 1 and len(store.history("pods", "default", "pod")) == 1
    assert len(store.history(LEASES, "default", "node")) == LEASE_HISTORY_S + 1
    with pytest.raises(CompactedError):
        store.subscribe(LEASES, "", 5, lambda event: None)


def test_compaction_forgets_what_is_older_and_keeps_the_state(store):
    for name in "abc":
        store.commit([put(name)], ME)
    store.compact(3)
    store.compact(2)
    assert store.compacted == 3 and names(store.list_at("pods", "", 3)) == [("default", "a"), ("default", "b")]
    with pytest.raises(CompactedError):
        store.get_at("pods", "default", "a", 2)
    with pytest.raises(FutureRevisionError):
        store.compact(99)


def test_run_compacts_every_five_minutes_and_keeps_the_interval():
    async def scenario():
        store = Store(LoopClock(asyncio.get_running_loop(), 0.0), history_s=COMPACT_PERIOD_S)
        task = asyncio.create_task(store.run())
        store.commit([put("a")], ME)
        await asyncio.sleep(COMPACT_PERIOD_S + 1)
        store.commit([put("b")], ME)
        kept = store.compacted
        await asyncio.sleep(COMPACT_PERIOD_S)
        compacted = store.compacted
        task.cancel()
        return kept, compacted, names(store.list("pods"))

    assert virtual.run(scenario()) == (2, 2, [("default", "a"), ("default", "b")])


def test_a_listener_hears_its_resource_and_namespace_in_commit_order(store):
    every, one, none = [], [], []
    store.subscribe("pods", "", 0, every.append)
    store.subscribe("pods", "a", 0, one.append)
    store.subscribe("configmaps", "", 0, none.append)
    store.commit([put("x", "a"), put("y", "b")], ME)
    store.commit([put("x", "a", 1, expected=2)], ME)
    store.commit([remove("x", 3, "a")], ME)
    assert [(e.type, e.revision, e.name) for e in every] == [
        ("ADDED", 2, "x"),
        ("ADDED", 2, "y"),
        ("MODIFIED", 3, "x"),
        ("DELETED", 4, "x"),
    ]
    assert [e.revision for e in one] == [2, 3, 4] and none == []
    assert one[1].previous is one[0].object and one[2].object["metadata"]["resourceVersion"] == "4"
    assert {e.cause for e in every} == {ME}


def test_a_subscription_replays_what_it_missed_then_goes_on(store):
    for name in "abc":
        store.commit([put(name)], ME)
    heard: list[Event] = []
    cancel = store.subscribe("pods", "", 2, heard.append)
    assert [e.name for e in heard] == ["b", "c"]
    store.commit([put("d")], ME)
    cancel()
    cancel()
    store.commit([put("e")], ME)
    assert [e.name for e in heard] == ["b", "c", "d"]


def test_a_subscription_from_a_compacted_or_unknown_revision_is_refused(store):
    for name in "abc":
        store.commit([put(name)], ME)
    store.compact(3)
    with pytest.raises(CompactedError) as caught:
        store.subscribe("pods", "", 2, print)
    assert (caught.value.revision, caught.value.compacted) == (2, 3)
    with pytest.raises(FutureRevisionError):
        store.subscribe("pods", "", 9, print)


def test_a_commit_inside_a_listener_is_heard_after_the_one_under_way(store):
    first, second = [], []

    def react(event):
        first.append(event.name)
        if event.name == "a":
            store.commit([put("reaction")], ME)
            assert store.get("pods", "default", "reaction") is not None

    store.subscribe("pods", "", 0, react)
    store.subscribe("pods", "", 0, lambda event: second.append(event.name))
    store.commit([put("a"), put("b")], ME)
    assert first == second == ["a", "b", "reaction"]


def test_a_listener_that_cancels_another_silences_it_at_once(store):
    heard = []
    cancels = []
    store.subscribe("pods", "", 0, lambda event: cancels[0]())
    cancels.append(store.subscribe("pods", "", 0, heard.append))
    store.commit([put("a")], ME)
    assert heard == []


def test_a_raising_listener_neither_breaks_the_commit_nor_the_others(store):
    def broken(event):
        raise LookupError(event.name)

    heard = []
    store.subscribe("pods", "", 0, broken)
    store.subscribe("pods", "", 0, lambda event: heard.append(event.name))
    with pytest.raises(LookupError):
        store.commit([put("a"), put("b")], ME)
    assert heard == ["a", "b"] and store.revision == 2 and store.count("pods") == 2
    store.commit([put("c")], ME)
    assert heard == ["a", "b", "c"]


def test_a_closed_store_reads_but_does_not_write(store):
    store.commit([put("a")], ME)
    virtual.run(store.close())
    with pytest.raises(StoreClosedError, match="closed"):
        store.commit([put("b")], ME)
    assert names(store.list("pods")) == [("default", "a")]


def test_memory_is_durable_at_once(store):
    virtual.run(store.durable(store.commit([put("a")], ME)))
    assert store.durable_revision == 2 and store.failure == ""
