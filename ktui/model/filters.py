"""What is typed after `/`: words that must all be found, as text or regular expression, `!` for none, `-l` labels, `-f` fuzzy."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.base.selectors import EVERYTHING, Selector, SelectorError
from engine.base.selectors import parse as parse_selector
from ktui.model.health import BUSY, SEVERITY, of_row
from ktui.model.rows import Row

FILTER_CHARACTERS_MAX = 1_000
_META = re.compile(r"[\\.^$*+?{}\[\]|()]")

Test = Callable[[str], bool]


def hay_of(row: Row) -> str:
    """The text of a row in which words are looked for: its cells, in small letters."""
    return "\x1f".join(row.cells).lower()


@dataclass(frozen=True)
class Filter:
    """A parsed filter. `error` says what is wrong with the text; such a filter lets everything through."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    selector: Selector = EVERYTHING
    error: str = ""
    row_test: Callable[[Row], bool] | None = None

    @property
    def empty(self) -> bool:
        """Whether it lets everything through."""
        return not self.tests and self.selector.empty and self.row_test is None

    def matches(self, row: Row) -> bool:
        """Whether a row is shown."""
        if not self.selector.empty and not self.selector.matches(row.labels):
            return False
        if self.row_test is not None and not self.row_test(row):
            return False
        if not self.tests:
            return True
        hay = hay_of(row)
        return all(test(hay) for test in self.tests)

    @property
    def only_test(self) -> Test | None:
        """The one test of a filter that is nothing but one word: the common case, worth a fast way."""
        return self.tests[0] if len(self.tests) == 1 and self.selector.empty and self.row_test is None else None


NO_FILTER = Filter()


def faults(columns: Sequence[str]) -> Filter:
    """A filter that shows what is not well, by the state of a row with these column names."""
    least = SEVERITY[BUSY]
    return Filter("not well", row_test=lambda row: SEVERITY[of_row(columns, row.cells)] >= least)


def parse(text: str) -> Filter:
    """A filter from what was typed: `web !test`, `^web-.*-0`, `-l app=web,tier!=db`, `-f wbsv`; capitals do not matter.

    A word with characters of regular expressions is one, where it is a valid one; other words are looked for as they are.
    """
    text = text[:FILTER_CHARACTERS_MAX].strip()
    if text.startswith("-l"):
        try:
            return Filter(text, selector=parse_selector(text[2:].strip()))
        except SelectorError as error:
            return Filter(text, error=str(error))
    if text.startswith("-f"):
        return Filter(text, tuple(_fuzzy(word) for word in text[2:].split()))
    return Filter(text, tuple(_word(word) for word in text.split() if word != "!"))


def _word(word: str) -> Test:
    if word.startswith("!"):
        found = _word(word[1:])
        return lambda hay: not found(hay)
    lowered = word.lower()
    if _META.search(word):
        try:
            pattern = re.compile(_anchored(lowered))
        except re.error:
            return lambda hay: lowered in hay
        return lambda hay: pattern.search(hay) is not None
    return lambda hay: lowered in hay


def _anchored(pattern: str) -> str:
    """`^` and `$` mean the begin and end of a cell."""
    pattern = re.sub(r"(?<!\\)\^(?![^\[]*\])", r"(?:^|(?<=\\x1f))", pattern)
    return re.sub(r"(?<!\\)\$", r"(?=$|\\x1f)", pattern)


def _fuzzy(word: str) -> Test:
    pattern = re.compile("[^\x1f]*?".join(map(re.escape, word.lower())))
    return lambda hay: pattern.search(hay) is not None
