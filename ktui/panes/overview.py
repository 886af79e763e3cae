"""Nodes, pods, services, configs and namespaces side by side, and events where there is room; all live, laid out for the terminal."""

from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from ktui.model.filters import parse as parse_filter
from ktui.model.rows import Target
from ktui.model.session import Connection
from ktui.model.views import Lookup, Source, View, endpoint_brief
from ktui.widgets.live_table import LiveTable
from ktui.widgets.pane import Deck, Opening, Pane, PaneKind
from ktui.widgets.table_pane import do_in_table

VIEWS = (
    View("nodes", "Nodes", (Source("nodes"),), shown=("Name", "Status", "Age", "Version")),
    View("pods", "Pods", (Source("pods"),), shown=("Namespace", "Name", "Ready", "Status", "Restarts", "Age", "Node")),
    View(
        "services",
        "Services",
        (Source("services"),),
        lookup=Lookup("endpoints", "Endpoints", "Endpoints", endpoint_brief),
        shown=("Namespace", "Name", "Endpoints", "Port(s)", "Type", "Cluster-IP"),
    ),
    View(
        "configs",
        "Configs",
        (Source("configmaps", "ConfigMap", {"Data": "{Data}"}), Source("secrets", "Secret", {"Data": "{Data}"})),
        merged=("Name", "Kind", "Data", "Age"),
        shown=("Namespace", "Name", "Kind", "Data", "Age"),
    ),
    View(
        "events",
        "Events",
        (Source("events"),),
        shown=("Last Seen", "Namespace", "Type", "Reason", "Object", "Message"),
        sort="Last Seen",
    ),
    View("namespaces", "Namespaces", (Source("namespaces"),), shown=("Name", "Status", "Age")),
)

WIDE_CELLS, TALL_LINES, HUGE_LINES = 150, 30, 44
"""From these sizes on the panels stand in columns instead of rows; and there is room for events below them."""


class OverviewPane(Pane):
    """Live tables side by side; keys go to the one with the focus."""

    place = "overview"

    DEFAULT_CSS = """
    OverviewPane > Container { layout: grid; height: 1fr; width: 1fr; grid-gutter: 0; }
    OverviewPane.-small > Container { grid-size: 2 3; grid-rows: 6 1fr 6; }
    OverviewPane.-small #pods { column-span: 2; }
    OverviewPane.-middle > Container { grid-size: 2 3; grid-columns: 3fr 2fr; grid-rows: 9 1fr 1fr; }
    OverviewPane.-middle #pods { row-span: 2; }
    OverviewPane.-large > Container { grid-size: 3 2; grid-columns: 5fr 9fr 7fr; grid-rows: 1fr 1fr; }
    OverviewPane.-large #pods { row-span: 2; }
    OverviewPane.-huge > Container { grid-size: 3 3; grid-columns: 5fr 9fr 7fr; grid-rows: 1fr 1fr 14; }
    OverviewPane.-huge #pods { row-span: 2; }
    OverviewPane #events { display: none; }
    OverviewPane.-huge #events { display: block; column-span: 3; }
    OverviewPane.-zoomed > Container { grid-size: 1 1; grid-columns: 1fr; grid-rows: 1fr; }
    OverviewPane.-zoomed LiveTable { display: none; column-span: 1; row-span: 1; }
    OverviewPane.-zoomed LiveTable.-front { display: block; }
    OverviewPane.-tiny > Container { grid-size: 1 1; grid-rows: 1fr; }
    OverviewPane.-tiny LiveTable { display: none; column-span: 1; row-span: 1; }
    OverviewPane.-tiny LiveTable.-front { display: block; }
    """

    ORDERS = {
        "-small": ("nodes", "namespaces", "pods", "services", "configs", "events"),
        "-middle": ("nodes", "namespaces", "pods", "services", "configs", "events"),
        "-large": ("nodes", "pods", "services", "namespaces", "configs", "events"),
        "-huge": ("nodes", "pods", "services", "namespaces", "configs", "events"),
        "-tiny": ("nodes", "namespaces", "pods", "services", "configs", "events"),
    }

    def __init__(self, deck: Deck, opening: Opening) -> None:
        super().__init__(deck, opening)
        self.tables = {view.name: LiveTable(view, deck, opening, id=view.name) for view in VIEWS}
        self.front = self.tables["pods"]
        self._shape = ""

    def compose(self) -> ComposeResult:
        with Container():
            yield from self.tables.values()

    def on_mount(self) -> None:
        self.front.add_class("-front")

    def on_resize(self, event: events.Resize) -> None:
        size = event.size
        if size.width < 60 or size.height < 16:
            shape = "-tiny"
        elif size.height < TALL_LINES:
            shape = "-small" if size.width < WIDE_CELLS else "-large"
        else:
            shape = "-middle" if size.width < WIDE_CELLS else "-huge" if size.height >= HUGE_LINES else "-large"
        if shape == self._shape:
            return
        self.remove_class(*self.ORDERS)
        self.add_class(shape)
        self._shape = shape
        box = self.query_one(Container)
        order = self.ORDERS[shape]
        box.sort_children(key=lambda child: order.index(child.id or ""))

    @property
    def heading(self) -> str:
        return "Overview"

    @property
    def target(self) -> Target | None:
        return self.front.target

    @property
    def chosen(self) -> tuple[Target, ...]:
        return tuple(self.front.marks.values()) or super().chosen

    @property
    def resource(self) -> str:
        target = self.front.target
        return target.resource if target is not None else self.front.view.sources[0].resource

    @property
    def filter_text(self) -> str:
        return self.front.model.filter.text

    def set_filter(self, text: str) -> None:
        self.front.narrow(parse_filter(text))

    def set_namespace(self, namespace: str) -> None:
        for table in self.tables.values():
            table.set_namespace(namespace)

    def do(self, what: str) -> None:
        if what == "zoom":
            self.toggle_class("-zoomed")
        else:
            do_in_table(self.front, what)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, LiveTable) and event.widget is not self.front:
            self.front.remove_class("-front")
            self.front = event.widget
            self.front.add_class("-front")

    def connection_changed(self, connection: Connection) -> None:
        for table in self.tables.values():
            table.set_class(not connection.live, "-stale")

    def repaint(self) -> None:
        for table in self.tables.values():
            table.repaint()

    def take_focus(self) -> None:
        self.front.focus()

    def text(self) -> str:
        return "\n\n".join(f"{table.view.title}\n{table.text()}" for table in self.tables.values())


PANE = PaneKind("overview", "Overview", OverviewPane, ("ov", "home", "pulse", "pulses"))
