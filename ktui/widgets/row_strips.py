"""One line of a table as a strip: a mark, the glyph of the row's state, the cells in the styles of what they say."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.style import Style
from textual.strip import Strip

from ktui.model.health import BAD, GLYPHS, IDLE, of_cell, of_row
from ktui.model.layout import Layout
from ktui.model.paint import Paint
from ktui.model.rows import Column, Row, cell_text
from ktui.model.widths import fit
from ktui.widgets.paint import strip_of

PREFIX_CELLS = 3
ALIGNED_RIGHT = ("Restarts", "Data", "Desired", "Current", "Up-to-date", "Available", "Count")


class Look(NamedTuple):
    """How all rows of a table look now: styles, columns, where they stand, and the cells of a line."""

    paint: Paint
    columns: Sequence[Column]
    layout: Layout
    cells: int


class RowState(NamedTuple):
    """What a row is besides its cells."""

    selected: bool
    focused: bool
    marked: bool


def _is_right(column: Column) -> bool:
    return column.number or column.name in ALIGNED_RIGHT


def row_strip(look: Look, row: Row, state: RowState, now: float) -> Strip:
    """A row at `now` (epoch seconds)."""
    over = ("cursor" if state.focused else "cursor-blur",) if state.selected else ()
    names = [column.name for column in look.columns]
    health = of_row(names, row.cells)
    rest = look.paint.style("text", *over)
    mark = "◆" if state.marked else "▎" if state.selected and state.focused else " "
    glyph = GLYPHS[health] + " " if health != IDLE or "Status" in names else "  "
    parts: list[tuple[str, Style]] = [
        (mark, look.paint.style("mark" if state.marked else "accent", *over)),
        (glyph, look.paint.style(health, *over)),
    ]
    at = 0
    for placed in look.layout.placed:
        column = look.columns[placed.column]
        text = cell_text(row, placed.column, column, now)
        style = look.paint.style(_style_of(column, text, row, health), *over)
        parts += _cell(" " * (placed.at - at) + fit(text, placed.cells, _is_right(column)), style, rest)
        at = placed.at + placed.cells
    return strip_of(parts, max(look.cells, at + PREFIX_CELLS), rest)


def _style_of(column: Column, text: str, row: Row, health: str) -> str:
    state = of_cell(column.name, text)
    if state is not None:
        return IDLE if health == IDLE else state
    if column.name == "Name":
        return "bad" if health == BAD else "text"
    return "dim" if row.terminating else "cell"


def _cell(shown: str, style: Style, rest: Style) -> list[tuple[str, Style]]:
    """A padded cell; the padding is not underlined or reversed with the text, and otherwise not worth a part of its own."""
    if not (style.underline or style.reverse):
        return [(shown, style)]
    bare = shown.strip()
    lead = len(shown) - len(shown.lstrip())
    return [(shown[:lead], rest), (bare, style), (shown[lead + len(bare) :], rest)]


def header_strip(look: Look, sort_by: int, descending: bool, skip: int) -> Strip:
    """The heading, from cell `skip` on; the sorted column has an arrow."""
    paint = look.paint
    parts: list[tuple[str, Style]] = [(" " * PREFIX_CELLS, paint.base)]
    at = 0
    for placed in look.layout.placed:
        column = look.columns[placed.column]
        is_sorted = placed.column == sort_by
        arrow = ("↓" if descending else "↑") if is_sorted else " "
        name = column.name.upper()
        heading = fit(name, placed.cells, True) + arrow if _is_right(column) else fit(name + arrow, placed.cells + 1)
        parts += [(" " * (placed.at - at), paint.base), (heading, paint.style("accent" if is_sorted else "column"))]
        at = placed.at + placed.cells + 1
    return strip_of(parts, look.cells, paint.base, skip)
