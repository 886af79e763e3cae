"""The transport over a unix socket: one connection, many requests and streams at once."""

import asyncio
import contextlib
import itertools
from collections import deque
from pathlib import Path
from typing import Any

from engine.base import errors, limits
from engine.base.api import Request, Response, Stream
from engine.base.errors import StatusError, from_status
from engine.client import frames


class _SocketStream:
    """One stream of the connection: what has arrived and was not taken yet."""

    def __init__(self, number: int, transport: "SocketTransport") -> None:
        self._number = number
        self._transport = transport
        self._items: deque[Any] = deque()
        self._arrived = asyncio.Event()
        self._ended = False

    def feed(self, items: list[Any]) -> None:
        self._items.extend(items)
        self._arrived.set()

    def end(self) -> None:
        self._ended = True
        self._arrived.set()

    async def batch(self) -> list[Any]:
        while not self._items and not self._ended:
            self._arrived.clear()
            await self._arrived.wait()
        taken = list(self._items)
        self._items.clear()
        return taken

    def close(self) -> None:
        if not self._ended:
            self._items.clear()
            self.end()
            self._transport.forget(self._number)


class SocketTransport:
    """Requests over the engine's unix socket. Made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._pending: dict[int, asyncio.Future[list[Any]]] = {}
        self._streams: dict[int, _SocketStream] = {}
        self._lost = ""
        self._receiving = asyncio.get_running_loop().create_task(self._receive())

    @classmethod
    async def connect(cls, path: Path) -> "SocketTransport":
        """Connect to the engine that listens at `path`.

        Raises:
            StatusError: 503, nobody listens there.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=2**20)
        except OSError as error:
            raise errors.unavailable(f"no engine answers at {path}: {error.strerror or error}") from error
        return cls(reader, writer)

    async def send(self, request: Request) -> Response:
        message = await self._exchange(frames.SEND, request)
        return frames.response_of(message)

    async def open(self, request: Request) -> Stream:
        number = next(self._numbers)
        stream = self._streams[number] = _SocketStream(number, self)
        try:
            message = await self._exchange(frames.OPEN, request, number)
        except (StatusError, frames.FrameError, asyncio.CancelledError):
            self.forget(number)
            raise
        if message[1] == frames.OPENED:
            return stream
        self._streams.pop(number, None)
        response = frames.response_of(message)
        if response.status >= 400:
            raise from_status(response.body)
        raise errors.bad_request(f"{request.path} answers at once, it is no stream")

    async def close(self) -> None:
        self._receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._receiving
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def forget(self, number: int) -> None:
        """Tell the server that nobody reads stream `number` any more."""
        self._streams.pop(number, None)
        if not self._lost:
            self._writer.write(frames.encode([number, frames.CLOSE]))

    async def _exchange(self, verb: str, request: Request, number: int = 0) -> list[Any]:
        if self._lost:
            raise errors.unavailable(self._lost)
        number = number or next(self._numbers)
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            self._writer.write(frames.encode(frames.request_message(number, verb, request)))
            async with asyncio.timeout(limits.REQUEST_TIMEOUT_S):
                return await answer
        except frames.FrameError as error:
            raise errors.too_large(str(error)) from error
        except TimeoutError as error:
            raise errors.timeout(
                f"no answer within {limits.REQUEST_TIMEOUT_S:g} s; whether the request was carried out is unknown"
            ) from error
        finally:
            self._pending.pop(number, None)

    async def _receive(self) -> None:
        reason = "the engine closed the connection"
        try:
            while (message := await frames.read(self._reader)) is not None:
                self._dispatch(message)
        except (OSError, frames.FrameError) as error:
            reason = f"the connection to the engine broke: {error}"
        finally:
            self._lose(reason)

    def _dispatch(self, message: list[Any]) -> None:
        number, verb = message[0], message[1]
        if verb in (frames.RESPONSE, frames.OPENED):
            answer = self._pending.get(number)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif (stream := self._streams.get(number)) is not None:
            if verb == frames.BATCH:
                stream.feed(frames.items_of(message[2]))
            elif verb == frames.END:
                del self._streams[number]
                stream.end()

    def _lose(self, reason: str) -> None:
        self._lost = reason
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(errors.timeout(f"{reason}; whether the request was carried out is unknown"))
        for stream in self._streams.values():
            stream.end()
        self._streams.clear()
