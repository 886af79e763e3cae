"""The table of everything, on Textual's Line API: paints only rows that changed, keeps the selected object selected by its uid."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from engine.base.clock import Clock
from ktui.model.filters import Filter
from ktui.model.layout import IMPORTANCE, SAMPLE_ROWS, Layout, lay_out, natural_widths
from ktui.model.moves import MOVES, STEPS
from ktui.model.rows import Column, Row, Target, age_text, target_of
from ktui.model.tables import Changes, Dirt, TableModel
from ktui.widgets.paint import paint_of, strip_of
from ktui.widgets.row_strips import PREFIX_CELLS, Look, RowState, header_strip, row_strip

FRAME_S = 0.04
"""Changes are painted at most 25 times a second."""
ROWS_PER_FRAME_MAX = 3_000
"""More changed rows than these wait for the next frame, so that keys get their turn."""
AGED_ROWS_PER_FRAME = 8
STRIPS_KEPT_MAX = 2_000


class _Cached(NamedTuple):
    row: Row
    state: RowState
    ages: tuple[str, ...]
    strip: Strip


class ResourceTable(ScrollView, can_focus=True):
    """Shows a `TableModel`. `shown` names the columns to show unless wide (empty: those the server does not call wide)."""

    DEFAULT_CSS = """
    ResourceTable { background: $k-background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow-x: auto; }
    """

    class Opened(Message):
        """Enter or a double click on a row."""

        def __init__(self, table: "ResourceTable", target: Target) -> None:
            super().__init__()
            self.table = table
            self.target = target

    class Changed(Message):
        """The rows, the selection, the order or the filter are not what they were: titles have to be written anew."""

        def __init__(self, table: "ResourceTable") -> None:
            super().__init__()
            self.table = table

    def __init__(self, clock: Clock, shown: Sequence[str] = (), id: str | None = None) -> None:
        super().__init__(id=id)
        self.model = TableModel()
        self.marks: dict[str, Target] = {}
        self.wide = False
        self.importance: Sequence[str] = IMPORTANCE
        self.all_namespaces = True
        self.empty_text = "loading…"
        self._clock = clock
        self._shown = tuple(shown)
        self._inbox: list[Changes] = []
        self._flush_due = False
        self._flushed_at = 0.0
        self._cursor_uid = ""
        self._cursor = 0
        self._touched = False
        self._asked: list[int] = []
        self._sampled = False
        self._layout_now = Layout((), 0, 0)
        self._strips: dict[str, _Cached] = {}

    # -- what is selected ----------------------------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The selected row; None in an empty table."""
        return self.model.rows.get(self._cursor_uid)

    @property
    def target(self) -> Target | None:
        """The selected object."""
        row = self.row
        return target_of(row) if row is not None and len(self.model) else None

    @property
    def left_out(self) -> int:
        """Columns that found no room."""
        return self._layout_now.left_out

    def select(self, uid: str) -> None:
        """Select the row with this uid, where it is shown."""
        position = self.model.position(uid)
        if position is not None:
            self.move_to(position)

    def toggle_mark(self) -> None:
        """Mark the selected row for an action on several, or take the mark away; moves on."""
        row = self.row
        if row is None:
            return
        if self.marks.pop(row.uid, None) is None:
            self.marks[row.uid] = target_of(row)
        self._refresh_row(self._cursor)
        self.move_to(self._cursor + 1)

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self.refresh()
        self.post_message(self.Changed(self))

    def move_to(self, position: int) -> None:
        """Select the row at `position` (clamped) and bring it into view."""
        if not len(self.model):
            return
        old = self._cursor
        self._cursor = max(0, min(position, len(self.model) - 1))
        self._cursor_uid = self.model.uid_at(self._cursor)
        self._touched = self._cursor > 0
        if not self._scroll_to_cursor():
            self._refresh_row(old)
            self._refresh_row(self._cursor)

    def _scroll_to_cursor(self) -> bool:
        top, height = self.scroll_offset.y, max(1, self.size.height - 1)
        wanted = min(top, self._cursor) if self._cursor < top else max(top, self._cursor - height + 1)
        if wanted == top:
            return False
        self.scroll_to(y=wanted, animate=False)
        return self.scroll_offset.y != top

    # -- what is shown -------------------------------------------------------------------------------------------

    def feed(self, columns: tuple[Column, ...], changes: Changes) -> None:
        """Take in a batch; it is painted within FRAME_S."""
        if columns and columns != self.model.columns:
            self.model.set_columns(columns)
            self._asked, self._sampled = [], False
            self._relayout()
        if changes.rows or changes.gone:
            self._inbox.append(changes)
        self._schedule()

    def sort_by(self, name: str) -> None:
        """Sort by a column; once more turns it around."""
        index = self.model.column_index(name)
        if index < 0:
            return
        self.model.set_sort(index, not self.model.descending if index == self.model.sort_by else False)
        self._reordered()

    def set_sort(self, name: str, descending: bool) -> None:
        """Sort by a column in a direction."""
        self.model.set_sort(self.model.column_index(name), descending)
        self._reordered()

    def shift_sort(self, step: int) -> None:
        """Sort by the next or the previous column on the screen."""
        placed = [p.column for p in self._layout_now.placed]
        if placed:
            at = placed.index(self.model.sort_by) if self.model.sort_by in placed else -1
            self.model.set_sort(placed[(at + step) % len(placed)], False)
            self._reordered()

    def set_filter(self, new: Filter) -> None:
        """Show the rows that pass."""
        self.model.set_filter(new)
        self._asked, self._sampled = [], False
        self._reordered()

    def clear(self) -> None:
        """Forget all rows, as when another namespace is chosen."""
        self._inbox.clear()
        self.model.clear()
        self.marks.clear()
        self._cursor, self._cursor_uid, self._touched = 0, "", False
        self._asked, self._sampled = [], False
        self.empty_text = "loading…"
        self._reordered()

    def set_wide(self, wide: bool) -> None:
        """Show all columns, scrolled sideways where they do not fit."""
        self.wide = wide
        self.scroll_to(x=0, animate=False)
        self._relayout()

    def repaint(self) -> None:
        """Paint everything anew, as after a change of theme."""
        self._strips.clear()
        self.refresh()

    # -- batches -------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            elapsed = self._clock.monotonic() - self._flushed_at
            self.set_timer(max(0.001, FRAME_S - elapsed), self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        self._flushed_at = self._clock.monotonic()
        dirty: set[str] = set()
        order, taken = False, 0
        while self._inbox and taken < ROWS_PER_FRAME_MAX:
            changes = self._inbox.pop(0)
            if len(changes.rows) > ROWS_PER_FRAME_MAX:
                self._inbox.insert(0, Changes(changes.rows[ROWS_PER_FRAME_MAX:]))
                changes = Changes(changes.rows[:ROWS_PER_FRAME_MAX], changes.gone)
            taken += len(changes.rows) + len(changes.gone)
            dirt = self.model.apply(changes)
            dirty |= dirt.rows
            order |= dirt.order
            for uid in changes.gone:
                self.marks.pop(uid, None)
                self._strips.pop(uid, None)
        if order:
            self._reordered()
        elif dirty:
            self._repaint_rows(Dirt(frozenset(dirty)))
            self.post_message(self.Changed(self))
        elif not len(self.model):
            self.refresh()
        if self._inbox:
            self._schedule()

    def _reordered(self) -> None:
        """The order or number of rows changed: find the selected object again and keep it on its line of the screen."""
        count, top, line = len(self.model), self.scroll_offset.y, self._cursor - self.scroll_offset.y
        position = self.model.position(self._cursor_uid) if self._touched else 0
        if position is None:
            position = self._cursor
        self._cursor = max(0, min(position, count - 1))
        self._cursor_uid = self.model.uid_at(self._cursor) if count else ""
        self._grow_columns()
        size = Size(self._content_cells(), count + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        if self._touched and 0 <= line < self.size.height - 1:
            wanted = max(0, min(self._cursor - line, count - (self.size.height - 1)))
            if wanted != top:
                self.scroll_to(y=wanted, animate=False)
        self.refresh()
        self.post_message(self.Changed(self))

    def _visible(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(len(self.model), top + max(0, self.size.height - 1)))

    def _repaint_rows(self, dirt: Dirt) -> None:
        positions = [position for position in self._visible() if self.model.uid_at(position) in dirt.rows]
        self._make_room([self.model.row_at(position) for position in positions])
        for position in positions:
            self._refresh_row(position)

    def _refresh_row(self, position: int) -> None:
        y = position - self.scroll_offset.y + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_mount(self) -> None:
        self.set_interval(1.0, self._grow_older)

    def _grow_older(self) -> None:
        """Paint the rows whose age reads differently by now, a few at a time so that keys never wait for a whole screen."""
        now = self._clock.now()
        older = []
        for position in self._visible():
            row = self.model.row_at(position)
            known = self._strips.get(row.uid)
            if known is not None and known.ages != self._ages(row, now):
                older.append(row.uid)
        for number, start in enumerate(range(0, len(older), AGED_ROWS_PER_FRAME)):
            uids = frozenset(older[start : start + AGED_ROWS_PER_FRAME])
            self.set_timer(0.001 + number * FRAME_S, partial(self._repaint_rows, Dirt(uids)))

    # -- columns -------------------------------------------------------------------------------------------------

    def _chosen_columns(self) -> list[int]:
        columns = self.model.columns
        if self.wide or not self._shown:
            chosen = [i for i, c in enumerate(columns) if self.wide or not c.wide]
        else:
            chosen = [i for i in map(self.model.column_index, self._shown) if i >= 0]
        first = next(iter(self.model.rows.values()), None)
        if not self.all_namespaces or (first is not None and not first.namespace):
            chosen = [i for i in chosen if columns[i].name != "Namespace"]
        return chosen

    def _grow_columns(self) -> None:
        """Columns only ever grow while the same things are shown, so that nothing moves to and fro."""
        rows = [self.model.row_at(i) for i in self._visible()]
        if not self._sampled:
            rows += self.model.sample(SAMPLE_ROWS)
            self._sampled = len(self.model) > 0
        self._make_room(rows)

    def _make_room(self, rows: Sequence[Row]) -> None:
        """Widen the columns for these rows where they need it."""
        asked = natural_widths(self.model.columns, rows, self._clock.now(), self._asked)
        if asked != self._asked:
            self._asked = asked
            self._relayout()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._asked and round(old_value) != round(new_value):
            self._grow_columns()

    def _content_cells(self) -> int:
        return self._layout_now.cells + PREFIX_CELLS if self.wide else 1

    def _relayout(self) -> None:
        columns = self.model.columns
        if not self._asked:
            self._asked = natural_widths(columns, (), self._clock.now())
        room = self.size.width - PREFIX_CELLS - 1
        chosen = self._chosen_columns()
        before = self._layout_now.left_out
        self._layout_now = lay_out(columns, self._asked, room, chosen, self.wide, self.importance)
        if self._layout_now.left_out != before:
            self.post_message(self.Changed(self))
        self._strips.clear()
        size = Size(self._content_cells(), len(self.model) + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def on_resize(self) -> None:
        self._grow_columns()
        self._relayout()
        self._scroll_to_cursor()

    # -- painting ------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        paint = paint_of(self)
        if y == 0:
            return header_strip(self._look(), self.model.sort_by, self.model.descending, self.scroll_offset.x)
        position = self.scroll_offset.y + y - 1
        if position >= len(self.model):
            if not len(self.model) and y == max(1, self.size.height // 2):
                return strip_of([(" " * 3, paint.base), (self.empty_text, paint.style("dim"))], self.size.width, paint.base)
            return strip_of([], self.size.width, paint.base)
        row = self.model.row_at(position)
        state = RowState(position == self._cursor, self.has_focus, row.uid in self.marks)
        ages = self._ages(row, self._clock.now())
        known = self._strips.get(row.uid)
        if known is None or known.row is not row or known.state != state or known.ages != ages:
            if len(self._strips) > STRIPS_KEPT_MAX:
                self._strips.clear()
            known = self._strips[row.uid] = _Cached(row, state, ages, row_strip(self._look(), row, state, self._clock.now()))
        return known.strip.crop(self.scroll_offset.x, self.scroll_offset.x + self.size.width)

    def _ages(self, row: Row, now: float) -> tuple[str, ...]:
        return tuple([age_text(moment, now) for moment in row.ages])

    def _look(self) -> Look:
        return Look(paint_of(self), self.model.columns, self._layout_now, self.size.width)

    # -- keys and mouse ------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        move = MOVES.get(event.key) or MOVES.get(event.character or "")
        if move is None:
            return
        event.stop()
        event.prevent_default()
        if move in ("left", "right"):
            self.scroll_relative(x=-8 if move == "left" else 8, animate=False)
            return
        self.move_to(STEPS[move](self._cursor, max(1, self.size.height - 2), len(self.model)))
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            x = offset.x - PREFIX_CELLS + self.scroll_offset.x
            hit = next((p for p in self._layout_now.placed if p.at <= x < p.at + p.cells + 1), None)
            if hit is not None:
                self.sort_by(self.model.columns[hit.column].name)
            return
        position = self.scroll_offset.y + offset.y - 1
        if position < len(self.model):
            self.move_to(position)
            self.post_message(self.Changed(self))
            if event.chain == 2 and self.target is not None:
                self.post_message(self.Opened(self, self.target))

    def on_focus(self) -> None:
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        self._refresh_row(self._cursor)
