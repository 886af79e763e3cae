"""The work queue: once each, never twice at a time, backoff."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from engine.control.controller import Controller, selected
from engine.control.queue import WorkQueue
from engine.sim.loop import run


def drained(main: Coroutine[Any, Any, Any]) -> Any:
    return run(main)


def test_a_waiting_key_is_not_added_again_and_order_is_kept() -> None:
    async def main() -> list[str]:
        queue: WorkQueue[str] = WorkQueue()
        for key in ("a", "b", "a", "c", "b"):
            queue.add(key)
        return [await queue.get() for _ in range(len(queue))]

    assert drained(main()) == ["a", "b", "c"]


def test_a_key_added_while_it_is_worked_on_comes_again_when_done() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        key = await queue.get()
        queue.add("a")
        queue.add("a")
        assert len(queue) == 0 and not queue.quiet
        queue.done(key)
        assert len(queue) == 1
        queue.done(await queue.get())
        assert queue.quiet

    drained(main())


def test_backoff_doubles_from_five_milliseconds_until_the_key_succeeds() -> None:
    async def main() -> list[float]:
        queue: WorkQueue[str] = WorkQueue()
        loop = asyncio.get_running_loop()
        waits = []
        for _ in range(20):
            before = loop.time()
            queue.add_rate_limited("a")
            queue.done(await queue.get())
            waits.append(round(loop.time() - before, 4))
        queue.forget("a")
        assert queue.failures("a") == 0
        return waits

    waits = drained(main())
    assert waits[:4] == [0.005, 0.01, 0.02, 0.04] and waits[-1] == 1000.0


def test_retries_of_many_keys_share_a_bucket() -> None:
    async def main() -> float:
        queue: WorkQueue[int] = WorkQueue()
        for key in range(150):
            queue.add_rate_limited(key)
        for _ in range(150):
            await queue.get()
        return asyncio.get_running_loop().time()

    assert drained(main()) == pytest.approx(5.0), "100 at once, then 10 per second"


def test_of_several_times_the_earliest_counts() -> None:
    async def main() -> list[tuple[str, float]]:
        queue: WorkQueue[str] = WorkQueue()
        for key, delay in (("a", 5.0), ("b", 2.0), ("a", 3.0), ("b", 9.0), ("now", 0.0)):
            queue.add_after(key, delay)
        found = []
        for _ in range(3):
            key = await queue.get()
            queue.done(key)
            found.append((key, asyncio.get_running_loop().time()))
        await asyncio.sleep(20)
        assert len(queue) == 0
        return found

    assert drained(main()) == [("now", 0.0), ("b", 2.0), ("a", 3.0)]


def test_a_cancelled_worker_loses_no_key() -> None:
    async def main() -> str:
        queue: WorkQueue[str] = WorkQueue()
        first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
        first.cancel()
        async with asyncio.timeout(1):
            return await second

    assert drained(main()) == "a"


def named(name: str, by_default: bool = True) -> Controller:
    return Controller(name, "", lambda key, read, now: [], by_default=by_default)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*", ["a", "b"]),
        ("", []),
        ("none", []),
        ("a", ["a"]),
        ("*,-a", ["b"]),
        ("*,off", ["a", "b", "off"]),
        ("-a", []),
    ],
)
def test_which_controllers_an_expression_names(expression: str, expected: list[str]) -> None:
    assert [c.name for c in selected([named("a"), named("b"), named("off", False)], expression)] == expected


def test_an_unknown_controller_is_an_error() -> None:
    with pytest.raises(ValueError, match="'x' is not in the list of known controllers"):
        selected([named("a")], "*,-x")
