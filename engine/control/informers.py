"""Informers: a cache per resource that follows the server by list and watch (client-go tools/cache reflector.go, shared_informer.go)."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from engine.base.api import Client, ListQuery, Stream
from engine.base.errors import StatusError, from_status, unavailable
from engine.base.objects import Obj, revision_of
from engine.base.world import World
from engine.control.cache import Lister
from engine.store.events import ADDED, DELETED, MODIFIED

PAGE_OBJECTS = 500
TURN_EVENTS = 512
"""Events of one batch that are handled before other tasks get a turn."""

BACKOFF_BASE_S = 0.8
BACKOFF_MAX_S = 30.0
BACKOFF_RESET_S = 120.0
"""client-go reflector.go: 800 ms, doubled up to 30 s, with up to as much again at random, from the start after two calm minutes."""

Handler = Callable[[str, Obj | None, Obj], None]
"""Called with (type, old, new): ADDED (old is None), MODIFIED, or DELETED (new is the last state)."""

log = logging.getLogger(__name__)


class Backoff:
    """The pauses of a reflector. `draw` gives a number in [0, 1)."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._next_s = BACKOFF_BASE_S
        self._last = float("-inf")

    def next(self, now: float) -> float:
        """Seconds to wait before the next try, at loop time `now`."""
        if now - self._last > BACKOFF_RESET_S:
            self._next_s = BACKOFF_BASE_S
        self._last = now
        base = self._next_s
        self._next_s = min(base * 2, BACKOFF_MAX_S)
        return base * (1 + self._draw())


def _no_jitter() -> float:
    return 0.0


class Informer:
    """Follows one resource: `run` lists it in pages, watches from there, and lists again where the server's history no longer reaches.

    `synced` is set once the first list is in the cache. `revision` is the highest revision that the cache is known to contain.
    Handlers run inside `run`, synchronously and in order. `query` narrows what is followed (namespace, label or field selector).
    """

    def __init__(self, client: Client, resource: str, query: ListQuery | None = None, jitter: Callable[[], float] = _no_jitter) -> None:
        self.resource = resource
        self.lister = Lister(resource)
        self.synced = asyncio.Event()
        self.revision = 0
        self._client = client
        self._query = query or ListQuery()
        self._backoff = Backoff(jitter)
        self._listed = False
        self._stream: Stream | None = None
        self._handlers: list[Handler] = []
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._waits = 0

    def on(self, handler: Handler, replay: bool = True) -> None:
        """Call `handler` with every change from now on, and first with what is cached as ADDED unless `replay` is False."""
        self._handlers.append(handler)
        if replay:
            for obj in [*self.lister]:
                handler(ADDED, None, obj)

    def off(self, handler: Handler) -> None:
        """Stop calling `handler`."""
        self._handlers.remove(handler)

    def when_seen(self, revision: int, callback: Callable[[], None]) -> None:
        """Call once the cache contains `revision` of this resource: at once where it does."""
        if self.revision >= revision:
            callback()
            return
        self._waits += 1
        heapq.heappush(self._waiting, (revision, self._waits, callback))

    def forget(self) -> None:
        """Report everything as DELETED: the resource is no longer served."""
        self._replace(())

    async def run(self) -> None:
        """Follow the resource until cancelled."""
        try:
            while True:
                try:
                    if not self._listed:
                        await self._list()
                    await self._watch()
                except StatusError as error:
                    expired = error.code == 410
                    self._listed = self._listed and not expired
                    log.log(logging.INFO if expired else logging.WARNING, "%s: list and watch: %s", self.resource, error)
                await asyncio.sleep(self._backoff.next(asyncio.get_running_loop().time()))
        finally:
            if self._stream is not None:
                self._stream.close()

    async def _list(self) -> None:
        found: list[Obj] = []
        token, revision = "", 0
        while True:
            page = await self._client.list(self.resource, replace(self._query, limit=PAGE_OBJECTS, continue_token=token))
            metadata = page.get("metadata") or {}
            revision = revision or int(metadata.get("resourceVersion") or 0)
            found += _typed(page)
            token = metadata.get("continue") or ""
            if not token:
                break
        self._replace(found)
        self._listed = True
        self._reach(revision)
        self.synced.set()

    def _replace(self, found: Iterable[Obj]) -> None:
        gone = dict.fromkeys(self.lister.objects)
        for obj in found:
            metadata = obj["metadata"]
            key = (metadata.get("namespace") or "", metadata["name"])
            gone.pop(key, None)
            known = self.lister.objects.get(key)
            if known is None:
                self._change(ADDED, obj)
            elif known["metadata"].get("uid") != metadata.get("uid"):
                self._change(DELETED, known)
                self._change(ADDED, obj)
            elif revision_of(known) != revision_of(obj):
                self._change(MODIFIED, obj)
        for key in gone:
            self._change(DELETED, self.lister.objects[key])

    async def _watch(self) -> None:
        """Follow the stream, and the next where one ends after events; returns where a stream ended without any."""
        while True:
            query = replace(self._query, resource_version=str(self.revision), bookmarks=True)
            self._stream = await self._client.watch(self.resource, query)
            seen = False
            try:
                while batch := await self._stream.batch():
                    seen = True
                    await self._take(batch)
            finally:
                self._stream.close()
                self._stream = None
            if not seen:
                return

    async def _take(self, batch: list[tuple[str, Obj]]) -> None:
        for at, (kind, obj) in enumerate(batch):
            if kind == "BOOKMARK":
                self._reach(revision_of(obj))
            elif kind == "ERROR":
                raise from_status(obj) if obj.get("kind") == "Status" else unavailable("the watch failed")
            else:
                self._change(kind, obj)
                self._reach(revision_of(obj))
            if at % TURN_EVENTS == TURN_EVENTS - 1:
                await asyncio.sleep(0)

    def _change(self, kind: str, obj: Obj) -> None:
        if kind == DELETED:
            metadata = obj["metadata"]
            old = self.lister.remove((metadata.get("namespace") or "", metadata["name"]))
            if old is None:
                return
        else:
            old = self.lister.put(obj)
            kind = ADDED if old is None else MODIFIED
        for handler in self._handlers:
            handler(kind, old, obj)

    def _reach(self, revision: int) -> None:
        if revision > self.revision:
            self.revision = revision
            while self._waiting and self._waiting[0][0] <= revision:
                heapq.heappop(self._waiting)[2]()


def _typed(page: Obj) -> list[Obj]:
    """The items of a list with apiVersion and kind, which real servers leave out of typed lists."""
    items: list[Obj] = page.get("items") or []
    if items and "kind" not in items[0]:
        about = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
        return [{**about, **item} for item in items]
    return items


class Informers:
    """Informers shared by components: one per resource, started when first asked for, in the task group given to `start`."""

    def __init__(self, client: Client, world: World) -> None:
        self._client = client.acting_as("informers")
        self._jitter = world.rng.stream("informers").random
        self._known: dict[str, Informer] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    def __getitem__(self, resource: str) -> Informer:
        """The informer of a resource, made and (after `start`) started where it is new."""
        found = self._known.get(resource)
        if found is None:
            found = self._known[resource] = Informer(self._client, resource, jitter=self._jitter)
            self._begin(resource)
        return found

    def get(self, resource: str) -> Informer | None:
        """The informer of a resource if there is one."""
        return self._known.get(resource)

    def drop(self, resource: str) -> None:
        """Stop following a resource (its CRD is gone); what was cached is reported as DELETED."""
        informer = self._known.pop(resource, None)
        task = self._tasks.pop(resource, None)
        if task is not None:
            task.cancel()
        if informer is not None:
            informer.forget()

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run all informers, now and later asked for, in `group`."""
        self._group = group
        for resource in [*self._known]:
            self._begin(resource)

    def _begin(self, resource: str) -> None:
        if self._group is not None:
            self._tasks[resource] = self._group.create_task(self._known[resource].run(), name=f"informer/{resource}")

    def stop(self) -> None:
        """Cancel all informers."""
        self._group = None
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def synced(self, resources: Iterable[str]) -> None:
        """Wait until the first lists of `resources` are in their caches."""
        for resource in resources:
            await self[resource].synced.wait()
