"""Rules of `metadata` that all kinds share (apimachinery/pkg/api/validation/objectmeta.go, pkg/apis/core/validation)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.base import fields, limits
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names
from engine.schema.types import type_of

Rule = Callable[[Obj, Obj | None], Iterable[FieldError]]
"""One part of a kind's validation: of an object, with the old one on update."""

STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
IMMUTABLE = "field is immutable"
_IMMUTABLE_FIELDS = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def validating(namespaced: bool, name: names.Check, *rules: Rule) -> Callable[[Obj, Obj | None], Sequence[FieldError]]:
    """A kind's `validate`: metadata first, then each rule, in order."""

    def validate(obj: Obj, old: Obj | None) -> Sequence[FieldError]:
        found = validate_create(obj, namespaced, name) if old is None else validate_update(obj, old)
        for rule in rules:
            found += rule(obj, old)
        return found

    return validate


def validate_create(obj: Obj, namespaced: bool, name: names.Check, path: str = "metadata") -> list[FieldError]:
    """ValidateObjectMeta: of a new object, whose generated name is already set."""
    meta = obj.get("metadata") or {}
    found: list[FieldError] = []
    base = meta.get("generateName")
    if base:
        # A base may end as no name may: a suffix follows (maskTrailingDash).
        masked = base[:-1] + "a" if len(base) > 1 and base.endswith("-") else base
        found += [fields.invalid(f"{path}.generateName", base, e) for e in name(masked)]
    own = meta.get("name")
    if not own:
        found.append(fields.required(f"{path}.name", "name or generateName is required"))
    else:
        found += [fields.invalid(f"{path}.name", own, e) for e in name(own)]
    namespace = meta.get("namespace")
    if namespaced and not namespace:
        found.append(fields.required(f"{path}.namespace"))
    elif namespaced:
        found += [fields.invalid(f"{path}.namespace", namespace, e) for e in names.dns_label(namespace)]
    elif namespace:
        found.append(fields.forbidden(f"{path}.namespace", "not allowed on this type"))
    return found + validate_common(meta, path) + _plain_finalizers(obj, path)


def validate_update(obj: Obj, old: Obj, path: str = "metadata") -> list[FieldError]:
    """ValidateObjectMetaUpdate: what may not change, and what must hold for every version."""
    meta, before = obj.get("metadata") or {}, old.get("metadata") or {}
    if meta is before:
        return []
    found: list[FieldError] = []
    if before.get("deletionTimestamp"):
        found += new_finalizers(meta, before, path)
    if not meta.get("resourceVersion"):
        found.append(fields.invalid(f"{path}.resourceVersion", "", "must be specified for an update"))
    if (meta.get("generation") or 0) < (before.get("generation") or 0):
        found.append(fields.invalid(f"{path}.generation", meta.get("generation") or 0, "must not be decremented"))
    for field in _IMMUTABLE_FIELDS:
        if meta.get(field) != before.get(field):
            found.append(fields.invalid(f"{path}.{field}", meta.get(field), IMMUTABLE))
    return found + validate_common(meta, path) + _plain_finalizers(obj, path)


def new_finalizers(meta: Obj, before: Obj, path: str = "metadata") -> list[FieldError]:
    """A terminating object takes no further finalizers. Upstream reports it twice: for every kind, and in each kind's own rules."""
    extra = sorted(set(meta.get("finalizers") or ()) - set(before.get("finalizers") or ()))
    if not extra:
        return []
    shown = ", ".join(f'"{f}"' for f in extra)
    why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
    return [fields.forbidden(f"{path}.finalizers", why)]


def validate_common(meta: Obj, path: str) -> list[FieldError]:
    """Labels, annotations, owners and finalizers."""
    found: list[FieldError] = []
    labels = meta.get("labels")
    if labels:
        found += validate_labels(labels, f"{path}.labels")
    annotations = meta.get("annotations")
    if annotations:
        found += validate_annotations(annotations, f"{path}.annotations")
    owners = meta.get("ownerReferences")
    if owners:
        found += _owners(owners, f"{path}.ownerReferences")
    finalizers = meta.get("finalizers")
    if finalizers:
        found += _finalizers(finalizers, f"{path}.finalizers")
    return found


def validate_labels(labels: Obj, path: str) -> list[FieldError]:
    """Keys are qualified names, values label values; both are reported at the map."""
    found: list[FieldError] = []
    for key, value in labels.items():
        found += [fields.invalid(path, key, e) for e in names.qualified_name(key)]
        found += [fields.invalid(path, value, e) for e in names.label_value(value or "")]
    return found


def validate_annotations(annotations: Obj, path: str) -> list[FieldError]:
    """Keys are qualified names in any case; all together have at most 256 KiB."""
    found: list[FieldError] = []
    size = 0
    for key, value in annotations.items():
        found += [fields.invalid(path, key, e) for e in names.qualified_name(key.lower())]
        size += len(key) + len(value or "")
    if size > limits.ANNOTATIONS_BYTES_MAX:
        found.append(fields.too_long(path, limits.ANNOTATIONS_BYTES_MAX))
    return found


def _owners(owners: Sequence[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    controller = ""
    for ref in owners:
        if not (ref.get("apiVersion") or "").rpartition("/")[2]:
            found.append(fields.invalid(f"{path}.apiVersion", ref.get("apiVersion") or "", "version must not be empty"))
        for field in ("kind", "name", "uid"):
            if not ref.get(field):
                found.append(fields.invalid(f"{path}.{field}", "", "must not be empty"))
        if ref.get("apiVersion") == "v1" and ref.get("kind") == "Event":
            found.append(fields.invalid(path, ref, "/v1, Kind=Event is disallowed from being an owner"))
        if not ref.get("controller"):
            continue
        this = f"{ref.get('kind')}/{ref.get('name')}"
        if controller:
            why = f'Only one reference can have Controller set to true. Found "true" in references for {controller} and {this}'
            found.append(fields.invalid(path, list(owners), why))
        controller = controller or this
    return found


def _finalizers(finalizers: Sequence[str], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for finalizer in finalizers:
        found += [fields.invalid(path, finalizer, e) for e in names.qualified_name(finalizer)]
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        found.append(fields.invalid(path, list(finalizers), "finalizer orphan and foregroundDeletion cannot be both set"))
    return found


def _plain_finalizers(obj: Obj, path: str) -> list[FieldError]:
    """Kubernetes' own kinds take no finalizers without a domain (pkg/apis/core/validation); custom ones and their definitions do."""
    finalizers = (obj.get("metadata") or {}).get("finalizers") or ()
    if all("/" in finalizer or finalizer in STANDARD_FINALIZERS for finalizer in finalizers):
        return []
    group, _, version = (obj.get("apiVersion") or "").rpartition("/")
    if group == "apiextensions.k8s.io" or type_of(group, version, obj.get("kind") or "") is None:
        return []
    why = "name is neither a standard finalizer name nor is it fully qualified"
    plain = [(i, name) for i, name in enumerate(finalizers) if "/" not in name and name not in STANDARD_FINALIZERS]
    return [fields.invalid(f"{path}.finalizers[{i}]", name, why) for i, name in plain]


def immutable(new: Any, old: Any, path: str) -> list[FieldError]:
    """ValidateImmutableField: null, empty and absent are the same."""
    return [] if new == old or (not new and not old) else [fields.invalid(path, new, IMMUTABLE)]


def once_set(path: tuple[str, ...]) -> Rule:
    """A rule: the field at `path` never changes after creation."""
    shown = ".".join(path)

    def rule(obj: Obj, old: Obj | None) -> list[FieldError]:
        if old is None:
            return []
        new_value: Any = obj
        old_value: Any = old
        for step in path:
            new_value = (new_value or {}).get(step)
            old_value = (old_value or {}).get(step)
        return immutable(new_value, old_value, shown)

    return rule


def named(obj: Obj, rule: names.Check, path: str) -> list[FieldError]:
    """Errors of an object's name by `rule`, reported at `path`."""
    return [fields.invalid(path, name_of(obj), e) for e in rule(name_of(obj))]
