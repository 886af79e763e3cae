"""Table rows of custom resources (pkg/registry/customresource/tableconvertor/tableconvertor.go)."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from engine.base.clock import human_duration, parse_time
from engine.base.objects import Obj, name_of
from engine.kinds.common.jsonpath import find, printed
from engine.kinds.common.model import Column
from engine.kinds.common.tables import NAME, UNKNOWN

_AGE: Obj = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
INVALID = "<invalid>"

Cells = Callable[[Obj, float], list[Any]]


def printing(columns: Sequence[Obj]) -> tuple[tuple[Column, ...], Cells]:
    """The columns of a version's `additionalPrinterColumns`, and what makes the cells of a row; Age where it has none."""
    listed = [*columns] or [_AGE]
    headers = [Column(c["name"], c["type"], c.get("format") or "", c.get("priority") or 0, c.get("description") or "") for c in listed]
    wanted = [(c["type"], c["jsonPath"]) for c in listed]

    def cells(obj: Obj, now: float) -> list[Any]:
        return [name_of(obj), *(_cell(kind, find(path, obj), now) for kind, path in wanted)]

    return (NAME, *headers), cells


def _cell(kind: str, values: list[Any], now: float) -> Any:
    if not values:
        return None
    value = values[0]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "string":
            return printed(values)
        case "integer":
            return int(value) if is_number else None
        case "number":
            return float(value) if is_number else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date":
            return _age(value, now)
    return None


def _age(value: Any, now: float) -> str | None:
    if not isinstance(value, str):
        return None
    if not value:
        return UNKNOWN
    return human_duration(now - parse_time(value)) if _TIME.fullmatch(value) else INVALID
