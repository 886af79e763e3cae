"""A page about one object, written anew when the object or its events change."""

import asyncio

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message

from engine.base.api import Client
from engine.base.errors import StatusError
from ktui.model.feeds import News, Query
from ktui.model.lines import Line, printed
from ktui.model.rows import Target
from ktui.model.session import Connection, is_transport_error
from ktui.model.yaml_view import yaml_lines
from ktui.widgets.pane import Deck, Opening, Pane
from ktui.widgets.text_view import TextView

REWRITE_S = 0.25
"""Pause between two readings of an object that changes all the time."""


class ObjectView(TextView):
    """The framed page."""

    DEFAULT_CSS = """
    ObjectView { border: round $k-border; border-title-color: $k-dim; border-subtitle-color: $k-dim; height: 1fr; }
    ObjectView:focus { border: round $k-focus; border-title-color: $k-focus; border-title-style: bold; }
    ObjectView.-stale { border: round $k-bad; }
    """


class ObjectPane(Pane):
    """Shows one object as text, written by `write` whenever it or an event about it changes."""

    place = "text"
    verb = "Object"

    class Written(Message):
        """A worker has read the object and written the page."""

        def __init__(self, lines: list[Line], error: str = "") -> None:
            super().__init__()
            self.lines = lines
            self.error = error

    def __init__(self, deck: Deck, opening: Opening) -> None:
        super().__init__(deck, opening)
        self.view = ObjectView()
        self._stale = asyncio.Event()

    async def write(self, client: Client, target: Target) -> list[Line]:
        """Read the object and make its lines: its YAML, unless a pane knows better. Raises StatusError."""
        return yaml_lines(await client.get(target.resource, target.name, target.namespace))

    def compose(self) -> ComposeResult:
        yield self.view

    @property
    def heading(self) -> str:
        return f"{self.verb} {self.target}"

    def on_mount(self) -> None:
        target = self.target
        if target is None:
            return
        self.view.border_title = Content(f"{self.verb}  {target}")
        watched = [Query(target.resource, target.namespace, fields=f"metadata.name={target.name}")]
        if target.resource != "events":
            watched.append(Query("events", target.namespace, fields=f"involvedObject.name={target.name}"))
        self._cancels = [self.deck.feeds.subscribe(query, self._hear) for query in watched]
        self.rewrite()
        self.run_worker(self._keep_writing(target), exit_on_error=True)

    def on_unmount(self) -> None:
        for cancel in getattr(self, "_cancels", ()):
            cancel()

    def rewrite(self) -> None:
        """Read and write again."""
        self._stale.set()

    def _hear(self, news: News) -> None:
        self._stale.set()

    async def _keep_writing(self, target: Target) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            client = await self.deck.session.client()
            try:
                self.post_message(self.Written(await self.write(client, target)))
            except StatusError as error:
                if is_transport_error(error):
                    self.deck.session.lost(client, error)
                    self._stale.set()
                else:
                    self.post_message(self.Written([], error.message))
            await asyncio.sleep(REWRITE_S)

    def on_object_pane_written(self, message: Written) -> None:
        if message.error:
            self.view.border_subtitle = Content(f" gone or refused: {message.error} ")
            self.view.add_class("-stale")
            return
        self.view.remove_class("-stale")
        if list(self.view.lines) != message.lines:
            self.view.set_lines(message.lines)
        self._tell_position()

    def _tell_position(self) -> None:
        self.view.border_subtitle = Content(f" {self.view.position} ") if self.view.term else ""

    def do(self, what: str) -> None:
        if what == "wrap":
            self.view.toggle_wrap()
        elif what in ("next", "previous"):
            self.view.find_next(1 if what == "next" else -1)
            self._tell_position()

    @property
    def filter_text(self) -> str:
        return self.view.term

    def set_filter(self, text: str) -> None:
        self.view.find(text)
        self._tell_position()

    def connection_changed(self, connection: Connection) -> None:
        self.view.set_class(not connection.live, "-stale")
        if connection.live:
            self.rewrite()

    def repaint(self) -> None:
        self.view.repaint()

    def take_focus(self) -> None:
        self.view.focus()

    def text(self) -> str:
        return printed(self.view.lines)
