"""Rows of a Table answer as small tuples: what the screen keeps of 100,000 objects."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.base.clock import human_duration, parse_time
from engine.base.objects import Obj

AGE_COLUMNS = frozenset({"Age", "Last Seen", "First Seen", "Last Schedule"})
"""Cells that grow older on their own; they are kept as times and written anew at each look."""

NO_LABELS: Mapping[str, str] = {}

_UNITS = {"y": 31_536_000, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"^(?:\d+[ydhms]){1,3}$")
_DURATION_PART = re.compile(r"(\d+)([ydhms])")


class Column(NamedTuple):
    """A column of a table. `wide` ones are shown on demand; `age` is its place in `Row.ages`, -1 for text."""

    name: str
    number: bool = False
    wide: bool = False
    age: int = -1


class Row(NamedTuple):
    """One object's row. `cells` has a text per column (empty for ages), `ages` the epoch seconds of the age columns (0: unknown)."""

    uid: str
    resource: str
    namespace: str
    name: str
    cells: tuple[str, ...]
    ages: tuple[float, ...] = ()
    labels: Mapping[str, str] = NO_LABELS
    terminating: bool = False


class Target(NamedTuple):
    """The object that a key was pressed on, by uid: rows may move before the action happens, this does not."""

    resource: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{singular(self.resource.partition('.')[0])} {place}"


def singular(plural: str) -> str:
    """`pod` of `pods`, `networkpolicy` of `networkpolicies`, `ingress` of `ingresses`."""
    if plural.endswith("ies"):
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches")):
        return plural[:-2]
    return plural.removesuffix("s")


def target_of(row: Row) -> Target:
    """What an action on this row is about."""
    return Target(row.resource, row.namespace, row.name, row.uid)


def seconds_of(text: str) -> float | None:
    """Seconds of a duration as kubectl prints it (`2d4h`, `5m30s`); None for anything else."""
    if not _DURATION.match(text):
        return None
    return float(sum(int(n) * _UNITS[unit] for n, unit in _DURATION_PART.findall(text)))


def read_columns(table: Obj) -> tuple[Column, ...]:
    """The columns of a Table; empty where an event left them out."""
    found: list[Column] = []
    ages = 0
    for definition in table.get("columnDefinitions") or ():
        age = definition["name"] in AGE_COLUMNS
        found.append(
            Column(
                definition["name"],
                definition.get("type") in ("integer", "number"),
                int(definition.get("priority") or 0) > 0,
                ages if age else -1,
            )
        )
        ages += age
    return tuple(found)


def read_rows(table: Obj, columns: Sequence[Column], resource: str, now: float) -> list[Row]:
    """The rows of a Table; `now` (epoch seconds) anchors ages that came as durations."""
    return [_read_row(row, columns, resource, now) for row in table.get("rows") or ()]


def _read_row(row: Obj, columns: Sequence[Column], resource: str, now: float) -> Row:
    meta = (row.get("object") or {}).get("metadata") or {}
    cells: list[str] = []
    ages: list[float] = []
    for column, cell in zip(columns, row["cells"], strict=False):
        if column.age >= 0:
            ages.append(_moment(column.name, cell, meta, now))
            cells.append("")
        else:
            cells.append(cell if isinstance(cell, str) else _text(cell))
    namespace, name = meta.get("namespace") or "", meta.get("name") or (cells[0] if cells else "")
    uid = meta.get("uid") or f"{resource} {namespace}/{name}"
    return Row(uid, resource, namespace, name, tuple(cells), tuple(ages), meta.get("labels") or NO_LABELS, "deletionTimestamp" in meta)


def _moment(column: str, cell: Any, meta: Obj, now: float) -> float:
    if column == "Age" and meta.get("creationTimestamp"):
        return parse_time(meta["creationTimestamp"])
    seconds = seconds_of(cell) if isinstance(cell, str) else None
    return 0.0 if seconds is None else now - seconds


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def age_text(moment: float, now: float) -> str:
    """An age column's cell at `now`."""
    return human_duration(now - moment) if moment else "<unknown>"


def cell_text(row: Row, index: int, column: Column, now: float) -> str:
    """The text of a cell at `now` (epoch seconds)."""
    if column.age >= 0:
        return age_text(row.ages[column.age], now) if column.age < len(row.ages) else ""
    return row.cells[index] if index < len(row.cells) else ""


def version_of(event: Obj) -> str:
    """The resourceVersion of a watch event's Table (or bookmark): that of its object; empty where it tells none."""
    rows = event.get("rows") or ()
    meta = ((rows[-1].get("object") or {}).get("metadata") or {}) if rows else {}
    return str(meta.get("resourceVersion") or (event.get("metadata") or {}).get("resourceVersion") or "")
