"""The unix socket: many requests and streams at once, nothing before it is durable, bad clients harm nobody but themselves."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.apiserver.server import ApiServer
from engine.base.api import TABLE, Client, ListQuery, Request, Response, Stream, WatchEvent
from engine.base.errors import StatusError, from_status
from engine.base.world import real_world
from engine.client import frames
from engine.client.socket import SocketTransport
from engine.serve.socket import SocketServer
from engine.store.store import Store

CONFIG_MAPS = "configmaps"


class Served:
    """An API server behind a socket, and a client of it."""

    def __init__(self, path: Path) -> None:
        world = real_world()
        self.path = path
        self.store = Store(world.clock)
        self.server = SocketServer(path, ApiServer(self.store, world), self.store)

    async def client(self) -> Client:
        return Client(await SocketTransport.connect(self.path), actor="test")


def serve(path: Path, test: Callable[[Served], Awaitable[None]]) -> None:
    async def body() -> None:
        served = Served(path)
        await served.server.start()
        try:
            async with asyncio.timeout(20):
                await test(served)
        finally:
            await served.server.stop()
            await served.store.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.sleep(0)
        assert [task for task in left if not task.done()] == []

    asyncio.run(body())


class _Handler:
    """Answers by `answer`, which may fail as only a programming error does."""

    def __init__(self, answer: Callable[[Request], Response | Stream]) -> None:
        self._answer = answer

    async def handle(self, request: Request) -> Response | Stream:
        return self._answer(request)


class _Stream:
    """One batch, and then a programming error."""

    def __init__(self) -> None:
        self._batches = [[WatchEvent("ADDED", {})]]
        self.closed = False

    async def batch(self) -> list[WatchEvent]:
        return self._batches.pop()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"name": "이름 값 🙂"}}


def test_only_the_owner_may_connect(path: Path) -> None:
    async def test(served: Served) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    serve(path, test)


def test_objects_lists_tables_and_errors_come_over_it(path: Path) -> None:
    async def test(served: Served) -> None:
        client = await served.client()
        made = await client.create(CONFIG_MAPS, config_map("a"), "default")
        assert await client.get(CONFIG_MAPS, "a", "default") == made
        assert made["data"] == {"name": "이름 값 🙂"}
        table = await client.list(CONFIG_MAPS, ListQuery("default"), TABLE)
        assert [row["cells"][0] for row in table["rows"]] == ["a"]
        with pytest.raises(StatusError) as raised:
            await client.get(CONFIG_MAPS, "nosuch", "default")
        assert (raised.value.code, raised.value.reason) == (404, "NotFound")
        await client.transport.close()

    serve(path, test)


def test_many_requests_and_streams_share_one_connection(path: Path) -> None:
    async def test(served: Served) -> None:
        client = await served.client()
        streams = [await client.watch(CONFIG_MAPS, ListQuery("default")) for _ in range(5)]
        await asyncio.gather(*(client.create(CONFIG_MAPS, config_map(f"c{i}"), "default") for i in range(50)))
        for stream in streams:
            seen: list[str] = []
            while len(seen) < 50:
                seen += [event.object["metadata"]["name"] for event in await stream.batch()]
            assert sorted(seen) == sorted(f"c{i}" for i in range(50))
        streams[0].close()
        assert await streams[0].batch() == []
        assert (await client.get(CONFIG_MAPS, "c1", "default"))["metadata"]["name"] == "c1"
        await client.transport.close()

    serve(path, test)


def test_a_watch_that_is_refused_is_an_error(path: Path) -> None:
    async def test(served: Served) -> None:
        client = await served.client()
        with pytest.raises(StatusError) as raised:
            await client.watch(CONFIG_MAPS, ListQuery("default", label_selector="a in ("))
        assert raised.value.code == 400
        await client.transport.close()

    serve(path, test)


def test_answers_wait_until_they_are_durable(path: Path) -> None:
    async def test(served: Served) -> None:
        client = await served.client()
        await client.discover()
        gate = asyncio.Event()

        async def durable(revision: int) -> None:
            await gate.wait()

        served.store.durable = durable  # type: ignore[method-assign]  # a disk that has not answered yet
        creating = asyncio.ensure_future(client.create(CONFIG_MAPS, config_map("a"), "default"))
        await asyncio.sleep(0.05)
        assert served.store.get(CONFIG_MAPS, "default", "a") is not None
        assert not creating.done()
        gate.set()
        assert (await creating)["metadata"]["name"] == "a"
        await client.transport.close()

    serve(path, test)


def test_a_request_that_fails_within_the_engine_is_answered_and_a_stream_ends(path: Path) -> None:
    stream = _Stream()

    def answer(request: Request) -> Response | Stream:
        if request.path == "/stream":
            return stream
        raise KeyError(request.path)

    async def test(served: Served) -> None:
        served.server = SocketServer(path, _Handler(answer), served.store)
        await served.server.start()
        client = await served.client()
        for asked in (client.transport.send, client.transport.open):
            with pytest.raises(StatusError) as raised:
                refused = await asked(Request("GET", "/fails"))
                assert isinstance(refused, Response)
                raise from_status(refused.body)
            assert raised.value.code == 500
        opened = await client.transport.open(Request("GET", "/stream"))
        assert [event.type for event in await opened.batch()] == ["ADDED"]
        assert await opened.batch() == []
        assert stream.closed
        await client.transport.close()
        await served.server.stop()

    serve(path, test)


def test_a_client_learns_that_the_engine_is_gone(path: Path) -> None:
    async def test(served: Served) -> None:
        client = await served.client()
        stream = await client.watch(CONFIG_MAPS, ListQuery("default"))
        await served.server.stop()
        assert await stream.batch() == []
        with pytest.raises(StatusError) as raised:
            await client.get(CONFIG_MAPS, "a", "default")
        assert raised.value.code in (503, 504)
        with pytest.raises(StatusError, match="no engine answers"):
            await served.client()
        await served.server.start()
        again = await served.client()
        assert await again.discover()
        await again.transport.close()
        await client.transport.close()

    serve(path, test)


NONSENSE: list[object] = [
    b"GET / HTTP/1.1",
    b"\xc1",
    [],
    [1],
    ["x", "send"],
    [1, 2],
    [1, "nosuch verb"],
    [1, "send"],
    [1, "open", "GET"],
    [1, "send", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    [1, "send", "GET", "/", [], None, "", "", {}, "", "", 0, ""],
    [1, "send", "GET", "/", {}, None, "", "", {}, "", "", "x", ""],
]


@pytest.mark.parametrize("junk", NONSENSE, ids=str)
def test_nonsense_costs_the_client_its_connection_and_nothing_else(path: Path, junk: object) -> None:
    async def test(served: Served) -> None:
        reader, writer = await asyncio.open_unix_connection(str(served.path))
        packed = junk if isinstance(junk, bytes) else msgpack.packb(junk)
        writer.write(len(packed).to_bytes(4, "big") + packed)
        assert await reader.read() == b""
        writer.close()
        client = await served.client()
        assert await client.get("namespaces", "default")
        await client.transport.close()

    serve(path, test)


@given(
    st.lists(
        st.one_of(st.none(), st.integers(), st.text(max_size=8), st.dictionaries(st.text(max_size=3), st.text(max_size=3))), max_size=14
    )
)
def test_any_message_is_a_request_or_an_error_of_the_protocol(message: list[object]) -> None:
    try:
        request = frames.request_of(message)
    except frames.FrameError:
        return
    assert isinstance(request.method, str)


def test_frames_that_are_too_large_or_cut_are_refused() -> None:
    async def body(data: bytes) -> list[object] | None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await frames.read(reader)

    assert asyncio.run(body(b"")) is None
    for bad in (b"\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x05\x93\x01", b"\x00\x00\x00\x01\xc1"):
        with pytest.raises(frames.FrameError):
            asyncio.run(body(bad))


def test_requests_and_answers_survive_the_way_there_and_back() -> None:
    request = Request("PATCH", "/api/v1/x", {"a": "b"}, {"spec": [1, None]}, "c/t", "acc", {"h": "v"}, user_agent="kubectl/1")
    message = msgpack.unpackb(msgpack.packb(frames.request_message(7, frames.SEND, request)))
    assert frames.request_of(message) == request
    response = Response(201, {"x": 1}, 5, ("careful",), {"h": "v"}, "text/plain")
    assert frames.response_of(msgpack.unpackb(msgpack.packb(frames.response_message(7, response)))) == response
