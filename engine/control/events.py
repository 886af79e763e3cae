"""Events (core/v1): recorded at once, correlated and written behind the caller's back (client-go tools/record, tools/events)."""

import asyncio
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.base.api import STRATEGIC_PATCH, Client, ResourceInfo
from engine.base.clock import rfc3339, rfc3339_micro
from engine.base.errors import StatusError
from engine.base.limits import EVENTS_MAX
from engine.base.objects import Obj
from engine.base.world import World

PENDING_MAX = 10_000
"""Events that wait to be written; more are dropped. client-go keeps 1,000 per component; ours start 5,000 pods at once."""
TURN_EVENTS = 8
TURN_SHARE = 1 / 512
"""Events written before other tasks get a turn: few, as nobody waits for events, but for what the other tasks do; and a share of those
that wait, so that they do not become more and more while a cluster is busy."""
CACHE_MAX = 4_096
AGGREGATE_AFTER = 10
AGGREGATE_INTERVAL_S = 600.0
SPAM_BURST = 25
SPAM_REFILL_PER_S = 1 / 300
"""events_cache.go: maxLruCacheEntries, defaultAggregateMaxEvents, defaultAggregateIntervalInSeconds, defaultSpamBurst, defaultSpamQPS."""
RETRIES_MAX = 12
RETRY_S = 10.0
"""event.go maxTriesPerEvent, defaultSleepDuration."""
AGGREGATED = "(combined from similar events): "
SERIES_REFRESH_S = 1_800.0
"""event_broadcaster.go refreshTime: how often a repeated event in the new style is written."""

EVENTS = ResourceInfo("events", "v1", "Event", True)

log = logging.getLogger(__name__)

V = TypeVar("V")


class _Recent(Generic[V]):
    """The last entries used."""

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[tuple[str, ...], V] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> V | None:
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: tuple[str, ...], value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)


@dataclass(slots=True)
class _Record:
    """One call of `Recorder.event`."""

    about: tuple[str, ...]
    reference: Obj
    type: str
    reason: str
    message: str
    time: float
    related: Obj | None
    action: str


@dataclass(slots=True)
class _Similar:
    """Aggregation of events that differ in their message only."""

    messages: dict[str, None]
    last: float


@dataclass(slots=True)
class _Written:
    """What is known of the event object that a key was last written to."""

    name: str
    count: int
    first: float
    last_write: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    time: float


class Correlator:
    """The rules of EventCorrelator (events_cache.go): what an event is written as, if at all."""

    def __init__(self, entries_max: int = CACHE_MAX) -> None:
        self.similar: _Recent[_Similar] = _Recent(entries_max)
        self.written: _Recent[_Written] = _Recent(entries_max)
        self.buckets: _Recent[_Bucket] = _Recent(entries_max)

    def aggregate(self, about: tuple[str, ...], type: str, reason: str, message: str, now: float) -> tuple[tuple[str, ...], str]:
        """(key under which it counts, message): after 10 different messages in 600 s they count as one."""
        group = (*about, type, reason)
        similar = self.similar.get(group)
        if similar is None or now - similar.last > AGGREGATE_INTERVAL_S:
            similar = _Similar({}, now)
            self.similar.put(group, similar)
        similar.messages[message] = None
        similar.last = now
        if len(similar.messages) < AGGREGATE_AFTER:
            return (*group, message), message
        similar.messages.pop(next(iter(similar.messages)))
        return group, AGGREGATED + message

    def spam(self, about: tuple[str, ...], now: float) -> bool:
        """Whether an object has used up its bucket of events: 25, one more every 300 s."""
        bucket = self.buckets.get(about)
        if bucket is None:
            bucket = _Bucket(SPAM_BURST, now)
            self.buckets.put(about, bucket)
        bucket.tokens = min(SPAM_BURST, bucket.tokens + (now - bucket.time) * SPAM_REFILL_PER_S)
        bucket.time = now
        if bucket.tokens < 1:
            return True
        bucket.tokens -= 1
        return False


class Behind:
    """Writes what recorders recorded, in order, behind everybody's back: a task that ends when idle.

    Recorders of many nodes share one, so that the events of all nodes together leave other work its turn, and what is remembered of
    `entries_max` recent events of them all is enough.
    """

    def __init__(self, entries_max: int = CACHE_MAX) -> None:
        self.correlator = Correlator(entries_max)
        self._pending: deque[tuple[Recorder, _Record]] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, recorder: "Recorder", record: _Record) -> None:
        """Write an event when it is its turn."""
        self._pending.append((recorder, record))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_all(), name="events")

    async def flush(self) -> None:
        """Wait until everything recorded so far is written."""
        if self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    def close(self) -> None:
        """Give up what is not written yet."""
        self._pending.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _write_all(self) -> None:
        while self._pending:
            for _ in range(min(TURN_EVENTS + int(len(self._pending) * TURN_SHARE), len(self._pending))):
                recorder, record = self._pending.popleft()
                await recorder.write(record)
            await asyncio.sleep(0)


class Recorder:
    """Records events as one component. `event` never blocks and never raises; `behind` writes, one's own unless it is shared.

    `style` is `core` for events with source and count, as the controllers and the kubelet make them, or `events` for those with
    eventTime and reportingController, as the scheduler makes them (events.k8s.io).
    """

    def __init__(
        self, client: Client, world: World, component: str, host: str = "", style: str = "core", behind: Behind | None = None
    ) -> None:
        self._client = client
        self._clock = world.clock
        self._low_digits = world.rng.stream("event names")
        self._component = component
        self._host = host
        self._style = style
        self._source: Obj = {"component": component, "host": host} if host else {"component": component}
        self._behind = behind if behind is not None else Behind()
        self._waiting = 0
        self._correlator = self._behind.correlator
        self._last_ns = 0
        self._paths: dict[str, str] = {}
        self.dropped = 0

    def event(self, about: Obj, type: str, reason: str, message: str, related: Obj | None = None, action: str = "") -> None:
        """Record an event about an object: `type` Normal or Warning. `action` is for the style `events` (`Binding`)."""
        if self._waiting >= PENDING_MAX or len(self._behind) >= EVENTS_MAX:
            if not self.dropped:
                log.warning("%s: more than %d events wait to be written; further ones are dropped", self._component, PENDING_MAX)
            self.dropped += 1
            return
        self._waiting += 1
        metadata = about["metadata"]
        key = (about["kind"], metadata.get("namespace") or "", metadata["name"], metadata.get("uid") or "", about["apiVersion"])
        self._behind.add(self, _Record(key, _reference(about), type, reason, message, self._clock.now(), related, action))

    async def flush(self) -> None:
        """Wait until everything recorded so far is written."""
        await self._behind.flush()

    def close(self) -> None:
        """Give up what is not written yet."""
        self._behind.close()

    async def write(self, record: _Record) -> None:
        """Write an event that was recorded here; what the server does not take for now is tried again."""
        self._waiting -= 1
        for _ in range(RETRIES_MAX):
            try:
                await (self._write_core(record) if self._style == "core" else self._write_series(record))
                return
            except StatusError as error:
                if error.code not in (429, 500, 503, 504):
                    log.debug("event %s %s: %s", record.reason, record.about, error)
                    return
                await asyncio.sleep(RETRY_S)
        log.warning("event %s %s: given up after %d tries", record.reason, record.about, RETRIES_MAX)

    async def _write_core(self, record: _Record) -> None:
        correlator = self._correlator
        key, message = correlator.aggregate(record.about, record.type, record.reason, record.message, record.time)
        if correlator.spam(record.about, record.time):
            return
        known = correlator.written.get(key)
        now = rfc3339(record.time)
        namespace = record.about[1] or "default"
        if known is not None:
            patch = {"count": known.count + 1, "lastTimestamp": now, "message": message}
            try:
                await self._client.patch("events", known.name, patch, namespace, content_type=STRATEGIC_PATCH)
            except StatusError as error:
                if error.code != 404:
                    raise
            else:
                known.count += 1
                return
        count, first = (known.count + 1, known.first) if known is not None else (1, record.time)
        body = self._object(record, namespace, message)
        body.update(source=self._source, firstTimestamp=rfc3339(first), lastTimestamp=now, count=count, eventTime=None)
        body.update(reportingComponent=self._component, reportingInstance=self._host)
        name = await self._create(body, record, namespace)
        correlator.written.put(key, _Written(name, count, first, record.time))

    async def _write_series(self, record: _Record) -> None:
        """Repeated events become a series, written when it begins and then at most every half hour (event_broadcaster.go)."""
        key = (*record.about, record.type, record.reason, record.message, record.action)
        namespace = record.about[1] or "default"
        known = self._correlator.written.get(key)
        if known is not None:
            known.count += 1
            if known.count > 2 and record.time - known.last_write < SERIES_REFRESH_S:
                return
            series = {"count": known.count, "lastObservedTime": rfc3339_micro(record.time)}
            try:
                await self._client.patch("events", known.name, {"series": series}, namespace, content_type=STRATEGIC_PATCH)
            except StatusError as error:
                if error.code != 404:
                    raise
            else:
                known.last_write = record.time
                return
        body = self._object(record, namespace, record.message)
        body.update(source={}, firstTimestamp=None, lastTimestamp=None, eventTime=rfc3339_micro(record.time), action=record.action)
        body.update(reportingComponent=self._component, reportingInstance=self._host or self._component)
        name = await self._create(body, record, namespace)
        self._correlator.written.put(key, _Written(name, 1, record.time, record.time))

    def _object(self, record: _Record, namespace: str, message: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": namespace},
            "involvedObject": record.reference,
            "type": record.type,
            "reason": record.reason,
            "message": message,
        }
        if record.related is not None:
            body["related"] = _reference(record.related)
        return body

    def _path(self, namespace: str) -> str:
        path = self._paths.get(namespace)
        if path is None:
            path = self._paths[namespace] = EVENTS.path(namespace)
        return path

    async def _create(self, body: dict[str, Any], record: _Record, namespace: str) -> str:
        """Create under `<object>.<hex nanoseconds>`: later ones have higher numbers, and what the clock does not tell is drawn."""
        while True:
            drawn = self._low_digits.randrange(1, 1_000)
            self._last_ns = max(int(record.time * 1_000) * 1_000_000 + drawn * 500, self._last_ns + drawn)
            name = f"{record.about[2]}.{self._last_ns:x}"
            try:
                made = {**body, "metadata": {"name": name, "namespace": namespace}}
                await self._client.call("POST", self._path(namespace), {"fieldManager": self._client.actor}, made)
            except StatusError as error:
                if error.reason != "AlreadyExists":
                    raise
            else:
                return name


def _reference(about: Obj) -> Obj:
    """core/v1 ObjectReference (tools/reference/ref.go GetReference)."""
    metadata = about["metadata"]
    reference: dict[str, Any] = {"kind": about["kind"], "apiVersion": about["apiVersion"], "name": metadata["name"]}
    for name in ("namespace", "uid", "resourceVersion"):
        if metadata.get(name):
            reference[name] = metadata[name]
    if about.get("fieldPath"):
        reference["fieldPath"] = about["fieldPath"]
    return reference
