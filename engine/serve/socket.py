"""The engine's unix socket: mode 0600, msgpack frames. What leaves here is durable: answers and events wait for the journal."""

import asyncio
import contextlib
import functools
import logging
import os
import stat
from pathlib import Path
from typing import Protocol

from engine.base import errors
from engine.base.api import Request, Response, Stream
from engine.base.errors import StatusError
from engine.client import frames
from engine.store.events import StoreClosedError

log = logging.getLogger(__name__)

STREAMS_PER_CONNECTION_MAX = 1_000


class Handler(Protocol):
    """The API server."""

    async def handle(self, request: Request) -> Response | Stream:
        """Answer a request."""


class Durability(Protocol):
    """The store, as far as it says what may be seen outside."""

    @property
    def revision(self) -> int:
        """The last commit."""

    async def durable(self, revision: int) -> None:
        """Wait until `revision` is on disk."""


class SocketServer:
    """Listens at `path` and answers from `handler`; every connection is the administrator (the socket's owner)."""

    def __init__(self, path: Path, handler: Handler, store: Durability) -> None:
        self.path = path
        self._handler = handler
        self._store = store
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen. A socket that a dead engine left behind is replaced.

        Raises:
            OSError: the path cannot be bound.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(self.path.lstat().st_mode):
                self.path.unlink()
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self.path), limit=2**20)
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Stop listening, end every connection, remove the socket."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        if self._connections:
            await asyncio.gather(*self._connections, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        connection = _Connection(reader, writer, self._handler, self._store)
        try:
            await connection.run()
        except (OSError, frames.FrameError) as error:
            log.warning("connection closed: %s", error)
        except asyncio.CancelledError:
            log.debug("connection ended by shutdown")
        finally:
            connection.close()
            writer.close()


class _Connection:
    """One client: its requests run concurrently, each stream in a task of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler, store: Durability) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._store = store
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        while (message := await frames.read(self._reader)) is not None:
            number, verb = message[0], message[1]
            if verb == frames.CLOSE:
                if number in self._tasks:
                    self._tasks[number].cancel()
                continue
            if verb not in (frames.SEND, frames.OPEN):
                raise frames.FrameError(f"unknown verb {verb!r}")
            request = frames.request_of(message)
            if len(self._tasks) >= STREAMS_PER_CONNECTION_MAX:
                await self._respond(number, _refusal(errors.too_many_requests("too many requests and streams on this connection", 1)))
                continue
            task = asyncio.get_running_loop().create_task(self._answer(number, request, verb == frames.OPEN))
            self._tasks[number] = task
            task.add_done_callback(functools.partial(self._finished, number))

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _finished(self, number: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(number, None)
        if task.cancelled() or (error := task.exception()) is None or isinstance(error, ConnectionError):
            return
        log.error("request %d failed", number, exc_info=error)
        refusal = _refusal(errors.internal("the request failed within the engine; its log says how"))
        for message in (frames.response_message(number, refusal), [number, frames.END]):
            self._writer.write(frames.encode(message))

    async def _answer(self, number: int, request: Request, streaming: bool) -> None:
        answer = await self._handler.handle(request)
        if isinstance(answer, Response):
            await self._respond(number, answer)
        elif streaming:
            await self._stream(number, answer)
        else:
            answer.close()
            await self._respond(number, _refusal(errors.bad_request("this request opens a stream")))

    async def _respond(self, number: int, response: Response) -> None:
        try:
            await self._store.durable(response.revision or self._store.revision)
        except StoreClosedError as error:
            response = _refusal(errors.internal(str(error)))
        try:
            frame = frames.encode(frames.response_message(number, response))
        except frames.FrameError as error:
            frame = frames.encode(frames.response_message(number, _refusal(errors.too_large(f"{error}; ask for pages with limit"))))
        await self._write(frame)

    async def _stream(self, number: int, stream: Stream) -> None:
        try:
            await self._write(frames.encode([number, frames.OPENED]))
            with contextlib.suppress(StoreClosedError):  # What is not durable is not shown; a new list shows what is.
                while items := await stream.batch():
                    await self._store.durable(self._store.revision)
                    await self._write(frames.encode([number, frames.BATCH, items]))
            await self._write(frames.encode([number, frames.END]))
        finally:
            stream.close()

    async def _write(self, frame: bytes) -> None:
        self._writer.write(frame)
        await self._writer.drain()


def _refusal(error: StatusError) -> Response:
    return Response(error.code, error.status())
