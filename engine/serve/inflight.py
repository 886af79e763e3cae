"""How many requests may be in flight at once (apiserver/pkg/server/filters/maxinflight.go); watches and followed logs do not count."""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.base.errors import too_many_requests
from engine.base.limits import CHANGING_REQUESTS_MAX, READING_REQUESTS_MAX

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class InFlight:
    """Counts requests that are being answered."""

    def __init__(self, reading_max: int = READING_REQUESTS_MAX, changing_max: int = CHANGING_REQUESTS_MAX) -> None:
        self._max = {True: reading_max, False: changing_max}
        self._now = {True: 0, False: 0}

    @contextmanager
    def admitted(self, method: str) -> Iterator[None]:
        """Count one request as long as the context lasts.

        Raises:
            StatusError: 429, there are too many already.
        """
        kind = method in READING
        if self._now[kind] >= self._max[kind]:
            raise too_many_requests("Too many requests, please try again later.", 1)
        self._now[kind] += 1
        try:
            yield
        finally:
            self._now[kind] -= 1
