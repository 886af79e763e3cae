"""What makes the schema of a custom resource structural (apiextensions-apiserver/pkg/apiserver/schema/validation.go, and
pkg/apis/apiextensions/validation)."""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.schema.types import named
from engine.schema.validators import Validator

TYPES = ("array", "boolean", "integer", "number", "object", "string")
FIELDS = "object fields"
RULES = "x-kubernetes-validations"
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_UNTYPED_OK = ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
_FORBIDDEN: Mapping[str, str] = {
    "definitions": "definitions is not supported",
    "dependencies": "dependencies is not supported",
    "patternProperties": "patternProperties is not supported",
    "$ref": "$ref is not supported",
    "id": "id is not supported",
    "additionalItems": "additionalItems is not supported",
}


_GO_ONLY = re.compile(r"\\[pPQC]|\[\[:|\(\?[a-z]*U")
"""Of RE2, but not of Python."""


@lru_cache(maxsize=1_024)
def expression(pattern: str) -> re.Pattern[str]:
    """A pattern of a schema, which is of Go's dialect.

    Raises:
        re.error: it is none, or Python cannot express it.
    """
    if _GO_ONLY.search(pattern):
        raise re.error("Python's expressions have no such class", pattern)
    ended = pattern[:-1] + r"\Z" if re.search(r"(?<!\\)(\\\\)*\$$", pattern) else pattern
    return re.compile(ended.replace(r"\z", r"\Z"), re.ASCII)


def unchecked(schema: Obj, path: str) -> Iterator[str]:
    """What values will not be checked for, as warnings: rules in CEL, and patterns that Python cannot express."""
    if schema.get(RULES):
        yield f"{path}.{RULES}: validation rules are not evaluated yet"
    if _GO_ONLY.search(schema.get("pattern") or ""):
        yield f"{path}.pattern: the pattern is not evaluated, it uses what only Go's expressions have"
    for at, inner, _ in children(schema, path):
        yield from unchecked(inner, at)


def children(schema: Obj, path: str) -> Iterator[tuple[str, Obj, str]]:
    """(path, schema, what it specifies) of what is directly in a schema; junctors left out, which only bound values."""
    for name, inner in (schema.get("properties") or {}).items():
        yield f"{path}.properties[{name}]", inner, FIELDS
    items, values = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        yield f"{path}.items", items, "array items"
    if isinstance(values, dict):
        yield f"{path}.additionalProperties", values, FIELDS


@cache
def _props() -> Validator:
    return Validator(named("apiextensions.v1.JSONSchemaProps"))


def structural_errors(schema: Obj, path: str) -> Iterator[FieldError]:
    """What is wrong with a schema, that itself first, then what is in it."""
    yield from _own(schema, path)
    for at, inner, what in children(schema, path):
        # What is in `items` and `additionalProperties` has no type in the table (it may be a boolean), so it was not decoded.
        if not at.endswith("]"):
            result = _props()(inner)
            if result.errors:
                yield fields.invalid(at, inner, result.errors[0])
                continue
            inner = result.obj
        untyped = any(inner.get(name) for name in _UNTYPED_OK)
        if not inner.get("type") and not untyped:
            yield fields.required(f"{at}.type", f"must not be empty for specified {what}")
        yield from structural_errors(inner, at)


def _own(schema: Obj, path: str) -> Iterator[FieldError]:
    kind, values = schema.get("type") or "", schema.get("additionalProperties")
    if kind and kind not in TYPES:
        yield fields.not_supported(f"{path}.type", kind, TYPES)
    if kind == "array" and not isinstance(schema.get("items"), dict):
        if isinstance(schema.get("items"), list):
            yield fields.forbidden(f"{path}.items", "items must be a schema object and not an array")
        else:
            yield fields.required(f"{path}.items", "must be specified")
    if values is not None and not isinstance(values, dict | bool):
        yield fields.invalid(f"{path}.additionalProperties", values, "must be a schema object or a boolean")
    if values is False:
        yield fields.forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false")
    if values is not None and schema.get("properties"):
        yield fields.forbidden(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    if schema.get("uniqueItems"):
        yield fields.forbidden(f"{path}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")
    for name, why in _FORBIDDEN.items():
        if schema.get(name):
            yield fields.forbidden(f"{path}.{name}", why)
    yield from _pattern(schema.get("pattern"), path)
    yield from _list_type(schema, path)
    for name in _JUNCTORS:
        for i, inner in enumerate(schema.get(name) or ()):
            yield from _bounds_only(inner, f"{path}.{name}[{i}]")


def _pattern(pattern: Any, path: str) -> Iterator[FieldError]:
    if not pattern:
        return
    try:
        expression(pattern)
    except re.error as error:
        if _GO_ONLY.search(pattern):
            return
        yield fields.invalid(f"{path}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")


def _list_type(schema: Obj, path: str) -> Iterator[FieldError]:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    if kind is not None and schema.get("type") != "array":
        yield fields.invalid(f"{path}.type", schema.get("type") or "", "must be array if x-kubernetes-list-type is specified")
    if kind not in (None, "atomic", "set", "map"):
        yield fields.not_supported(f"{path}.x-kubernetes-list-type", kind, ("atomic", "set", "map"))
    if kind == "map" and not keys:
        yield fields.required(f"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map")
    if keys and kind != "map":
        at = f"{path}.x-kubernetes-list-type"
        yield fields.invalid(at, kind or "", "must be map if x-kubernetes-list-map-keys is non-empty")
    items = schema.get("items")
    properties = items.get("properties") if isinstance(items, dict) else None
    for key in keys:
        if not isinstance(properties, dict) or key not in properties:
            why = f'entries must all be names of item properties, "{key}" is none'
            yield fields.invalid(f"{path}.x-kubernetes-list-map-keys", list(keys), why)


def _bounds_only(schema: Obj, path: str) -> Iterator[FieldError]:
    """Junctors bound values; what a value is, is said outside of them."""
    for name in ("type", "default", "description", "additionalProperties", "nullable"):
        if schema.get(name) and not (name == "type" and schema["type"] in ("integer", "string")):
            yield fields.forbidden(f"{path}.{name}", "must be undefined to be structural")
    for name in _JUNCTORS:
        for i, inner in enumerate(schema.get(name) or ()):
            yield from _bounds_only(inner, f"{path}.{name}[{i}]")
