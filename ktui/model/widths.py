"""How many terminal cells a text takes, and texts cut or padded to an exact number of cells (Korean and emoji take two)."""

import re
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size

ELLIPSIS = "…"

_UNPRINTABLE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """Text that every terminal lays out alike: control, direction, joiner and variation characters dropped, line ends and tabs as spaces.

    Terminals disagree about the width of joined emoji; without the joiners each part has the width that all agree on.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(_stand_in, text)


def _stand_in(match: re.Match[str]) -> str:
    return " " if match[0] in "\t\n\r\v\f" else ""


def width(text: str) -> int:
    """Cells of a cleaned text."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, cells: int) -> str:
    """The longest head of `text` that fits into `cells`; ends in an ellipsis where something was cut off."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    return _head(text, cells - 1) + ELLIPSIS


def _head(text: str, cells: int) -> str:
    if text.isascii():
        return text[:cells]
    taken = 0
    for at, character in enumerate(text):
        taken += get_character_cell_size(character)
        if taken > cells:
            return text[:at]
    return text


@lru_cache(maxsize=65_536)
def fit(text: str, cells: int, right: bool = False) -> str:
    """`text` in exactly `cells` cells: padded, or cut with an ellipsis; `right` aligns to the right."""
    if cells <= 0:
        return ""
    shown = cut(clean(text), cells)
    padding = " " * (cells - width(shown))
    return padding + shown if right else shown + padding


def slice_cells(text: str, start: int, cells: int) -> str:
    """The part of a cleaned `text` from cell `start` on, in at most `cells` cells; a character cut in half becomes a space."""
    if cells <= 0:
        return ""
    if text.isascii():
        return text[start : start + cells]
    parts: list[str] = []
    at = 0
    for character in text:
        size = get_character_cell_size(character)
        if at >= start + cells:
            break
        if at >= start and at + size <= start + cells:
            parts.append(character)
        elif at + size > start and size:
            parts.append(" ")
        at += size
    return "".join(parts)


def wrap(text: str, cells: int) -> list[str]:
    """Pieces of a cleaned text of at most `cells` cells each; at least one piece, broken anywhere, as terminals do."""
    if cells <= 0 or width(text) <= cells:
        return [text]
    if text.isascii():
        return [text[i : i + cells] for i in range(0, len(text), cells)]
    pieces: list[str] = []
    begin = taken = 0
    for at, character in enumerate(text):
        size = get_character_cell_size(character)
        if taken + size > cells and at > begin:
            pieces.append(text[begin:at])
            begin, taken = at, 0
        taken += size
    pieces.append(text[begin:])
    return pieces
