"""The text twin of a table: what the screen shows of it, printed."""

from ktui.model.health import GLYPHS, IDLE, SEVERITY, of_row
from ktui.model.layout import lay_out, natural_widths
from ktui.model.rows import cell_text
from ktui.model.tables import TableModel
from ktui.model.widths import fit

SUMMARY_ROWS_MAX = 5_000


def table_text(model: TableModel, now: float, cells: int = 120, shown: tuple[str, ...] = ()) -> str:
    """Heading and rows in `cells` cells per line, each row with the glyph of its state."""
    columns = model.columns
    chosen = [i for i in map(model.column_index, shown) if i >= 0] or [i for i, c in enumerate(columns) if not c.wide]
    layout = lay_out(columns, natural_widths(columns, model.sample(200), now), cells - 2, chosen)
    lines = ["  " + _line([(columns[p.column].name.upper(), p.at, p.cells) for p in layout.placed])]
    names = [c.name for c in columns]
    for row in model.shown():
        glyph = GLYPHS[of_row(names, row.cells)]
        lines.append(f"{glyph} " + _line([(cell_text(row, p.column, columns[p.column], now), p.at, p.cells) for p in layout.placed]))
    return "\n".join(line.rstrip() for line in lines)


def _line(cells: list[tuple[str, int, int]]) -> str:
    text, at = "", 0
    for cell, begin, size in cells:
        text += " " * (begin - at) + fit(cell, size)
        at = begin + size
    return text


def summary(model: TableModel) -> list[tuple[str, str]]:
    """How many rows are in which state, worst first: (`bad`, `✖ 2`); empty for tables whose rows tell none, or that are too long."""
    if not 0 < len(model) <= SUMMARY_ROWS_MAX:
        return []
    names = [column.name for column in model.columns]
    counts: dict[str, int] = {}
    for row in model.shown():
        state = of_row(names, row.cells)
        counts[state] = counts.get(state, 0) + 1
    if set(counts) <= {IDLE}:
        return []
    return [(state, f"{GLYPHS[state]} {counts[state]}") for state in sorted(counts, key=SEVERITY.__getitem__, reverse=True)]
