"""Field sets are sets of paths: their algebra is compared with Python's sets."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from engine.apiserver.managedfields import fieldsets
from engine.apiserver.managedfields.fieldsets import FieldSet, difference, intersection, union, without

Path = tuple[str, ...]
ELEMENTS = ["f:spec", "f:a", 'k:{"name":"x"}', 'v:"x"', "i:0"]
paths = st.frozensets(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=4).map(tuple), max_size=8)


def set_of_paths(members: frozenset[Path]) -> FieldSet:
    found: FieldSet = {}
    for path in sorted(members):
        found = union(found, fieldsets.of_path(path))
    return found


def paths_of(fields: FieldSet) -> frozenset[Path]:
    return frozenset(fieldsets.members(fields))


@given(paths)
def test_a_set_has_the_paths_that_it_was_made_of(a: frozenset[Path]) -> None:
    fields = set_of_paths(a)
    assert paths_of(fields) == a
    assert all(fieldsets.has(fields, path) for path in a)
    assert not fieldsets.has(fields, ("f:other",))


@given(paths, paths)
def test_operations_are_those_of_sets(a: frozenset[Path], b: frozenset[Path]) -> None:
    x, y = set_of_paths(a), set_of_paths(b)
    assert paths_of(union(x, y)) == a | b
    assert paths_of(intersection(x, y)) == a & b
    assert paths_of(difference(x, y)) == a - b
    below = {p for p in a if not any(p[: len(q)] == q for q in b)}
    assert paths_of(without(x, y)) == below


@given(paths, paths)
def test_equal_sets_are_written_equally(a: frozenset[Path], b: frozenset[Path]) -> None:
    x, y = set_of_paths(a), set_of_paths(b)
    assert union(x, y) == set_of_paths(a | b)
    assert intersection(x, y) == set_of_paths(a & b)
    assert difference(x, y) == set_of_paths(a - b)
    assert difference(x, x) == {}
    assert without(x, y) == set_of_paths(paths_of(without(x, y)))


@given(paths, paths)
def test_an_operation_that_changes_nothing_returns_the_set_itself(a: frozenset[Path], b: frozenset[Path]) -> None:
    x = set_of_paths(a)
    part = set_of_paths(a & b)
    assert union(x, part) is x
    assert intersection(x, x) is x
    assert difference(x, set_of_paths(b - a)) is x
    assert intersection(part, x) == part


@given(paths)
def test_fields_v1_is_read_as_it_is_written(a: frozenset[Path]) -> None:
    fields = set_of_paths(a)
    read = orjson.loads(orjson.dumps(fields))
    assert read == fields
    assert fieldsets.is_valid(read)


def test_what_is_no_set_of_fields_is_recognised() -> None:
    for wrong in (None, [], {"f": {}}, {"x:a": {}}, {"f:a": None}, {"k:{": {}}, {"k:1": {}}, {"i:x": {}}, {"f:a": {"v:": {}}}):
        assert not fieldsets.is_valid(wrong), wrong


def test_paths_are_shown_as_upstream_prints_them() -> None:
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', 'v:"x"', "i:3", "f:image")
    assert fieldsets.show_path(path) == '.spec[containerPort=80,protocol="TCP"][="x"][3].image'
