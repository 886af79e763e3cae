"""Changes on a real disk are noticed, once they are over, whatever an editor does to make them."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.gitops.watch import FolderWatch

TIMEOUT_S = 10.0


def watch(root: Path, test: Callable[[asyncio.Queue[None]], Awaitable[None]]) -> None:
    async def body() -> None:
        changes: asyncio.Queue[None] = asyncio.Queue()
        running = asyncio.ensure_future(FolderWatch(root, lambda: changes.put_nowait(None)).run())
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await settled(root, changes)
                await test(changes)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(body())


async def settled(root: Path, changes: asyncio.Queue[None]) -> None:
    """The watch needs a moment to begin: touch a file until it is seen."""
    probe = root / "probe.yaml"
    for attempt in range(100):
        probe.write_text(str(attempt))
        try:
            async with asyncio.timeout(0.5):
                await changes.get()
                break
        except TimeoutError:
            continue
    while not changes.empty():
        changes.get_nowait()


def save_in_place(path: Path) -> None:
    path.write_text("new")


def save_by_rename(path: Path) -> None:
    temporary = path.with_name(".web.yaml.swp")
    temporary.write_text("new")
    temporary.rename(path)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("edit", [save_in_place, save_by_rename, remove])
def test_an_edit_is_noticed(tmp_path: Path, edit: Callable[[Path], None]) -> None:
    path = tmp_path / "web.yaml"
    path.write_text("old")

    async def test(changes: asyncio.Queue[None]) -> None:
        edit(path)
        await changes.get()
        assert path.exists() == (edit is not remove)

    watch(tmp_path, test)


def test_a_folder_that_vanishes_and_comes_back_is_noticed_twice(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()

    async def test(changes: asyncio.Queue[None]) -> None:
        shutil.rmtree(root)
        await changes.get()
        assert not root.exists()
        await asyncio.sleep(0)
        while not changes.empty():
            changes.get_nowait()
        root.mkdir()
        (root / "web.yaml").write_text("back")
        await changes.get()
        assert root.exists()

    watch(root, test)
