"""How a widget gets the styles of the theme that the app shows."""

from collections.abc import Sequence
from typing import Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ktui.model.lines import Span
from ktui.model.paint import Paint
from ktui.model.widths import slice_cells, width


class Painted(Protocol):
    """An app with a theme of ours."""

    paint: Paint


def paint_of(widget: Widget) -> Paint:
    """The styles of the app's theme."""
    return cast(Painted, widget.app).paint


def strip_of(parts: Sequence[tuple[str, Style]], cells: int, rest: Style, skip: int = 0) -> Strip:
    """A strip of exactly `cells` cells from texts with their styles, beginning at cell `skip`; neighbours of one style are joined."""
    segments: list[Segment] = []
    text, style = "", rest
    used = 0
    for part, part_style in parts:
        if skip:
            size = width(part)
            part, skip = slice_cells(part, skip, max(0, size - skip)), max(0, skip - size)
        size = width(part)
        if used + size > cells:
            part = slice_cells(part, 0, cells - used)
            size = width(part)
        if not part:
            continue
        used += size
        if part_style is style:
            text += part
            continue
        if text:
            segments.append(Segment(text, style))
        text, style = part, part_style
    if text:
        segments.append(Segment(text, style))
    if used < cells:
        segments.append(Segment(" " * (cells - used), rest))
    return Strip(segments, cells)


def spans_strip(spans: Sequence[Span], cells: int, paint: Paint, skip: int = 0) -> Strip:
    """A strip from spans of a view-model."""
    return strip_of([(span.text, paint.style(span.style)) for span in spans], cells, paint.base, skip)
