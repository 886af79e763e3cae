"""Cell widths: every fitted text has exactly the cells it was given, whatever script it is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ktui.model.widths import clean, cut, fit, slice_cells, width, wrap

MIXED = st.text(alphabet=st.sampled_from("abc결제서비스日本語é́🎉👩‍💻️\u200d\u202e\t\n\x1b0-_.אבג"), max_size=40) | st.text(max_size=40)


@given(MIXED, st.integers(0, 60), st.booleans())
def test_fitted_text_has_exactly_the_asked_cells(text: str, cells: int, right: bool) -> None:
    assert cell_len(fit(text, cells, right)) == cells


@given(MIXED, st.integers(1, 30))
def test_wrapped_pieces_lose_nothing_and_fit(text: str, cells: int) -> None:
    cleaned = clean(text)
    pieces = wrap(cleaned, cells)
    assert "".join(pieces) == cleaned
    assert all(width(piece) <= max(cells, 2) for piece in pieces)


@given(MIXED, st.integers(0, 30), st.integers(0, 30))
def test_slices_never_take_more_cells_than_asked(text: str, start: int, cells: int) -> None:
    assert width(slice_cells(clean(text), start, cells)) <= cells


@given(MIXED)
def test_cleaned_text_has_no_control_or_joining_characters(text: str) -> None:
    cleaned = clean(text)
    assert not any(character in cleaned for character in "\x1b\n\t\u200d\u202e\ufe0f")
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [("결제-서비스", 11, "결제-서비스"), ("결제-서비스", 8, "결제-서…"), ("web", 5, "web  "), ("결제", 3, "결…"), ("abc", 0, "")],
)
def test_korean_names_are_cut_at_whole_characters(text: str, cells: int, expected: str) -> None:
    assert fit(text, cells) == expected


def test_cut_marks_what_is_missing() -> None:
    assert cut("deployment", 6) == "deplo…"
