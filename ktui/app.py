"""The terminal app: a header, panes on a back stack, a line for hints and typing. Everything it knows comes through the API."""

import gc
import inspect
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.message import Message

from engine.base.clock import Clock, RealClock
from engine.base.errors import StatusError
from engine.base.plugins import exported
from ktui import panes, theme
from ktui.actions import REGISTRY
from ktui.keys import Keymap, shown_key
from ktui.model.commands import Vocabulary
from ktui.model.feeds import Feeds, News, Query
from ktui.model.paint import Paint
from ktui.model.risk import Note
from ktui.model.session import DISCONNECTED, Connect, Connection, Session, is_transport_error
from ktui.widgets.confirm import Confirm, Question
from ktui.widgets.header import Header
from ktui.widgets.help import Help
from ktui.widgets.pane import Deck, Opening, Pane, PaneKind
from ktui.widgets.prompt import Ask, Prompt
from ktui.widgets.resource_table import ResourceTable
from ktui.widgets.status_bar import StatusBar

GC_THRESHOLDS = (20_000, 20, 50)
"""Rows come by the thousand and stay: looking through them for garbage at each turn would cost frames."""
HISTORY_MAX = 20
GROUPS = ("Change", "Folder", "Look", "Logs", "Text", "Table", "Go")
"""Order of the help."""


class KtuiApp(App[None]):
    """`connect` makes a client and is called again whenever the connection is lost; `cluster` is its name for the header."""

    CSS = """
    Screen { layout: vertical; background: $k-background; color: $k-text; }
    ModalScreen { background: $k-background 55%; }
    #body { height: 1fr; background: $k-background; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = []

    class Said(Message):
        """Something to tell in the last line."""

        def __init__(self, text: str, style: str) -> None:
            super().__init__()
            self.text = text
            self.style = style

    class Connected(Message):
        """The connection changed."""

        def __init__(self, connection: Connection) -> None:
            super().__init__()
            self.connection = connection

    class NamespacesCame(Message):
        """News of the namespaces for the number keys."""

        def __init__(self, news: News) -> None:
            super().__init__()
            self.news = news

    def __init__(
        self,
        connect: Connect,
        *,
        cluster: str = "",
        clock: Clock | None = None,
        start: str = "overview",
        theme_name: str = "",
        namespace: str = "",
    ) -> None:
        super().__init__()
        self.clock = clock or RealClock()
        self.session = Session(connect, self.clock)
        self._was_live = False
        self.feeds = Feeds(self.session, self.clock)
        self.deck = Deck(self.session, self.feeds, self.clock)
        self.namespace = namespace
        self.keymap = Keymap(REGISTRY)
        self.kinds: dict[str, PaneKind] = {kind.name: kind for kind in exported(panes, "PANE")}
        self.stack: list[Pane] = []
        self._made: dict[Pane, tuple[PaneKind, Opening]] = {}
        self._left: list[tuple[PaneKind, Opening]] = []
        self.paint: Paint = self._use_theme(theme_name or theme.default_name())
        self.header, self.body, self.prompt, self.bar = Header(cluster), Container(id="body"), Prompt(), StatusBar()
        self._start = start
        self._namespaces: dict[str, str] = {}
        self._answer: Any = None
        self._before_filter = ""
        self._key = ""

    # -- setting up ----------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.body
        yield self.prompt
        yield self.bar

    def on_mount(self) -> None:
        gc.set_threshold(*GC_THRESHOLDS)
        self.set_timer(2.0, gc.freeze)
        self.session.listen(lambda connection: self.post_message(self.Connected(connection)))
        self.run_worker(self.session.run(), exit_on_error=True)
        self.feeds.subscribe(Query("namespaces"), lambda news: self.post_message(self.NamespacesCame(news)))
        self.set_interval(1.0, self._tick)
        self.open(self._start, namespace=self.namespace)

    async def on_unmount(self) -> None:
        await self.feeds.close()
        await self.session.close()

    def _use_theme(self, name: str) -> Paint:
        path = theme.available().get(name)
        if path is None:
            raise theme.ThemeError(f"there is no theme {name!r}; there are {', '.join(theme.available())}")
        loaded = theme.load(path)
        made = loaded.textual()
        self.register_theme(made)
        self.paint = loaded.paint
        self.theme_name = name
        self.theme = made.name
        return loaded.paint

    # -- what handlers may ask for (ktui.keys.Desk) ----------------------------------------------------------------

    @property
    def pane(self) -> Pane:
        return self.stack[-1]

    def say(self, text: str, style: str = "ok") -> None:
        self.post_message(self.Said(text, style))

    async def confirm(self, title: str, verb: str, notes: Sequence[Note], typed: str = "") -> bool:
        answer: bool = await self.push_screen_wait(Confirm(Question(title, verb, notes, typed)))
        return answer

    async def enter(self, lead: str, value: str = "", placeholder: str = "") -> str | None:
        import asyncio

        self._answer = asyncio.get_running_loop().create_future()
        self.prompt.open(Ask("value", lead, value, placeholder=placeholder))
        answer: str | None = await self._answer
        return answer

    def open(self, name: str, **how: Any) -> None:
        opening = Opening(**{"namespace": self.namespace, **how})
        kind = self.kinds.get(name) or next((k for k in self.kinds.values() if name in k.resources), None)
        if kind is None:
            kind, opening = self.kinds["resource"], replace(opening, resource=name)
        self._left.clear()
        self._show(kind, opening)

    def back(self) -> None:
        if self.pane.filter_text:
            self.pane.set_filter("")
        elif len(self.stack) > 1:
            left = self.stack.pop()
            self._left.append(self._made.pop(left))
            left.remove()
            self._reveal()

    def choose_namespace(self, namespace: str) -> None:
        self.namespace = namespace
        for pane in self.stack:
            pane.set_namespace(namespace)
        self._show_namespaces()

    def do(self, what: str) -> None:
        verb, _, argument = what.partition(" ")
        getattr(self, f"_do_{verb}")(argument)

    # -- what the app does itself --------------------------------------------------------------------------------

    def _do_command(self, _: str) -> None:
        self.run_worker(self._perform("Discovery", self.session.refresh_resources()), exclusive=True, group="discovery")
        vocabulary = self._vocabulary()
        self.prompt.open(Ask("command", ":", complete=lambda text: vocabulary.complete(text, self._namespaces.values())))

    def _do_filter(self, _: str) -> None:
        self._before_filter = self.pane.filter_text
        self.prompt.open(Ask("filter", "/", self._before_filter, placeholder="words, ^regex$, !not, -l app=web, -f fuzzy"))

    def _do_back(self, _: str) -> None:
        self.back()

    def _do_overview(self, _: str) -> None:
        self.open("overview")

    def _do_namespace(self, _: str) -> None:
        names = ["", *self._numbered()]
        if int(self._key) < len(names):
            self.choose_namespace(names[int(self._key)])

    def _do_header(self, _: str) -> None:
        self.header.display = not self.header.display

    def _do_history(self, step: str) -> None:
        if int(step) < 0:
            self.back()
        elif self._left:
            kind, opening = self._left.pop()
            self._show(kind, opening)
        else:
            self.say("there is nothing after this", "idle")

    def _do_theme(self, _: str) -> None:
        names = list(theme.available())
        self._switch_theme(names[(names.index(self.theme_name) + 1) % len(names)])

    def _do_quit(self, _: str) -> None:
        self.exit()

    def _do_help(self, _: str) -> None:
        groups: dict[str, list[tuple[str, str, str]]] = {}
        target = self.pane.target
        for action in self.keymap.here(self.pane.place, self.pane.resource):
            about = {"object": f"{target.resource}/{target.name}" if target else "KIND/NAME", "name": target.name if target else "NAME"}
            keys = " ".join(map(shown_key, action.keys)) if len(action.keys) < 5 else f"{action.keys[0]} … {action.keys[-1]}"
            groups.setdefault(action.group, []).append((keys, action.title, action.kubectl.format(**about)))
        groups = {name: groups[name] for name in GROUPS if name in groups}
        groups["Move"] = [
            ("j k ↑ ↓", "down, up", ""),
            ("g G home end", "first, last", ""),
            ("ctrl-f ctrl-b", "a page", ""),
            ("tab", "next panel", ""),
        ]
        self.push_screen(Help(list(groups.items())))

    def _switch_theme(self, name: str) -> None:
        try:
            self._use_theme(name)
        except theme.ThemeError as error:
            self.say(str(error), "bad")
            return
        for pane in self.stack:
            pane.repaint()
        self.header.refresh()
        self.bar.refresh()
        self.say(f"theme {name}", "idle")

    # -- panes ---------------------------------------------------------------------------------------------------

    def _show(self, kind: PaneKind, opening: Opening) -> None:
        pane = kind.make(self.deck, opening)
        self._made[pane] = (kind, opening)
        if self.stack:
            self.stack[-1].display = False
        self.stack.append(pane)
        for old in self.stack[1:-HISTORY_MAX]:
            self.stack.remove(old)
            del self._made[old]
            old.remove()
        self.body.mount(pane)
        self.call_after_refresh(self._reveal)

    def _reveal(self) -> None:
        pane = self.pane
        pane.display = True
        pane.connection_changed(self.session.connection)
        if len(self.screen_stack) == 1 and self.prompt.current is None:
            pane.take_focus()
        self._show_hints()

    def _show_hints(self) -> None:
        if self.stack:
            self.bar.show_hints(self.keymap.hints(self.pane.place, self.pane.resource))

    # -- keys ----------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Keys that mean something here are taken before any widget sees them: what is typed ahead of the screen is not lost."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._take_key(event):
            return
        await super().on_event(event)

    def _take_key(self, event: events.Key) -> bool:
        if len(self.screen_stack) > 1 or self.prompt.current is not None or not self.stack:
            return False
        key = event.character if event.character and event.character.isprintable() and event.character != " " else event.key
        if self.bar.message_style == "bad":
            self.bar.quiet()
        action = self.keymap.find(key, self.pane.place, self.pane.resource)
        if action is None:
            return False
        self._key = key
        if action.row and self.pane.target is None:
            self.say("nothing is selected", "idle")
            return True
        outcome = action.handler(self)
        if inspect.isawaitable(outcome):
            self.run_worker(self._perform(action.title, outcome), exit_on_error=True)
        return True

    async def _perform(self, title: str, work: Awaitable[None]) -> None:
        """Run a handler; what the server refuses is told, nothing is retried behind the user's back."""
        try:
            await work
        except (StatusError, OSError) as error:
            lost = " (connection lost, outcome unknown)" if is_transport_error(error) else ""
            self.say(f"{title}: {error}{lost}", "bad")

    # -- messages ------------------------------------------------------------------------------------------------

    def on_resource_table_opened(self, message: ResourceTable.Opened) -> None:
        action = self.keymap.find("enter", self.pane.place, message.target.resource)
        if action is not None:
            outcome = action.handler(self)
            if isinstance(outcome, Coroutine):
                self.run_worker(self._perform(action.title, outcome), exit_on_error=True)

    def on_resource_table_changed(self) -> None:
        self._show_hints()

    def on_descendant_focus(self) -> None:
        self._show_hints()

    def on_ktui_app_said(self, message: Said) -> None:
        self.bar.say(message.text, message.style)

    def on_ktui_app_connected(self, message: Connected) -> None:
        connection = message.connection
        if connection.phase == DISCONNECTED and connection.error:
            self.bar.say(connection.error, "bad")
        elif connection.live and self.bar.message_style == "bad" and not self._was_live:
            self.bar.quiet()
        self._was_live = connection.live
        self.header.show_connection(message.connection, self.clock.now())
        for pane in self.stack:
            pane.connection_changed(message.connection)

    def on_ktui_app_namespaces_came(self, message: NamespacesCame) -> None:
        for uid in message.news.changes.gone:
            self._namespaces.pop(uid, None)
        self._namespaces |= {row.uid: row.name for row in message.news.changes.rows}
        self._show_namespaces()

    def _show_namespaces(self) -> None:
        self.header.show_namespaces(self._numbered(), self.namespace)

    def _numbered(self) -> list[str]:
        """Namespaces with number keys: those of the user before those of the system."""
        return sorted(self._namespaces.values(), key=lambda name: (name.startswith("kube-"), name))[:9]

    def _tick(self) -> None:
        self.header.show_connection(self.session.connection, self.clock.now())

    def on_prompt_edited(self, message: Prompt.Edited) -> None:
        if message.ask.purpose == "filter":
            self.pane.set_filter(message.value)

    def on_prompt_closed(self, message: Prompt.Closed) -> None:
        self.pane.take_focus()
        if message.ask.purpose == "filter":
            self.pane.set_filter(self._before_filter if message.value is None else message.value)
        elif message.ask.purpose == "value" and self._answer is not None and not self._answer.done():
            self._answer.set_result(message.value)
        elif message.ask.purpose == "command" and message.value:
            self.obey(message.value)

    def _vocabulary(self) -> Vocabulary:
        words = {word: kind.name for kind in self.kinds.values() if not kind.hidden for word in (kind.name, *kind.aliases)}
        return Vocabulary(words, self.session.resources.values(), theme.available())

    def obey(self, text: str) -> None:
        """Do what was typed after `:`."""
        vocabulary = self._vocabulary()
        command = vocabulary.parse(text)
        near = vocabulary.complete(text, self._namespaces.values())
        if command.verb == "unknown" and near and near[0].startswith(text):
            command = vocabulary.parse(near[0])
        if command.verb == "quit":
            self.exit()
        elif command.verb == "help":
            self._do_help("")
        elif command.verb == "theme":
            self._switch_theme(command.argument or theme.default_name())
        elif command.verb == "namespace":
            self.choose_namespace(command.namespace or "")
        elif command.verb == "open":
            if command.namespace is not None:
                self.choose_namespace(command.namespace)
            self.open(command.argument, filter=command.filter)
        else:
            self.say(f"no kind or command {text!r}" + (f"; {', '.join(near[:3])}?" if near else ""), "bad")
