"""CustomResourceDefinition (apiextensions-apiserver: pkg/apis/apiextensions/v1/defaults.go, validation, pkg/registry)."""

from typing import Any

from engine.base import fields
from engine.base.conditions import is_true
from engine.base.fields import FieldError
from engine.base.objects import Obj, dig, name_of
from engine.kinds.common import names
from engine.kinds.common.approval import approval_errors
from engine.kinds.common.lifecycle import keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import fill
from engine.kinds.common.printercolumns import presentation_errors
from engine.kinds.common.rules import one_of
from engine.kinds.common.structural import structural_errors, unchecked


def _defaults(obj: Obj) -> Obj:
    spec = obj.get("spec") or {}
    given = spec.get("names") or {}
    kind = given.get("kind") or ""
    filled = fill(given, {"singular": kind.lower(), "listKind": f"{kind}List"}) if kind else given
    wanted: dict[str, Any] = {} if filled is given else {"names": filled}
    if spec.get("conversion") is None:
        wanted["conversion"] = {"strategy": "None"}
    return {**obj, "spec": {**spec, **wanted}} if wanted else obj


def _stored(spec: Obj) -> list[str]:
    return [v.get("name") or "" for v in spec.get("versions") or () if v.get("storage")]


def _prepare_create(obj: Obj) -> Obj:
    status = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": _stored(obj.get("spec") or {})}
    return {**obj, "status": status}


def _prepare_update(obj: Obj, old: Obj) -> Obj:
    """A new storage version is one that objects may be stored in from now on."""
    obj = keep_status(obj, old)
    status = obj.get("status") or {}
    known = status.get("storedVersions") or []
    new = [version for version in _stored(obj.get("spec") or {}) if version not in known]
    return {**obj, "status": {**status, "storedVersions": [*known, *new]}} if new else obj


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    given, group = spec.get("names") or {}, spec.get("group") or ""
    found: list[FieldError] = []
    if old is None and name_of(obj) != f"{given.get('plural')}.{group}":
        found.append(fields.invalid("metadata.name", name_of(obj), 'must be spec.names.plural+"."+spec.group'))
    if not group:
        found.append(fields.required("spec.group"))
    elif names.dns_subdomain(group):
        found.append(fields.invalid("spec.group", group, names.dns_subdomain(group)[0]))
    elif "." not in group:
        found.append(fields.invalid("spec.group", group, "should be a domain with at least one dot"))
    found += one_of(spec.get("scope"), "spec.scope", ("Cluster", "Namespaced"))
    found += _versions(spec.get("versions") or [], spec)
    found += _names(given) + approval_errors(obj, old)
    return found if old is None else found + _update(spec, old)


def _versions(versions: list[Obj], spec: Obj) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, version in enumerate(versions):
        path, name = f"spec.versions[{i}]", version.get("name") or ""
        found += [fields.invalid(f"{path}.name", name, e) for e in names.dns_1035_label(name)]
        if name in seen:
            found.append(fields.invalid("spec.versions", versions, "must contain unique version names"))
        seen.add(name)
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        preserved = spec.get("preserveUnknownFields") is True
        if schema is None and not preserved:
            found.append(fields.required(f"{path}.schema.openAPIV3Schema", "schemas are required"))
        elif schema is not None and schema.get("type") != "object" and not preserved:
            shown = schema.get("type") or ""
            path = f"{path}.schema.openAPIV3Schema.type"
            found.append(
                fields.invalid(path, shown, "must be object at the root")
                if shown
                else fields.required(path, "must not be empty at the root")
            )
    found += _structural(versions, spec)
    storage = [v for v in versions if v.get("storage")]
    if len(storage) != 1:
        found.append(fields.invalid("spec.versions", versions, "must have exactly one version marked as storage version"))
    return found


def _schemas(versions: list[Obj]) -> list[tuple[str, Obj]]:
    """(path, schema) of the versions; one that all versions have is reported once, where the internal version keeps it."""
    listed = [(version.get("schema") or {}).get("openAPIV3Schema") for version in versions]
    if listed and listed[0] is not None and all(schema == listed[0] for schema in listed):
        return [("spec.validation.openAPIV3Schema", listed[0])]
    return [(f"spec.versions[{i}].schema.openAPIV3Schema", schema) for i, schema in enumerate(listed) if schema is not None]


def _structural(versions: list[Obj], spec: Obj) -> list[FieldError]:
    found = []
    if spec.get("preserveUnknownFields") is True:
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        found.append(fields.invalid("spec.preserveUnknownFields", True, why))
    for i, version in enumerate(versions):
        found += presentation_errors(version, f"spec.versions[{i}]" if len(versions) > 1 else "spec")
    return found + [error for path, schema in _schemas(versions) for error in structural_errors(schema, path)]


def _warnings(obj: Obj, old: Obj | None) -> list[str]:
    """What is kept, but not done."""
    versions = (obj.get("spec") or {}).get("versions") or ()
    schemas = [(version.get("schema") or {}).get("openAPIV3Schema") or {} for version in versions]
    found = [text for i, schema in enumerate(schemas) for text in unchecked(schema, f"spec.versions[{i}].schema.openAPIV3Schema")]
    if ((obj.get("spec") or {}).get("conversion") or {}).get("strategy") == "Webhook":
        found.append("spec.conversion.strategy: conversion webhooks are not called yet, versions differ in apiVersion only")
    return found


def _names(given: Obj) -> list[FieldError]:
    found: list[FieldError] = []
    for name in ("plural", "singular"):
        value = given.get(name) or ""
        if not value and name == "plural":
            found.append(fields.required("spec.names.plural"))
        elif value:
            found += [fields.invalid(f"spec.names.{name}", value, e) for e in names.dns_1035_label(value)]
    for name in ("kind", "listKind"):
        value = given.get(name) or ""
        if not value:
            found.append(fields.required(f"spec.names.{name}"))
        else:
            wrong = names.dns_1035_label(value.lower())
            found += [fields.invalid(f"spec.names.{name}", value, f"may have mixed case, but should otherwise match: {e}") for e in wrong]
    if given.get("kind") and given.get("kind") == given.get("listKind"):
        found.append(fields.invalid("spec.names.listKind", given["listKind"], "kind and listKind may not be the same"))
    for i, short in enumerate(given.get("shortNames") or ()):
        found += [fields.invalid(f"spec.names.shortNames[{i}]", short, e) for e in names.dns_1035_label(short)]
    return found


def _update(spec: Obj, old: Obj) -> list[FieldError]:
    """An established definition keeps its group, scope and kind; stored versions stay listed."""
    before, status = old.get("spec") or {}, old.get("status") or {}
    found: list[FieldError] = []
    if is_true(old, "Established"):
        for path in (("group",), ("scope",), ("names", "kind"), ("names", "plural")):
            if dig(spec, *path) != dig(before, *path):
                found.append(fields.invalid(f"spec.{'.'.join(path)}", dig(spec, *path), "field is immutable"))
    listed = [v.get("name") for v in spec.get("versions") or ()]
    for i, version in enumerate(status.get("storedVersions") or ()):
        if version not in listed:
            why = (
                "missing from spec.versions; "
                + f"{version} was previously a storage version, and must remain in spec.versions until a storage "
            )
            why += f"migration ensures no data remains persisted in {version} and removes {version} from status.storedVersions"
            found.append(fields.invalid(f"status.storedVersions[{i}]", version, why))
    return found


KIND = Kind(
    group="apiextensions.k8s.io",
    versions=("v1",),
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    status=True,
    has_generation=True,
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validating(False, names.dns_subdomain, _rules),
    warnings=_warnings,
)
