"""What a table pane shows, as data: its sources, how their rows become one table's rows, and which columns come first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ktui.model.feeds import News
from ktui.model.layout import IMPORTANCE
from ktui.model.rows import Column, Row
from ktui.model.tables import Changes

NAMESPACE = Column("Namespace")


@dataclass(frozen=True)
class Source:
    """A resource of a view. `cells` says per column of a merged table what to print (`{Ready}/{Desired}`); None: rows as they are."""

    resource: str
    kind: str = ""
    cells: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Lookup:
    """A column of another resource's table, joined by namespace and name and printed by `show` ("" where there is no such row)."""

    resource: str
    column: str
    title: str
    show: Callable[[str], str]


@dataclass(frozen=True)
class View:
    """A table: `merged` names the columns of several sources (empty: those of the only source); `shown` those shown unless wide."""

    name: str
    title: str
    sources: tuple[Source, ...]
    merged: tuple[str, ...] = ()
    lookup: Lookup | None = None
    shown: tuple[str, ...] = ()
    importance: tuple[str, ...] = IMPORTANCE
    """What stays longest where there is not enough room."""
    sort: str = ""
    descending: bool = False
    aliases: tuple[str, ...] = field(default=())

    @property
    def resources(self) -> tuple[str, ...]:
        """Everything it subscribes to."""
        return tuple(s.resource for s in self.sources) + ((self.lookup.resource,) if self.lookup else ())


def plain_view(resource: str, title: str, namespaced: bool = True) -> View:
    """The view of any resource of which nothing special is known."""
    return View(resource, title, (Source(resource),))


class Composer:
    """Turns the news of a view's feeds into changes of its one table."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.columns: tuple[Column, ...] = _merged_columns(view) if view.merged else ()
        self._sources = {source.resource: source for source in view.sources}
        self._found: dict[tuple[str, str], str] = {}
        self._found_by_uid: dict[str, tuple[str, str]] = {}
        self._base: dict[tuple[str, str], Row] = {}

    def take(self, news: News) -> Changes:
        """The changes of the composed table that a feed's news mean."""
        lookup = self.view.lookup
        if lookup and news.query.resource == lookup.resource and news.query.resource not in self._sources:
            return self._look_up(lookup, news)
        source = self._sources[news.query.resource]
        if source.cells is not None:
            rows = [self._merge(source, news.columns, row) for row in news.changes.rows]
        else:
            self.columns = self._own_columns(news.columns)
            rows = [self._joined(row) for row in news.changes.rows]
        return Changes(rows, news.changes.gone)

    def _own_columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        extra = (Column(self.view.lookup.title),) if self.view.lookup else ()
        return (NAMESPACE, *columns, *extra) if columns else self.columns

    def _joined(self, row: Row) -> Row:
        if self.view.lookup is None:
            return Row(row.uid, row.resource, row.namespace, row.name, (row.namespace, *row.cells), row.ages, row.labels, row.terminating)
        place = (row.namespace, row.name)
        self._base[place] = row
        return row._replace(cells=(row.namespace, *row.cells, self.view.lookup.show(self._found.get(place, ""))))

    def _look_up(self, lookup: Lookup, news: News) -> Changes:
        index = next((i for i, c in enumerate(news.columns) if c.name == lookup.column), -1)
        touched: list[tuple[str, str]] = []
        for uid in news.changes.gone:
            place = self._found_by_uid.pop(uid, None)
            if place is not None:
                self._found.pop(place, None)
                touched.append(place)
        for row in news.changes.rows:
            place = (row.namespace, row.name)
            self._found[place] = row.cells[index] if 0 <= index < len(row.cells) else ""
            self._found_by_uid[row.uid] = place
            touched.append(place)
        return Changes([self._joined(self._base[place]) for place in touched if place in self._base])

    def _merge(self, source: Source, columns: Sequence[Column], row: Row) -> Row:
        texts = {column.name: cell for column, cell in zip(columns, row.cells, strict=False)}
        texts |= {"kind": source.kind, "namespace": row.namespace}
        ages = tuple(row.ages[c.age] for c in columns if c.name == "Age" and c.age < len(row.ages)) or (0.0,)
        cells = tuple(
            "" if column.age >= 0 else _fill((source.cells or {}).get(column.name, ""), texts, row, column.name) for column in self.columns
        )
        return row._replace(cells=cells, ages=ages)


def _fill(template: str, texts: Mapping[str, str], row: Row, column: str) -> str:
    if column == "Name":
        return row.name
    if column == "Namespace":
        return row.namespace
    if column == "Kind":
        return texts["kind"]
    return template.format_map(_Blank(texts)) if template else ""


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _merged_columns(view: View) -> tuple[Column, ...]:
    names = ("Namespace", *view.merged)
    return tuple(Column(name, age=0) if name == "Age" else Column(name) for name in names)


def endpoint_brief(cell: str) -> str:
    """The Endpoints cell of the API as a count: `5`, or `0 none`."""
    count, _, listed = endpoint_count(cell).partition(" ")
    return count if count != "0" else f"0 {listed}"


def endpoint_count(cell: str) -> str:
    """The Endpoints cell of the API (`10.0.0.1:80,10.0.0.2:80 + 3 more...`) as a count and its beginning: `5 10.0.0.1:80,…`."""
    if cell in ("", "<none>"):
        return "0 none"
    listed, _, more = cell.partition(" + ")
    count = len(listed.split(",")) + (int(more.split(" ")[0]) if more.split(" ")[0].isdecimal() else 0)
    return f"{count} {listed}{',…' if more else ''}"
