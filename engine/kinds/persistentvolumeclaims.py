"""PersistentVolumeClaim (pkg/apis/core/v1/defaults.go, pkg/registry/core/persistentvolumeclaim/strategy.go)."""

from typing import Any

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj, is_terminating, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.claims import claim_spec_defaults, storage_class, validate_claim_spec
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at

_IMMUTABLE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_SHRINK = "field can not be less than status.capacity"


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found = validate_claim_spec(spec, "spec")
    if old is None or spec is old.get("spec"):
        return found
    return found + _update(spec, old.get("spec") or {}, old.get("status") or {})


def _storage(spec: Obj) -> str:
    text: str = ((spec.get("resources") or {}).get("requests") or {}).get("storage") or "0"
    return text


def _update(spec: Obj, before: Obj, status: Obj) -> list[FieldError]:
    """ValidatePersistentVolumeClaimUpdate: a bound claim may grow; a volume is named once."""
    free = {"resources", "volumeAttributesClassName"}
    if not before.get("volumeName"):
        free |= {"volumeName"}
    if not before.get("storageClassName"):
        free |= {"storageClassName"}
    bound = status.get("phase") == "Bound"
    found: list[FieldError] = []
    changed = {k for k in spec.keys() | before.keys() if spec.get(k) != before.get(k)}
    if changed - free or (not bound and "resources" in changed):
        found.append(fields.forbidden("spec", _IMMUTABLE))
    wanted, asked = quantity.parse(_storage(spec)), quantity.parse(_storage(before))
    capacity = (status.get("capacity") or {}).get("storage")
    if bound and wanted < asked and (capacity is None or wanted <= quantity.parse(capacity)):
        found.append(fields.forbidden("spec.resources.requests.storage", _SHRINK))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    volume = spec.get("volumeName") or ""
    return [
        name_of(obj),
        "Terminating" if is_terminating(obj) else status.get("phase") or "",
        volume,
        ((status.get("capacity") or {}).get("storage") or "0") if volume else "",
        tables.access_modes(status.get("accessModes")) if volume else "",
        storage_class(obj),
        spec.get("volumeAttributesClassName") or tables.UNSET,
        tables.age(obj, now),
        spec.get("volumeMode") or tables.UNSET,
    ]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    namespaced=True,
    short_names=("pvc",),
    status=True,
    defaults=lambda obj: change_at(obj, "spec", claim_spec_defaults),
    prepare_create=fresh_status({"phase": "Pending"}),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        *(tables.text(n) for n in ("Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass")),
        tables.AGE,
        *tables.wide("VolumeMode"),
    ),
    cells=_cells,
)
