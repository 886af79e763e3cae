"""What ConfigMap and Secret have in common: keys, sizes, immutability (ValidateConfigMap, ValidateSecret)."""

import base64
from collections.abc import Mapping

from engine.base import fields, limits
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names

FROZEN = "field is immutable when `immutable` is set"


def compact_maps(obj: Obj, *maps: str) -> Obj:
    """`obj` without empty maps, nulls and `immutable: null`."""
    empty = [name for name in (*maps, "immutable") if name in obj and (obj[name] is None or obj[name] == {})]
    return {k: v for k, v in obj.items() if k not in empty} if empty else obj


def decoded_size(value: str) -> int:
    """Bytes of a base64 text, without decoding it."""
    return len(value) * 3 // 4 - value.count("=", -2)


def validate_keys(data: Mapping[str, str], path: str, text: bool) -> tuple[list[FieldError], int]:
    """Errors of the keys, and the size of the values in bytes; `text`: values are texts, not base64."""
    found: list[FieldError] = []
    size = 0
    for key, value in data.items():
        found += [fields.invalid(f"{path}[{key}]", key, e) for e in names.config_key(key)]
        size += len((value or "").encode()) if text else decoded_size(value or "")
    return found, size


def validate_size(size: int, path: str) -> list[FieldError]:
    """At most 1 MiB."""
    return [fields.too_long(path, limits.CONFIG_OBJECT_BYTES_MAX)] if size > limits.CONFIG_OBJECT_BYTES_MAX else []


def validate_immutable(obj: Obj, old: Obj, *maps: str) -> list[FieldError]:
    """What is marked immutable stays, and stays marked."""
    if not old.get("immutable"):
        return []
    found = [] if obj.get("immutable") else [fields.forbidden("immutable", FROZEN)]
    return found + [fields.forbidden(name, FROZEN) for name in maps if (obj.get(name) or {}) != (old.get(name) or {})]


def encode(text: str) -> str:
    """A text as base64."""
    return base64.b64encode(text.encode()).decode()
