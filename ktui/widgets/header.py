"""The first line: what cluster, which namespaces with their number keys, and whether the connection lives."""

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ktui.model.session import Connection
from ktui.model.widths import cut, width
from ktui.widgets.paint import paint_of, strip_of

NAMESPACE_KEYS = 10


class Header(Widget):
    """One line; what has no room is left out from the middle, never the connection."""

    DEFAULT_CSS = """
    Header { height: 1; background: $k-panel; }
    """

    def __init__(self, cluster: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cluster = cluster
        self.namespaces: Sequence[str] = ()
        self.namespace = ""
        self.state = "◐ connecting"
        self.state_style = "busy"

    def show_connection(self, connection: Connection, now: float) -> None:
        """Tell the connection's state."""
        state = connection.text(now)
        style = "ok" if connection.live else "bad" if connection.phase == "disconnected" else "busy"
        if (state, style) != (self.state, self.state_style):
            self.state, self.state_style = state, style
            self.refresh()

    def show_namespaces(self, names: Sequence[str], chosen: str) -> None:
        """Tell the namespaces that have number keys (from 1; 0 is all), and the one that is shown (empty: all)."""
        if (tuple(names), chosen) != (tuple(self.namespaces), self.namespace):
            self.namespaces, self.namespace = tuple(names), chosen
            self.refresh()

    def render_line(self, y: int) -> Strip:
        paint = paint_of(self)
        bar = paint.style("bar")
        cells = self.size.width
        lead = [
            (" ktui ", paint.style("bar", "accent") + Style(bold=True, bgcolor=bar.bgcolor)),
            (f"{self.cluster}  ", paint.style("dim", "bar")),
        ]
        state = (f" {cut(self.state, cells - 8)} ", Style(color=paint.style(self.state_style).color, bgcolor=bar.bgcolor, bold=True))
        room = cells - sum(width(text) for text, _ in lead) - width(state[0]) - 1
        middle: list[tuple[str, Style]] = []
        names = ["all", *self.namespaces[: NAMESPACE_KEYS - 1]]
        if self.namespace and self.namespace not in names:
            names[-1:] = [self.namespace]
        dim, key = Style(color=paint.style("dim").color, bgcolor=bar.bgcolor), Style(color=paint.style("accent").color, bgcolor=bar.bgcolor)
        for number, name in enumerate(names):
            chosen = name == (self.namespace or "all")
            parts = [(f"{number}", key), (f" {cut(name, 20)} ", paint.style("cursor") if chosen else dim), (" ", bar)]
            size = sum(width(text) for text, _ in parts)
            if size > room and not chosen:
                continue
            room -= size
            middle += parts
        used = sum(width(text) for text, _ in (*lead, *middle, state))
        return strip_of([*lead, *middle, (" " * max(0, cells - used), bar), state], cells, bar)
