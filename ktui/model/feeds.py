"""Live tables: list as Table, then watch from there; again after every break. One feed serves everybody who shows the same rows."""

import asyncio
import gc
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from engine.base.api import TABLE, Client, ListQuery
from engine.base.clock import Clock
from engine.base.errors import StatusError
from engine.base.objects import Obj
from ktui.model.rows import Column, Row, read_columns, read_rows, version_of
from ktui.model.session import Session, is_transport_error
from ktui.model.tables import Changes

FIRST_PAGE_ROWS, PAGE_ROWS = 200, 2_000
"""A small first page for the first frame; then pages that take about 20 ms to read. Long lists are frozen for the garbage collector,
which otherwise stops the app for a quarter of a second at 100,000 rows."""
RETRY_S = 1.0
"""Pause after a refusal (403, 404 before a CRD is there)."""

LOADING, LIVE, STALE, REFUSED = "loading", "live", "stale", "refused"


class Query(NamedTuple):
    """What a feed shows."""

    resource: str
    namespace: str = ""
    labels: str = ""
    fields: str = ""


class News(NamedTuple):
    """What a feed tells its listeners: a batch of changes, and its state and error as of now."""

    query: Query
    columns: tuple[Column, ...]
    changes: Changes
    state: str
    error: str


Listener = Callable[[News], object]


class Feed:
    """The rows of one query. Rows stay while the server is away; a list after a break only tells what differs."""

    def __init__(self, query: Query, session: Session, clock: Clock) -> None:
        self.query = query
        self.columns: tuple[Column, ...] = ()
        self.rows: dict[str, Row] = {}
        self.state = LOADING
        self.error = ""
        self.listeners: list[Listener] = []
        self._session = session
        self._clock = clock

    def news(self, changes: Changes) -> News:
        """The state now, with `changes`."""
        return News(self.query, self.columns, changes, self.state, self.error)

    async def run(self) -> None:
        """Keep the rows current until cancelled."""
        while True:
            client = await self._session.client()
            try:
                version = await self._list(client)
                await self._watch(client, version)
            except (StatusError, OSError, EOFError) as error:
                await self._failed(client, error)

    async def _failed(self, client: Client, error: StatusError | OSError | EOFError) -> None:
        if is_transport_error(error):
            self._tell(STALE, str(error))
            self._session.lost(client, error)
        elif isinstance(error, StatusError) and error.code == 410:
            return
        else:
            self._tell(REFUSED, str(error))
            await asyncio.sleep(RETRY_S)

    async def _list(self, client: Client) -> str:
        seen: set[str] = set()
        token, size = "", FIRST_PAGE_ROWS
        while True:
            q = self.query
            page = await client.list(q.resource, ListQuery(q.namespace, q.labels, q.fields, size, token), accept=TABLE)
            columns = read_columns(page)
            if columns:
                self.columns = columns
            rows = read_rows(page, self.columns, q.resource, self._clock.now())
            seen.update(row.uid for row in rows)
            self._take(rows, ())
            if len(rows) == PAGE_ROWS:
                gc.freeze()
            meta = page.get("metadata") or {}
            token, size = meta.get("continue") or "", PAGE_ROWS
            if not token:
                self.state, self.error = LIVE, ""
                self._take((), [uid for uid in self.rows if uid not in seen], always=True)
                return str(meta.get("resourceVersion") or "")
            await asyncio.sleep(0)

    async def _watch(self, client: Client, version: str) -> None:
        q = self.query
        while True:
            query = ListQuery(q.namespace, q.labels, q.fields, resource_version=version, bookmarks=True)
            stream = await client.watch(q.resource, query, accept=TABLE)
            try:
                while batch := await stream.batch():
                    version = self._absorb(batch) or version
            finally:
                stream.close()
            if not self._session.connection.live:
                self._tell(STALE, self._session.connection.error)
                return
            await asyncio.sleep(0.05)

    def _absorb(self, batch: list[Any]) -> str:
        """Take in watch events in order; the version to go on from. Raises StatusError of an ERROR event."""
        version = ""
        changed: dict[str, Row] = {}
        gone: dict[str, None] = {}
        now = self._clock.now()
        for event in batch:
            if event.type == "ERROR":
                raise _error_of(event.object)
            version = version_of(event.object) or version
            if event.type == "BOOKMARK":
                continue
            columns = read_columns(event.object)
            if columns:
                self.columns = columns
            for row in read_rows(event.object, self.columns, self.query.resource, now):
                if event.type == "DELETED":
                    changed.pop(row.uid, None)
                    gone[row.uid] = None
                else:
                    gone.pop(row.uid, None)
                    changed[row.uid] = row
        self._take(changed.values(), gone)
        return version

    def _take(self, rows: Iterable[Row], gone: Iterable[str], always: bool = False) -> None:
        fresh = [row for row in rows if self.rows.get(row.uid) != row]
        removed = [uid for uid in gone if uid in self.rows]
        for uid in removed:
            del self.rows[uid]
        for row in fresh:
            self.rows[row.uid] = row
        if fresh or removed or always:
            self._publish(Changes(fresh, removed))

    def _tell(self, state: str, error: str) -> None:
        if (state, error) != (self.state, self.error):
            self.state, self.error = state, error
            self._publish(Changes())

    def _publish(self, changes: Changes) -> None:
        news = self.news(changes)
        for listener in list(self.listeners):
            listener(news)


def _error_of(status: Obj) -> StatusError:
    return StatusError(int(status.get("code") or 500), status.get("reason") or "", status.get("message") or "")


class Feeds:
    """Feeds by query; a feed runs while somebody listens."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._running: dict[Query, tuple[Feed, asyncio.Task[None]]] = {}

    def subscribe(self, query: Query, listener: Listener) -> Callable[[], None]:
        """Tell `listener` all rows at once, then each batch of changes; the returned function ends it."""
        found = self._running.get(query)
        if found is None:
            feed = Feed(query, self._session, self._clock)
            found = self._running[query] = (feed, asyncio.create_task(feed.run(), name=f"feed {query.resource}"))
        feed = found[0]
        feed.listeners.append(listener)
        if feed.columns or feed.error:
            listener(feed.news(Changes(list(feed.rows.values()))))
        return lambda: self._unsubscribe(query, listener)

    async def close(self) -> None:
        """End all feeds."""
        tasks = [task for _, task in self._running.values()]
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _unsubscribe(self, query: Query, listener: Listener) -> None:
        found = self._running.get(query)
        if found is None:
            return
        feed, task = found
        if listener in feed.listeners:
            feed.listeners.remove(listener)
        if not feed.listeners:
            del self._running[query]
            task.cancel()
