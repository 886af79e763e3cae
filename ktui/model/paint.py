"""Styles by name: what a theme says `ok`, `dim` or `cursor` look like, as rich styles, combined once."""

from collections.abc import Mapping

from rich.style import Style

STYLE_NAMES = (
    *("text", "cell", "dim", "faint", "accent", "title", "heading", "column", "key", "link", "string", "number", "literal", "masked"),
    *("ok", "busy", "warn", "bad", "idle"),
    *("cursor", "cursor-blur", "mark", "match", "match-now", "hint-key", "hint", "bar", "bar-key"),
    *("source-0", "source-1", "source-2", "source-3", "source-4", "source-5"),
)
"""Every style that widgets ask for; a theme must define all of them."""

SOURCE_STYLES = 6


class Paint:
    """The styles of one theme; `base` carries the background."""

    def __init__(self, styles: Mapping[str, str], text: str, background: str) -> None:
        self.base = Style.parse(f"{text} on {background}")
        self._styles = {name: Style.parse(styles[name]) for name in STYLE_NAMES}
        self._combined: dict[tuple[str, ...], Style] = {}

    def style(self, *names: str) -> Style:
        """The styles of these names over the base, later ones over earlier ones."""
        found = self._combined.get(names)
        if found is None:
            found = self.base
            for name in names:
                found = found + self._styles[name]
            self._combined[names] = found
        return found
