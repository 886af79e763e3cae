"""The connection and the live tables over it: rows come, stay over a break, and are right afterwards. In virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

from engine.base.api import Client
from engine.base.world import simulated_world
from engine.sim.loop import run
from ktui.model.feeds import LIVE, REFUSED, STALE, Feeds, News, Query
from ktui.model.session import CONNECTED, DISCONNECTED, Session
from tests.app.world import Bench


class Screen:
    """Somebody who listens to feeds, as panes do."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.state = ""
        self.error = ""

    def hear(self, news: News) -> None:
        for uid in news.changes.gone:
            del self.names[uid]
        self.names |= {row.uid: row.name for row in news.changes.rows}
        self.state, self.error = news.state, news.error

    @property
    def shown(self) -> list[str]:
        return sorted(self.names.values())


def with_session(test: Callable[[Bench, Session, Feeds], Awaitable[None]]) -> None:
    """Run a test on a bench with a session that connects by itself."""

    async def main() -> None:
        bench = await Bench(simulated_world(asyncio.get_running_loop())).fill()

        async def connect() -> Client:
            if bench.cable.cut:
                raise ConnectionRefusedError("nobody listens")
            return await bench.connect()

        session = Session(connect, bench.world.clock)
        running = asyncio.create_task(session.run())
        feeds = Feeds(session, bench.world.clock)
        await test(bench, session, feeds)
        await feeds.close()
        running.cancel()
        await session.close()

    run(main())


def test_rows_follow_the_cluster() -> None:
    async def check(bench: Bench, session: Session, feeds: Feeds) -> None:
        screen = Screen()
        feeds.subscribe(Query("pods", "dev"), screen.hear)
        await asyncio.sleep(1)
        assert screen.shown == ["web-0", "web-1", "web-2"]
        assert screen.state == LIVE
        await bench.client.delete("pods", "web-1", "dev")
        await bench.pod("web-9", "dev", {"app": "web"})
        await asyncio.sleep(1)
        assert screen.shown == ["web-0", "web-2", "web-9"]

    with_session(check)


def test_rows_stay_while_the_engine_is_away_and_are_right_when_it_is_back() -> None:
    async def check(bench: Bench, session: Session, feeds: Feeds) -> None:
        screen = Screen()
        feeds.subscribe(Query("pods", "dev"), screen.hear)
        await asyncio.sleep(1)
        await bench.cable.die()
        await asyncio.sleep(5)
        assert session.connection.phase == DISCONNECTED
        assert "disconnected" in session.connection.text(bench.world.clock.now())
        assert screen.state == STALE
        assert screen.shown == ["web-0", "web-1", "web-2"]
        await bench.client.delete("pods", "web-0", "dev")
        bench.cable.cut = False
        await asyncio.sleep(5)
        assert session.connection.phase == CONNECTED
        assert screen.state == LIVE
        assert screen.shown == ["web-1", "web-2"]

    with_session(check)


def test_the_app_may_be_there_before_the_engine() -> None:
    async def check(bench: Bench, session: Session, feeds: Feeds) -> None:
        await bench.cable.die()
        screen = Screen()
        feeds.subscribe(Query("nodes"), screen.hear)
        await asyncio.sleep(10)
        assert screen.shown == []
        bench.cable.cut = False
        await asyncio.sleep(5)
        assert screen.shown == ["node-1", "node-2", "node-3"]

    with_session(check)


def test_a_kind_that_is_not_served_says_so() -> None:
    async def check(bench: Bench, session: Session, feeds: Feeds) -> None:
        screen = Screen()
        feeds.subscribe(Query("gizmos.example.com"), screen.hear)
        await asyncio.sleep(2)
        assert screen.state == REFUSED
        assert "could not find the requested resource" in screen.error
        assert session.connection.live

    with_session(check)


def test_one_feed_serves_everybody_and_ends_with_the_last() -> None:
    async def check(bench: Bench, session: Session, feeds: Feeds) -> None:
        first, second = Screen(), Screen()
        stop_first = feeds.subscribe(Query("nodes"), first.hear)
        await asyncio.sleep(1)
        stop_second = feeds.subscribe(Query("nodes"), second.hear)
        assert second.shown == first.shown == ["node-1", "node-2", "node-3"]
        stop_first()
        await bench.node("node-4")
        await asyncio.sleep(1)
        assert "node-4" in second.shown and "node-4" not in first.shown
        stop_second()

    with_session(check)


def test_many_rows_come_in_pages() -> None:
    async def check(bench: Bench, session: Session, feeds: Feeds) -> None:
        for number in range(450):
            await bench.client.create("configmaps", {"metadata": {"name": f"c-{number}", "namespace": "dev"}})
        screen, batches = Screen(), list[int]()
        feeds.subscribe(Query("configmaps", "dev"), screen.hear)
        feeds.subscribe(Query("configmaps", "dev"), lambda news: batches.append(len(news.changes.rows)))
        await asyncio.sleep(1)
        assert len(screen.shown) == 451
        assert batches[0] == 200

    with_session(check)
