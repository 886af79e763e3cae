"""The last line: the keys that do something here; or what was just done, or failed and why."""

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ktui.model.widths import clean, cut, width
from ktui.widgets.paint import paint_of, strip_of

MESSAGE_S = 6.0
ALWAYS = 3
"""Filter, go, help."""
_MARKS = {"ok": "● ", "warn": "▲ ", "bad": "✖ ", "busy": "◐ "}


class StatusBar(Widget):
    """Hints, or a message: errors stay until a key is pressed, others for MESSAGE_S seconds."""

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $k-panel; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hints: Sequence[tuple[str, str]] = ()
        self.message = ""
        self.message_style = "text"
        self._said = 0

    def show_hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """Keys and what they do."""
        if tuple(hints) != tuple(self.hints):
            self.hints = tuple(hints)
            self.refresh()

    def say(self, text: str, style: str = "ok") -> None:
        """Show a message instead of the hints."""
        self._said += 1
        self.message, self.message_style = clean(text), style
        if style != "bad":
            said = self._said
            self.set_timer(MESSAGE_S, lambda: self._expire(said))
        self.refresh()

    def quiet(self) -> None:
        """Take the message away."""
        if self.message:
            self.message = ""
            self.refresh()

    def _expire(self, said: int) -> None:
        if said == self._said:
            self.quiet()

    def _fitting(self, room: int) -> list[tuple[str, str]]:
        """As many hints as fit; the last ones, which lead everywhere else, before those in the middle."""
        order = [*range(len(self.hints) - 1, len(self.hints) - 1 - ALWAYS, -1), *range(len(self.hints) - ALWAYS)]
        chosen: set[int] = set()
        for at in order:
            if at < 0:
                continue
            size = sum(map(width, self.hints[at])) + 3
            if size > room:
                break
            room -= size
            chosen.add(at)
        return [self.hints[at] for at in sorted(chosen)]

    def render_line(self, y: int) -> Strip:
        paint = paint_of(self)
        bar = paint.style("bar")
        cells = self.size.width
        if self.message:
            style = Style(color=paint.style(self.message_style).color, bgcolor=bar.bgcolor, bold=True)
            return strip_of([(" " + cut(_MARKS.get(self.message_style, "") + self.message, cells - 2), style)], cells, bar)
        key_style = Style(color=paint.style("hint-key").color, bgcolor=bar.bgcolor, bold=True)
        dim = Style(color=paint.style("hint").color, bgcolor=bar.bgcolor)
        parts: list[tuple[str, Style]] = [(" ", bar)]
        for key, title in self._fitting(cells - 1):
            parts += [(key, key_style), (f" {title}  ", dim)]
        return strip_of(parts, cells, bar)
