"""Events: names, counts, aggregation, the spam filter, series."""

import asyncio
from typing import Any

from engine.apiserver.server import ApiServer
from engine.base.api import Client, ListQuery
from engine.base.objects import Obj, name_of
from engine.base.world import simulated_world
from engine.client.inprocess import InProcess
from engine.control.events import AGGREGATED, PENDING_MAX, Recorder
from engine.sim.loop import VirtualLoop, run
from engine.store.store import Store


def about(name: str, kind: str = "ConfigMap", namespace: str = "default") -> Obj:
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": "4"}
    return {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, "namespace": namespace} if namespace else metadata}


def record(script: Any, style: str = "core") -> list[Obj]:
    """The events in the store after `script(recorder, client)`."""
    loop = VirtualLoop()

    async def main() -> list[Obj]:
        world = simulated_world(loop)
        store = Store(world.clock)
        client = Client(InProcess(ApiServer(store, world)), "test")
        recorder = Recorder(client, world, "tester", host="node-1" if style == "core" else "", style=style)
        await script(recorder, client)
        await recorder.flush()
        return store.list("events")

    return run(main(), loop)


def test_an_event_says_who_saw_what_when_about_whom() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        recorder.event(about("c"), "Normal", "Because", "it is so")

    (event,) = record(script)
    name, _, nanoseconds = name_of(event).partition(".")
    assert name == "c" and int(nanoseconds, 16) // 10**15 == 1_767_225_600_000 * 10**6 // 10**15
    assert event["involvedObject"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "name": "c",
        "namespace": "default",
        "uid": "uid-c",
        "resourceVersion": "4",
    }
    assert (event["type"], event["reason"], event["message"], event["count"]) == ("Normal", "Because", "it is so", 1)
    assert event["source"] == {"component": "tester", "host": "node-1"} and event["reportingComponent"] == "tester"
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"


def test_the_same_again_counts() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for _ in range(3):
            recorder.event(about("c"), "Normal", "Because", "again")
            await asyncio.sleep(5)

    (event,) = record(script)
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (3, "2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z")


def test_an_event_that_has_expired_is_made_again_with_its_count() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for _ in range(2):
            recorder.event(about("c"), "Normal", "Because", "again")
            await recorder.flush()
        await client.delete_collection("events", ListQuery(namespace="default"))
        recorder.event(about("c"), "Normal", "Because", "again")

    (event,) = record(script)
    assert event["count"] == 3


def test_ten_similar_messages_become_one() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for at in range(15):
            recorder.event(about("c"), "Warning", "Failed", f"attempt {at}")

    events = record(script)
    assert [e["message"] for e in events if e["count"] == 1] == [f"attempt {at}" for at in range(9)]
    (combined,) = [e for e in events if e["message"].startswith(AGGREGATED)]
    assert combined["message"] == f"{AGGREGATED}attempt 14" and combined["count"] == 6


def test_similar_messages_are_forgotten_after_ten_minutes() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for at in range(12):
            recorder.event(about("c"), "Warning", "Failed", f"attempt {at}")
            await asyncio.sleep(601 if at == 8 else 0)

    assert len(record(script)) == 12


def test_an_object_may_have_25_events_and_one_more_every_five_minutes() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for at in range(40):
            recorder.event(about("c"), "Normal", f"Reason{at}", "text")
        recorder.event(about("other"), "Normal", "Reason", "text")
        await asyncio.sleep(601)
        for at in range(5):
            recorder.event(about("c"), "Normal", f"Later{at}", "text")

    events = record(script)
    assert len([e for e in events if e["involvedObject"]["name"] == "c"]) == 27
    assert len([e for e in events if e["involvedObject"]["name"] == "other"]) == 1


def test_events_about_cluster_scoped_objects_are_in_the_default_namespace() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        recorder.event(about("n", "Node", ""), "Normal", "NodeReady", "ready")

    (event,) = record(script)
    assert event["metadata"]["namespace"] == "default"


def test_the_new_style_has_a_time_and_a_series() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for _ in range(4):
            recorder.event(about("p", "Pod"), "Warning", "FailedScheduling", "0/1", action="Scheduling")
            await asyncio.sleep(1)

    (event,) = record(script, "events")
    assert event.get("count") is None and event["eventTime"] == "2026-01-01T00:00:00.000000Z"
    assert (event["reportingComponent"], event["action"]) == ("tester", "Scheduling")
    assert event["series"]["count"] == 2, "then it is written every half hour"


def test_a_flood_is_dropped_and_counted_not_buffered() -> None:
    async def script(recorder: Recorder, client: Client) -> None:
        for _ in range(PENDING_MAX + 7):
            recorder.event(about("c"), "Normal", "Flood", "water")
        assert recorder.dropped == 7

    assert len(record(script)) == 1
