"""From a definition to the kind that it defines."""

import re
from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any

from engine.apiserver.definitions.printing import printing
from engine.apiserver.definitions.structural import HEAD, PRESERVE, prune, type_info, with_defaults
from engine.apiserver.definitions.values import errors
from engine.base.conditions import is_true
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.jsonpath import field_path, find, printed
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import ALL_VERBS, Kind, ScaleSubresource, same
from engine.schema.types import OBJECT_META, FieldInfo, TypeInfo
from engine.schema.validators import SchemaResult, Validator

_TERMINATING_VERBS = tuple(verb for verb in ALL_VERBS if verb != "create")
"""What is left of a kind whose definition is being deleted: its objects may still lose their finalizers
(pkg/apiserver/customresource_handler.go)."""

_VERSION = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?")
_STABILITY = {None: 2, "beta": 1, "alpha": 0}

_HEAD = TypeInfo(
    "Head",
    {
        "apiVersion": FieldInfo(scalar="string"),
        "kind": FieldInfo(scalar="string"),
        "metadata": FieldInfo(kind="object", type_name=OBJECT_META),
    },
)


def version_order(version: str) -> tuple[Any, ...]:
    """Sorts versions as clients prefer them: v2, v1, v1beta1, v1alpha1, others by name (apimachinery/pkg/version/helpers.go)."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (1, 0, 0, 0, version)
    return (0, -_STABILITY[match[2]], -int(match[1]), -int(match[3] or 0), "")


def kind_of(definition: Obj) -> Kind:
    """The kind of a definition whose names are accepted, in all its served versions."""
    spec, accepted = definition["spec"], definition["status"]["acceptedNames"]
    listed = {version["name"]: version for version in spec["versions"]}
    served = sorted((name for name, version in listed.items() if version.get("served")), key=version_order)
    stored = next(name for name, version in listed.items() if version.get("storage"))
    schemas = {name: _schema(listed[name]) for name in served}
    base = Kind(
        group=spec["group"],
        versions=tuple(served),
        kind=accepted["kind"],
        plural=accepted["plural"],
        namespaced=spec["scope"] == "Namespaced",
        storage_version=stored,
        singular=accepted.get("singular") or "",
        list_kind=accepted.get("listKind") or "",
        short_names=tuple(accepted.get("shortNames") or ()),
        categories=tuple(accepted.get("categories") or ()),
        verbs=_TERMINATING_VERBS if definition["metadata"].get("deletionTimestamp") else ALL_VERBS,
        has_generation=True,
        schemas=schemas,
        types={name: type_info(f"{spec['group']}.{name}.{accepted['kind']}", schema) for name, schema in schemas.items()},
        convert={name: (_reader(schema), same) for name, schema in schemas.items() if name != stored},
    )
    each = {name: _in_version(base, listed[name], schemas[name]) for name in served}
    first = each[served[0]]
    return with_fields(first, per_version=each)


def stored_kind(definition: Obj) -> Kind | None:
    """The kind of objects that may be stored although no version is served; None where its names were never accepted."""
    if not is_true(definition, "Established"):
        return None
    spec = definition["spec"]
    return kind_of({**definition, "spec": {**spec, "versions": [{**version, "served": True} for version in spec["versions"]]}})


def _schema(version: Obj) -> Obj:
    found: Obj = (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object", PRESERVE: True}
    return found


def _in_version(base: Kind, version: Obj, schema: Obj) -> Kind:
    """The kind as one of its versions is served: each has its own schema, subresources and columns."""
    subresources = version.get("subresources") or {}
    has_status, scale = subresources.get("status") is not None, subresources.get("scale")
    columns, cells = printing(version.get("additionalPrinterColumns") or ())
    rule = _rule(schema)
    deprecation = ""
    if version.get("deprecated"):
        deprecation = version.get("deprecationWarning") or f"{base.group}/{version['name']} {base.kind} is deprecated"
    return with_fields(
        base,
        status=has_status,
        scale=_scale(scale) if scale else None,
        defaults=lambda obj: with_defaults(schema, obj),
        prepare_create=_without_status if has_status else same,
        validate=validating(base.namespaced, names.dns_subdomain, rule),
        validate_status=rule,
        columns=columns,
        cells=cells,
        decode=_decoder(schema),
        deprecation=deprecation,
        field_values={field["jsonPath"].removeprefix("."): _selected(field["jsonPath"]) for field in version.get("selectableFields") or ()},
    )


def _selected(path: str) -> Callable[[Obj], str]:
    """The value that a field selector compares (pkg/registry/customresource/strategy.go GetAttrs)."""
    return lambda obj: printed(find(path, obj))


def _scale(paths: Obj) -> ScaleSubresource:
    selector = paths.get("labelSelectorPath")
    return ScaleSubresource(
        field_path(paths["specReplicasPath"]), field_path(paths["statusReplicasPath"]), field_path(selector) if selector else ()
    )


def _without_status(obj: Obj) -> Obj:
    return {name: value for name, value in obj.items() if name != "status"} if "status" in obj else obj


def _rule(schema: Obj) -> Callable[[Obj, Obj | None], list[FieldError]]:
    """Validation by the schema."""

    def rule(obj: Obj, old: Obj | None) -> list[FieldError]:
        return errors(schema, obj)

    return rule


def _decoder(schema: Obj) -> Callable[[Obj], SchemaResult]:
    """What decoding is for a custom kind: metadata has its type, the rest is pruned; values are looked at by validation."""
    head = Validator(_HEAD)

    def decode(obj: Obj) -> SchemaResult:
        known = {name: value for name, value in obj.items() if name in HEAD}
        result = head(known)
        if result.errors:
            return result
        unknown: list[str] = list(result.unknown)
        pruned = prune(schema, obj, "", unknown, is_resource=True)
        if result.obj is not known:
            pruned = {name: result.obj.get(name, value) for name, value in pruned.items() if name not in HEAD or name in result.obj}
        return SchemaResult(pruned, (), tuple(unknown))

    return decode


def _reader(schema: Obj) -> Callable[[Obj], Obj]:
    """A stored object as another version shows it: pruned and defaulted by that version's schema."""

    def shown(obj: Obj) -> Obj:
        made: Obj = with_defaults(schema, prune(schema, obj, "", [], is_resource=True))
        return made

    return shown
