"""Errors about fields of an object, as `field.Error` of apimachinery prints and reports them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

REQUIRED = "FieldValueRequired"
INVALID = "FieldValueInvalid"
NOT_SUPPORTED = "FieldValueNotSupported"
DUPLICATE = "FieldValueDuplicate"
FORBIDDEN = "FieldValueForbidden"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"
NOT_FOUND = "FieldValueNotFound"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One cause of an Invalid status: `reason` is a metav1.CauseType, `message` the text after `field: `."""

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def _show(value: Any) -> str:
    """A value as Go's field errors quote it: strings in quotes, objects as JSON."""
    if isinstance(value, str):
        return orjson.dumps(value).decode()
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)


def required(field: str, detail: str = "") -> FieldError:
    """A field that must be set is not."""
    return FieldError(REQUIRED, field, f"Required value: {detail}" if detail else "Required value")


def invalid(field: str, value: Any, detail: str) -> FieldError:
    """A value breaks a rule that `detail` states."""
    return FieldError(INVALID, field, f"Invalid value: {_show(value)}: {detail}" if detail else f"Invalid value: {_show(value)}")


def not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """A value is none of an enumeration; `supported` is printed sorted."""
    known = ", ".join(_show(v) for v in sorted(supported))
    return FieldError(NOT_SUPPORTED, field, f"Unsupported value: {_show(value)}: supported values: {known}")


def duplicate(field: str, value: Any) -> FieldError:
    """A value occurs twice where it must be unique."""
    return FieldError(DUPLICATE, field, f"Duplicate value: {_show(value)}")


def forbidden(field: str, detail: str) -> FieldError:
    """A field may not be set (so)."""
    return FieldError(FORBIDDEN, field, f"Forbidden: {detail}")


def too_long(field: str, maximum: int) -> FieldError:
    """A string has more than `maximum` bytes."""
    return FieldError(TOO_LONG, field, f"Too long: may not be more than {maximum} bytes")


def not_found(field: str, value: Any) -> FieldError:
    """A value refers to something that does not exist."""
    return FieldError(NOT_FOUND, field, f"Not found: {_show(value)}")
