"""Sets of indexes as ordered intervals, written `1,3-5,7` (pkg/controller/job/indexed_job_utils.go)."""

from collections.abc import Iterable, Iterator
from itertools import islice

Interval = tuple[int, int]


class Intervals:
    """Ordered, disjoint intervals of whole numbers."""

    __slots__ = ("spans",)

    def __init__(self, spans: Iterable[Interval] = ()) -> None:
        self.spans: list[Interval] = list(spans)

    @classmethod
    def parse(cls, text: str, end: int) -> "Intervals":
        """What a text says below `end`; parts that are no numbers are left out."""
        spans: list[Interval] = []
        for part in text.split(",") if text else ():
            first, _, last = part.partition("-")
            if not first.isdecimal() or not (last or first).isdecimal():
                continue
            if int(first) >= end:
                break
            spans.append((int(first), min(int(last or first), end - 1)))
        return cls().union(spans)

    @classmethod
    def of(cls, indexes: Iterable[int]) -> "Intervals":
        """The set of some indexes."""
        return cls().union((i, i) for i in indexes)

    def union(self, more: "Iterable[Interval] | Intervals") -> "Intervals":
        """This set with more intervals."""
        merged: list[Interval] = []
        added = more.spans if isinstance(more, Intervals) else more
        for first, last in sorted([*self.spans, *added]):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return Intervals(merged)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def __contains__(self, index: int) -> bool:
        low, high = 0, len(self.spans)
        while low < high:
            middle = (low + high) // 2
            if self.spans[middle][1] < index:
                low = middle + 1
            else:
                high = middle
        return low < len(self.spans) and self.spans[low][0] <= index

    def __str__(self) -> str:
        """Two neighbours are written `1,2`, three `1-3`."""
        return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in self.spans)

    def common(self, other: "Intervals") -> int:
        """How many indexes both have."""
        return len(self) + len(other) - len(self.union(other))

    def missing(self, end: int, count: int) -> list[int]:
        """The first `count` indexes below `end` that are not in the set."""
        return list(islice(self._gaps(end), count))

    def _gaps(self, end: int) -> Iterator[int]:
        at = 0
        for first, last in self.spans:
            yield from range(at, min(first, end))
            at = last + 1
        yield from range(at, end)
