"""ConfigMap (pkg/apis/core/validation/validation.go ValidateConfigMap)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import keyed, names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    found = keyed.validate_immutable(obj, old, "data", "binaryData") if old is not None else []
    texts, text_size = keyed.validate_keys(data, "data", text=True)
    blobs, blob_size = keyed.validate_keys(binary, "binaryData", text=False)
    found += texts
    for key in data:
        if key in binary:
            found.append(fields.invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    return found + blobs + keyed.validate_size(text_size + blob_size, "")


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), tables.age(obj, now)]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="ConfigMap",
    plural="configmaps",
    namespaced=True,
    short_names=("cm",),
    defaults=lambda obj: keyed.compact_maps(obj, "data", "binaryData"),
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(tables.NAME, tables.text("Data"), tables.AGE),
    cells=_cells,
)
