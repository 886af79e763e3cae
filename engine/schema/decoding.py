"""Decoding JSON objects into API types as the API server does: what it rejects, does not know, and changes.

Follows sigs.k8s.io/json (a fork of encoding/json): field names are case-sensitive, null leaves a field unset, the first error of a
scalar's own UnmarshalJSON ends it, and of other mismatches the first is reported.
"""

from collections.abc import Callable
from typing import Any

from engine.schema.scalars import GO_TYPES, READERS, UNMARSHALERS, ZEROS, WrongJsonError, json_type
from engine.schema.types import FieldInfo, TypeInfo

STRICT_ERRORS_MAX = 100
"""Unknown fields that are reported, as in sigs.k8s.io/json."""

_DROP = object()


class _StopError(Exception):
    """Decoding ends with this message."""


class Decoder:
    """Decodes one object. Afterwards `error` is Go's message (empty: none) and `unknown` has the paths of unknown fields."""

    def __init__(self) -> None:
        self.error = ""
        self.unknown: list[str] = []
        self._struct = ""
        self._names: list[str] = []

    def decode(self, info: TypeInfo, obj: Any) -> Any:
        """`obj` as the server prints it, without unknown and empty fields; the same object where nothing changes."""
        field = FieldInfo(kind="object", own_type=info)
        try:
            return self._object(field, obj, "")
        except _StopError as error:
            self.error = str(error)
            return obj

    def _mismatch(self, value: str, wanted: str) -> str:
        if not self._names:
            return f"json: cannot unmarshal {value} into Go value of type {wanted}"
        return f"json: cannot unmarshal {value} into Go struct field {self._struct}.{'.'.join(self._names)} of type {wanted}"

    def _report(self, message: str) -> None:
        self.error = self.error or message

    def _value(self, field: FieldInfo, value: Any, path: str) -> Any:
        """A value that is not null."""
        if field.kind == "scalar":
            return self._scalar(field.scalar, value)
        if field.kind == "object":
            return self._object(field, value, path)
        return self._list(field, value, path) if field.kind == "list" else self._map(field, value, path)

    def _scalar(self, scalar: str, value: Any) -> Any:
        try:
            return READERS[scalar](value)
        except WrongJsonError as error:
            message = self._mismatch(error.shown, GO_TYPES.get(scalar, scalar))
        except ValueError as error:
            message = str(error)
        if scalar in UNMARSHALERS:
            raise _StopError(message)
        self._report(message)
        return value

    def _object(self, field: FieldInfo, value: Any, path: str) -> Any:
        info = field.type
        if info is None or info.preserve:
            return value
        if not isinstance(value, dict):
            self._report(self._mismatch(json_type(value), go_type(field)))
            return value
        outer, self._struct = self._struct, info.go_name
        made = self._changed(value, lambda name, inner: self._field(info, name, inner, path))
        self._struct = outer
        return made

    def _field(self, info: TypeInfo, name: str, value: Any, path: str) -> Any:
        field = info.fields.get(name)
        here = f"{path}.{name}" if path else name
        if field is None:
            if len(self.unknown) < STRICT_ERRORS_MAX:
                self.unknown.append(here)
            return _DROP
        if value is None:
            return None if field.null else _DROP
        self._struct = info.go_name
        self._names.append(name)
        made = self._value(field, value, here)
        self._names.pop()
        return _DROP if field.omit and not made else made

    def _map(self, field: FieldInfo, value: Any, path: str) -> Any:
        element = field.element
        if not isinstance(value, dict) or element is None:
            self._report(self._mismatch(json_type(value), go_type(field)))
            return value
        return self._changed(value, lambda key, inner: self._element(element, inner, f"{path}.{key}"))

    def _list(self, field: FieldInfo, value: Any, path: str) -> Any:
        element = field.element
        if not isinstance(value, list) or element is None:
            self._report(self._mismatch(json_type(value), go_type(field)))
            return value
        made = [self._element(element, inner, f"{path}[{i}]") for i, inner in enumerate(value)]
        return value if all(a is b for a, b in zip(made, value, strict=True)) else made

    def _element(self, field: FieldInfo, value: Any, path: str) -> Any:
        return zero(field) if value is None else self._value(field, value, path)

    def _changed(self, value: dict[str, Any], change: Callable[[str, Any], Any]) -> dict[str, Any]:
        made = {name: change(name, inner) for name, inner in value.items()}
        if all(made[name] is inner for name, inner in value.items()):
            return value
        return {name: inner for name, inner in made.items() if inner is not _DROP}


def zero(field: FieldInfo) -> Any:
    """What null becomes as an element of a list or map."""
    if field.kind == "scalar":
        return ZEROS.get(field.scalar)
    return {} if field.kind == "object" else None


def go_type(field: FieldInfo) -> str:
    """The Go type of a field as errors name it: `[]v1.Container`. Named string types are not known and printed as string."""
    if field.kind == "scalar":
        return GO_TYPES.get(field.scalar, field.scalar)
    if field.kind == "object":
        info = field.type
        return ".".join(info.name.split(".")[-2:]) if info else "map[string]interface {}"
    inner = field.element or FieldInfo(scalar="any")
    if field.kind == "map" and inner.scalar == "quantity":
        return "v1.ResourceList"
    return f"[]{go_type(inner)}" if field.kind == "list" else f"map[string]{go_type(inner)}"
