"""Which columns a table shows in a given width, and how wide: short ones whole, long ones cut, unimportant ones left out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ktui.model.rows import Column, Row, cell_text
from ktui.model.widths import clean, width

GAP_CELLS_MIN, GAP_CELLS_MAX = 2, 4
CELL_CELLS_MAX = 64
"""No column asks for more, except those that take the rest of the line."""

GREEDY = ("Message", "Errors", "Action")
"""Columns of prose: they take what is left."""
SHRINKS = {"Message": 28, "Endpoints": 9, "Name": 18, "Namespace": 9, "Object": 14, "Images": 12, "Selector": 12, "Port(s)": 10, "Node": 7}
SHRINKS |= {"Containers": 10, "Labels": 10, "Reason": 10, "Path": 12, "Errors": 12, "Action": 12, "Hosts": 12, "Claim": 10}
"""Columns that may be cut, and to how many cells; in this order."""
LAST_SHRINKS = {"Name": 8, "Status": 9}
"""What is cut before one of the last two columns goes."""
IMPORTANCE = (
    *("Name", "Status", "Ready", "Endpoints", "Namespace", "Kind", "Type", "Reason", "Object", "Message", "Last Seen", "Age", "Restarts"),
)
"""What stays longest when there is not enough room; anything else goes earlier, from the right."""

SAMPLE_ROWS = 200


class Placed(NamedTuple):
    """A column on the screen: its column's index in the table, the cell where it begins, and its width in cells."""

    column: int
    at: int
    cells: int


class Layout(NamedTuple):
    """Placed columns, the cells they take together, and how many columns found no room."""

    placed: tuple[Placed, ...]
    cells: int
    left_out: int


def natural_widths(columns: Sequence[Column], rows: Sequence[Row], now: float, at_least: Sequence[int] = ()) -> list[int]:
    """Cells that each column asks for: the widest of its heading and of up to SAMPLE_ROWS rows, never less than `at_least`."""
    step = max(1, len(rows) // SAMPLE_ROWS)
    sample = rows[::step]
    found = []
    for index, column in enumerate(columns):
        widest = max((width(clean(cell_text(row, index, column, now))) for row in sample), default=0)
        floor = at_least[index] if index < len(at_least) else 0
        found.append(max(min(widest, CELL_CELLS_MAX), width(column.name), 4 if column.age >= 0 else 0, floor))
    return found


def lay_out(
    columns: Sequence[Column],
    asked: Sequence[int],
    available: int,
    shown: Sequence[int],
    crowded: bool = False,
    importance: Sequence[str] = IMPORTANCE,
) -> Layout:
    """Place the columns `shown` (indices, in order) in `available` cells.

    `crowded` keeps them all, to be scrolled sideways; otherwise columns are cut and then left out until the line fits,
    those that `importance` does not name first.
    """
    sizes = {index: asked[index] for index in shown}
    kept = list(shown)
    if not crowded:
        while _total(kept, sizes) > available and len(kept) > 1:
            if not _shrink(columns, kept, sizes, available, SHRINKS if len(kept) > 2 else SHRINKS | LAST_SHRINKS):
                kept.remove(max(kept, key=lambda i: _expendable(columns[i].name, kept.index(i), importance)))
                sizes = {index: asked[index] for index in kept}
        if kept and _total(kept, sizes) > available:
            sizes[kept[0]] = max(1, available)
    spare = available - _total(kept, sizes)
    greedy = next((i for i in kept if columns[i].name in GREEDY), None)
    gap = GAP_CELLS_MIN
    if spare > 0 and len(kept) > 1 and greedy is None:
        gap = min(GAP_CELLS_MAX, GAP_CELLS_MIN + spare // (len(kept) - 1))
    elif spare > 0 and greedy is not None:
        sizes[greedy] += spare
    placed = []
    at = 0
    for index in kept:
        placed.append(Placed(index, at, sizes[index]))
        at += sizes[index] + gap
    return Layout(tuple(placed), max(0, at - gap), len(shown) - len(kept))


def _total(kept: Sequence[int], sizes: dict[int, int]) -> int:
    return sum(sizes[i] for i in kept) + GAP_CELLS_MIN * max(0, len(kept) - 1)


def _shrink(columns: Sequence[Column], kept: Sequence[int], sizes: dict[int, int], available: int, least_of: Mapping[str, int]) -> bool:
    """Cut columns that may be cut until the line fits; says whether it does now."""
    for name, least in least_of.items():
        index = next((i for i in kept if columns[i].name == name), None)
        over = _total(kept, sizes) - available
        if over > 0 and index is not None:
            sizes[index] = max(min(least, sizes[index]), sizes[index] - over)
    return _total(kept, sizes) <= available


def _expendable(name: str, place: int, importance: Sequence[str]) -> int:
    """How early a column goes: what `importance` does not name first and from the right."""
    return importance.index(name) if name in importance else len(importance) + place
