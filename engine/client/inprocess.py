"""A transport into a server of the same process: no copies, no serialisation, objects are the stored ones."""

from itertools import count
from typing import Protocol
from weakref import WeakValueDictionary

from engine.base.api import Request, Response, Stream
from engine.base.errors import from_status, internal


class Server(Protocol):
    """The API server as its neighbours in the process see it."""

    async def handle(self, request: Request, whole: bool = False) -> Response | Stream:
        """The answer; `whole` asks for list items with apiVersion and kind."""


class InProcess:
    """`Transport` over an `ApiServer`. Streams belong to the server; closing the transport closes those that it opened."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: WeakValueDictionary[int, Stream] = WeakValueDictionary()
        self._numbers = count()

    async def send(self, request: Request) -> Response:
        """The answer to a request that is no watch."""
        answer = await self._server.handle(request, True)
        if isinstance(answer, Response):
            return answer
        answer.close()
        raise internal("a stream was answered to a request that asked for none")

    async def open(self, request: Request) -> Stream:
        """The stream that a watch or a followed log opens.

        Raises:
            StatusError: the server refused.
        """
        answer = await self._server.handle(request, True)
        if not isinstance(answer, Response):
            self._streams[next(self._numbers)] = answer
            return answer
        if answer.status >= 400:
            raise from_status(answer.body)
        raise internal("an answer was given to a request that asked for a stream")

    async def close(self) -> None:
        """Close every stream."""
        for stream in list(self._streams.values()):
            stream.close()
        self._streams.clear()
