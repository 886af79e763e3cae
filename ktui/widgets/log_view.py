"""Output of containers: follows its end, wraps, filters and highlights; costs per new line, not per line kept."""

import re
from typing import NamedTuple

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ktui.model.lines import Line, Span
from ktui.model.log_lines import LogBuffer, LogLine, severity
from ktui.model.moves import MOVES, STEPS
from ktui.model.paint import SOURCE_STYLES
from ktui.model.search import highlighted
from ktui.model.widths import width, wrap
from ktui.widgets.paint import paint_of, spans_strip, strip_of


class _Row(NamedTuple):
    """A line on the screen: the number of the log line it belongs to, and the piece of text."""

    number: int
    line: LogLine
    text: str
    first: bool


class LogView(ScrollView, can_focus=True):
    """Shows a `LogBuffer`. `names` are the prefixes of the containers; none are printed where there is only one."""

    DEFAULT_CSS = """
    LogView { background: $k-background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow-x: hidden; padding: 0 1; }
    """

    class Changed(Message):
        """Follow, wrap or filter changed, or lines came."""

    def __init__(self, buffer: LogBuffer, id: str | None = None) -> None:
        super().__init__(id=id)
        self.buffer = buffer
        self.names: list[str] = []
        self.follow = True
        self.wrap = True
        self.stamps = False
        self.term = ""
        self.only_matches = True
        self.only_source = -1
        self._rows: list[_Row] = []
        self._taken = 0
        self._pattern: re.Pattern[str] | None = None

    @property
    def count(self) -> int:
        """Lines shown."""
        return len(self._rows)

    def grew(self) -> None:
        """The buffer has new lines."""
        first = self.buffer.dropped
        if self._taken < first or (self._rows and self._rows[0].number < first):
            keep = next((i for i, row in enumerate(self._rows) if row.number >= first), len(self._rows))
            del self._rows[:keep]
            if not self.follow:
                self.scroll_to(y=max(0, self.scroll_offset.y - keep), animate=False)
        start = max(self._taken, first)
        for number in range(start, first + len(self.buffer.lines)):
            self._append(number, self.buffer.lines[number - first])
        self._taken = first + len(self.buffer.lines)
        self._resized()

    def rebuild(self) -> None:
        """Filter and break all lines anew."""
        self._rows = []
        self._taken = self.buffer.dropped
        self.grew()

    def set_filter(self, term: str) -> None:
        """Show (or highlight) the lines with a text or regular expression."""
        self.term = term
        try:
            self._pattern = re.compile(term, re.IGNORECASE) if term else None
        except re.error:
            self._pattern = re.compile(re.escape(term), re.IGNORECASE)
        self.rebuild()

    def toggle(self, what: str) -> None:
        """Switch `follow`, `wrap`, `stamps` or `only_matches`."""
        setattr(self, what, not getattr(self, what))
        if what == "follow":
            self._resized()
        else:
            self.rebuild()
        self.post_message(self.Changed())

    def _append(self, number: int, line: LogLine) -> None:
        if 0 <= self.only_source != line.source:
            return
        if self._pattern is not None and self.only_matches and not self._pattern.search(line.text):
            return
        room = self.size.width - self._prefix_cells()
        pieces = wrap(line.text, max(10, room)) if self.wrap else [line.text]
        self._rows += [_Row(number, line, piece, i == 0) for i, piece in enumerate(pieces)]

    def _prefix_cells(self) -> int:
        stamp = 13 if self.stamps else 0
        return stamp + (max(map(width, self.names)) + 2 if len(self.names) > 1 and self.only_source < 0 else 0)

    def _resized(self) -> None:
        self.virtual_size = Size(1, len(self._rows))
        if self.follow:
            self.scroll_to(y=max(0, len(self._rows) - self.size.height), animate=False)
        self.refresh()

    def on_resize(self) -> None:
        self.rebuild()

    def repaint(self) -> None:
        """Paint everything anew."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        paint = paint_of(self)
        at = self.scroll_offset.y + y
        if at >= len(self._rows):
            if not self._rows and y == 0:
                text = "no line matches" if self.term and self.buffer.lines else "no output yet"
                return strip_of([(text, paint.style("dim"))], self.size.width, paint.base)
            return strip_of([], self.size.width, paint.base)
        row = self._rows[at]
        spans: Line = (*self._prefix(row), Span(row.text, severity(row.line.text)))
        if self._pattern is not None:
            found = self._pattern.search(row.text)
            if found and found[0]:
                spans = tuple(highlighted(spans, found[0], "match"))
        return spans_strip(spans, self.size.width, paint)

    def _prefix(self, row: _Row) -> Line:
        parts: list[Span] = []
        if self.stamps:
            parts.append(Span((row.line.stamp[11:23].ljust(12) if row.first else " " * 12) + " ", "faint"))
        if len(self.names) > 1 and self.only_source < 0:
            name = self.names[row.line.source]
            cells = max(map(width, self.names)) + 2
            shown = name + " " * (cells - width(name)) if row.first else " " * cells
            parts.append(Span(shown, f"source-{row.line.source % SOURCE_STYLES}"))
        return tuple(parts)

    def on_key(self, event: events.Key) -> None:
        move = MOVES.get(event.key) or MOVES.get(event.character or "")
        if move is None or move in ("left", "right"):
            return
        event.stop()
        event.prevent_default()
        self._go(STEPS[move](self.scroll_offset.y, max(1, self.size.height - 1), len(self._rows)))

    def _go(self, y: int) -> None:
        bottom = max(0, len(self._rows) - self.size.height)
        follow = y >= bottom and y > self.scroll_offset.y
        changed = follow != self.follow
        self.follow = follow
        self.scroll_to(y=max(0, min(y, bottom)), animate=False)
        if changed:
            self.post_message(self.Changed())

    def on_mouse_scroll_up(self) -> None:
        if self.follow:
            self.follow = False
            self.post_message(self.Changed())
