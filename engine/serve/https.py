"""The Kubernetes API over HTTPS: HTTP in, `base.api.Request`s through the API server, HTTP out. What leaves here is durable.

Importing this module imports aiohttp; do so only where HTTPS is served.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from engine.apiserver.watching import WatchStream
from engine.base import errors
from engine.base.api import JSON, Request, Response, Stream, User
from engine.base.errors import StatusError
from engine.base.limits import (
    CONNECTION_IDLE_S,
    HEADER_BYTES_MAX,
    REQUEST_BODY_BYTES_MAX,
    REQUEST_TIMEOUT_S,
    SHUTDOWN_S,
    STREAM_WRITE_TIMEOUT_S,
)
from engine.base.world import Ids
from engine.serve import encoding, nesting
from engine.serve.callers import Callers, user_of
from engine.serve.inflight import InFlight
from engine.serve.protobuf.decode import PROTOBUF, UnknownKindError, decode
from engine.store.events import StoreClosedError

log = logging.getLogger(__name__)

PLAIN_TEXT = "text/plain; charset=utf-8"
COMPRESSED_ASIDE_BYTES_MIN = 1024 * 1024
"""Larger bodies are compressed beside the loop: 1 MiB takes 10 ms."""
_UNBODIED = frozenset({"GET", "HEAD", "OPTIONS"})


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


class _Connection(RequestHandler):
    """One client. Whom its certificate names is found out once; what is not HTTP is answered with a Status."""

    __slots__ = ("_certified", "user")

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._certified = False
        self.user: User | None = None

    def certified(self) -> User | None:
        """Whom the client certificate names; None where there is none."""
        if not self._certified and self.transport is not None:
            self._certified = True
            tls = self.transport.get_extra_info("ssl_object")
            self.user = user_of(tls.getpeercert()) if tls is not None else None
        return self.user

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is answered to something that is no HTTP request, and where answering failed."""
        if status >= 500:
            log.error("%s %s failed", request.method, request.path, exc_info=exc)
            error = errors.internal("the request failed within the engine; its log says how")
        else:
            error = StatusError(status, "BadRequest", (message or "malformed HTTP request").splitlines()[0])
        response = web.Response(status=error.code, body=encoding.body_of(_refusal(error), JSON, False)[0], content_type=JSON)
        response.force_close()
        return response


class _Server(web.Server):
    """Makes connections of our kind."""

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class HttpsServer:
    """Answers from `handler` on a TCP port; `stop` ends every connection and stream."""

    def __init__(self, handler: Handler, store: Durability, callers: Callers, ids: Ids) -> None:
        self._handler = handler
        self._store = store
        self._callers = callers
        self._ids = ids
        self._in_flight = InFlight()
        self._server: asyncio.Server | None = None
        self._connections: _Server | None = None
        self.streams: set[Stream] = set()

    async def start(self, host: str, port: int, tls: ssl.SSLContext) -> tuple[str, int]:
        """Begin to listen; the address, with the port that was chosen where `port` is 0.

        Raises:
            OSError: the address cannot be bound.
        """
        self._connections = _Server(
            self._answer,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=CONNECTION_IDLE_S,
            auto_decompress=False,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connections, host, port, ssl=tls, backlog=1024)
        bound: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return bound

    async def stop(self) -> None:
        """Stop listening, end all streams, give requests SHUTDOWN_S to finish, close every connection."""
        if self._server is not None:
            self._server.close()
        for stream in list(self.streams):
            stream.close()
        if self._connections is not None:
            self._connections.pre_shutdown()
            await self._connections.shutdown(SHUTDOWN_S)

    async def _answer(self, http: web.BaseRequest) -> web.StreamResponse:
        raw_path, _, raw_query = http.raw_path.partition("?")
        accept, agent = http.headers.get("Accept", JSON), http.headers.get("User-Agent", "")
        query: dict[str, str] = {}
        try:
            path = raw_path if raw_path.startswith("/") else http.rel_url.raw_path
            for name, value in parse_qsl(raw_query, keep_blank_values=True, max_num_fields=100) if raw_query else ():
                query.setdefault(name, value)
            connection: Any = http.protocol
            user = self._callers.caller(path, connection.certified(), http.headers.get("Authorization", ""))
            with self._in_flight.admitted(http.method):
                body, content_type = _read(await self._body(http), http.headers.get("Content-Type", ""))
                answer = await self._handler.handle(
                    Request(http.method, path, query, body, content_type, accept, http.headers, user, user_agent=agent)
                )
                if isinstance(answer, Response):
                    await self._store.durable(answer.revision or self._store.revision)
                    _check_acceptable(answer, accept)
            if not isinstance(answer, Response):
                return await self._stream(http, answer)
        except StatusError as error:
            answer = _refusal(error)
        except StoreClosedError as error:
            answer = _refusal(errors.internal(str(error)))
        except ValueError as error:
            answer = _refusal(errors.bad_request(f"malformed request: {error}"))
        return await self._whole(http, answer, encoding.pretty(query, agent))

    async def _body(self, http: web.BaseRequest) -> bytes | None:
        """The body; None where there is none.

        Raises:
            StatusError: 400, 408, 413.
        """
        if not http.body_exists:
            return None
        if (http.content_length or 0) > REQUEST_BODY_BYTES_MAX:
            raise _oversized()
        if http.headers.get("Expect", "").lower() == "100-continue":
            await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            http.writer.output_size = 0
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                async for part in http.content.iter_any():
                    size += len(part)
                    if size > REQUEST_BODY_BYTES_MAX:
                        raise _oversized()
                    parts.append(part)
        except TimeoutError:
            raise StatusError(408, "Timeout", "the body of the request did not arrive in time") from None
        except web.RequestPayloadError as error:
            raise errors.bad_request(f"the body of the request cannot be read: {error}") from None
        return b"".join(parts)

    async def _whole(self, http: web.BaseRequest, answer: Response, indented: bool) -> web.StreamResponse:
        body, content_type = encoding.body_of(answer, http.headers.get("Accept", JSON), indented)
        headers = self._headers(answer, content_type)
        if encoding.compressible(body, http.headers.get("Accept-Encoding", "")):
            compress: Callable[[bytes], bytes] = encoding.compressed
            body = await asyncio.to_thread(compress, body) if len(body) >= COMPRESSED_ASIDE_BYTES_MIN else compress(body)
            headers["Content-Encoding"] = "gzip"
            headers["Vary"] = "Accept-Encoding"
        response = web.Response(status=answer.status, body=body, headers=headers)
        if answer.status in (408, 413):
            response.force_close()
        return response

    def _headers(self, answer: Response | None, content_type: str) -> "CIMultiDict[str]":
        headers = CIMultiDict({"Audit-Id": self._ids.uid(), "Cache-Control": "no-cache, private", "Content-Type": content_type})
        if answer is not None:
            headers.update(answer.headers)
            for value in encoding.warning_values(answer.warnings) if answer.warnings else ():
                headers.add("Warning", value)
        return headers

    async def _stream(self, http: web.BaseRequest, stream: Stream) -> web.StreamResponse:
        """Send what a stream brings until it ends, the client goes, or does not take it for STREAM_WRITE_TIMEOUT_S."""
        watching = isinstance(stream, WatchStream)
        self.streams.add(stream)
        try:
            response = web.StreamResponse(status=200, headers=self._headers(None, JSON if watching else PLAIN_TEXT))
            response.enable_chunked_encoding()
            await response.prepare(http)
            with contextlib.suppress(StoreClosedError):  # What is not durable is not shown; a new list shows what is.
                while items := await stream.batch():
                    await self._store.durable(self._store.revision)
                    await _written(http, response.write(encoding.lines(items) if watching else b"".join(items)))
            await _written(http, response.write_eof())
        finally:
            self.streams.discard(stream)
            stream.close()
        return response


async def _written(http: web.BaseRequest, writing: Awaitable[None]) -> None:
    """Wait for a write, and cut a client that does not read.

    Raises:
        ConnectionError: it was cut.
    """
    try:
        async with asyncio.timeout(STREAM_WRITE_TIMEOUT_S):
            await writing
    except TimeoutError:
        log.warning("a watcher at %s was cut: it has not read for %g s", http.remote, STREAM_WRITE_TIMEOUT_S)
        if http.transport is not None:
            http.transport.abort()
        raise ConnectionAbortedError("the client does not read") from None


def _read(body: bytes | None, content_type: str) -> tuple[Any, str]:
    """A body as the API server takes it, and its media type: what came as protobuf is decoded.

    Raises:
        StatusError: 400, it is nested too deeply; 415, no message is known for the kind.
        WireError: the body is malformed.
    """
    if body is None:
        return None, content_type
    if not content_type.startswith(PROTOBUF):
        return nesting.read(body, content_type), content_type
    try:
        return decode(body), JSON
    except UnknownKindError as error:
        raise errors.unsupported_media_type(str(error)) from None


def _check_acceptable(answer: Response, accept: str) -> None:
    """Discovery and other documents that the API server answers whatever is accepted.

    Raises:
        StatusError: 406.
    """
    if answer.status < 400 and not isinstance(answer.body, bytes) and not encoding.media_type(accept):
        from engine.apiserver.negotiation import negotiate

        negotiate(accept)


def _oversized() -> StatusError:
    return errors.too_large(f"Request entity too large: limit is {REQUEST_BODY_BYTES_MAX}")


def _refusal(error: StatusError) -> Response:
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return Response(error.code, error.status(), headers=headers)
