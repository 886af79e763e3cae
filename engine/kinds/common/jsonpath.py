"""The JSONPath of printer columns and scale paths (client-go/util/jsonpath): fields, indices, wildcards, and equality filters."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson

Step = Callable[[Sequence[Any]], list[Any]]

_TOKEN = re.compile(
    r"""
    \.\.(?P<deep>(?:\\.|[^.\[\]\s])+) |
    \.?\[\s*'(?P<quoted>(?:\\.|[^'])*)'\s*\] |
    \.?\[\s*(?P<index>-?\d+)\s*\] |
    \.?\[\s*(?P<from>-?\d*):(?P<to>-?\d*)\s*\] |
    \.?\[\s*(?P<all>\*)\s*\] |
    \.?\[\s*\?\(\s*@(?P<left>[^=!<>\s]+)\s*(?P<op>==|!=)\s*(?P<right>[^)]*?)\s*\)\s*\] |
    \.(?P<name>(?:\\.|[^.\[\]\s])+) |
    (?P<dot>\.)$
    """,
    re.VERBOSE,
)


class PathError(ValueError):
    """A text is no JSONPath that is understood here."""


@lru_cache(maxsize=1_024)
def steps(path: str) -> tuple[Step, ...]:
    """The steps of a path such as `.status.conditions[?(@.type=="Ready")].status`.

    Raises:
        PathError: it cannot be read.
    """
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    text = text.removeprefix("$")
    found: list[Step] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise PathError(f"{path}: cannot be read from {text[at:]!r}")
        if match["dot"] is None:
            found.append(_step(match))
        at = match.end()
    return tuple(found)


def find(path: str, obj: Any) -> list[Any]:
    """All values at a path; none where it leads nowhere.

    Raises:
        PathError: it cannot be read.
    """
    values = [obj]
    for step in steps(path):
        values = step(values)
    return values


def field_path(path: str) -> tuple[str, ...]:
    """The names in a path that consists of nothing else, as those of the scale subresource do."""
    return tuple(_unescaped(part) for part in re.split(r"(?<!\\)\.", path.strip()) if part)


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _step(match: re.Match[str]) -> Step:
    if match["deep"] is not None:
        return lambda values: [inner for value in values for inner in _deep(value, _unescaped(match["deep"]))]
    if match["index"] is not None:
        return _indexed(int(match["index"]))
    if match["from"] is not None:
        start, end = (int(match[name]) if match[name] else None for name in ("from", "to"))
        return lambda values: [inner for value in values if isinstance(value, list) for inner in value[start:end]]
    if match["all"] is not None or match["name"] == "*":
        return lambda values: [inner for value in values for inner in _children(value)]
    if match["left"] is not None:
        return _filtered(match["left"], match["op"] == "==", match["right"])
    name = _unescaped(match["name"] if match["name"] is not None else match["quoted"])
    return lambda values: [value[name] for value in values if isinstance(value, dict) and name in value]


def _indexed(index: int) -> Step:
    return lambda values: [value[index] for value in values if isinstance(value, list) and -len(value) <= index < len(value)]


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _deep(value: Any, name: str) -> list[Any]:
    found = [value[name]] if isinstance(value, dict) and name in value else []
    return [*found, *(inner for child in _children(value) for inner in _deep(child, name))]


def _filtered(left: str, equal: bool, right: str) -> Step:
    wanted = _literal(right)
    inner = steps(left)

    def holds(value: Any) -> bool:
        values = [value]
        for step in inner:
            values = step(values)
        return bool(values) and (values[0] == wanted) is equal

    return lambda values: [child for value in values for child in _children(value) if holds(child)]


def _literal(text: str) -> Any:
    if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
        return _unescaped(text[1:-1])
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise PathError(f"{text}: no literal") from None


def printed(values: Sequence[Any]) -> str:
    """Values as a column of texts shows them: with spaces between; what is no scalar as JSON."""
    return " ".join(_text(value) for value in values)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
