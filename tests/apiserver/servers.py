"""An API server in virtual time, without controllers, whose requests are read-only: a handler that changes one raises."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from engine.apiserver.server import ApiServer
from engine.base.api import Client, Request, Response, Stream, WatchEvent
from engine.base.errors import StatusError
from engine.base.objects import Obj, frozen
from engine.base.world import simulated_world
from engine.client.inprocess import InProcess
from engine.sim.loop import run
from engine.store.store import Store

T = TypeVar("T")


class ReadOnly(InProcess):
    """The in-process transport, handing over bodies that raise on mutation."""

    async def send(self, request: Request) -> Response:
        body = request.body if isinstance(request.body, bytes | None) else frozen(request.body)
        return await super().send(
            Request(
                request.method,
                request.path,
                request.query,
                body,
                request.content_type,
                request.accept,
                user=request.user,
                cause=request.cause,
                user_agent=request.user_agent,
            )
        )


class Rig:
    """A server with its store and a client; namespace `shop` exists, with the service account that pods need."""

    def __init__(self) -> None:
        self.world = simulated_world(asyncio.get_running_loop())
        self.store = Store(self.world.clock)
        self.server = ApiServer(self.store, self.world)
        self.client = Client(ReadOnly(self.server), "test")

    async def prepare(self) -> "Rig":
        await self.client.create("namespaces", {"metadata": {"name": "shop"}})
        await self.client.create("serviceaccounts", {"metadata": {"name": "default"}}, "shop")
        return self

    async def answer(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None, **more: Any) -> Response:
        """The server's own answer, errors included."""
        answer = await self.server.handle(Request(method, path, query or {}, body, **more))
        assert isinstance(answer, Response)
        return answer

    async def watch(self, path: str, query: dict[str, str]) -> Stream:
        """The stream that a GET opens."""
        stream = await self.server.handle(Request("GET", path, {"watch": "1", **query}))
        assert not isinstance(stream, Response)
        return stream

    async def config(self, name: str, data: dict[str, str] | None = None, **metadata: Any) -> Obj:
        """Create a ConfigMap in `shop`."""
        return await self.client.create("configmaps", {"metadata": {"name": name, **metadata}, "data": data or {"a": "1"}}, "shop")

    async def pod(self, name: str, node: str = "", **metadata: Any) -> Obj:
        """Create a pod in `shop`, bound to `node` where one is given."""
        spec: dict[str, Any] = {"containers": [{"name": "c", "image": "nginx:1"}]}
        if node:
            spec["nodeName"] = node
        return await self.client.create("pods", {"metadata": {"name": name, **metadata}, "spec": spec}, "shop")


def serving(body: Callable[[Rig], Awaitable[T]]) -> T:
    """Run `body` with a fresh server in virtual time."""

    async def main() -> T:
        return await body(await Rig().prepare())

    return run(main())


async def refused(awaitable: Awaitable[Any]) -> StatusError:
    """The error that a request ends with."""
    try:
        await awaitable
    except StatusError as error:
        return error
    raise AssertionError("the request was not refused")


def names(events: list[WatchEvent]) -> list[tuple[str, str]]:
    """Type and object name of watch events."""
    return [(e.type, e.object["metadata"].get("name", "")) for e in events]
