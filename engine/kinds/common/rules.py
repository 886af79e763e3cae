"""Small rules that many kinds use (pkg/apis/core/validation, apimachinery/pkg/apis/meta/v1/validation)."""

from collections.abc import Iterable
from typing import Any

from engine.base import fields, selectors
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.metadata import validate_labels
from engine.kinds.common.names import Check

NEGATIVE = "must be greater than or equal to 0"


def one_of(value: Any, path: str, supported: Iterable[str]) -> list[FieldError]:
    """The value is required and must be one of `supported`, which upstream prints in the order given."""
    supported = tuple(supported)
    if value in supported:
        return []
    return [fields.required(path)] if not value else [unsupported(value, path, supported)]


def unsupported(value: Any, path: str, supported: Iterable[str]) -> FieldError:
    """NotSupported with its values in the order given."""
    known = ", ".join(f'"{v}"' for v in supported)
    return FieldError(fields.NOT_SUPPORTED, path, f'Unsupported value: "{value}": supported values: {known}')


def not_negative(value: Any, path: str) -> list[FieldError]:
    """ValidateNonnegativeField; absent is fine."""
    return [fields.invalid(path, value, NEGATIVE)] if value is not None and value < 0 else []


def checked(value: Any, path: str, check: Check) -> list[FieldError]:
    """The errors of a name check; absent is fine."""
    return [fields.invalid(path, value, e) for e in check(value)] if value else []


def needed(value: Any, path: str, check: Check) -> list[FieldError]:
    """As `checked`, but the value must be there."""
    return checked(value, path, check) if value else [fields.required(path)]


def port(value: Any, path: str) -> list[FieldError]:
    """A port number, or a port's name (ValidatePortNumOrName)."""
    found = names.port_name(value) if isinstance(value, str) else names.port_number(value or 0)
    return [fields.invalid(path, value or 0, e) for e in found]


def int_or_percent(value: Any, path: str) -> list[FieldError]:
    """ValidatePositiveIntOrPercent."""
    if isinstance(value, str):
        return [fields.invalid(path, value, e) for e in names.percent(value)]
    return not_negative(value, path)


def percent_of(value: Any) -> int | None:
    """The number before `%`; None where it is no percentage."""
    return int(value[:-1]) if isinstance(value, str) and not names.percent(value) else None


def at_most_all(value: Any, path: str) -> list[FieldError]:
    """IsNotMoreThan100Percent."""
    share = percent_of(value)
    return [fields.invalid(path, value, "must not be greater than 100%")] if share is not None and share > 100 else []


def label_selector(selector: Obj | None, path: str) -> list[FieldError]:
    """ValidateLabelSelector."""
    if not selector:
        return []
    found = validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for i, expression in enumerate(selector.get("matchExpressions") or ()):
        found += _expression(expression, f"{path}.matchExpressions[{i}]")
    return found


def _expression(expression: Obj, path: str) -> list[FieldError]:
    found = requirement(expression, path)
    for i, value in enumerate(expression.get("values") or ()):
        found += [fields.invalid(f"{path}.values[{i}]", value, e) for e in names.label_value(value)]
    return found


def requirement(expression: Obj, path: str) -> list[FieldError]:
    """What requirements of label selectors and node selectors have in common: operator, number of values, key."""
    operator, values = expression.get("operator"), expression.get("values") or []
    found: list[FieldError] = []
    if operator in (selectors.IN, selectors.NOT_IN):
        if not values:
            found.append(fields.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in (selectors.EXISTS, selectors.DOES_NOT_EXIST):
        if values:
            found.append(fields.forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    else:
        found.append(fields.invalid(f"{path}.operator", operator or "", "not a valid selector operator"))
    return found + requirement_key(expression, path)


def requirement_key(expression: Obj, path: str) -> list[FieldError]:
    """The key of a requirement."""
    key = expression.get("key") or ""
    return [fields.invalid(f"{path}.key", key, e) for e in names.qualified_name(key)]
