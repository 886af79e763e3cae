"""Resource quantities: `100m`, `1.5Gi`, `2e3` (apimachinery/pkg/api/resource/quantity.go). Exact, in thousandths or finer."""

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

_FORM = re.compile(r"^([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}

FORMAT_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


EXPONENT_MAX = 64
"""Beyond it a number is refused: 1e99999999 would cost a gigabyte to look at."""


def _split(text: str | int | float) -> tuple[Fraction, str]:
    shown = str(text) if not isinstance(text, float) else format(Decimal(str(text)), "f")
    match = _FORM.match(shown)
    if not match:
        raise ValueError(FORMAT_ERROR)
    sign, digits, suffix = match.group(1), match.group(2), match.group(3) or ""
    number = Fraction(digits)
    if suffix in _BINARY:
        number *= 1024 ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        number *= Fraction(10) ** _DECIMAL[suffix]
    else:
        exponent = int(suffix[1:])
        if abs(exponent) > EXPONENT_MAX:
            raise ValueError(FORMAT_ERROR)
        number *= Fraction(10) ** exponent
    return (-number if sign == "-" else number), suffix


@lru_cache(maxsize=65_536)
def parse(text: str | int | float) -> Fraction:
    """The exact value.

    Raises:
        ValueError: not a quantity; the message is upstream's.
    """
    return _split(text)[0]


@lru_cache(maxsize=65_536)
def milli(text: str | int | float) -> int:
    """The value in thousandths, rounded up: millicores of a CPU quantity (`Quantity.MilliValue`)."""
    value = parse(text) * 1000
    return -(-value.numerator // value.denominator)


@lru_cache(maxsize=65_536)
def whole(text: str | int | float) -> int:
    """The value in whole units, rounded up: bytes of a memory quantity (`Quantity.Value`)."""
    value = parse(text)
    return -(-value.numerator // value.denominator)


@lru_cache(maxsize=65_536)
def canonical(text: str | int | float) -> str:
    """The form in which the API server returns a quantity: same suffix family, no fraction, largest suffix that fits."""
    value, suffix = _split(text)
    if suffix in _BINARY:
        if abs(value) < 1024 and value.denominator != 1:
            return _decimal(value)
        return _binary(value)
    if suffix[:1] in ("e", "E") and suffix != "E":
        return _exponent(value)
    return _decimal(value)


def in_notation_of(model: str | int | float, value: Fraction) -> str:
    """`value` in canonical form with suffixes of the family that `model` uses."""
    suffix = _split(model)[1]
    if suffix in _BINARY:
        return _binary(value)
    return _exponent(value) if suffix[:1] in ("e", "E") and suffix != "E" else _decimal(value)


def _binary(value: Fraction) -> str:
    if value == 0:
        return "0"
    if value.denominator != 1:
        value = Fraction(-(-value.numerator // value.denominator))
    best = ""
    for suffix, power in _BINARY.items():
        if (value / 1024**power).denominator == 1:
            best = suffix
    return f"{value / 1024 ** _BINARY[best]}{best}" if best else str(value)


def _decimal(value: Fraction) -> str:
    power = _largest_power(value)
    return f"{value / Fraction(10) ** power}{_DECIMAL_SUFFIX[power]}"


def _exponent(value: Fraction) -> str:
    power = _largest_power(value)
    return f"{value / Fraction(10) ** power}" + (f"e{power}" if power else "")


def _largest_power(value: Fraction) -> int:
    """The largest multiple of three below which nothing is lost; 0 for zero, -9 (rounded up by callers) at the least."""
    if value == 0:
        return 0
    for power in range(18, -12, -3):
        if (value / Fraction(10) ** power).denominator == 1:
            return power
    return -9


def from_milli(value: int) -> str:
    """A canonical quantity of `value` thousandths."""
    return _decimal(Fraction(value, 1000))


def from_whole(value: int, binary: bool = False) -> str:
    """A canonical quantity of `value` units; `binary` chooses Ki, Mi, Gi…"""
    return _binary(Fraction(value)) if binary else _decimal(Fraction(value))
