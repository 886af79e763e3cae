"""The work queue of client-go (util/workqueue): a key is in it once, and never with two workers at a time."""

import asyncio
import heapq
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

BACKOFF_BASE_S = 0.005
BACKOFF_MAX_S = 1_000.0
RETRIES_PER_S = 10.0
RETRIES_BURST = 100
"""client-go DefaultControllerRateLimiter: the longer of the key's backoff and an overall bucket of retries."""

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys to reconcile, first in first out. Bounded by the number of distinct keys: a key that waits is not added again.

    A key that is added while a worker has it is queued when the worker says `done`.
    """

    def __init__(self) -> None:
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._failures: dict[K, int] = {}
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._sequence = 0
        self._timer: asyncio.TimerHandle | None = None
        self._idle: deque[asyncio.Future[None]] = deque()
        self._bucket_s = float("-inf")

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def quiet(self) -> bool:
        """Whether nothing is ready or with a worker; keys that wait for their time do not count."""
        return not self._ready and not self._processing

    def add(self, key: K) -> None:
        """Queue a key, unless it already waits."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._push(key)

    def _push(self, key: K) -> None:
        self._ready.append(key)
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def get(self) -> K:
        """The next key; waits for one. The caller must call `done` with it."""
        while not self._ready:
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if self._ready and waiter.done() and not waiter.cancelled():
                    self._wake_another()
                raise
        key = self._ready.popleft()
        self._processing.add(key)
        self._dirty.discard(key)
        return key

    def _wake_another(self) -> None:
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def done(self, key: K) -> None:
        """The worker is finished with a key; it is queued again where it was added meanwhile."""
        self._processing.discard(key)
        if key in self._dirty:
            self._push(key)

    def add_after(self, key: K, delay_s: float) -> None:
        """Queue a key in `delay_s` seconds; of several times the earliest counts."""
        if delay_s <= 0:
            self.add(key)
            return
        due = asyncio.get_running_loop().time() + delay_s
        known = self._due.get(key)
        if known is not None and known <= due:
            return
        self._due[key] = due
        self._sequence += 1
        heapq.heappush(self._later, (due, self._sequence, key))
        self._arm()

    def _arm(self) -> None:
        due = self._later[0][0]
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._release)

    def _release(self) -> None:
        now = self._timer.when() if self._timer else 0.0
        self._timer = None
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
        if self._later:
            self._arm()

    def add_rate_limited(self, key: K) -> None:
        """Queue a key that failed, after its backoff: 5 ms, doubled with each failure up to 1000 s."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff = min(BACKOFF_BASE_S * 2.0 ** min(failures, 64), BACKOFF_MAX_S)
        self.add_after(key, max(backoff, self._bucket_delay()))

    def _bucket_delay(self) -> float:
        """Seconds until the bucket of retries has a token for one more (golang.org/x/time/rate, burst 100 at 10 per second)."""
        now = asyncio.get_running_loop().time()
        full = now - RETRIES_BURST / RETRIES_PER_S
        self._bucket_s = max(self._bucket_s, full) + 1 / RETRIES_PER_S
        return max(0.0, self._bucket_s - now)

    def failures(self, key: K) -> int:
        """How often in a row a key has failed."""
        return self._failures.get(key, 0)

    def forget(self, key: K) -> None:
        """A key succeeded: its backoff starts anew."""
        self._failures.pop(key, None)

    def close(self) -> None:
        """Drop everything and stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ready.clear()
        self._dirty.clear()
        self._later.clear()
        self._due.clear()
