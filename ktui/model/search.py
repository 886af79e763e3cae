"""Searching in styled lines, and breaking them to a width."""

from collections.abc import Sequence

from ktui.model.lines import Line, Span, plain
from ktui.model.widths import width, wrap


def search(lines: Sequence[Line], term: str) -> list[int]:
    """Indices of the lines that contain `term`; capitals do not matter."""
    wanted = term.lower()
    return [i for i, line in enumerate(lines) if wanted in plain(line).lower()] if wanted else []


def highlighted(line: Sequence[Span], term: str, style: str) -> list[Span]:
    """The line with every place of `term` in `style`; places may begin in one span and end in another."""
    text = "".join(span.text for span in line)
    lowered, wanted = text.lower(), term.lower()
    if not wanted or wanted not in lowered or len(lowered) != len(text):
        return list(line)
    hit = [False] * len(text)
    at = lowered.find(wanted)
    while at >= 0:
        hit[at : at + len(wanted)] = [True] * len(wanted)
        at = lowered.find(wanted, at + len(wanted))
    found: list[Span] = []
    at = 0
    for span in line:
        begin = 0
        for i in range(1, len(span.text) + 1):
            if i == len(span.text) or hit[at + i] != hit[at + begin]:
                found.append(Span(span.text[begin:i], style if hit[at + begin] else span.style))
                begin = i
        at += len(span.text)
    return found


def wrapped(line: Line, cells: int) -> list[Line]:
    """The line in pieces of at most `cells` cells; pieces after the first are indented like the last column of the first."""
    text = plain(line)
    if width(text) <= cells or cells < 8:
        return [line]
    indent = min(_value_column(line), cells // 2)
    first = wrap(text, cells)[0]
    rest = wrap(text[len(first) :], cells - indent)
    pieces: list[Line] = []
    at = 0
    for piece in (first, *rest):
        pieces.append((*((Span(" " * indent),) if at and indent else ()), *_part(line, at, at + len(piece))))
        at += len(piece)
    return pieces


def _value_column(line: Line) -> int:
    """The cell where the last span begins: the value of a field, the message of an event."""
    return sum(width(span.text) for span in line[:-1])


def _part(line: Line, start: int, end: int) -> list[Span]:
    """The spans of the characters from `start` to `end`."""
    found: list[Span] = []
    at = 0
    for span in line:
        text = span.text[max(0, start - at) : max(0, end - at)]
        if text:
            found.append(Span(text, span.style))
        at += len(span.text)
    return found
