"""Sort keys of cells: numbers, quantities, ratios and ages by value, names with numbers in them as people count."""

import re
from collections.abc import Callable, Sequence

from ktui.model.rows import Column, Row

SortKey = tuple[int, float, str]
"""(0 for numbers, 1 for text, 2 for nothing; the number; the text): comparable whatever a column mixes."""

_NUMBER = re.compile(r"^(-?\d+(?:\.\d+)?)(%|n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?(?=$|[\s/(])")
_SCALE = {"": 1.0, "%": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SCALE |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}
_DIGITS = re.compile(r"\d+")
_RATIO = re.compile(r"^(\d+)/(\d+)$")
_NOTHING = ("", "<none>", "<unset>", "<unknown>", "-")


def natural(text: str) -> str:
    """A text whose order is that of people: `web-2` before `web-10`, case ignored."""
    return _DIGITS.sub(lambda digits: digits[0].zfill(8), text.lower())


def cell_key(text: str) -> SortKey:
    """The key of a cell: `3`, `100m`, `2Gi`, `45%` and `1/3` by value, `3 (5m ago)` by its number; everything else as text."""
    if text in _NOTHING:
        return (2, 0.0, "")
    ratio = _RATIO.match(text)
    if ratio:
        have, want = int(ratio[1]), int(ratio[2])
        return (0, have / want if want else 1.0, natural(text))
    number = _NUMBER.match(text)
    if number:
        return (0, float(number[1]) * _SCALE[number[2] or ""], "")
    return (1, 0.0, natural(text))


def row_key(columns: Sequence[Column], index: int) -> Callable[[Row], tuple[SortKey, str, str, str]]:
    """A function giving a row's key when sorted by column `index`; ties by namespace, name and uid. Ages: youngest first."""
    if not 0 <= index < len(columns):
        return lambda row: ((1, 0.0, ""), row.namespace, natural(row.name), row.uid)
    column = columns[index]
    if column.age >= 0:
        return lambda row: (_age_key(row, column.age), row.namespace, natural(row.name), row.uid)
    return lambda row: (cell_key(row.cells[index]) if index < len(row.cells) else (2, 0.0, ""), row.namespace, natural(row.name), row.uid)


def _age_key(row: Row, place: int) -> SortKey:
    moment = row.ages[place] if place < len(row.ages) else 0.0
    return (0, -moment, "") if moment else (2, 0.0, "")
