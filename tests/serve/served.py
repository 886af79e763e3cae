"""An API server behind HTTPS on the running loop, and clients of it."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from engine.apiserver.server import ApiServer
from engine.base.world import real_world
from engine.serve.address import Address
from engine.serve.certificates import Credentials, ensure_credentials
from engine.serve.endpoint import Endpoint
from engine.store.store import Store

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


class Served:
    """The store, the endpoint, and a session that logs in with the administrator's token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = real_world()
        self.store = Store(self.world.clock)
        self.api = ApiServer(self.store, self.world)
        self.endpoint = Endpoint(folder, self.world, self.api, self.store)
        self.credentials: Credentials
        self.url = ""
        self.port = 0
        self.session: aiohttp.ClientSession

    async def start(self) -> None:
        bound = await self.endpoint.start(Address("127.0.0.1", 0))
        self.url, self.port = f"https://{bound}", bound.port
        self.credentials = ensure_credentials(self.folder, self.world)
        self.session = self.client({"Authorization": f"Bearer {self.credentials.token}"})

    async def stop(self) -> None:
        await self.session.close()
        await self.endpoint.stop()
        await self.store.close()

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.credentials.authority.certificate_file))

    def client(self, headers: dict[str, str], tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self.url, headers=headers, connector=aiohttp.TCPConnector(ssl=tls or self.tls()), auto_decompress=False
        )

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, body (JSON values where it is JSON) and headers."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.session.request(method, path, data=raw, headers=given) as response:
            content = await response.read()
            with contextlib.suppress(ValueError):
                return response.status, json.loads(content), response.headers
            return response.status, content, response.headers

    @contextlib.asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A bare TLS connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls(), server_hostname="localhost")
        try:
            yield reader, writer
        finally:
            writer.close()


def serve(folder: Path, test: Callable[[Served], Awaitable[None]]) -> None:
    """Run `test` against a server; afterwards nothing may be left running."""

    async def body() -> None:
        served = Served(folder)
        await served.start()
        try:
            async with asyncio.timeout(30):
                await test(served)
        finally:
            await served.stop()
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert [task for task in left if not task.done()] == []

    asyncio.run(body())


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
