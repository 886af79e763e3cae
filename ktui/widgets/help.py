"""The help: every key that does something here, made from the registry."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ktui.widgets.paint import paint_of

Entry = tuple[str, str, str]
"""Keys, what they do, the kubectl command that does the same (or empty)."""


class Help(ModalScreen[None]):
    """Groups of keys; any key that does not scroll closes it."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll { width: 96; max-width: 96%; height: auto; max-height: 94%; background: $k-panel; border: round $k-focus;
        border-title-color: $k-focus; border-title-style: bold; border-subtitle-color: $k-dim; padding: 0 2; scrollbar-size-vertical: 1; }
    Help Static { width: 1fr; height: auto; background: $k-panel; }
    """

    def __init__(self, groups: Sequence[tuple[str, Sequence[Entry]]]) -> None:
        super().__init__()
        self.groups = groups

    def compose(self) -> ComposeResult:
        box = VerticalScroll()
        box.border_title = "Keys that work here"
        box.border_subtitle = "esc closes"
        with box:
            yield Static(self._page())

    def _page(self) -> Text:
        paint = paint_of(self)
        text = Text()
        for title, entries in self.groups:
            text.append(f"\n{title}\n" if text else f"{title}\n", Style(color=paint.style("accent").color, bold=True))
            for keys, what, kubectl in entries:
                text.append(f"  {keys:<18}", "bold")
                text.append(what)
                if kubectl:
                    text.append(f"   {kubectl}", "dim italic")
                text.append("\n")
        return text

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in ("escape", "q", "question_mark", "enter", "f1"):
            self.dismiss(None)
