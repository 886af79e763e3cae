"""Keys that move a selection or a page, the same everywhere: vim's and the usual ones."""

from collections.abc import Callable, Mapping

MOVES: Mapping[str, str] = {
    **dict.fromkeys(("j", "down", "ㅓ"), "down"),
    **dict.fromkeys(("k", "up", "ㅏ"), "up"),
    **dict.fromkeys(("pagedown", "ctrl+f"), "page down"),
    **dict.fromkeys(("pageup", "ctrl+b"), "page up"),
    **dict.fromkeys(("g", "home", "ㅎ"), "first"),
    **dict.fromkeys(("G", "end"), "last"),
    "left": "left",
    "right": "right",
}
"""Key (as Textual names it) to move. `h` and `l` of vim are not here: `l` shows logs."""

STEPS: Mapping[str, Callable[[int, int, int], int]] = {
    "down": lambda at, page, count: at + 1,
    "up": lambda at, page, count: at - 1,
    "page down": lambda at, page, count: at + page,
    "page up": lambda at, page, count: at - page,
    "first": lambda at, page, count: 0,
    "last": lambda at, page, count: count - 1,
}
"""Where a move leads from line `at`, with pages of `page` lines of `count`; not clamped."""
