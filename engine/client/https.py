"""The transport over HTTPS with JSON: any Kubernetes API server, real clusters included."""

import asyncio
import os
import re
import ssl
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from engine.base import errors, limits
from engine.base.api import JSON, Request, Response, Stream, WatchEvent
from engine.base.errors import StatusError, from_status
from engine.client.kubeconfig import Access, KubeconfigError

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
LINE_BYTES_MAX = 64 * 1024 * 1024
"""Longest line of a watch: one object, or a Table of a page of rows."""


class _LineStream:
    """Watch events, one JSON document a line; or log output as it comes."""

    def __init__(self, response: aiohttp.ClientResponse, events: bool) -> None:
        self._response = response
        self._events = events
        self._rest = b""
        self._closed = asyncio.Event()

    async def batch(self) -> list[Any]:
        while not self._closed.is_set():
            try:
                chunk = await self._response.content.readany()
            except (aiohttp.ClientError, OSError):
                chunk = b""
            if not chunk:
                self.close()
                return []
            if not self._events:
                return [chunk]
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            if len(self._rest) > LINE_BYTES_MAX:
                self.close()
            if lines:
                return [WatchEvent(event["type"], event["object"]) for event in map(orjson.loads, filter(None, lines))]
        return []

    def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._response.close()


class HttpsTransport:
    """Requests to the API server of a kubeconfig's context. Make it within a running loop."""

    def __init__(self, access: Access) -> None:
        self._access = access
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        connector = aiohttp.TCPConnector(ssl=_tls(access) if access.server.startswith("https") else False, limit=0)
        auth = aiohttp.BasicAuth(*access.basic) if access.basic[0] and not access.token else None
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, auth=auth, json_serialize=lambda v: orjson.dumps(v).decode()
        )

    async def send(self, request: Request) -> Response:
        timeout = aiohttp.ClientTimeout(total=limits.REQUEST_TIMEOUT_S)
        try:
            async with self._session.request(**self._call(request), timeout=timeout) as response:
                return _answer(response, await response.read())
        except TimeoutError as error:
            raise errors.timeout(f"{self._access.server} does not answer; whether the request was carried out is unknown") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error

    async def open(self, request: Request) -> Stream:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=limits.REQUEST_TIMEOUT_S)
        try:
            response = await self._session.request(**self._call(request), timeout=timeout)
            if response.status >= 400:
                answer = _answer(response, await response.read())
                raise from_status(answer.body) if isinstance(answer.body, dict) else StatusError(answer.status, "", str(answer.body))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return _LineStream(response, events=request.query.get("watch") == "true")

    async def close(self) -> None:
        await self._session.close()

    def _unreachable(self, error: BaseException) -> StatusError:
        return errors.unavailable(f"{self._access.server}: {error or type(error).__name__}")

    def _call(self, request: Request) -> dict[str, Any]:
        accept = request.accept if request.accept == JSON else f"{request.accept},{JSON}"
        headers = {**request.headers, "Accept": accept, "User-Agent": f"ktui/{request.user_agent or 'ktui'}"}
        body = request.body
        if body is not None:
            headers["Content-Type"] = request.content_type
            body = body if isinstance(body, bytes) else orjson.dumps(body)
        return {
            "method": request.method,
            "url": self._access.server + request.path,
            "params": dict(request.query),
            "headers": headers,
            "data": body,
        }


def _answer(response: aiohttp.ClientResponse, raw: bytes) -> Response:
    warnings = tuple(match[1] for value in response.headers.getall("Warning", []) for match in _WARNING.finditer(value))
    kind = response.content_type
    body: Any = raw
    if "json" in kind:
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise errors.internal(f"the server's answer is not JSON: {error}") from error
    elif response.status >= 400:
        body = StatusError(response.status, "", raw.decode(errors="replace").strip()[:500]).status()
    return Response(response.status, body, warnings=warnings, headers=dict(response.headers), content_type=kind)


def _tls(access: Access) -> ssl.SSLContext:
    """The trust and identity of a context.

    Raises:
        KubeconfigError: certificates that cannot be read.
    """
    try:
        context = ssl.create_default_context(cadata=access.authority_pem.decode() or None)
        if not access.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if access.certificate_pem:
            _load_identity(context, access)
    except (ssl.SSLError, ValueError) as error:
        raise KubeconfigError(f"certificates of context {access.context!r}: {error}") from error
    return context


def _load_identity(context: ssl.SSLContext, access: Access) -> None:
    """Python's ssl reads certificates from files only: ours exist for a moment, for their owner."""
    handle, name = tempfile.mkstemp(prefix="ktui-", suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(access.certificate_pem + b"\n" + access.key_pem)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
