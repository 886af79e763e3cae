"""Types as OpenAPI schemas, in the names and with the extensions of kube-openapi (pkg/builder3/openapi.go, pkg/builder/openapi.go).

Version 3 wraps references as kube-openapi does, `{"default": {}, "allOf": [{"$ref": …}]}`; version 2 has them bare. Descriptions are
not in our table and so not in the documents.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from engine.base.objects import Obj
from engine.schema.types import OBJECT_META, FieldInfo, TypeInfo, named, openapi_name, served_as

GVK = "x-kubernetes-group-version-kind"
LIST_META = "meta.v1.ListMeta"


@dataclass(frozen=True, slots=True)
class Flavor:
    """A version of OpenAPI, as far as schemas differ: where references point, and whether they are wrapped."""

    prefix: str
    wrapped: bool

    def ref(self, name: str) -> Obj:
        """A reference to a schema, where nothing stands beside it."""
        return {"$ref": self.prefix + name}

    def within(self, name: str) -> dict[str, Any]:
        """A reference to a schema as a property, item or value."""
        return {"default": {}, "allOf": [self.ref(name)]} if self.wrapped else {"$ref": self.prefix + name}


V2 = Flavor("#/definitions/", wrapped=False)
V3 = Flavor("#/components/schemas/", wrapped=True)

_PLAIN: Mapping[str, Obj] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "bytes": {"type": "string", "format": "byte"},
    "any": {},
}
_DEFAULTS: Mapping[str, Any] = {"string": "", "bool": False, "int32": 0, "int64": 0, "double": 0}
"""Of elements of lists and maps in version 3 (Go's zero values)."""

_SHARED_NAMES: Mapping[str, str] = {
    "quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "int_or_string": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "time": "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    "microtime": "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
}
_TIME: Obj = {"type": "string", "format": "date-time"}
_SHARED: Mapping[bool, Mapping[str, Obj]] = {
    False: {
        "quantity": {"type": "string"},
        "int_or_string": {"type": "string", "format": "int-or-string"},
        "time": _TIME,
        "microtime": _TIME,
    },
    True: {
        "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "int_or_string": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
        "time": _TIME,
        "microtime": _TIME,
    },
}
"""Scalars with a type, and so a schema, of their own; by whether the version has `oneOf`."""

PATCH_NAME = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
PATCH: Obj = {"type": "object"}


def _scalar(field: FieldInfo, flavor: Flavor, element: bool) -> dict[str, Any]:
    name = _SHARED_NAMES.get(field.scalar)
    if name:
        return flavor.within(name) if element or field.required or field.null else dict(flavor.ref(name))
    made = dict(_PLAIN[field.scalar])
    if flavor.wrapped and (field.default is not None or ((element or field.required) and field.scalar in _DEFAULTS)):
        made["default"] = _DEFAULTS[field.scalar] if field.default is None else field.default
    return made


def _value(field: FieldInfo, flavor: Flavor, element: bool = False) -> dict[str, Any]:
    if field.kind == "scalar":
        return _scalar(field, flavor, element)
    if field.kind == "object":
        return flavor.within(openapi_name(field.type_name)) if field.type_name else {"type": "object"}
    inner = _value(field.element, flavor, element=True) if field.element else {}
    if field.kind == "list":
        return {"type": "array", "items": inner}
    return {"type": "object", "additionalProperties": inner}


def _property(field: FieldInfo, flavor: Flavor) -> Obj:
    """A field with what patches and apply need to know of it."""
    made = _value(field, flavor)
    if field.kind == "list":
        made["x-kubernetes-list-type"] = field.list_type
        if field.list_map_keys:
            made["x-kubernetes-list-map-keys"] = list(field.list_map_keys)
    elif field.kind in ("map", "object") and field.map_type == "atomic":
        made["x-kubernetes-map-type"] = "atomic"
    if field.patch_strategy:
        made["x-kubernetes-patch-strategy"] = field.patch_strategy
    if field.patch_merge_key:
        made["x-kubernetes-patch-merge-key"] = field.patch_merge_key
    return made


def _type(info: TypeInfo, flavor: Flavor) -> Obj:
    made: dict[str, Any] = {"type": "object"}
    if info.map_type == "atomic":
        made["x-kubernetes-map-type"] = "atomic"
    if info.fields:
        made["properties"] = {name: _property(field, flavor) for name, field in info.fields.items()}
    required = [name for name, field in info.fields.items() if field.required]
    if required:
        made["required"] = required
    served = served_as(info.name)
    if served:
        made[GVK] = [{"group": group, "version": version, "kind": kind} for group, version, kind in served]
    return made


def _named(fields: Iterable[FieldInfo]) -> Iterator[tuple[str, str]]:
    """(type name, scalar) of everything that fields refer to, one of them empty."""
    for field in fields:
        inner: FieldInfo | None = field
        while inner is not None and inner.element is not None:
            inner = inner.element
        if inner is not None and (inner.type_name or inner.scalar in _SHARED_NAMES):
            yield inner.type_name, inner.scalar


@cache
def _built(name: str, flavor: Flavor) -> Obj:
    return _type(named(name), flavor)


@cache
def closure(name: str, flavor: Flavor) -> Mapping[str, Obj]:
    """The schema of a type of the table and of all types that it refers to, by their names in the documents."""
    found: dict[str, Obj] = {}
    waiting, seen = [name], {name}
    while waiting:
        at = waiting.pop()
        found[openapi_name(at)] = _built(at, flavor)
        for type_name, scalar in _named(named(at).fields.values()):
            if type_name and type_name not in seen:
                seen.add(type_name)
                waiting.append(type_name)
            elif scalar:
                found[_SHARED_NAMES[scalar]] = _SHARED[flavor.wrapped][scalar]
    return MappingProxyType(found)


def custom_name(group: str, version: str, kind: str) -> str:
    """The name of a kind that is in no Go package: `com.example.stable.v1.CronTab` of stable.example.com."""
    return ".".join([*reversed(group.split(".")), version, kind])


_IN_V2 = frozenset(
    {"type", "format", "properties", "items", "additionalProperties", "required", "enum", "description", "default", "pattern"}
)
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems"})


def _down(schema: Any) -> Any:
    """A structural schema in what version 2 can say: no `nullable`, no junctors, no type where anything is kept
    (apiextensions-apiserver/pkg/controller/openapi/v2/conversion.go)."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields"):
        return {name: value for name, value in schema.items() if name == "description" or name.startswith("x-kubernetes-")}
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "properties":
            made[name] = {key: _down(inner) for key, inner in value.items()}
        elif name in ("items", "additionalProperties"):
            made[name] = _down(value)
        elif name in _IN_V2 or name in _BOUNDS or (name.startswith("x-kubernetes-") and name != "x-kubernetes-validations"):
            made[name] = value
    if schema.get("nullable"):
        for name in ("type", "items", "properties"):
            made.pop(name, None)
    return made


def custom(schema: Obj, group: str, version: str, kind: str, flavor: Flavor) -> Obj:
    """The schema of a custom kind as it is published: with metadata, apiVersion and kind
    (apiextensions-apiserver/pkg/controller/openapi/builder/builder.go)."""
    shown = schema if flavor.wrapped else _down(schema)
    metadata = flavor.within(openapi_name(OBJECT_META))
    fixed = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}
    about = [{"group": group, "version": version, "kind": kind}]
    made = {**shown, "properties": {**(shown.get("properties") or {}), **fixed}, GVK: about}
    if "type" in schema:
        made["type"] = schema["type"]
    return made


def custom_list(item: str, group: str, version: str, kind: str, flavor: Flavor) -> Obj:
    """The schema of the list of a custom kind, whose own schema is named `item`."""
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": flavor.ref(item)},
            "kind": {"type": "string"},
            "metadata": flavor.within(openapi_name(LIST_META)),
        },
        GVK: [{"group": group, "version": version, "kind": kind}],
    }
