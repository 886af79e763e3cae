"""Structural schemas: the type they describe, what they prune, and what they default (pkg/apiserver/schema/{pruning,defaulting})."""

from collections.abc import Mapping
from typing import Any

from engine.base.objects import Obj
from engine.schema.types import OBJECT_META, FieldInfo, TypeInfo

PRESERVE, INT_OR_STRING, EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string", "x-kubernetes-embedded-resource"
_HEAD: Mapping[str, FieldInfo] = {
    "apiVersion": FieldInfo(scalar="string"),
    "kind": FieldInfo(scalar="string"),
    "metadata": FieldInfo(kind="object", type_name=OBJECT_META),
}
HEAD = frozenset(_HEAD)
"""Fields of every object, which schemas need not name."""

_SCALARS: Mapping[str, str] = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool"}


def type_info(name: str, schema: Obj) -> TypeInfo:
    """The type of objects of a custom kind, whose schema is `schema`."""
    return _object(name, schema, is_resource=True)


def _object(name: str, schema: Obj, is_resource: bool) -> TypeInfo:
    fields = {key: _field(f"{name}.{key}", inner) for key, inner in (schema.get("properties") or {}).items()}
    if is_resource:
        fields |= _HEAD
    return TypeInfo(name, fields, schema.get("x-kubernetes-map-type") or "granular", bool(schema.get(PRESERVE)))


def _field(name: str, schema: Obj) -> FieldInfo:
    default = schema.get("default")
    if schema.get(INT_OR_STRING):
        return FieldInfo(scalar="int_or_string", default=default)
    kind = schema.get("type") or ""
    if kind in _SCALARS:
        return FieldInfo(scalar=_SCALARS[kind], default=default)
    if kind == "array":
        keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
        items = _field(f"{name}[]", schema.get("items") or {})
        return FieldInfo(kind="list", element=items, list_type=schema.get("x-kubernetes-list-type") or "atomic", list_map_keys=keys)
    if kind != "object":
        return FieldInfo(scalar="any")
    map_type = schema.get("x-kubernetes-map-type") or "granular"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return FieldInfo(kind="map", element=_field(f"{name}{{}}", values), map_type=map_type)
    return FieldInfo(kind="object", own_type=_object(name, schema, bool(schema.get(EMBEDDED))), map_type=map_type)


def prune(schema: Obj, value: Any, path: str, unknown: list[str], is_resource: bool = False) -> Any:
    """`value` without fields that the schema does not specify, whose paths are added to `unknown`; itself where there are none."""
    if isinstance(value, dict):
        return _pruned_object(schema, value, path, unknown, is_resource or bool(schema.get(EMBEDDED)))
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        made = [prune(schema["items"], item, f"{path}[{i}]", unknown) for i, item in enumerate(value)]
        return value if all(a is b for a, b in zip(made, value, strict=True)) else made
    return value


def _pruned_object(schema: Obj, value: Obj, path: str, unknown: list[str], is_resource: bool) -> Obj:
    properties, values = schema.get("properties") or {}, schema.get("additionalProperties")
    keeps = bool(schema.get(PRESERVE)) or values is True or (not isinstance(values, dict) and schema.get("type") != "object")
    made: dict[str, Any] = {}
    changed = False
    for name, inner in value.items():
        at = f"{path}.{name}" if path else name
        known = properties.get(name) if name in properties else values if isinstance(values, dict) else None
        if is_resource and name in HEAD:
            made[name] = inner
        elif known is not None:
            made[name] = prune(known, inner, at, unknown)
            changed = changed or made[name] is not inner
        elif keeps:
            made[name] = inner
        else:
            unknown.append(at)
            changed = True
    return made if changed else value


def with_defaults(schema: Obj, value: Any) -> Any:
    """`value` with the schema's defaults where fields are absent, or null and may not be; itself where nothing is missing."""
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        made = [with_defaults(schema["items"], item) for item in value]
        return value if all(a is b for a, b in zip(made, value, strict=True)) else made
    if not isinstance(value, dict):
        return value
    filled: dict[str, Any] = {}
    properties, values = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, inner in properties.items():
        if "default" in inner and (name not in value or (value[name] is None and not inner.get("nullable"))):
            filled[name] = with_defaults(inner, inner["default"])
        elif name in value and (deeper := with_defaults(inner, value[name])) is not value[name]:
            filled[name] = deeper
    if isinstance(values, dict):
        for name, inner in value.items():
            if (deeper := with_defaults(values, inner)) is not inner:
                filled[name] = deeper
    return {**value, **filled} if filled else value
