"""Titles in frames: written without painting the whole widget again, as Textual's own property does."""

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


def set_frame(widget: Widget, title: Content, subtitle: Content) -> None:
    """Set border title and subtitle; only the lines that differ are painted.

    `Widget.border_title` repaints all lines of the widget: 30 ms for a table on a large screen, ten times a second.
    """
    size = widget.size
    for name, content, y in (("_border_title", title, -1), ("_border_subtitle", subtitle, size.height)):
        known = getattr(widget, name, None)
        if known is None or known.plain != content.plain or known.spans != content.spans:
            setattr(widget, name, content)
            widget.refresh(Region(-1, y, size.width + 2, 1))
