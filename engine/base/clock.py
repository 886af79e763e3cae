"""Clocks, and times as Kubernetes writes them. Epoch seconds (float, UTC) inside, RFC 3339 at the edges."""

import asyncio
import time as _time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where time comes from. Timers are the running asyncio loop's, which a simulation replaces together with the clock."""

    def now(self) -> float:
        """Seconds since the Unix epoch; may jump in real time."""

    def monotonic(self) -> float:
        """Seconds since some start; never goes back."""


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        return _time.time()

    def monotonic(self) -> float:
        return _time.monotonic()


class LoopClock:
    """The clock of a virtual-time loop: its time, counted from a fixed epoch."""

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch: float) -> None:
        self._loop = loop
        self._epoch = epoch

    def now(self) -> float:
        return self._epoch + self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()


SECONDS_MAX = 1_024
"""Seconds whose text is remembered: what is written behind is of other seconds than what is written now."""


@lru_cache(SECONDS_MAX)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339(epoch_s: float) -> str:
    """`metav1.Time`: whole seconds, `2026-11-20T10:00:00Z`."""
    return _second(int(epoch_s))


def rfc3339_micro(epoch_s: float) -> str:
    """`metav1.MicroTime`: six decimals, as in leases and events."""
    return (_EPOCH + timedelta(seconds=epoch_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> float:
    """Epoch seconds of an RFC 3339 text.

    Raises:
        ValueError: the text is not RFC 3339 with a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return (moment - _EPOCH).total_seconds()


def since(text: str | None, now: float) -> float | None:
    """Seconds from an RFC 3339 text to `now`; None where there is no text."""
    return now - parse_time(text) if text else None


def human_duration(seconds: float) -> str:
    """An age as kubectl prints it: at most two units, such as 45s, 5m30s, 3h, 2d4h (apimachinery duration.HumanDuration)."""
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    if s < 0:
        return "0s"
    if s < 60 * 2:
        return f"{s}s"
    minutes = s // 60
    if minutes < 10:
        return f"{minutes}m{s % 60}s" if s % 60 else f"{minutes}m"
    if minutes < 60 * 3:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 24 * 8:
        return f"{hours // 24}d{hours % 24}h" if hours % 24 else f"{hours // 24}d"
    if hours < 24 * 365 * 2:
        return f"{hours // 24}d"
    if hours < 24 * 365 * 8:
        years, days = divmod(hours // 24, 365)
        return f"{years}y{days}d" if days else f"{years}y"
    return f"{hours // 24 // 365}y"
