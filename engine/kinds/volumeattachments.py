"""VolumeAttachment (pkg/apis/storage/validation/validation.go ValidateVolumeAttachment)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found = [fields.required(f"spec.{name}") for name in ("attacher", "nodeName") if not spec.get(name)]
    source = spec.get("source") or {}
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and volume is None:
        found.append(fields.required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
    elif inline is not None and volume is not None:
        found.append(fields.forbidden("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    volume = (spec.get("source") or {}).get("persistentVolumeName") or ""
    return [
        name_of(obj),
        spec.get("attacher") or "",
        volume,
        spec.get("nodeName") or "",
        bool(status.get("attached")),
        tables.age(obj, now),
    ]


KIND = Kind(
    group="storage.k8s.io",
    versions=("v1",),
    kind="VolumeAttachment",
    plural="volumeattachments",
    namespaced=False,
    status=True,
    prepare_create=fresh_status({"attached": False}),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules, once_set(("spec",))),
    columns=(
        tables.NAME,
        tables.text("Attacher"),
        tables.text("PV"),
        tables.text("Node"),
        tables.boolean("Attached"),
        tables.AGE,
    ),
    cells=_cells,
)
