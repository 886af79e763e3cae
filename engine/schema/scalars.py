"""Scalars as Kubernetes' Go types read and print them: numbers, quantities, times, base64 (the types' UnmarshalJSON and MarshalJSON)."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from engine.base.quantity import FORMAT_ERROR, canonical

INT_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}

ZEROS: Mapping[str, Any] = {
    "string": "",
    "bytes": "",
    "bool": False,
    "int32": 0,
    "int64": 0,
    "double": 0,
    "quantity": "0",
    "int_or_string": 0,
}
"""What null becomes where the place itself stays, in lists and maps."""

GO_TYPES = {"bytes": "[]uint8", "double": "float64", "time": "string", "microtime": "string", "int_or_string": "int32"}
"""How Go's errors name the type of a scalar; other scalars have their own name."""


class WrongJsonError(ValueError):
    """A JSON value of another type than the field's: `shown` is Go's word for the value."""

    def __init__(self, shown: str) -> None:
        super().__init__(shown)
        self.shown = shown


def json_type(value: Any) -> str:
    """Go's word for the type of a JSON value."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, dict) else "array"


def _wrong(value: Any) -> NoReturn:
    raise WrongJsonError(json_type(value))


def _string(value: Any) -> Any:
    return value if isinstance(value, str) else _wrong(value)


def _bool(value: Any) -> Any:
    return value if isinstance(value, bool) else _wrong(value)


def _double(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _wrong(value)


def _integer(size: str) -> Callable[[Any], Any]:
    low, high = INT_RANGES[size]

    def read(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            _wrong(value)
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(number, float) or not low <= number <= high:
            raise WrongJsonError(f"number {value}")
        return number

    return read


def _int_or_string(value: Any) -> Any:
    return value if isinstance(value, str) else _int32(value)


def _bytes(value: Any) -> Any:
    text = _string(value)
    packed = text.replace("\r", "").replace("\n", "")
    try:
        shown = base64.b64encode(base64.b64decode(packed, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise ValueError(f"illegal base64 data at input byte {_illegal_byte(packed)}") from None
    return value if shown == value else shown


def _illegal_byte(text: str) -> int:
    """Where Go's decoder gives up: at the first byte outside the alphabet, or else where the last quantum is incomplete."""
    match = re.match(r"[A-Za-z0-9+/]*", text)
    legal = match.end() if match else 0
    return legal if legal < len(text) and text[legal] != "=" else len(text) - len(text) % 4


def _quantity(value: Any) -> Any:
    if isinstance(value, bool | dict | list):
        raise ValueError(FORMAT_ERROR)
    shown = canonical(value)
    return value if shown == value else shown


RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00"

_DATE_TIME = [("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T"), ("15", r"\d\d")]
_DATE_TIME += [(":", ":"), ("04", r"\d\d"), (":", ":"), ("05", r"\d\d")]
_ZONE = ("Z07:00", r"(?:Z|[+-]\d\d:\d\d)$")
_ELEMENTS = {
    RFC3339: [*_DATE_TIME, ("", r"(?:\.\d+)?"), _ZONE],
    RFC3339_MICRO: [*_DATE_TIME, (".000000", r"\.\d{6}"), _ZONE],
}


def _parse_time(text: str, layout: str) -> datetime:
    """As Go's time.Parse.

    Raises:
        ValueError: with Go's message.
    """
    at = 0
    for element, pattern in _ELEMENTS[layout]:
        match = re.compile(pattern).match(text, at)
        if match is None:
            raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text[at:]}" as "{element}"')
        at = match.end()
    fraction = re.search(r"\.(\d+)", text)
    whole = text.replace(fraction.group(0), "") if fraction else text
    try:
        read = datetime.fromisoformat(whole).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'parsing time "{text}": day out of range') from None
    return read.replace(microsecond=int(fraction.group(1)[:6].ljust(6, "0"))) if fraction else read


def _time(value: Any) -> Any:
    read = _parse_time(_string(value), RFC3339)
    shown = read.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value if shown == value else shown


def _microtime(value: Any) -> Any:
    read = _parse_time(_string(value), RFC3339_MICRO)
    shown = read.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value if shown == value else shown


def _any(value: Any) -> Any:
    return value


_int32 = _integer("int32")

READERS: Mapping[str, Callable[[Any], Any]] = {
    "string": _string,
    "bool": _bool,
    "int32": _int32,
    "int64": _integer("int64"),
    "double": _double,
    "bytes": _bytes,
    "quantity": _quantity,
    "int_or_string": _int_or_string,
    "time": _time,
    "microtime": _microtime,
    "any": _any,
}
"""Each gives a JSON value (not null) as the server returns it, the same object where nothing changes.

Raises:
    WrongJsonError: of another JSON type.
    ValueError: with Go's message, unreadable.
"""

UNMARSHALERS = frozenset({"quantity", "int_or_string", "time", "microtime"})
"""Scalars with an UnmarshalJSON of their own: Go gives up at their first error, while it remembers the first of the others' and goes on."""
