"""All timers of a component in one heap, with one asyncio timer for the earliest."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from engine.base.world import World
from engine.kubelet.podstate import NEVER

SLICE_MAX = 2_000
"""Timers that fire in one go before other tasks of the loop have a turn."""

Callback = Callable[..., None]


class Timers:
    """Calls back at epoch times. There is no cancelling: what is called back looks whether it is still meant."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._heap: list[tuple[float, int, Callback, tuple[Any, ...]]] = []
        self._count = 0
        self._handle: asyncio.TimerHandle | None = None
        self._armed = NEVER
        self._firing = False
        self.now = world.clock.now()
        """The present, never before the time of the timer that is being called back."""

    def read(self) -> float:
        """The time, in epoch seconds."""
        self.now = self._clock.now() if not self._firing else max(self.now, self._clock.now())
        return self.now

    def at(self, when: float, callback: Callback, *args: Any) -> None:
        """Call `callback(*args)` at `when` (epoch seconds), at the loop's next turn where that is past; never for infinity."""
        if when == NEVER:
            return
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, callback, args))
        if when < self._armed and not self._firing:
            self._arm()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._armed = self._heap[0][0] if self._heap else NEVER
        if self._heap:
            delay = max(self._armed - self._clock.now(), 0.0)
            self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        self._handle = None
        self._firing = True
        # A float of epoch seconds resolves 0.2 us: the loop's timer may come that much early.
        due = max(self._clock.now(), self._armed)
        left = SLICE_MAX
        try:
            while self._heap and self._heap[0][0] <= due and left:
                when, _, callback, args = heapq.heappop(self._heap)
                self.now = max(due, when)
                left -= 1
                callback(*args)
        finally:
            self._firing = False
            self._arm()

    def close(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._arm()

    def __len__(self) -> int:
        return len(self._heap)
