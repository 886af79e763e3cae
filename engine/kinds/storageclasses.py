"""StorageClass (pkg/apis/storage/v1/defaults.go, pkg/apis/storage/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import IMMUTABLE, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import fill
from engine.kinds.common.rules import needed, one_of

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    if old is not None:
        return _update(obj, old)
    found = needed(obj.get("provisioner"), "provisioner", lambda text: names.qualified_name(text.lower()))
    for key in obj.get("parameters") or {}:
        if not key:
            found.append(fields.invalid("parameters", key, "field can not be empty."))
    found += one_of(obj.get("reclaimPolicy"), "reclaimPolicy", ("Delete", "Retain"))
    return found + one_of(obj.get("volumeBindingMode"), "volumeBindingMode", ("Immediate", "WaitForFirstConsumer"))


def _update(obj: Obj, old: Obj) -> list[FieldError]:
    found: list[FieldError] = []
    if (obj.get("parameters") or {}) != (old.get("parameters") or {}):
        found.append(fields.forbidden("parameters", "updates to parameters are forbidden."))
    if obj.get("provisioner") != old.get("provisioner"):
        found.append(fields.forbidden("provisioner", "updates to provisioner are forbidden."))
    if obj.get("reclaimPolicy") != old.get("reclaimPolicy"):
        found.append(fields.forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."))
    if obj.get("volumeBindingMode") != old.get("volumeBindingMode"):
        found.append(fields.invalid("volumeBindingMode", obj.get("volumeBindingMode"), IMMUTABLE))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    default = " (default)" if annotations_of(obj).get(DEFAULT_CLASS) == "true" else ""
    return [
        f"{name_of(obj)}{default}",
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        tables.age(obj, now),
    ]


KIND = Kind(
    group="storage.k8s.io",
    versions=("v1",),
    kind="StorageClass",
    plural="storageclasses",
    namespaced=False,
    short_names=("sc",),
    defaults=lambda obj: fill(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}),
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        *(tables.text(n) for n in ("Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion")),
        tables.AGE,
    ),
    cells=_cells,
)
