"""What is wrong with a value by its schema, in the words of kube-openapi's validation
(kube-openapi/pkg/validation, apiextensions-apiserver/pkg/apiserver/validation/validation.go)."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from engine.apiserver.definitions.formats import FORMATS
from engine.apiserver.definitions.structural import EMBEDDED, INT_OR_STRING
from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common.structural import expression

TYPE_INVALID = "FieldValueTypeInvalid"
COMPOSITE = "<nil>"
"""The field that upstream reports for allOf, anyOf, oneOf and not."""

_JSON_TYPES = ((dict, "object"), (list, "array"), (str, "string"), (bool, "boolean"), (int, "integer"), (float, "number"))


def errors(schema: Obj, value: Any, path: str = "") -> list[FieldError]:
    """All that is wrong with `value`, in the order in which upstream finds it: its type, its own bounds, then what is in it."""
    return list(_errors(schema, value, path))


def _errors(schema: Obj, value: Any, path: str) -> Iterator[FieldError]:
    if value is None and schema.get("nullable"):
        return
    wrong = _wrong_type(schema, value, path)
    if wrong is not None:
        yield wrong
        return
    yield from _enum(schema, value, path)
    if isinstance(value, str):
        yield from _text(schema, value, path)
    elif isinstance(value, dict):
        yield from _object(schema, value, path)
    elif isinstance(value, list):
        yield from _array(schema, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(schema, value, path)
    yield from _junctors(schema, value, path)


def _name(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return next((name for type, name in _JSON_TYPES if isinstance(value, type)), "null")


def _wrong_type(schema: Obj, value: Any, path: str) -> FieldError | None:
    if schema.get(INT_OR_STRING):
        wanted, fits = "integer,string", _name(value) in ("integer", "string")
    else:
        wanted = schema.get("type") or ""
        found = _name(value)
        fits = not wanted or found == wanted or (wanted == "number" and found == "integer")
    if fits:
        return None
    return _type_invalid(path, wanted, _name(value))


def _type_invalid(path: str, wanted: str, shown: str) -> FieldError:
    return FieldError(TYPE_INVALID, path or COMPOSITE, f'Invalid value: "{shown}": {path} in body must be of type {wanted}: "{shown}"')


def _enum(schema: Obj, value: Any, path: str) -> Iterator[FieldError]:
    allowed = schema.get("enum")
    if allowed is not None and not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed):
        shown = [one if isinstance(one, str) else str(one) for one in allowed]
        known = ", ".join(f'"{one}"' for one in shown)
        text = fields.invalid(path, value, "").message.removeprefix("Invalid value: ")
        yield FieldError(fields.NOT_SUPPORTED, path, f"Unsupported value: {text}: supported values: {known}")


def _matches(pattern: str, value: str) -> bool:
    """Whether a value matches; a pattern that Python cannot express was warned of when it was defined."""
    try:
        return expression(pattern).search(value) is not None
    except re.error:
        return True


def _text(schema: Obj, value: str, path: str) -> Iterator[FieldError]:
    least, most, pattern = schema.get("minLength"), schema.get("maxLength"), schema.get("pattern")
    if most is not None and len(value) > most:
        yield fields.too_long(path, most)
    if least is not None and len(value) < least:
        yield fields.invalid(path, value, f"{path} in body should be at least {least} chars long")
    if pattern and not _matches(pattern, value):
        yield fields.invalid(path, value, f"{path} in body should match '{pattern}'")
    check = FORMATS.get(schema.get("format") or "")
    if check is not None and not check(value):
        yield _type_invalid(path, schema["format"], value)


def _number(schema: Obj, value: int | float, path: str) -> Iterator[FieldError]:
    most, least, step = schema.get("maximum"), schema.get("minimum"), schema.get("multipleOf")
    if most is not None and (value >= most if schema.get("exclusiveMaximum") else value > most):
        bound = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        yield fields.invalid(path, value, f"{path} in body should be {bound} {_plain(most)}")
    if least is not None and (value <= least if schema.get("exclusiveMinimum") else value < least):
        bound = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        yield fields.invalid(path, value, f"{path} in body should be {bound} {_plain(least)}")
    if step and Decimal(str(value)) % Decimal(str(step)):
        yield fields.invalid(path, value, f"{path} in body should be a multiple of {_plain(step)}")
    bits = {"int32": 31, "int64": 63}.get(schema.get("format") or "")
    if bits is not None and not -(2**bits) <= value < 2**bits:
        yield fields.invalid(path, value, f"{path} in body must be of type {schema['format']}")


def _plain(number: int | float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _object(schema: Obj, value: Obj, path: str) -> Iterator[FieldError]:
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if most is not None and len(value) > most:
        yield _too_many(path, len(value), most)
    if least is not None and len(value) < least:
        yield fields.invalid(path, value, f"{path} in body should have at least {least} properties")
    for name in schema.get("required") or ():
        if name not in value:
            yield fields.required(_at(path, name))
    if schema.get(EMBEDDED):
        for name in ("apiVersion", "kind"):
            if not value.get(name):
                yield fields.required(_at(path, name), "must not be empty")
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, inner in value.items():
        if name in properties:
            yield from _errors(properties[name], inner, _at(path, name))
        elif isinstance(others, dict):
            yield from _errors(others, inner, _at(path, name))


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _too_many(path: str, count: int, most: int) -> FieldError:
    return FieldError(fields.TOO_MANY, path, f"Too many: {count}: must have at most {most} items")


def _array(schema: Obj, value: Sequence[Any], path: str) -> Iterator[FieldError]:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if most is not None and len(value) > most:
        yield _too_many(path, len(value), most)
    if least is not None and len(value) < least:
        yield fields.invalid(path, len(value), f"{path} in body should have at least {least} items")
    items = schema.get("items")
    if isinstance(items, dict):
        for i, item in enumerate(value):
            yield from _errors(items, item, f"{path}[{i}]")
    yield from _duplicates(schema, value, path)


def _duplicates(schema: Obj, value: Sequence[Any], path: str) -> Iterator[FieldError]:
    """Sets and lists by keys have each element once (pkg/apiserver/schema/listtype/validation.go)."""
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: list[Any] = []
    for i, item in enumerate(value):
        identity = {key: item.get(key) for key in keys} if kind == "map" and isinstance(item, dict) else item
        if identity in seen:
            yield fields.duplicate(f"{path}[{i}]", identity)
        seen.append(identity)


def _junctors(schema: Obj, value: Any, path: str) -> Iterator[FieldError]:
    def fits(inner: Obj) -> bool:
        return next(_errors(inner, value, path), None) is None

    def wrong(detail: str) -> FieldError:
        return fields.invalid(COMPOSITE, "", f'"{path}" {detail}')

    for inner in schema.get("allOf") or ():
        yield from _errors(inner, value, path)
    any_of, one_of, excluded = schema.get("anyOf"), schema.get("oneOf"), schema.get("not")
    if any_of and not any(map(fits, any_of)):
        yield wrong("must validate at least one schema (anyOf)")
    if one_of and (matching := sum(map(fits, one_of))) != 1:
        found = f"Found {matching} valid alternatives" if matching else "Found none valid"
        yield wrong(f"must validate one and only one schema (oneOf). {found}")
    if excluded is not None and fits(excluded):
        yield wrong("must not validate the schema (not)")
