"""From Kubernetes' protobuf to the JSON values of the same object (apimachinery/pkg/runtime/serializer/protobuf/protobuf.go).

Go writes every field that is no pointer, also where it is empty; such a field says nothing here, and what the schema drops when it is empty
is dropped when the object is decoded.
"""

import base64
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from engine.base.clock import rfc3339, rfc3339_micro
from engine.serve.protobuf.wire import WireError, fields_of, signed

PROTOBUF = "application/vnd.kubernetes.protobuf"
PREFIX = b"k8s\x00"
NUMBERS = Path(__file__).with_name("numbers.txt")


class UnknownKindError(LookupError):
    """There is no message for a kind."""


class _Field(NamedTuple):
    name: str
    form: str
    repeated: bool
    mapped: bool
    inlined: bool


_Message = dict[int, _Field]


@cache
def _lines() -> dict[str, str]:
    split = (line.partition("\t") for line in NUMBERS.read_text(encoding="utf-8").splitlines())
    return {name: fields for name, _, fields in split}


@cache
def _message(name: str) -> _Message:
    made: _Message = {}
    for text in filter(None, _lines()[name].split("\t")):
        number, form, field = text.split(" ")
        bare = form.lstrip("^[{")
        made[int(number)] = _Field(field, bare, form.startswith("["), form.startswith("{"), form.startswith("^"))
    return made


def decode(body: bytes) -> dict[str, Any]:
    """The object in a body: the prefix, then a runtime.Unknown with the kind and the object's own message.

    Raises:
        WireError: the body is malformed.
        UnknownKindError: no message is known for its kind.
    """
    if not body.startswith(PREFIX):
        raise WireError(f"provided data does not appear to be a protobuf message, expected prefix {PREFIX!r}")
    unknown = _decoded("runtime.Unknown", body[len(PREFIX) :])
    about = unknown.get("typeMeta") or {}
    api_version, kind = about.get("apiVersion") or "", about.get("kind") or ""
    raw = base64.b64decode(unknown.get("raw") or "")
    found = _decoded(_name_of(api_version, kind), raw)
    return {"kind": kind, "apiVersion": api_version, **found}


def _name_of(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    package = group.partition(".")[0] or "core"
    for name in (f"{package}.{version}.{kind}", f"meta.v1.{kind}"):
        if name in _lines():
            return name
    raise UnknownKindError(f'no kind "{kind}" is registered for version "{api_version}" in protobuf')


def _decoded(name: str, raw: bytes) -> Any:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(raw)
    known = _message(name)
    made: dict[str, Any] = {}
    for number, value in fields_of(raw):
        field = known.get(number)
        if field is None:
            continue
        if field.mapped:
            key, inner = _entry(field.form, _bytes(value))
            made.setdefault(field.name, {})[key] = inner
        elif field.repeated:
            made.setdefault(field.name, []).extend(_elements(field.form, value))
        elif field.inlined:
            made.update(_decoded(field.form[1:], _bytes(value)))
        else:
            shown = _value(field.form, value)
            if shown is not None:
                made[field.name] = shown
    if len(known) == 1 and (only := known.get(1)) is not None and only.name == "items" and only.repeated:
        return made.get("items") or []
    return made


def _entry(form: str, raw: bytes) -> tuple[str, Any]:
    key: str = ""
    inner: Any = _ZERO.get(form, {})
    for number, value in fields_of(raw):
        if number == 1:
            key = _text(_bytes(value))
        elif number == 2:
            inner = _value(form, value)
    return key, inner


def _elements(form: str, value: int | float | bytes) -> list[Any]:
    if form == "i" and isinstance(value, bytes):
        raise WireError("packed integers are not used by Kubernetes")
    return [_value(form, value)]


def _value(form: str, value: int | float | bytes) -> Any:
    if form == "s":
        return _text(_bytes(value))
    if form == "y":
        return base64.b64encode(_bytes(value)).decode()
    if form == "d":
        return value if isinstance(value, float) else _wrong()
    if form in ("i", "b"):
        number = signed(value) if isinstance(value, int) else _wrong()
        return bool(number) if form == "b" else number
    return _decoded(form[1:], _bytes(value))


def _bytes(value: int | float | bytes) -> bytes:
    return value if isinstance(value, bytes) else _wrong()


def _wrong() -> Any:
    raise WireError("wrong wire type")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise WireError("a string is not UTF-8") from None


def _seconds(raw: bytes) -> tuple[int, int]:
    found = {number: signed(value) for number, value in fields_of(raw) if isinstance(value, int)}
    return found.get(1, 0), found.get(2, 0)


def _time(raw: bytes) -> str | None:
    return _instant(lambda: rfc3339(_seconds(raw)[0])) if raw else None


def _micro_time(raw: bytes) -> str | None:
    def written() -> str:
        seconds, nanoseconds = _seconds(raw)
        return rfc3339_micro(seconds + nanoseconds // 1_000 / 1_000_000)

    return _instant(written) if raw else None


def _instant(written: Callable[[], str]) -> str:
    try:
        return written()
    except OverflowError:
        raise WireError("a time is out of range") from None


def _int_or_string(raw: bytes) -> int | str:
    found = dict(fields_of(raw))
    if found.get(1, 0) == 1:
        return _text(_bytes(found.get(3, b"")))
    number = found.get(2, 0)
    return signed(number) if isinstance(number, int) else _wrong()


def _first_text(raw: bytes) -> str:
    return _text(_bytes(dict(fields_of(raw)).get(1, b"")))


def _json(raw: bytes) -> Any:
    text = _bytes(dict(fields_of(raw)).get(1, b""))
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise WireError(f"embedded JSON: {error}") from None


def _duration(raw: bytes) -> str:
    nanoseconds = dict(fields_of(raw)).get(1, 0)
    seconds = signed(nanoseconds) / 1e9 if isinstance(nanoseconds, int) else _wrong()
    return f"{seconds:g}s"


_ZERO: dict[str, Any] = {"s": "", "y": "", "b": False, "i": 0, "d": 0.0, "@api.resource.Quantity": "0"}
_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    "meta.v1.Time": _time,
    "meta.v1.MicroTime": _micro_time,
    "meta.v1.Duration": _duration,
    "meta.v1.FieldsV1": _json,
    "runtime.RawExtension": _json,
    "api.resource.Quantity": _first_text,
    "util.intstr.IntOrString": _int_or_string,
}
