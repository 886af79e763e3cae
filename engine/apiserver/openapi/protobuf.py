"""OpenAPI version 2 in protobuf: kubectl up to 1.28 reads nothing else (gnostic openapiv2/OpenAPIv2.proto).

Each message is a table of its fields: number and type by the name in JSON. A type is a message's name, `text`, `flag`, `double` or `int`;
with `*` it is repeated. `Extension` and `Any` hold values as YAML, for which JSON will do.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from engine.base.objects import Obj

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED_FOR = frozenset({MEDIA_TYPE, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"})
"""Clients ask with the `@`, which no media type may have; servers answer with the dot."""

_Fields = Mapping[str, tuple[int, str]]

_SCHEMA: _Fields = {
    "$ref": (1, "text"),
    "format": (2, "text"),
    "title": (3, "text"),
    "description": (4, "text"),
    "default": (5, "Any"),
    "multipleOf": (6, "double"),
    "maximum": (7, "double"),
    "exclusiveMaximum": (8, "flag"),
    "minimum": (9, "double"),
    "exclusiveMinimum": (10, "flag"),
    "maxLength": (11, "int"),
    "minLength": (12, "int"),
    "pattern": (13, "text"),
    "maxItems": (14, "int"),
    "minItems": (15, "int"),
    "uniqueItems": (16, "flag"),
    "maxProperties": (17, "int"),
    "minProperties": (18, "int"),
    "required": (19, "text*"),
    "enum": (20, "Any*"),
    "additionalProperties": (21, "SchemaOrFlag"),
    "type": (22, "TypeItem"),
    "items": (23, "ItemsItem"),
    "properties": (25, "NamedSchemas"),
}
_SUB_SCHEMA: _Fields = {"required": (1, "flag"), "in": (2, "text"), "name": (4, "text")}
_MESSAGES: Mapping[str, tuple[_Fields, int]] = {
    "Document": (
        {
            "swagger": (1, "text"),
            "info": (2, "Info"),
            "paths": (8, "Paths"),
            "definitions": (9, "NamedSchemas"),
            "security": (12, "Security*"),
            "securityDefinitions": (13, "SecurityDefinitions"),
        },
        16,
    ),
    "Info": ({"title": (1, "text"), "version": (2, "text")}, 7),
    "PathItem": (
        {
            "get": (2, "Operation"),
            "put": (3, "Operation"),
            "post": (4, "Operation"),
            "delete": (5, "Operation"),
            "patch": (8, "Operation"),
            "parameters": (9, "Parameter*"),
        },
        10,
    ),
    "Operation": (
        {
            "tags": (1, "text*"),
            "operationId": (5, "text"),
            "produces": (6, "text*"),
            "consumes": (7, "text*"),
            "parameters": (8, "Parameter*"),
            "responses": (9, "Responses"),
            "schemes": (10, "text*"),
        },
        13,
    ),
    "Body": ({"name": (2, "text"), "in": (3, "text"), "required": (4, "flag"), "schema": (5, "Schema")}, 6),
    "Query": ({**_SUB_SCHEMA, "type": (6, "text"), "uniqueItems": (20, "flag")}, 23),
    "PathParameter": ({**_SUB_SCHEMA, "type": (5, "text"), "uniqueItems": (19, "flag")}, 22),
    "Response": ({"description": (1, "text"), "schema": (2, "SchemaItem")}, 5),
    "ApiKey": ({"type": (1, "text"), "name": (2, "text"), "in": (3, "text")}, 5),
    "Schema": (_SCHEMA, 31),
}
"""Fields of messages, and the number of the field that holds extensions (`x-…`)."""


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _framed(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _named(name: str, value: bytes) -> bytes:
    """A `Named…` message: the name is field 1, the value field 2."""
    return _framed(1, name.encode()) + _framed(2, value)


def _any(value: Any) -> bytes:
    return _framed(2, orjson.dumps(value) + b"\n")


def _parameter(value: Obj) -> bytes:
    """ParametersItem{parameter: Parameter{body | non-body{query | path}}}."""
    if value["in"] == "body":
        return _framed(1, _framed(1, _encoded("Body", value)))
    number, message = (4, "PathParameter") if value["in"] == "path" else (3, "Query")
    return _framed(1, _framed(2, _framed(number, _encoded(message, value))))


def _named_schemas(value: Obj) -> bytes:
    return b"".join(_framed(1, _named(name, _encoded("Schema", schema))) for name, schema in value.items())


def _schema_or_flag(value: Any) -> bytes:
    return _varint(2 << 3) + _varint(value) if isinstance(value, bool) else _framed(1, _encoded("Schema", value))


_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {
    "text": lambda value: value.encode(),
    "Any": _any,
    "Paths": lambda value: b"".join(_framed(2, _named(path, _encoded("PathItem", item))) for path, item in value.items()),
    "NamedSchemas": _named_schemas,
    "Parameter": _parameter,
    "Responses": lambda value: b"".join(_framed(1, _named(code, _framed(1, _encoded("Response", r)))) for code, r in value.items()),
    "SchemaItem": lambda value: _framed(1, _encoded("Schema", value)),
    "SchemaOrFlag": _schema_or_flag,
    "TypeItem": lambda value: _framed(1, value.encode()),
    "ItemsItem": lambda value: _framed(1, _encoded("Schema", value)),
    "Security": lambda value: b"".join(_framed(1, _named(name, b"")) for name in value),
    "SecurityDefinitions": lambda value: b"".join(_framed(1, _named(n, _framed(2, _encoded("ApiKey", d)))) for n, d in value.items()),
}
"""What is no plain message, and those whose content is wrapped in messages that JSON does not show."""


def _field(number: int, type: str, value: Any) -> bytes:
    if type in ("flag", "int"):
        return _varint(number << 3) + _varint(int(value))
    if type == "double":
        return _varint(number << 3 | 1) + struct.pack("<d", value)
    encoder = _ENCODERS.get(type)
    return _framed(number, encoder(value) if encoder is not None else _encoded(type, value))


def _fields(message: str, value: Obj) -> Iterator[bytes]:
    known, extensions = _MESSAGES[message]
    for name, inner in value.items():
        if name.startswith("x-"):
            yield _framed(extensions, _named(name, _any(inner)))
        elif name in known:
            number, type = known[name]
            if type.endswith("*"):
                yield from (_field(number, type[:-1], one) for one in inner)
            else:
                yield _field(number, type, inner)


def _encoded(message: str, value: Obj) -> bytes:
    return b"".join(_fields(message, value))


def encoded(document: Obj) -> bytes:
    """A document of version 2 as a protobuf `openapi.v2.Document`; what of it has no field there is left out."""
    return _encoded("Document", document)
