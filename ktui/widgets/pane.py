"""What a pane is to the app: a widget for the body, that can be asked what is selected and told to do things by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from textual.widget import Widget

from engine.base.clock import Clock
from ktui.model.feeds import Feeds
from ktui.model.rows import Target
from ktui.model.session import Connection, Session


@dataclass(frozen=True)
class Deck:
    """What panes are given: the connection, the live tables, the clock."""

    session: Session
    feeds: Feeds
    clock: Clock


@dataclass(frozen=True)
class Opening:
    """How a pane is opened: in a namespace (empty: all), on an object, narrowed by selectors or a typed filter."""

    namespace: str = ""
    target: Target | None = None
    targets: tuple[Target, ...] = ()
    labels: str = ""
    fields: str = ""
    filter: str = ""
    resource: str = ""
    note: str = ""
    options: dict[str, Any] = field(default_factory=dict)


class Pane(Widget):
    """Base of all panes. `place` says which keys apply: `table`, `overview`, `text`, `logs`, `folder`."""

    DEFAULT_CSS = """
    Pane { height: 1fr; width: 1fr; layout: vertical; background: $k-background; }
    """

    place = "table"
    filterable = True

    def __init__(self, deck: Deck, opening: Opening) -> None:
        super().__init__()
        self.deck = deck
        self.opening = opening

    @property
    def heading(self) -> str:
        """What the back stack calls it."""
        return type(self).__name__

    @property
    def target(self) -> Target | None:
        """The selected object."""
        return self.opening.target

    @property
    def chosen(self) -> tuple[Target, ...]:
        """The marked objects, or the selected one."""
        return (self.target,) if self.target is not None else ()

    @property
    def resource(self) -> str:
        """The kind of what is selected: decides which keys apply."""
        return self.target.resource if self.target is not None else ""

    def do(self, what: str) -> None:
        """Something the pane can do itself: `wide`, `wrap`, `sort Name`."""

    def set_filter(self, text: str) -> None:
        """Narrow what is shown, as typed after `/`."""

    @property
    def filter_text(self) -> str:
        """The filter as it was typed."""
        return ""

    def set_namespace(self, namespace: str) -> None:
        """Show another namespace (empty: all)."""

    def connection_changed(self, connection: Connection) -> None:
        """The connection came or went: what is shown stays, and says that it is old."""
        self.set_class(not connection.live, "-stale")

    def repaint(self) -> None:
        """Paint everything anew, as after a change of theme."""

    def take_focus(self) -> None:
        """Put the focus where keys are wanted."""

    def text(self) -> str:
        """The text twin: what the pane says, as plain lines."""
        return ""


@dataclass(frozen=True)
class PaneKind:
    """What a module in `ktui/panes` exports as PANE: the words that open it, how it is made. `hidden` ones need an object."""

    name: str
    title: str
    make: Callable[[Deck, Opening], Pane]
    aliases: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    hidden: bool = False
