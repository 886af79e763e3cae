"""Live output of the containers of one or several pods; goes on after a break of the connection where it stopped."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message

from engine.base.api import Client
from engine.base.errors import StatusError
from engine.base.objects import dig
from ktui.model.log_lines import LogBuffer
from ktui.model.rows import Target
from ktui.model.session import Connection, is_transport_error
from ktui.widgets.frame import set_frame
from ktui.widgets.log_view import LogView
from ktui.widgets.pane import Deck, Opening, Pane, PaneKind

TAIL_LINES = 500
RETRY_S = 1.0
SOURCES_MAX = 24


class Stream(NamedTuple):
    """One container whose output is shown."""

    pod: Target
    container: str


class FramedLog(LogView):
    """The log in its frame."""

    DEFAULT_CSS = """
    FramedLog { border: round $k-border; border-title-color: $k-dim; border-subtitle-color: $k-dim; height: 1fr; }
    FramedLog:focus { border: round $k-focus; border-title-color: $k-focus; border-title-style: bold; }
    FramedLog.-stale { border: round $k-bad; }
    """


class LogsPane(Pane):
    """Shows the containers of `opening.targets` (pods)."""

    place = "logs"

    class Arrived(Message):
        """Output came."""

        def __init__(self, source: int, chunks: Sequence[bytes], ended: bool = False) -> None:
            super().__init__()
            self.source = source
            self.chunks = chunks
            self.ended = ended

    class Named(Message):
        """The containers are known."""

        def __init__(self, streams: list[Stream]) -> None:
            super().__init__()
            self.streams = streams

    class Trouble(Message):
        """Something cannot be shown; empty: all is well."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, deck: Deck, opening: Opening) -> None:
        super().__init__(deck, opening)
        self.buffer = LogBuffer()
        self.view = FramedLog(self.buffer)
        self.streams: list[Stream] = []
        self._trouble = ""
        self._grown = False

    def compose(self) -> ComposeResult:
        yield self.view

    @property
    def heading(self) -> str:
        return f"Logs {self.target}"

    def on_mount(self) -> None:
        self._write_titles()
        self.run_worker(self._find_streams(), exit_on_error=True)

    async def _find_streams(self) -> None:
        """Ask each pod for its containers; pods that are gone by now are left out."""
        found: list[Stream] = []
        for pod in self.opening.targets:
            client = await self.deck.session.client()
            try:
                obj = await client.get("pods", pod.name, pod.namespace)
            except StatusError as error:
                self.post_message(self.Trouble(error.message))
                continue
            names = [c["name"] for kind in ("initContainers", "containers") for c in dig(obj, "spec", kind, default=[])]
            found += [Stream(pod, name) for name in names]
        self.post_message(self.Named(found[:SOURCES_MAX]))

    def on_logs_pane_named(self, message: Named) -> None:
        self.streams = message.streams
        several = len({stream.pod.uid for stream in self.streams}) > 1
        self.view.names = [f"{s.pod.name} {s.container}" if several else s.container for s in self.streams]
        self.view.rebuild()
        self._write_titles()
        for number, stream in enumerate(self.streams):
            self.run_worker(self._follow(number, stream), exit_on_error=True)

    async def _follow(self, number: int, stream: Stream) -> None:
        options = {"container": stream.container, "timestamps": "true", "tailLines": str(TAIL_LINES)}
        options |= {"previous": "true"} if self.opening.options.get("previous") else {"follow": "true"}
        while True:
            client = await self.deck.session.client()
            try:
                await self._read(client, number, stream, options)
                if self.deck.session.connection.live:
                    self.post_message(self.Arrived(number, (), ended=True))
                    return
            except (StatusError, OSError, EOFError) as error:
                if is_transport_error(error):
                    self.deck.session.lost(client, error)
                elif isinstance(error, StatusError) and error.code == 400 and "follow" in options:
                    self.post_message(self.Trouble(error.message))
                    await asyncio.sleep(RETRY_S)
                else:
                    self.post_message(self.Trouble(str(error)))
                    return
            stamp = self.buffer.last_stamp(number)
            if stamp:
                options["sinceTime"] = stamp
                options.pop("tailLines", None)

    async def _read(self, client: Client, number: int, stream: Stream, options: dict[str, str]) -> None:
        output = await client.logs(stream.pod.name, stream.pod.namespace, options)
        try:
            while chunks := await output.batch():
                self.post_message(self.Arrived(number, chunks))
                await asyncio.sleep(0.02)
        finally:
            output.close()

    def on_logs_pane_arrived(self, message: Arrived) -> None:
        if self._trouble:
            self._trouble = ""
            self._write_titles()
        added = self.buffer.feed(message.source, message.chunks)
        if message.ended:
            added += self.buffer.end(message.source)
        if added and not self._grown:
            self._grown = True
            self.set_timer(0.03, self._show)

    def _show(self) -> None:
        self._grown = False
        self.view.grew()
        self._write_titles()

    def on_logs_pane_trouble(self, message: Trouble) -> None:
        self._trouble = message.text
        self._write_titles()

    def on_log_view_changed(self) -> None:
        self._write_titles()

    def _write_titles(self) -> None:
        view = self.view
        which = f" {view.names[view.only_source]}" if 0 <= view.only_source < len(view.names) else ""
        term = f"  {'/' if view.only_matches else '~'}{view.term}" if view.term else ""
        title = Content(f"Logs  {self.target}{which}  {len(self.buffer.lines)} lines{term}")
        states = [("follow", view.follow), ("wrap", view.wrap), ("time", view.stamps)]
        said = "  ".join(f"{'●' if on else '○'} {name}" for name, on in states)
        set_frame(view, title, Content(f" {self._trouble or said} "))

    def do(self, what: str) -> None:
        if what in ("follow", "wrap", "stamps"):
            self.view.toggle(what)
        elif what == "highlight":
            self.view.toggle("only_matches")
        elif what == "clear":
            self.buffer.clear()
            self.view.rebuild()
        elif what == "container" and len(self.streams) > 1:
            self.view.only_source = self.view.only_source + 1 if self.view.only_source + 1 < len(self.streams) else -1
            self.view.rebuild()
        self._write_titles()

    @property
    def filter_text(self) -> str:
        return self.view.term

    def set_filter(self, text: str) -> None:
        self.view.set_filter(text)
        self._write_titles()

    def connection_changed(self, connection: Connection) -> None:
        self.view.set_class(not connection.live, "-stale")

    def repaint(self) -> None:
        self.view.repaint()

    def take_focus(self) -> None:
        self.view.focus()

    def text(self) -> str:
        return "\n".join(line.text for line in self.buffer.lines)


PANE = PaneKind("logs", "Logs", LogsPane, hidden=True)
