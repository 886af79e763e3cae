"""The msgpack frames on the unix socket: bytes in, messages out. Many requests and streams share one connection.

A frame is four bytes of length (big endian) and a msgpack array:

| from   | array |
|--------|-------|
| client | `[id, "send" or "open", method, path, query, body, content_type, accept, headers, user_agent, actor, revision, source]` |
| client | `[id, "close"]` |
| server | `[id, "response", status, body, revision, warnings, headers, content_type]` |
| server | `[id, "opened"]`, then `[id, "batch", items]`…, then `[id, "end"]` |

Items are `[type, object]` for watch events and bytes for log output.
"""

import asyncio
from typing import Any

import msgpack

from engine.base import collector, limits
from engine.base.api import ADMIN, Request, Response, User, WatchEvent
from engine.base.causes import Cause

SEND, OPEN, CLOSE, RESPONSE, OPENED, BATCH, END = "send", "open", "close", "response", "opened", "batch", "end"
_LENGTH_BYTES = 4


class FrameError(ValueError):
    """The other side does not speak this protocol, or sent more than FRAME_BYTES_MAX."""


def encode(message: list[Any]) -> bytes:
    """A message as one frame.

    Raises:
        FrameError: it is larger than FRAME_BYTES_MAX.
    """
    packed: bytes = msgpack.packb(message, use_bin_type=True)
    if len(packed) > limits.FRAME_BYTES_MAX:
        raise FrameError(f"a frame of {len(packed)} bytes exceeds {limits.FRAME_BYTES_MAX}")
    return len(packed).to_bytes(_LENGTH_BYTES, "big") + packed


async def read(reader: asyncio.StreamReader) -> list[Any] | None:
    """The next message; None where the connection ends between two frames.

    Raises:
        FrameError: not a frame, or too large.
    """
    try:
        head = await reader.readexactly(_LENGTH_BYTES)
        size = int.from_bytes(head, "big")
        if size > limits.FRAME_BYTES_MAX:
            raise FrameError(f"a frame of {size} bytes exceeds {limits.FRAME_BYTES_MAX}")
        packed = await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise FrameError("the connection ended within a frame") from error
        return None
    try:
        with collector.paused():
            message: Any = msgpack.unpackb(packed, raw=False, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise FrameError(f"not msgpack: {error}") from error
    if not isinstance(message, list) or len(message) < 2 or not isinstance(message[0], int) or not isinstance(message[1], str):
        raise FrameError("not a message of this protocol")
    return message


def request_message(number: int, verb: str, request: Request) -> list[Any]:
    """A request as a message; the user is not sent: the socket's owner is the administrator."""
    return [
        number,
        verb,
        request.method,
        request.path,
        dict(request.query),
        request.body,
        request.content_type,
        request.accept,
        dict(request.headers),
        request.user_agent,
        *request.cause,
    ]


def request_of(message: list[Any], user: User = ADMIN) -> Request:
    """The request in a `send` or `open` message.

    Raises:
        FrameError: malformed.
    """
    try:
        _, _, method, path, query, body, content_type, accept, headers, user_agent, actor, revision, source = message
    except ValueError as error:
        raise FrameError(f"a request of {len(message)} fields") from error
    texts = (method, path, content_type, accept, user_agent, actor, source)
    typed = all(isinstance(text, str) for text in texts) and isinstance(query, dict) and isinstance(headers, dict)
    if not typed or not isinstance(revision, int):
        raise FrameError("a request with fields of the wrong type")
    return Request(method, path, query, body, content_type, accept, headers, user, Cause(actor, revision, source), user_agent)


def response_message(number: int, response: Response) -> list[Any]:
    """An answer as a message."""
    return [
        number,
        RESPONSE,
        response.status,
        response.body,
        response.revision,
        list(response.warnings),
        dict(response.headers),
        response.content_type,
    ]


def response_of(message: list[Any]) -> Response:
    """The answer in a `response` message."""
    _, _, status, body, revision, warnings, headers, content_type = message
    return Response(status, body, revision, tuple(warnings), headers, content_type)


def items_of(items: list[Any]) -> list[Any]:
    """The items of a `batch` message as `WatchEvent` or bytes."""
    return [item if isinstance(item, bytes) else WatchEvent(item[0], item[1]) for item in items]
