"""A framed table that subscribes to a view: its rows, its title with counts, its state."""

from collections.abc import Callable

from rich.style import Style
from textual.content import Content
from textual.message import Message
from textual.style import Style as ContentStyle

from ktui.model.feeds import LIVE, LOADING, REFUSED, News, Query
from ktui.model.filters import Filter
from ktui.model.filters import parse as parse_filter
from ktui.model.twin import summary, table_text
from ktui.model.views import Composer, View
from ktui.widgets.frame import set_frame
from ktui.widgets.paint import paint_of
from ktui.widgets.pane import Deck, Opening
from ktui.widgets.resource_table import ResourceTable

BARE_LINES = 9
"""On screens of fewer lines the frame gives way to rows."""
TITLES_S = 0.1
"""Titles with counts are written anew at most this often."""


def _fore(style: Style) -> ContentStyle:
    """A style without its background, for a frame."""
    return ContentStyle.from_rich_style(Style(color=style.color, bold=style.bold))


class LiveTable(ResourceTable):
    """A `ResourceTable` in a frame. `compact` is for panels that share the screen."""

    DEFAULT_CSS = """
    LiveTable { border: round $k-border; border-title-color: $k-dim; border-subtitle-color: $k-dim; padding: 0; height: 1fr; }
    LiveTable:focus { border: round $k-focus; border-title-color: $k-focus; border-title-style: bold; }
    LiveTable.-stale { border: round $k-bad; }
    LiveTable.-bare { border: none; }
    """

    class Arrived(Message):
        """News of a feed."""

        def __init__(self, news: News) -> None:
            super().__init__()
            self.news = news

    def __init__(self, view: View, deck: Deck, opening: Opening, id: str | None = None) -> None:
        super().__init__(deck.clock, view.shown, id=id)
        self.view = view
        self.opening = opening
        self.namespace = opening.namespace
        self.importance = view.importance
        self.all_namespaces = not opening.namespace
        self._deck = deck
        self._composer = Composer(view)
        self._cancel: list[Callable[[], None]] = []
        self._states: dict[str, tuple[str, str]] = {}
        self._titles_due = False
        self._titled = False
        self._sorted = False
        if opening.filter:
            self.model.set_filter(parse_filter(opening.filter))

    def on_resize(self) -> None:
        self.set_class(self.app.size.height < BARE_LINES, "-bare")
        super().on_resize()

    # -- subscribing ---------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        super().on_mount()
        self._subscribe()
        self._write_titles()

    def on_unmount(self) -> None:
        self._unsubscribe()

    def set_namespace(self, namespace: str) -> None:
        """Show another namespace; tables without namespaces stay as they are."""
        if namespace == self.namespace or not self.namespaced:
            return
        self.namespace = namespace
        self.all_namespaces = not namespace
        self._unsubscribe()
        self._composer = Composer(self.view)
        self._states.clear()
        self.clear()
        self._subscribe()
        self._write_titles()

    @property
    def namespaced(self) -> bool:
        """Whether its objects live in namespaces, as far as discovery tells."""
        infos = [self._deck.session.resources.get(source.resource) for source in self.view.sources]
        return any(info is None or info.namespaced for info in infos)

    def _subscribe(self) -> None:
        opening = self.opening
        for resource in self.view.resources:
            primary = resource in {source.resource for source in self.view.sources}
            query = Query(resource, self.namespace, opening.labels if primary else "", opening.fields if primary else "")
            self._cancel.append(self._deck.feeds.subscribe(query, self._hear))

    def _unsubscribe(self) -> None:
        for cancel in self._cancel:
            cancel()
        self._cancel.clear()

    def _hear(self, news: News) -> None:
        self.post_message(self.Arrived(news))

    def on_live_table_arrived(self, message: Arrived) -> None:
        news = message.news
        if news.query.namespace != self.namespace:
            return
        if news.query.resource in {source.resource for source in self.view.sources}:
            self._states[news.query.resource] = (news.state, news.error)
        changes = self._composer.take(news)
        self.feed(self._composer.columns, changes)
        if not self._sorted and self.model.columns:
            self._sorted = True
            if self.view.sort:
                self.set_sort(self.view.sort, self.view.descending)
        self._explain_emptiness()
        self._titles_later()

    def _explain_emptiness(self) -> None:
        states = list(self._states.values())
        errors = [error for state, error in states if state == REFUSED]
        if errors and len(errors) == len(states):
            self.empty_text = errors[0]
        elif any(state == LOADING for state, _ in states) or not states:
            self.empty_text = "loading…"
        elif self.model.total:
            self.empty_text = f"nothing matches  /{self.model.filter.text}"
        else:
            where = f" in {self.namespace}" if self.namespace and self.namespaced else ""
            self.empty_text = f"no {self.view.title.lower()}{where}"

    @property
    def live(self) -> bool:
        """Whether every source told all its rows."""
        return bool(self._states) and all(state == LIVE for state, _ in self._states.values())

    @property
    def quiet(self) -> bool:
        """Whether everything that came is painted."""
        return not self._titles_due and not self._flush_due and bool(self._states)

    # -- titles --------------------------------------------------------------------------------------------------

    def narrow(self, new: Filter) -> None:
        """Filter the rows, and say so in the frame."""
        self.set_filter(new)
        self._explain_emptiness()
        self._write_titles()

    def on_resource_table_changed(self, message: ResourceTable.Changed) -> None:
        self._titles_later()

    def _titles_later(self) -> None:
        if not self._titles_due:
            self._titles_due = True
            self.set_timer(TITLES_S if self._titled else 0.01, self._write_titles)

    def _write_titles(self) -> None:
        self._titles_due = False
        self._titled = True
        paint = paint_of(self)
        count = f"{len(self.model)}" if len(self.model) == self.model.total else f"{len(self.model)} of {self.model.total}"
        where = f" {self.namespace}" if self.namespace and self.namespaced else ""
        note = f" {self.opening.note}" if self.opening.note else ""
        title: list[tuple[str, ContentStyle]] = [(f"{self.view.title}{where}{note}  {count}", ContentStyle())]
        if self.model.filter.text:
            wrong = f" ({self.model.filter.error})" if self.model.filter.error else ""
            title.append((f"  /{self.model.filter.text}{wrong}", _fore(paint.style("warn"))))
        pieces: list[str | Content | tuple[str, ContentStyle]] = []
        pieces += [(f" {text} ", _fore(paint.style(state))) for state, text in summary(self.model)]
        if self.marks:
            pieces.append(f" ◆ {len(self.marks)} marked ")
        if self.left_out and self.has_focus:
            pieces.append(f" +{self.left_out} column{'s' if self.left_out > 1 else ''} ")
        set_frame(self, Content.assemble(*title), Content.assemble(*pieces))

    def repaint(self) -> None:
        super().repaint()
        self._write_titles()

    def on_focus(self) -> None:
        super().on_focus()
        self._titles_later()

    def on_blur(self) -> None:
        super().on_blur()
        self._titles_later()

    def text(self) -> str:
        """The text twin."""
        return table_text(self.model, self._deck.clock.now(), shown=self.view.shown)
