"""Watch: changes of a selection of objects as they happen (apiserver/pkg/storage/cacher, endpoints/handlers/watch.go)."""

import asyncio
from collections.abc import Callable
from typing import Any

from engine.apiserver.context import Call, Context, in_version, is_stored_form
from engine.apiserver.listing import NOT_OLDER_THAN, revision_number
from engine.apiserver.negotiation import PARTIAL, TABLE
from engine.apiserver.options import boolean, integer
from engine.apiserver.representation import META_V1, column_definitions, form_of, include_of, partial, table
from engine.apiserver.selection import Selection, selection_of
from engine.base import fields
from engine.base.api import WatchEvent
from engine.base.errors import gone, invalid
from engine.base.fields import FieldError
from engine.base.limits import BOOKMARK_PERIOD_S, WATCH_BUFFER_EVENTS_MAX
from engine.base.objects import Obj
from engine.store.events import ADDED, DELETED, MODIFIED, CompactedError, Event, FutureRevisionError

BOOKMARK, ERROR = "BOOKMARK", "ERROR"
INITIAL_EVENTS_END = "k8s.io/initial-events-end"
TIMEOUT_S_MIN = 1_800
"""apiserver/pkg/server/config.go MinRequestTimeout; a watch without timeoutSeconds ends between this and twice this."""


def watch(ctx: Context, call: Call) -> "WatchStream":
    """GET of a collection, or of one object, with `watch=true`.

    Raises:
        StatusError: 400 and 422 for malformed options. A revision that is too old is an ERROR event of the stream.
    """
    check_watch_options(call)
    stream = WatchStream(ctx, call, selection_of(call))
    stream.start()
    return stream


def check_watch_options(call: Call) -> None:
    """ValidateListOptions for watches (apimachinery/pkg/apis/meta/internalversion/validation).

    Raises:
        StatusError: 422.
    """
    query = call.request.query
    match = query.get("resourceVersionMatch", "")
    if not match and "sendInitialEvents" not in query:
        return
    at = "resourceVersionMatch"
    errors: list[FieldError] = []
    if "sendInitialEvents" not in query:
        errors.append(fields.forbidden(at, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"))
    elif match != NOT_OLDER_THAN:
        errors.append(fields.forbidden(at, f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER_THAN}"))
    if match and match != NOT_OLDER_THAN:
        errors.append(fields.not_supported(at, match, [NOT_OLDER_THAN]))
    if query.get("continue"):
        errors.append(fields.forbidden(at, "resourceVersionMatch is forbidden when continue is provided"))
    if errors:
        raise invalid("ListOptions", "meta.k8s.io", "", errors)


class WatchStream:
    """The events of one watch (a `Stream`). The store puts them in while it commits; the client takes them out in batches.

    What a client has not taken after `WATCH_BUFFER_EVENTS_MAX` events is dropped: the stream ends with 410 and it lists again.
    """

    def __init__(self, ctx: Context, call: Call, selected: Selection) -> None:
        self._ctx = ctx
        self._call = call
        self._selected = selected
        self._everything = selected.everything
        self._form = form_of(call)
        self._as_stored = not self._form.transform and is_stored_form(call.kind, call.version)
        self._events: list[WatchEvent] = []
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._ignored_until = 0
        self._defined = False
        self._unsubscribe: Callable[[], None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        include_of(call)

    def start(self) -> None:
        """Put in what the client is to see first, and listen for the rest."""
        query, storage, kind, namespace = self._call.request.query, self._ctx.storage, self._call.kind, self._call.namespace
        loop = asyncio.get_running_loop()
        timeout_s = integer(query, "timeoutSeconds")
        if not timeout_s:
            timeout_s = TIMEOUT_S_MIN + self._ctx.world.rng.stream("watch-timeouts").randrange(TIMEOUT_S_MIN)
        bookmarks = boolean(query, "allowWatchBookmarks")
        version, initial = query.get("resourceVersion", ""), query.get("sendInitialEvents")
        since = revision_number(version) if version else 0
        if (initial is None and not since) or (initial is not None and boolean(query, "sendInitialEvents")):
            self._events += [WatchEvent(ADDED, obj) for obj in storage.list(kind, namespace) if self._selected.matches(obj)]
            if initial is not None and bookmarks:
                self._events.append(WatchEvent(BOOKMARK, self._bookmark({INITIAL_EVENTS_END: "true"})))
            since = 0
        self._timers["end"] = loop.call_later(timeout_s, self._end)
        if bookmarks:
            self._timers["bookmark"] = loop.call_later(BOOKMARK_PERIOD_S, self._send_bookmark)
        try:
            self._unsubscribe = storage.subscribe(kind, namespace, since, self._hear)
        except FutureRevisionError:
            self._ignored_until = since
            self._unsubscribe = storage.subscribe(kind, namespace, 0, self._hear)
        except CompactedError as error:
            self._fail(f"too old resource version: {error.revision} ({error.compacted})")

    def _hear(self, event: Event) -> None:
        """One change, inside its commit."""
        if event.revision <= self._ignored_until:
            return
        obj = event.object
        if self._everything:
            self._put(WatchEvent(event.type, obj))
            return
        is_in = event.type != DELETED and self._selected.matches(obj)
        was_in = event.previous is not None and self._selected.matches(event.previous)
        if is_in:
            self._put(WatchEvent(MODIFIED if was_in else ADDED, obj))
        elif was_in:
            self._put(WatchEvent(DELETED, obj if event.type == DELETED else self._gone(event)))

    @staticmethod
    def _gone(event: Event) -> Obj:
        """What a watcher sees of an object that no longer matches: its last matching state, with the revision of the change."""
        last = event.previous or event.object
        return {**last, "metadata": {**last["metadata"], "resourceVersion": str(event.revision)}}

    def _put(self, event: WatchEvent) -> None:
        if self._ended:
            return
        if len(self._events) >= WATCH_BUFFER_EVENTS_MAX:
            self._events.clear()
            self._fail("too old resource version: the watch fell behind and was cut")
            return
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, message: str) -> None:
        self._events.append(WatchEvent(ERROR, gone(message).status()))
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._unsubscribe is not None:
            self._unsubscribe()
        for timer in self._timers.values():
            timer.cancel()
        self._wake()

    def _bookmark(self, annotations: Obj) -> Obj:
        metadata: dict[str, Any] = {"resourceVersion": str(self._ctx.storage.revision)}
        if annotations:
            metadata["annotations"] = annotations
        return {"kind": self._call.kind.kind, "apiVersion": self._call.api_version, "metadata": metadata}

    def _send_bookmark(self) -> None:
        self._timers["bookmark"] = asyncio.get_running_loop().call_later(BOOKMARK_PERIOD_S, self._send_bookmark)
        self._put(WatchEvent(BOOKMARK, self._bookmark({})))

    async def batch(self) -> list[WatchEvent]:
        """All events since the last batch, after waiting for one; an empty list once the watch has ended."""
        while not self._events:
            if self._ended:
                return []
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        events, self._events = self._events, []
        return events if self._as_stored else [self._shown(event) for event in events]

    def _shown(self, event: WatchEvent) -> WatchEvent:
        if event.type == ERROR:
            return event
        if not self._form.transform:
            obj = event.object if event.type == BOOKMARK else in_version(self._call.kind, self._call.version, event.object)
            return WatchEvent(event.type, obj)
        if self._form.transform != TABLE:
            return WatchEvent(event.type, partial(event.object))
        metadata = event.object["metadata"]
        defined, self._defined = self._defined, True
        about = {"resourceVersion": metadata["resourceVersion"]}
        if event.type == BOOKMARK:
            row = {"cells": [], "object": {"kind": PARTIAL, "apiVersion": META_V1, "metadata": metadata}}
            columns = [] if defined else column_definitions(self._call.kind)
            made = {"kind": TABLE, "apiVersion": META_V1, "metadata": about, "columnDefinitions": columns, "rows": [row]}
            return WatchEvent(BOOKMARK, made)
        return WatchEvent(event.type, table(self._ctx, self._call, [event.object], about, not defined))

    def close(self) -> None:
        """Stop listening; a pending and every later `batch` returns an empty list."""
        self._events = []
        self._end()
