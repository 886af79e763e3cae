"""Quantities parse exactly and print as the API server prints them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base import quantity


@pytest.mark.parametrize(
    ("text", "canonical", "milli", "whole"),
    [
        ("100m", "100m", 100, 1),
        ("0.5", "500m", 500, 1),
        ("1500m", "1500m", 1500, 2),
        ("1.5Gi", "1536Mi", 1536 * 2**20 * 1000, 1536 * 2**20),
        (".5Mi", "512Ki", 512 * 2**10 * 1000, 512 * 2**10),
        ("1024Ki", "1Mi", 2**20 * 1000, 2**20),
        ("1000", "1k", 10**6, 1000),
        ("2e3", "2e3", 2 * 10**6, 2000),
        ("0", "0", 0, 0),
        ("-1", "-1", -1000, -1),
        (2, "2", 2000, 2),
        (0.25, "250m", 250, 1),
        ("100u", "100u", 1, 1),
        ("5E", "5E", 5 * 10**21, 5 * 10**18),
    ],
)
def test_quantity(text: str | int | float, canonical: str, milli: int, whole: int) -> None:
    assert quantity.canonical(text) == canonical
    assert quantity.milli(text) == milli
    assert quantity.whole(text) == whole


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "1 Gi", "Gi", "1KiB", "--1", "1e", "1e99999999", "1e-65"])
def test_malformed_quantity_is_refused_with_upstreams_words(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        quantity.parse(text)


@given(st.integers(0, 10**15), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_canonical_form_keeps_the_value_and_is_stable(number: int, suffix: str) -> None:
    text = quantity.canonical(f"{number}{suffix}")
    assert quantity.parse(text) == quantity.parse(f"{number}{suffix}")
    assert quantity.canonical(text) == text


@given(st.integers(-(10**12), 10**12))
def test_from_milli_is_the_inverse_of_milli(value: int) -> None:
    assert quantity.parse(quantity.from_milli(value)) == Fraction(value, 1000)


def test_from_whole_uses_binary_suffixes_on_request() -> None:
    assert quantity.from_whole(2**30, binary=True) == "1Gi"
    assert quantity.from_whole(3_000_000) == "3M"
