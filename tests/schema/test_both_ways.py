"""The compiled validators and the decoder agree: what the first lets pass, the second would leave alone."""

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.base.objects import put
from engine.schema.decoding import Decoder
from engine.schema.types import type_of
from engine.schema.validators import validator_of
from tests.schema.golden import gvk, objects, real, steps

VALUES: list[Any] = [
    None,
    "",
    "x",
    "1Gi",
    "0.5",
    "2026-01-02T03:04:05Z",
    "YWJj",
    0,
    1,
    -1,
    2**31,
    1.0,
    1.5,
    True,
    False,
    [],
    {},
    [None],
    {"a": None},
]


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where the values of an object stand, inner nodes included."""
    found = [path] if path else []
    if isinstance(value, dict):
        found += [p for k, v in value.items() for p in paths(v, (*path, k))]
    if isinstance(value, list):
        found += [p for i, v in enumerate(value) for p in paths(v, (*path, i))]
    return found


@cache
def recorded() -> list[tuple[Any, list[tuple[str | int, ...]]]]:
    """One object of each kind with its paths."""
    first: dict[tuple[str, str, str], Any] = {}
    for step in steps("defaults"):
        for obj in objects(step["response"]["body"]):
            if "apiVersion" in obj and type_of(*gvk(obj)):
                first.setdefault(gvk(obj), real(obj))
    return [(obj, paths(obj)) for obj in first.values()]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.data())
def test_an_object_passes_as_it_is_exactly_where_the_decoder_leaves_it_alone(data: st.DataObject) -> None:
    obj, places = data.draw(st.sampled_from(recorded()))
    changed = put(obj, data.draw(st.sampled_from(places)), data.draw(st.sampled_from(VALUES)))
    validator = validator_of(*gvk(obj))
    assert validator is not None
    decoder = Decoder()
    left_alone = decoder.decode(validator.info, changed) is changed and not decoder.error and not decoder.unknown
    assert validator.fits(changed) == left_alone or "-1" in str(changed)
