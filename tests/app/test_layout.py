"""Columns in a given width: they fit, the important ones stay."""

from hypothesis import given
from hypothesis import strategies as st

from ktui.model.layout import lay_out
from ktui.model.rows import Column

NAMES = ("Namespace", "Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Message")


@given(st.lists(st.integers(3, 40), min_size=9, max_size=9), st.integers(1, 220))
def test_placed_columns_never_overlap_or_overflow(asked: list[int], room: int) -> None:
    columns = [Column(name) for name in NAMES]
    layout = lay_out(columns, asked, room, range(len(NAMES)))
    assert layout.cells <= room
    ends = 0
    for placed in layout.placed:
        assert placed.at >= ends
        ends = placed.at + placed.cells + 1
    assert len(layout.placed) + layout.left_out == len(NAMES)


def test_name_and_status_outlive_address_and_node() -> None:
    columns = [Column(name) for name in NAMES[:-1]]
    layout = lay_out(columns, [9, 30, 5, 18, 8, 5, 12, 8], 60, range(8))
    shown = [columns[p.column].name for p in layout.placed]
    assert {"Name", "Status", "Ready", "Namespace"} <= set(shown)
    assert not {"IP", "Node"} & set(shown)


def test_wide_tables_keep_every_column() -> None:
    layout = lay_out([Column(n) for n in NAMES], [20] * 9, 40, range(9), crowded=True)
    assert len(layout.placed) == 9
