"""The connection to an API server: made, lost, made again; and what discovery says it serves."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from engine.base.api import Client, ResourceInfo
from engine.base.clock import Clock
from engine.base.errors import StatusError

CONNECTING, CONNECTED, DISCONNECTED, CLOSED = "connecting", "connected", "disconnected", "closed"

RETRY_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 3.0)
"""Pauses between attempts; the last one repeats."""

Connect = Callable[[], Awaitable[Client]]


@dataclass(frozen=True, slots=True)
class Connection:
    """What the header says: `since` is when the phase began (epoch seconds), `error` why there is no connection."""

    phase: str = CONNECTING
    since: float = 0.0
    attempt: int = 0
    error: str = ""

    @property
    def live(self) -> bool:
        """Whether requests can be made."""
        return self.phase == CONNECTED

    def text(self, now: float) -> str:
        """One short phrase for the header."""
        if self.phase == CONNECTED:
            return "● live"
        if self.phase == CONNECTING:
            return "◐ connecting"
        return f"✖ disconnected {max(0, int(now - self.since))}s, retrying"


def is_transport_error(error: BaseException) -> bool:
    """Whether an error means that the server cannot be reached, rather than that it refused."""
    if isinstance(error, StatusError):
        return error.code in (502, 503, 504)
    return isinstance(error, OSError | EOFError | asyncio.TimeoutError)


class Session:
    """Keeps one client alive. Everybody awaits `client()` and reports a failed transport with `lost`."""

    def __init__(self, connect: Connect, clock: Clock) -> None:
        self.connection = Connection(since=clock.now())
        self.resources: Mapping[str, ResourceInfo] = {}
        self._connect = connect
        self._clock = clock
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._broken = asyncio.Event()
        self._broken.set()
        self._listeners: list[Callable[[Connection], object]] = []

    def listen(self, listener: Callable[[Connection], object]) -> None:
        """Call `listener` at each change of the connection's state."""
        self._listeners.append(listener)

    async def client(self) -> Client:
        """The client, as soon as there is a connection."""
        while self._client is None:
            await self._ready.wait()
        return self._client

    def lost(self, client: Client, error: BaseException | str) -> None:
        """Report that `client` no longer reaches its server; a client that was replaced already is ignored."""
        if client is not self._client and client.transport is not getattr(self._client, "transport", None):
            return
        self._client = None
        self._ready.clear()
        self._set(Connection(DISCONNECTED, self._clock.now(), 0, str(error)))
        self._broken.set()

    async def run(self) -> None:
        """Connect, and again whenever the connection is lost; until cancelled."""
        while True:
            await self._broken.wait()
            self._broken.clear()
            await self._establish()

    async def refresh_resources(self) -> None:
        """Read discovery again: a CRD may have come."""
        client = await self.client()
        self.resources = {info.resource: info for info in reversed(await client.discover())}

    async def close(self) -> None:
        """Give up the connection."""
        client, self._client = self._client, None
        self._ready.clear()
        self._set(Connection(CLOSED, self._clock.now()))
        if client is not None:
            await client.transport.close()

    async def _establish(self) -> None:
        attempt = 0
        while True:
            try:
                client = await self._connect()
                found = await client.discover()
            except (StatusError, OSError, EOFError) as error:
                phase = DISCONNECTED
                self._set(replace(self.connection, phase=phase, attempt=attempt + 1, error=str(error)))
                await asyncio.sleep(RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S) - 1)])
                attempt += 1
                continue
            self.resources = {info.resource: info for info in reversed(found)}
            self._client = client
            self._set(Connection(CONNECTED, self._clock.now()))
            self._ready.set()
            return

    def _set(self, connection: Connection) -> None:
        self.connection = connection
        for listener in self._listeners:
            listener(connection)
