"""Styled text as data: a line is a tuple of spans, a span is a text and the name of a style in the theme."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ktui.model.widths import clean, fit, width


class Span(NamedTuple):
    """Text in one style; styles are names such as `text`, `dim`, `key`, `ok`, `bad` (see ktui/theme.py)."""

    text: str
    style: str = "text"


Line = tuple[Span, ...]
EMPTY: Line = ()


def plain(line: Line) -> str:
    """The text of a line without its styles."""
    return "".join(span.text for span in line)


def printed(lines: Iterable[Line]) -> str:
    """Lines as they are printed where there are no styles: the text twin of a page."""
    return "\n".join(plain(line).rstrip() for line in lines)


class Page:
    """Builds the lines of a description: fields, sections and small tables, indented."""

    def __init__(self, label_cells: int = 18) -> None:
        self.lines: list[Line] = []
        self._indent = 0
        self._label_cells = label_cells

    def line(self, *spans: Span) -> None:
        """A line at the current indent."""
        pad = (Span(" " * self._indent),) if self._indent else ()
        self.lines.append((*pad, *(Span(clean(s.text), s.style) for s in spans)))

    def blank(self) -> None:
        """An empty line, never two."""
        if self.lines and self.lines[-1]:
            self.lines.append(EMPTY)

    def field(self, label: str, value: object, style: str = "text") -> None:
        """`Label:   value`; nothing where the value is None or empty. Further lines of a value are aligned under the first."""
        if value is None or value == "":
            return
        cells = max(self._label_cells - self._indent, width(label) + 2)
        for number, text in enumerate(str(value).split("\n")):
            self.line(Span(fit(f"{label}:" if number == 0 else "", cells), "key"), Span(text, style))

    def fields(self, label: str, values: Sequence[str], style: str = "text") -> None:
        """A field with one value per line."""
        self.field(label, "\n".join(values), style)

    def section(self, title: str) -> None:
        """A heading; what follows is indented until `end`."""
        if not self._indent:
            self.blank()
        self.line(Span(title, "heading"))
        self._indent += 2

    def end(self) -> None:
        """End of a section."""
        self._indent -= 2

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Span]]) -> None:
        """Columns as wide as their widest cell; the last column is not padded."""
        texts = [[clean(cell.text) for cell in row] for row in rows]
        sizes = [max([width(h), *(width(row[i]) for row in texts)]) for i, h in enumerate(headers)]
        self.line(*(Span(fit(h, sizes[i] + 2), "column") for i, h in enumerate(headers)))
        for row in rows:
            last = len(row) - 1
            self.line(*(Span(cell.text if i == last else fit(cell.text, sizes[i] + 2), cell.style) for i, cell in enumerate(row)))
