"""The client over HTTPS against our own server: what works there works on any API server."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.base.api import TABLE, Client, ListQuery, Request
from engine.base.errors import StatusError
from engine.client.kubeconfig import Access
from engine.client.local import EngineOptions, LocalEngine

CONFIG_MAPS = "configmaps"


def play(data: Path, test: Callable[[Client, Access], Awaitable[None]]) -> None:
    """Run a test with a client over HTTPS of an engine process that listens on a free port."""

    async def body() -> None:
        from engine.client.https import HttpsTransport
        from engine.client.kubeconfig import load

        engine = LocalEngine(EngineOptions(data, nodes=1, listen="127.0.0.1:0"))
        local = await engine.connect()
        try:
            async with asyncio.timeout(30):
                while not (data / "kubeconfig").exists():
                    await asyncio.sleep(0.02)
                access = load([data / "kubeconfig"])
                client = Client(HttpsTransport(access), actor="test")
                await test(client, access)
                await client.transport.close()
        finally:
            await local.transport.close()
            await engine.stop()

    asyncio.run(body())


def test_objects_tables_watches_errors_and_logs(tmp_path: Path) -> None:
    async def test(client: Client, access: Access) -> None:
        stream = await client.watch(CONFIG_MAPS, ListQuery("default"))
        made = await client.create(CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"이름".encode().hex(): "값 🙂"}}, "default")
        assert await client.get(CONFIG_MAPS, "a", "default") == made
        events = []
        while not any(event.object["metadata"]["name"] == "a" for event in events):
            events += await stream.batch()
        stream.close()
        assert await stream.batch() == []
        table = await client.list(CONFIG_MAPS, ListQuery("default"), TABLE)
        assert "a" in [row["cells"][0] for row in table["rows"]]
        response = await client.apply(CONFIG_MAPS, {**made, "metadata": {"name": "b"}, "apiVersion": "v1", "kind": "ConfigMap"}, "default")
        assert response.status == 201
        with pytest.raises(StatusError) as raised:
            await client.get(CONFIG_MAPS, "nosuch", "default")
        assert (raised.value.code, raised.value.reason) == (404, "NotFound")
        with pytest.raises(StatusError) as raised:
            await client.logs("nosuch", "default", {"follow": "true"})
        assert raised.value.code == 404
        with pytest.raises(StatusError) as raised:
            await client.send(Request("GET", "/no/such/path"))
        assert raised.value.code == 404

    play(tmp_path / "data", test)


def test_without_rights_or_server_the_error_says_so(tmp_path: Path) -> None:
    async def test(client: Client, access: Access) -> None:
        from engine.client.https import HttpsTransport

        stranger = Client(HttpsTransport(Access("x", access.server, access.authority_pem, token="wrong")))
        with pytest.raises(StatusError) as raised:
            await stranger.get("secrets", "a", "default")
        assert raised.value.code == 401
        await stranger.transport.close()
        nobody = Client(HttpsTransport(Access("x", "https://127.0.0.1:1", access.authority_pem)))
        with pytest.raises(StatusError) as raised:
            await nobody.discover()
        assert raised.value.code == 503
        await nobody.transport.close()

    play(tmp_path / "data", test)
