"""The live table: order, filter and selection stay right whatever batches come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktui.model.filters import parse
from ktui.model.rows import Column, Row
from ktui.model.sorting import cell_key, natural
from ktui.model.tables import Changes, TableModel
from ktui.model.twin import summary, table_text

COLUMNS = (Column("Namespace"), Column("Name"), Column("Ready"), Column("Status"), Column("Age", age=0))


def row(number: int, status: str = "Running", namespace: str = "dev", age: float = 0.0) -> Row:
    name = f"web-{number}"
    ready = "1/1" if status == "Running" else "0/1"
    return Row(
        f"uid-{number}", "pods", namespace, name, (namespace, name, ready, status, ""), (1000.0 - age,), {"app": "web", "n": str(number)}
    )


def names(model: TableModel) -> list[str]:
    return [r.name for r in model.shown()]


@pytest.mark.parametrize(
    "ordered",
    [
        ["1", "2", "10"],
        ["100m", "250m", "1", "2"],
        ["512Ki", "1Mi", "2Gi", "1Ti"],
        ["0/3", "1/3", "3/3"],
        ["0", "3 (5m ago)", "12 (2h ago)"],
        ["5%", "45%", "100%"],
        ["web-2", "web-10", "web-a"],
        ["1", "abc", "<none>"],
    ],
)
def test_cells_sort_by_what_they_mean(ordered: list[str]) -> None:
    assert sorted(set(ordered), key=cell_key) == ordered


def test_names_sort_as_people_count() -> None:
    assert sorted(["web-10", "web-9", "Web-1"], key=natural) == ["Web-1", "web-9", "web-10"]


def test_rows_are_ordered_by_namespace_and_name_at_first() -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(10), row(9), row(1, namespace="prod"), row(2)]))
    assert names(model) == ["web-2", "web-9", "web-10", "web-1"]


def test_youngest_is_first_when_sorted_by_age() -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(1, age=500), row(2, age=5), row(3, age=50)]))
    model.set_sort(4, descending=False)
    assert names(model) == ["web-2", "web-3", "web-1"]


def test_a_changed_cell_that_moves_nothing_dirties_only_its_row() -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(i) for i in range(100)]))
    dirt = model.apply(Changes([row(5, "Pending")]))
    assert dirt.rows == {"uid-5"}
    assert not dirt.order


def test_a_change_of_the_sorted_column_moves_the_row() -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(i) for i in range(50)]))
    model.set_sort(3, descending=False)
    assert model.apply(Changes([row(30, "CrashLoopBackOff")])).order
    assert model.row_at(0).name == "web-30"
    assert model.position("uid-30") == 0


def test_a_row_that_no_longer_matches_the_filter_leaves() -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(i) for i in range(50)]))
    model.set_filter(parse("running"))
    assert model.apply(Changes([row(7, "Failed")])).order
    assert model.position("uid-7") is None
    assert model.apply(Changes([row(7)])).order
    assert model.position("uid-7") == 7


STEPS = st.tuples(st.sampled_from(["put", "drop"]), st.integers(0, 40), st.sampled_from(["Running", "Pending", "Failed"]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(STEPS, min_size=1, max_size=120),
    st.integers(1, 40),
    st.sampled_from(["", "running", "!failed", "-l n=3"]),
    st.integers(-1, 4),
    st.booleans(),
)
def test_any_batches_give_the_same_table_as_sorting_at_the_end(
    steps: list[tuple[str, int, str]], size: int, text: str, column: int, descending: bool
) -> None:
    model, model.filter = TableModel(COLUMNS), parse("")
    model.set_filter(parse(text))
    model.set_sort(column, descending)
    left: dict[str, Row] = {}
    for at in range(0, len(steps), size):
        batch: dict[str, Row | None] = {}
        for verb, number, status in steps[at : at + size]:
            batch[f"uid-{number}"] = row(number, status) if verb == "put" else None
        model.apply(Changes([r for r in batch.values() if r], [uid for uid, r in batch.items() if r is None]))
        for uid, changed in batch.items():
            left.pop(uid, None)
            if changed:
                left[uid] = changed
    fresh = TableModel(COLUMNS)
    fresh.apply(Changes(list(left.values())))
    fresh.set_filter(parse(text))
    fresh.set_sort(column, descending)
    assert names(model) == names(fresh)
    assert all(model.position(r.uid) == at for at, r in enumerate(model.shown()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-1", [1, 10, 11]),
        ("^web-1$", [1]),
        ("web !web-1", [0, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("-l n in (2,3)", [2, 3]),
        ("-f w11", [11]),
        ("PENDING", [4]),
        ("(", []),
        ("", list(range(12))),
    ],
)
def test_filters_find(text: str, expected: list[int]) -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(i, "Pending" if i == 4 else "Running") for i in range(12)]))
    model.set_filter(parse(text))
    assert names(model) == [f"web-{i}" for i in expected]


def test_a_bad_label_selector_shows_everything_and_says_why() -> None:
    found = parse("-l a==,=")
    assert found.error and found.empty


def test_the_text_twin_prints_glyph_and_word() -> None:
    model = TableModel(COLUMNS)
    model.apply(Changes([row(1, age=300), row(2, "CrashLoopBackOff", age=60)]))
    assert table_text(model, 1000.0, 80).splitlines() == [
        "  NAMESPACE    NAME     READY    STATUS              AGE",
        "● dev          web-1    1/1      Running             5m",
        "✖ dev          web-2    0/1      CrashLoopBackOff    60s",
    ]
    assert summary(model) == [("bad", "✖ 1"), ("ok", "● 1")]
