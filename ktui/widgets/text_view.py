"""Pages of styled lines (descriptions, YAML): scrolled, searched, wrapped on demand."""

from collections.abc import Sequence

from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ktui.model.lines import Line, Span, plain
from ktui.model.moves import MOVES, STEPS
from ktui.model.search import highlighted, search, wrapped
from ktui.model.widths import width
from ktui.widgets.paint import paint_of, spans_strip, strip_of


class TextView(ScrollView, can_focus=True):
    """Shows lines; keeps its place when they change."""

    DEFAULT_CSS = """
    TextView { background: $k-background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; padding: 0 1; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()
        self.wrap = True
        self.term = ""
        self.matches: list[int] = []
        self._match = 0
        self._rows: list[Line] = []

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show other lines at the same place."""
        self.lines = lines
        self._rebuild()

    def toggle_wrap(self) -> None:
        """Break long lines, or scroll sideways."""
        self.wrap = not self.wrap
        self.scroll_to(x=0, animate=False)
        self._rebuild()

    def find(self, term: str) -> None:
        """Highlight a text and go to its first place from here on; an empty one ends the search."""
        self.term = term
        self._rebuild()
        if self.matches:
            here = self.scroll_offset.y
            self._match = next((i for i, row in enumerate(self.matches) if row >= here), 0)
            self._show_match()

    def find_next(self, step: int) -> None:
        """Go to the next (or with -1 the previous) place of the searched text."""
        if self.matches:
            self._match = (self._match + step) % len(self.matches)
            self._show_match()

    @property
    def position(self) -> str:
        """Where we are, for the frame: matches, or lines."""
        if self.term:
            return f"“{self.term}” {self._match + 1} of {len(self.matches)}" if self.matches else f"“{self.term}” not found"
        bottom = min(len(self._rows), self.scroll_offset.y + self.size.height)
        return f"{bottom}/{len(self._rows)}"

    def _show_match(self) -> None:
        self.scroll_to(y=max(0, self.matches[self._match] - self.size.height // 3), animate=False)
        self.refresh()

    def _rebuild(self) -> None:
        cells = max(1, self.size.width)
        self._rows = [piece for line in self.lines for piece in wrapped(line, cells)] if self.wrap else list(self.lines)
        self.matches = search(self._rows, self.term)
        self._match = min(self._match, max(0, len(self.matches) - 1))
        widest = 1 if self.wrap else max((width(plain(row)) for row in self._rows), default=1)
        self.virtual_size = Size(widest, len(self._rows))
        self.refresh()

    def on_resize(self) -> None:
        self._rebuild()

    def render_line(self, y: int) -> Strip:
        paint = paint_of(self)
        at = self.scroll_offset.y + y
        if at >= len(self._rows):
            return strip_of([], self.size.width, paint.base)
        row: Sequence[Span] = self._rows[at]
        if self.term:
            row = highlighted(row, self.term, "match-now" if self.matches and self.matches[self._match] == at else "match")
        return spans_strip(row, self.size.width, paint, self.scroll_offset.x)

    def repaint(self) -> None:
        """Paint everything anew."""
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        move = MOVES.get(event.key) or MOVES.get(event.character or "")
        if move is None:
            return
        event.stop()
        event.prevent_default()
        if move in ("left", "right"):
            self.scroll_relative(x=-8 if move == "left" else 8, animate=False)
        else:
            page = max(1, self.size.height - 1)
            self.scroll_to(y=STEPS[move](self.scroll_offset.y, page, len(self._rows)), animate=False)
