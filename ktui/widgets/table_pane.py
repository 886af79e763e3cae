"""A pane that is one table; most panes are a `View` and nothing else."""

from textual.app import ComposeResult

from ktui.model.filters import NO_FILTER, faults
from ktui.model.filters import parse as parse_filter
from ktui.model.rows import Target
from ktui.model.session import Connection
from ktui.model.views import View
from ktui.widgets.live_table import LiveTable
from ktui.widgets.pane import Deck, Opening, Pane, PaneKind


class TablePane(Pane):
    """One live table over the whole body."""

    def __init__(self, deck: Deck, opening: Opening, view: View) -> None:
        super().__init__(deck, opening)
        self.view = view
        self.table = LiveTable(view, deck, opening)

    def compose(self) -> ComposeResult:
        yield self.table

    @property
    def heading(self) -> str:
        return self.view.title

    @property
    def target(self) -> Target | None:
        return self.table.target

    @property
    def chosen(self) -> tuple[Target, ...]:
        return tuple(self.table.marks.values()) or super().chosen

    @property
    def resource(self) -> str:
        target = self.table.target
        return target.resource if target is not None else self.view.sources[0].resource

    @property
    def filter_text(self) -> str:
        return self.table.model.filter.text

    def set_filter(self, text: str) -> None:
        self.table.narrow(parse_filter(text))

    def set_namespace(self, namespace: str) -> None:
        self.table.set_namespace(namespace)

    def do(self, what: str) -> None:
        do_in_table(self.table, what)

    def connection_changed(self, connection: Connection) -> None:
        self.table.set_class(not connection.live, "-stale")

    def repaint(self) -> None:
        self.table.repaint()

    def take_focus(self) -> None:
        self.table.focus()

    def text(self) -> str:
        return self.table.text()


def do_in_table(table: LiveTable, what: str) -> None:
    """What keys do to a table: `sort Name`, `sort next`, `reverse`, `wide`, `faults`, `mark`, `unmark`."""
    verb, _, argument = what.partition(" ")
    if verb == "sort" and argument in ("next", "previous"):
        table.shift_sort(1 if argument == "next" else -1)
    elif verb == "sort":
        table.sort_by(argument)
    elif verb == "reverse" and table.model.sort_by >= 0:
        table.sort_by(table.model.columns[table.model.sort_by].name)
    elif verb == "wide":
        table.set_wide(not table.wide)
    elif verb == "faults":
        shown = table.model.filter.row_test is not None
        table.narrow(NO_FILTER if shown else faults([column.name for column in table.model.columns]))
    elif verb == "mark":
        table.toggle_mark()
    elif verb == "unmark":
        table.clear_marks()


def table_pane(view: View, resources: tuple[str, ...] | None = None) -> PaneKind:
    """The PANE of a view; opening one of `resources` (default: its first source) opens it."""
    return PaneKind(
        view.name,
        view.title,
        lambda deck, opening: TablePane(deck, opening, view),
        view.aliases,
        (view.sources[0].resource,) if resources is None else resources,
    )
