"""The state of the cluster: a multi-version store in memory, over a journal that makes it durable.

A commit is checked, applied, journalled and shown to the listeners in one synchronous step, so no reader ever sees half of it.
One revision counts all commits, as in etcd. The objects are immutable and shared with every reader (decision 2); the store only
replaces metadata.resourceVersion, by path-copying.

Past versions are remembered as events (each holds the version before it): the state at an earlier revision is the present one with
later events undone. Memory keeps `history_s` seconds of them, a journal may keep more and is asked for what is older.

Leases are renewed by every node every 10 s, 500 writes per second in a cluster of 5,000 nodes, and nobody looks at old ones. They
take a cheap path: their events are remembered for `LEASE_HISTORY_S` only, in a log of their own so that they push out nobody else's
history, and the journal keeps only the last version of each lease, written along with the next batch instead of starting one.
A watch that resumes leases from an older revision gets a CompactedError and lists again.
"""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence

from engine.base.causes import UNKNOWN, Cause
from engine.base.clock import Clock
from engine.base.limits import WATCH_HISTORY_EVENTS_MAX, WATCH_HISTORY_S
from engine.base.objects import Obj, revision_of
from engine.store.events import (
    ADDED,
    DELETED,
    MODIFIED,
    CompactedError,
    ConflictError,
    Event,
    FutureRevisionError,
    Listener,
    Put,
    Remove,
    StoreClosedError,
    Write,
)
from engine.store.journals.base import Change, Journal
from engine.store.journals.memory import MemoryJournal
from engine.store.shards import LEASES, Origin, Shard, Version

Objs = list[Obj]
Events = list[Event]
Names = list[str]
Versions = list[Version | None]

LEASE_HISTORY_S = 15.0
LEASE_HISTORY_EVENTS_MAX = 10_000
COMPACT_PERIOD_S = 300.0
"""storagebackend/config.go DefaultCompactInterval."""


class _Subscription:
    __slots__ = ("active", "listener", "namespace", "others")

    def __init__(self, namespace: str, listener: Listener, others: "list[_Subscription]") -> None:
        self.namespace = namespace
        self.listener = listener
        self.active = True
        self.others = others
        others.append(self)

    def cancel(self) -> None:
        """End it; events that are under way are not delivered any more."""
        if self.active:
            self.active = False
            self.others.remove(self)


class Store:
    """Objects by (resource, namespace, name), every change with its revision and cause."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal | None = None,
        *,
        history_s: float = WATCH_HISTORY_S,
        history_events: int = WATCH_HISTORY_EVENTS_MAX,
    ) -> None:
        """Open the store with what the journal (default: a MemoryJournal) holds.

        Args:
            history_s: how long events are kept in memory; revisions older than that are readable only where the journal keeps them.
            history_events: the most events that are kept in memory.

        Raises:
            JournalError: the journal cannot be opened.
        """
        self._clock = clock
        self._journal: Journal = journal or MemoryJournal()
        self._history_s = history_s
        self._history_events = history_events
        self._shards: dict[str, Shard] = {}
        self._log: deque[Event] = deque()
        self._subscriptions: dict[str, list[_Subscription]] = {}
        self._outbox: deque[tuple[_Subscription, Event]] = deque()
        self._delivering = False
        self._closed = ""
        recovered = self._journal.load(self._fail)
        for entry in recovered.entries:
            self._shard(entry.resource).put(entry.namespace, entry.name, entry.obj, entry.version)
        self._revision = self._floor = self._lease_floor = recovered.revision
        self._marks: deque[tuple[float, int]] = deque(recovered.marks)

    @property
    def revision(self) -> int:
        """The revision of the last commit; an empty store is at 1."""
        return self._revision

    @property
    def compacted(self) -> int:
        """The oldest revision that is still readable (of leases: less)."""
        oldest = self._journal.oldest
        return self._floor if oldest is None else min(oldest, self._floor)

    @property
    def durable_revision(self) -> int:
        """Everything up to this revision is on disk."""
        return min(self._journal.durable_revision, self._revision)

    @property
    def failure(self) -> str:
        """Why the store takes no more writes; empty while it does."""
        return self._closed

    # Reading the present

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """The object as it is now."""
        shard = self._shards.get(resource)
        return shard.get(namespace, name) if shard else None

    def list(self, resource: str, namespace: str = "", after: tuple[str, str] | None = None, limit: int = 0) -> Objs:
        """Objects in (namespace, name) order that follow `after`; an empty namespace means all, a limit of 0 no limit."""
        shard = self._shards.get(resource)
        return shard.page(namespace, after, limit) if shard else []

    def count(self, resource: str, namespace: str = "", after: tuple[str, str] | None = None) -> int:
        """How many objects there are, or follow `after` (a key of the namespace, where one is given)."""
        shard = self._shards.get(resource)
        return shard.count(namespace, after) if shard else 0

    def resources(self) -> Names:
        """Resources that have objects, sorted."""
        return sorted(name for name, shard in self._shards.items() if shard.namespaces)

    # Reading the past

    def list_at(self, resource: str, namespace: str, revision: int) -> Objs:
        """The objects as they were at `revision`, in (namespace, name) order; an empty namespace means all.

        Raises:
            CompactedError: the revision is no longer kept.
            FutureRevisionError: the revision does not exist yet.
        """
        floor = self._readable(resource, revision)
        if revision < floor:
            return self._journal.page_at(resource, namespace, revision)
        shard = self._shards.get(resource)
        return shard.page_at(namespace, revision) if shard else []

    def get_at(self, resource: str, namespace: str, name: str, revision: int) -> Obj | None:
        """One object as it was at `revision`; raises as `list_at`."""
        floor = self._readable(resource, revision)
        if revision < floor:
            return self._journal.get_at(resource, namespace, name, revision)
        shard = self._shards.get(resource)
        return shard.get_at(namespace, name, revision) if shard else None

    def history(self, resource: str, namespace: str, name: str) -> Events:
        """The versions of a key that are still known, with their causes, oldest first.

        A key that exists has at least its current version. `previous` is None where the version before is not known any more.
        """
        shard = self._shards.get(resource)
        if shard is None:
            return self._journal.versions(resource, namespace, name, self._floor)
        events = [e for e in shard.log if e.name == name and e.namespace == namespace]
        if resource != LEASES:
            events = self._journal.versions(resource, namespace, name, self._floor) + events
        obj, version = shard.get(namespace, name), shard.version(namespace, name)
        if not events and obj is not None and version is not None:
            kind = MODIFIED if version.origin else ADDED
            events = [Event(kind, version.revision, resource, namespace, name, obj, None, version.cause, version.time)]
        return events

    def change_at(self, revision: int) -> Event | None:
        """The change that was committed under a revision (the first, if several were); None where it is no longer known."""
        for resource in sorted(self._shards):
            log = self._shards[resource].log
            at = bisect_left(log, revision, key=lambda event: event.revision)
            if at < len(log) and log[at].revision == revision:
                return log[at]
        if revision <= self._floor and revision > self.compacted:
            for resource in sorted(self._shards):
                for event in self._journal.replay(resource, "", revision - 1, revision):
                    return event
        return None

    def origin(self, resource: str, namespace: str, name: str) -> Origin | None:
        """The commit that created the object which is there now, however long ago; None where there is no object."""
        shard = self._shards.get(resource)
        version = shard.version(namespace, name) if shard else None
        return version.first() if version else None

    def _readable(self, resource: str, revision: int) -> int:
        """The revision from which on memory can answer, after checking that anything can."""
        if revision > self._revision:
            raise FutureRevisionError(revision, self._revision)
        floor, oldest = (self._lease_floor, self._lease_floor) if resource == LEASES else (self._floor, self.compacted)
        if revision < oldest:
            raise CompactedError(revision, oldest)
        return floor

    # Writing

    def commit(self, writes: Sequence[Write], cause: Cause) -> int:
        """Make all of `writes` (of different keys) under one new revision, or none; return the revision.

        Listeners are called before it returns (those of a commit that a listener makes, after the outer one's). That a listener
        raises is a programming error: the commit stands, the other listeners are called, the subscription ends as it has missed
        something, and the error comes out of here.

        Raises:
            ConflictError: a key is not at its expected revision.
            StoreClosedError: the store was closed or its journal failed.
        """
        if self._closed:
            raise StoreClosedError(self._closed)
        versions = self._check(writes)
        revision = self._revision + 1
        now = self._clock.now()
        changes = [self._change(write, revision, now, cause, version) for write, version in zip(writes, versions, strict=True)]
        self._journal.append(changes)
        self._revision = revision
        for event, origin in changes:
            self._apply(event, Version(revision, now, cause, origin))
        self._trim(now)
        if self._outbox and not self._delivering:
            self._deliver()
        return revision

    def _check(self, writes: Sequence[Write]) -> Versions:
        """The current versions of the keys to be written."""
        if len(writes) != 1 and len({write[:3] for write in writes}) != len(writes):
            raise ValueError("a commit writes a key twice")
        if not writes:
            raise ValueError("a commit needs a write")
        versions = []
        for write in writes:
            shard = self._shards.get(write.resource)
            version = shard.version(write.namespace, write.name) if shard else None
            current = version.revision if version else 0
            if current != write.expected or (version is None and isinstance(write, Remove)):
                raise ConflictError(write, current)
            versions.append(version)
        return versions

    def _change(self, write: Write, revision: int, now: float, cause: Cause, version: Version | None) -> Change:
        resource, namespace, name, obj, _ = write
        stored = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}
        if version is None:
            return Change(Event(ADDED, revision, resource, namespace, name, stored, None, cause, now), None)
        previous = self._shards[resource].get(namespace, name)
        kind = MODIFIED if isinstance(write, Put) else DELETED
        return Change(Event(kind, revision, resource, namespace, name, stored, previous, cause, now), version.first())

    def _apply(self, event: Event, version: Version) -> None:
        """Change the state, remember the event, and address it to those who listen."""
        resource = event.resource
        shard = self._shards.get(resource) or self._shard(resource)
        if event.type == DELETED:
            shard.remove(event.namespace, event.name)
        else:
            shard.put(event.namespace, event.name, event.object, version)
        shard.log.append(event)
        if resource != LEASES:
            self._log.append(event)
        subscriptions = self._subscriptions.get(resource)
        if subscriptions:
            self._outbox.extend((s, event) for s in subscriptions if not s.namespace or s.namespace == event.namespace)

    def _shard(self, resource: str) -> Shard:
        found = self._shards.get(resource)
        if found is None:
            found = self._shards[resource] = Shard(resource)
        return found

    # Watching

    def subscribe(self, resource: str, namespace: str, since: int, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event of the resource after revision `since`, then with each new one inside its commit.

        History is replayed before this returns (subscribing inside a listener: after the events that are under way). A `since` of 0
        means from now on; an empty namespace means all. Returns a function that ends the subscription.

        Raises:
            CompactedError: history no longer reaches back to `since`.
            FutureRevisionError: the revision does not exist yet: it is another store's.
        """
        missed = self._since(resource, namespace, since) if since else []
        subscription = _Subscription(namespace, listener, self._subscriptions.setdefault(resource, []))
        self._outbox.extend((subscription, event) for event in missed)
        if self._outbox and not self._delivering:
            self._deliver()
        return subscription.cancel

    def _since(self, resource: str, namespace: str, since: int) -> Events:
        floor = self._readable(resource, since)
        events = self._journal.replay(resource, namespace, since, floor) if since < floor else []
        shard = self._shards.get(resource)
        recent = []
        for event in reversed(shard.log if shard else ()):
            if event.revision <= since:
                break
            if not namespace or event.namespace == namespace:
                recent.append(event)
        return events + recent[::-1]

    def _deliver(self) -> None:
        self._delivering = True
        failed: Callable[[], None] | None = None
        try:
            while self._outbox:
                subscription, event = self._outbox.popleft()
                if subscription.active:
                    failed = subscription.cancel
                    subscription.listener(event)
                    failed = None
        finally:
            self._delivering = False
            if failed:
                failed()
                self._deliver()

    # Forgetting

    def _trim(self, now: float) -> None:
        """Drop events that are too old or too many, but none that is not on disk yet."""
        durable = self._journal.durable_revision
        log, oldest = self._log, now - self._history_s
        while log and (len(log) > self._history_events or log[0].time < oldest) and log[0].revision <= durable:
            self._forget_first()
        leases = self._shards.get(LEASES)
        if leases is not None:
            while leases.log and (len(leases.log) > LEASE_HISTORY_EVENTS_MAX or leases.log[0].time < now - LEASE_HISTORY_S):
                if leases.log[0].revision > durable:
                    break
                self._lease_floor = leases.log.popleft().revision

    def _forget_first(self) -> None:
        event = self._log.popleft()
        self._shards[event.resource].log.popleft()
        self._floor = event.revision

    def compact(self, revision: int) -> None:
        """Forget what was superseded at or before `revision`, in memory and in the journal; the state at `revision` stays readable.

        What is not durable yet is not forgotten.

        Raises:
            FutureRevisionError: the revision does not exist yet.
        """
        if revision > self._revision:
            raise FutureRevisionError(revision, self._revision)
        revision = min(revision, self._journal.durable_revision)
        if revision <= self.compacted:
            return
        while self._log and self._log[0].revision <= revision:
            self._forget_first()
        leases = self._shards.get(LEASES)
        while leases is not None and leases.log and leases.log[0].revision <= revision:
            leases.log.popleft()
        self._floor = max(self._floor, revision)
        self._lease_floor = max(self._lease_floor, revision)
        self._journal.compact(revision)

    async def run(self) -> None:
        """Every 5 minutes forget what is older than the history that is to be kept, but at least that interval, until cancelled."""
        keep_s = max(self._history_s, self._journal.history_s)
        while True:
            await asyncio.sleep(COMPACT_PERIOD_S)
            now = self._clock.now()
            self._trim(now)
            compact_to = 0
            while self._marks and self._marks[0][0] <= now - keep_s:
                compact_to = self._marks.popleft()[1]
            self._marks.append((now, self._revision))
            if compact_to:
                self.compact(compact_to)

    # Durability

    async def durable(self, revision: int) -> None:
        """Return when `revision` is on disk.

        Raises:
            StoreClosedError: it will never be, the journal failed.
        """
        await self._journal.durable(revision)

    def _fail(self) -> None:
        """The journal cannot write any more: go back to what is durable, which stays readable, and refuse writes."""
        self._closed = self._journal.failure
        durable = self._journal.durable_revision
        leases = self._shards.get(LEASES)
        while leases is not None and leases.log and leases.log[-1].revision > durable:
            self._undo(leases.log[-1])
        while self._log and self._log[-1].revision > durable:
            self._undo(self._log.pop())
        self._revision = min(self._revision, durable)

    def _undo(self, event: Event) -> None:
        shard = self._shards[event.resource]
        shard.log.pop()
        if event.previous is None:
            shard.remove(event.namespace, event.name)
        else:
            shard.put(event.namespace, event.name, event.previous, self._version_before(event, event.previous))

    def _version_before(self, event: Event, previous: Obj) -> Version:
        revision = revision_of(previous)
        before = [e for e in self._shards[event.resource].log if e.revision == revision and e.object is previous]
        version = self._shards[event.resource].version(event.namespace, event.name)
        time, cause = (before[0].time, before[0].cause) if before else (event.time, UNKNOWN)
        first = version.first() if version else None
        return Version(revision, time, cause, first if first and first.revision < revision else None)

    async def close(self) -> None:
        """Write what is waiting, then refuse writes; what is in memory can still be read."""
        self._closed = self._closed or "the store is closed"
        await self._journal.close()
