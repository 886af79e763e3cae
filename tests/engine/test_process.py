"""The engine as a process: it starts where none answers, keeps its state through kill -9, and refuses what it cannot do."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.base.api import Client
from engine.base.errors import StatusError
from engine.client.local import EngineOptions, LocalEngine, socket_path

WAIT_S = 15.0


def manifest(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def run(data: Path, test: Callable[[LocalEngine], Awaitable[None]], manifests: Path | None = None) -> None:
    async def body() -> None:
        engine = LocalEngine(EngineOptions(data, manifests, nodes=1))
        try:
            async with asyncio.timeout(40):
                await test(engine)
        finally:
            await engine.stop()

    asyncio.run(body())


async def there(client: Client, name: str) -> bool:
    try:
        await client.get("configmaps", name, "default")
    except StatusError:
        return False
    return True


async def until(condition: Callable[[], Awaitable[bool]]) -> bool:
    """Poll a condition of another process."""
    for _ in range(int(WAIT_S / 0.05)):
        if await condition():
            return True
        await asyncio.sleep(0.05)
    return False


def test_the_engine_comes_back_after_kill_9_with_the_same_state(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "a.yaml").write_text(manifest("a"))

    async def test(engine: LocalEngine) -> None:
        client = await engine.connect()
        assert await until(lambda: there(client, "a"))
        made = await client.create("configmaps", {"metadata": {"name": "mine"}}, "default")
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(StatusError):
            while True:
                await client.get("configmaps", "a", "default")
        (folder / "b.yaml").write_text(manifest("b"))
        again = await engine.connect()
        assert await again.get("configmaps", "mine", "default") == made
        assert await until(lambda: there(again, "b"))
        await again.transport.close()
        await client.transport.close()

    run(tmp_path / "data", test, folder)


def test_two_who_ask_share_one_engine(tmp_path: Path) -> None:
    async def test(engine: LocalEngine) -> None:
        client = await engine.connect()
        other = LocalEngine(EngineOptions(tmp_path / "data"))
        second = await other.connect()
        assert (other.pid, other.answers()) == (0, True)
        await second.create("configmaps", {"metadata": {"name": "x"}}, "default")
        assert await there(client, "x")
        await other.stop()
        assert await there(client, "x")
        await second.transport.close()
        await client.transport.close()

    run(tmp_path / "data", test)


def test_a_second_engine_on_the_same_state_is_refused(tmp_path: Path) -> None:
    async def test(engine: LocalEngine) -> None:
        client = await engine.connect()
        command = [sys.executable, "-m", "engine", "--data", str(tmp_path / "data")]
        refused = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=20)
        assert refused.returncode == 1
        assert "journal.db" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert await client.get("namespaces", "default")
        await client.transport.close()

    run(tmp_path / "data", test)


def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "journal.db").write_bytes(b"this is no database" * 100)

    async def test(engine: LocalEngine) -> None:
        with pytest.raises(StatusError, match=r"exit code 1.*journal\.db"):
            await engine.connect()

    run(data, test)


def test_a_long_state_folder_gets_a_short_socket(tmp_path: Path) -> None:
    assert socket_path(tmp_path / "d") == tmp_path / "d" / "engine.sock"
    deep = tmp_path / ("x" * 120)
    assert len(os.fsencode(socket_path(deep))) <= 100
    assert socket_path(deep) != socket_path(deep / "y")
