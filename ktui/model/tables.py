"""A table as it is shown: rows by uid, sorted, filtered; changed in batches, telling what has to be painted again."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ktui.model.filters import NO_FILTER, Filter, hay_of
from ktui.model.rows import Column, Row
from ktui.model.sorting import row_key

BULK_SHARE = 0.02
"""A batch that moves more than this share of the rows is sorted in at once instead of row by row."""


class Changes(NamedTuple):
    """A batch from a feed: rows added or changed, uids that are gone."""

    rows: Sequence[Row] = ()
    gone: Sequence[str] = ()


class Dirt(NamedTuple):
    """What a batch made wrong on the screen: single rows (uids), or the order and number of the rows."""

    rows: frozenset[str] = frozenset()
    order: bool = False


NO_DIRT = Dirt()
ALL_DIRTY = Dirt(order=True)

_Entry = tuple[Any, str]


class TableModel:
    """Rows in the order in which they are shown. `sort_by` is a column index, -1 for namespace and name."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns: tuple[Column, ...] = tuple(columns)
        self.rows: dict[str, Row] = {}
        self.filter: Filter = NO_FILTER
        self.sort_by = -1
        self.descending = False
        self._key = row_key(self.columns, -1)
        self._sorted: list[_Entry] = []
        self._entries: list[_Entry] = self._sorted
        """What is shown: `_sorted` itself where there is no filter, so that clearing one costs nothing."""
        self._keys: dict[str, Any] = {}
        self._hays: dict[str, str] = {}
        """Texts that filters look into, kept while one is typed."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total(self) -> int:
        """Rows there are, shown or filtered out."""
        return len(self.rows)

    def uid_at(self, position: int) -> str:
        """The uid of the row shown at `position`."""
        return self._entries[-1 - position if self.descending else position][1]

    def row_at(self, position: int) -> Row:
        """The row shown at `position`."""
        return self.rows[self.uid_at(position)]

    def position(self, uid: str) -> int | None:
        """Where the row with this uid is shown; None where it is not."""
        key = self._keys.get(uid)
        if key is None:
            return None
        found = bisect_left(self._entries, (key, uid))
        if found == len(self._entries) or self._entries[found][1] != uid:
            return None
        return len(self._entries) - 1 - found if self.descending else found

    def shown(self) -> Iterator[Row]:
        """The rows in the order in which they are shown."""
        return (self.row_at(i) for i in range(len(self)))

    def sample(self, count: int) -> list[Row]:
        """Up to `count` shown rows, spread evenly."""
        step = max(1, len(self) // count)
        return [self.row_at(i) for i in range(0, len(self), step)]

    def set_columns(self, columns: Sequence[Column]) -> None:
        """New columns, as when the server describes them; sorting follows the column's name."""
        columns = tuple(columns)
        if columns == self.columns:
            return
        sorted_name = self.columns[self.sort_by].name if 0 <= self.sort_by < len(self.columns) else ""
        self.columns = columns
        self.sort_by = self.column_index(sorted_name)
        self._sort()

    def column_index(self, name: str) -> int:
        """The index of the column of this name; -1 where there is none."""
        return next((i for i, column in enumerate(self.columns) if column.name == name), -1)

    def set_sort(self, column: int, descending: bool) -> None:
        """Sort by a column."""
        self.sort_by, self.descending = column, descending
        self._sort()

    def set_filter(self, new: Filter) -> None:
        """Show the rows that pass."""
        self.filter = new
        self._sift()

    def clear(self) -> None:
        """Forget all rows."""
        self.rows.clear()
        self._hays.clear()
        self._sort()

    def apply(self, changes: Changes) -> Dirt:
        """Take in a batch."""
        if len(changes.rows) + len(changes.gone) > max(32, len(self.rows) * BULK_SHARE):
            return self._apply_bulk(changes)
        dirty: set[str] = set()
        moved = False
        for uid in changes.gone:
            self._hays.pop(uid, None)
            if self.rows.pop(uid, None) is not None:
                moved |= self._withdraw(uid)
                dirty.discard(uid)
        for row in changes.rows:
            if self.rows.get(row.uid) == row:
                continue
            self.rows[row.uid] = row
            self._hays.pop(row.uid, None)
            moved |= self._place(row)
            dirty.add(row.uid)
        return Dirt(frozenset(dirty), moved)

    def _apply_bulk(self, changes: Changes) -> Dirt:
        for uid in changes.gone:
            self.rows.pop(uid, None)
        fresh: dict[str, Row] = {row.uid: row for row in changes.rows if self.rows.get(row.uid) != row}
        self.rows.update(fresh)
        for uid in (*changes.gone, *fresh):
            self._hays.pop(uid, None)
        moved = [uid for uid in (*changes.gone, *fresh) if uid in self._keys]
        if not moved and not fresh:
            return NO_DIRT
        if moved:
            for uid in moved:
                del self._keys[uid]
            self._sorted = [entry for entry in self._sorted if entry[1] in self._keys]
        added = sorted(self._keyed(fresh.values()))
        in_order = not self._sorted or not added or self._sorted[-1] < added[0]
        self._sorted += added
        if not in_order:
            self._sorted.sort()
        self._sift()
        return ALL_DIRTY

    def _place(self, row: Row) -> bool:
        """Put a new or changed row where it belongs; says whether anything moved."""
        old, key = self._keys.get(row.uid), self._key(row)
        if old != key:
            moved = self._withdraw(row.uid)
            self._keys[row.uid] = key
            insort(self._sorted, (key, row.uid))
            if self._entries is self._sorted:
                return True
            if self.filter.matches(row):
                insort(self._entries, (key, row.uid))
                return True
            return moved
        if self._entries is self._sorted:
            return False
        shown = self.position(row.uid) is not None
        if shown == self.filter.matches(row):
            return False
        if shown:
            _take_out(self._entries, (key, row.uid))
        else:
            insort(self._entries, (key, row.uid))
        return True

    def _withdraw(self, uid: str) -> bool:
        """Take a row out of the order; says whether it was shown."""
        key = self._keys.pop(uid, None)
        if key is None:
            return False
        shown = _take_out(self._sorted, (key, uid))
        return shown if self._entries is self._sorted else _take_out(self._entries, (key, uid))

    def _keyed(self, rows: Iterable[Row]) -> list[_Entry]:
        key, keys = self._key, self._keys
        found: list[_Entry] = []
        for row in rows:
            made = keys[row.uid] = key(row)
            found.append((made, row.uid))
        return found

    def _sort(self) -> None:
        self._key = row_key(self.columns, self.sort_by)
        self._keys.clear()
        self._sorted = self._keyed(self.rows.values())
        self._sorted.sort()
        self._sift()

    def _sift(self) -> None:
        if self.filter.empty:
            self._entries = self._sorted
            self._hays.clear()
            return
        matches, rows, test = self.filter.matches, self.rows, self.filter.only_test
        if test is not None:
            hays = self._hays
            if len(hays) != len(rows):
                hays.update((uid, hay_of(row)) for uid, row in rows.items() if uid not in hays)
            self._entries = [entry for entry in self._sorted if test(hays[entry[1]])]
            return
        self._entries = [entry for entry in self._sorted if matches(rows[entry[1]])]


def _take_out(entries: list[_Entry], entry: _Entry) -> bool:
    at = bisect_left(entries, entry)
    if at == len(entries) or entries[at] != entry:
        return False
    del entries[at]
    return True
