"""Watches: what is sent first, what follows, and how they end."""

import asyncio

import pytest

from engine.apiserver import watching
from engine.base.api import TABLE, ListQuery
from engine.base.limits import BOOKMARK_PERIOD_S
from tests.apiserver.servers import Rig, names, refused, serving


def test_a_watch_without_revision_starts_with_what_is_there() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        stream = await rig.client.watch("configmaps", ListQuery("shop"))
        assert names(await stream.batch()) == [("ADDED", "one")]
        await rig.config("two")
        await rig.client.delete("configmaps", "one", "shop")
        assert names(await stream.batch()) == [("ADDED", "two"), ("DELETED", "one")]

    serving(body)


def test_a_watch_from_a_revision_replays_what_came_after_it() -> None:
    async def body(rig: Rig) -> None:
        first = await rig.config("one")
        await rig.config("two")
        await rig.client.patch("configmaps", "one", {"data": {"a": "2"}}, "shop")
        stream = await rig.client.watch("configmaps", ListQuery("shop", resource_version=first["metadata"]["resourceVersion"]))
        assert names(await stream.batch()) == [("ADDED", "two"), ("MODIFIED", "one")]

    serving(body)


def test_objects_that_start_or_stop_to_match_come_and_go() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one", labels={"app": "web"})
        await rig.config("two")
        stream = await rig.client.watch("configmaps", ListQuery("shop", label_selector="app=web"))
        assert names(await stream.batch()) == [("ADDED", "one")]
        await rig.client.patch("configmaps", "two", {"metadata": {"labels": {"app": "web"}}}, "shop")
        await rig.client.patch("configmaps", "two", {"data": {"a": "2"}}, "shop")
        changed = await rig.client.patch("configmaps", "one", {"metadata": {"labels": {"app": "db"}}}, "shop")
        await rig.client.patch("configmaps", "one", {"data": {"a": "9"}}, "shop")
        events = await stream.batch()
        assert names(events) == [("ADDED", "two"), ("MODIFIED", "two"), ("DELETED", "one")]
        gone = events[-1].object["metadata"]
        assert gone["labels"] == {"app": "web"}
        assert gone["resourceVersion"] == changed["metadata"]["resourceVersion"]

    serving(body)


def test_one_object_can_be_watched_by_its_path() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        await rig.config("two")
        stream = await rig.watch("/api/v1/namespaces/shop/configmaps/two", {})
        await rig.client.patch("configmaps", "one", {"data": {"a": "2"}}, "shop")
        await rig.client.patch("configmaps", "two", {"data": {"a": "2"}}, "shop")
        assert names(await stream.batch()) == [("ADDED", "two"), ("MODIFIED", "two")]

    serving(body)


def test_initial_events_end_with_a_bookmark() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        query = ListQuery("shop", resource_version_match="NotOlderThan", bookmarks=True, send_initial_events=True)
        error = await refused(rig.client.watch("configmaps", ListQuery("shop", send_initial_events=True)))
        assert error.code == 422
        stream = await rig.client.watch("configmaps", query)
        events = await stream.batch()
        assert names(events) == [("ADDED", "one"), ("BOOKMARK", "")]
        assert events[-1].object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}

    serving(body)


def test_bookmarks_come_every_minute_to_those_who_allow_them() -> None:
    async def body(rig: Rig) -> None:
        asked = await rig.client.watch("configmaps", ListQuery("shop", bookmarks=True))
        silent = await rig.client.watch("configmaps", ListQuery("shop"))
        await asyncio.sleep(2.5 * BOOKMARK_PERIOD_S)
        latest = str(rig.store.revision)
        assert [(e.type, e.object["metadata"]["resourceVersion"]) for e in await asked.batch()] == [("BOOKMARK", latest)] * 2
        await rig.config("one")
        assert names(await silent.batch()) == [("ADDED", "one")]

    serving(body)


def test_a_watch_ends_after_its_timeout() -> None:
    async def body(rig: Rig) -> None:
        stream = await rig.watch("/api/v1/configmaps", {"timeoutSeconds": "7", "resourceVersion": "1"})
        before = rig.world.clock.now()
        assert await stream.batch() == []
        assert rig.world.clock.now() - before == pytest.approx(7)

    serving(body)


def test_a_watch_without_timeout_ends_within_the_hour() -> None:
    async def body(rig: Rig) -> None:
        stream = await rig.client.watch("configmaps", ListQuery("shop"))
        before = rig.world.clock.now()
        assert await stream.batch() == []
        assert 1_800 <= rig.world.clock.now() - before < 3_600

    serving(body)


def test_a_revision_that_is_gone_is_an_error_event() -> None:
    async def body(rig: Rig) -> None:
        first = await rig.config("one")
        await rig.config("two")
        rig.store.compact(rig.store.revision)
        stream = await rig.client.watch("configmaps", ListQuery("shop", resource_version=first["metadata"]["resourceVersion"]))
        [event] = await stream.batch()
        assert (event.type, event.object["code"], event.object["reason"]) == ("ERROR", 410, "Expired")
        assert event.object["message"].startswith("too old resource version: ")
        assert await stream.batch() == []

    serving(body)


def test_a_watcher_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WATCH_BUFFER_EVENTS_MAX", 3)

    async def body(rig: Rig) -> None:
        stream = await rig.client.watch("configmaps", ListQuery("shop"))
        for i in range(5):
            await rig.config(f"c{i}")
        [event] = await stream.batch()
        assert (event.type, event.object["code"]) == ("ERROR", 410)
        assert await stream.batch() == []

    serving(body)


def test_a_closed_watch_wakes_its_reader_and_hears_no_more() -> None:
    async def body(rig: Rig) -> None:
        stream = await rig.client.watch("configmaps", ListQuery("shop"))
        reader = asyncio.ensure_future(stream.batch())
        await asyncio.sleep(0)
        stream.close()
        assert await reader == []
        await rig.config("one")
        assert await stream.batch() == []

    serving(body)


def test_columns_of_a_table_come_with_the_first_event_only() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        stream = await rig.client.watch("configmaps", ListQuery("shop"), accept=TABLE)
        await rig.client.patch("configmaps", "one", {"data": {"b": "2"}}, "shop")
        first, second = (event.object for event in await stream.batch())
        assert [c["name"] for c in first["columnDefinitions"]] == ["Name", "Data", "Age"]
        assert second["columnDefinitions"] == []
        assert [first["rows"][0]["cells"][:2], second["rows"][0]["cells"][:2]] == [["one", 1], ["one", 2]]
        assert second["rows"][0]["object"]["metadata"]["name"] == "one"

    serving(body)


def test_events_carry_the_stored_object_itself_in_process() -> None:
    async def body(rig: Rig) -> None:
        stream = await rig.client.watch("configmaps", ListQuery("shop"))
        await rig.config("one")
        [event] = await stream.batch()
        assert event.object is rig.store.get("configmaps", "shop", "one")

    serving(body)
