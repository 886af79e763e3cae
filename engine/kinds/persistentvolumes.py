"""PersistentVolume (pkg/apis/core/v1/defaults.go, pkg/registry/core/persistentvolume/strategy.go, ValidatePersistentVolume)."""

from typing import Any

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj, is_terminating, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.affinity import validate_node_selector
from engine.kinds.common.claims import VOLUME_MODES, storage_class, validate_access_modes
from engine.kinds.common.lifecycle import keep_status
from engine.kinds.common.metadata import immutable, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, fill
from engine.kinds.common.quantities import canonical_at
from engine.kinds.common.rules import one_of, unsupported
from engine.kinds.common.volumes import SOURCES, validate_source

RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_SOURCES = (*SOURCES, "local")


def _spec(spec: Obj) -> Obj:
    spec = canonical_at(spec, "capacity")
    spec = change_at(spec, "hostPath", lambda path: fill(path, {"type": ""}))
    return fill(spec, {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})


def _defaults(obj: Obj) -> Obj:
    return change_at(obj, "spec", _spec)


def _prepare_create(obj: Obj) -> Obj:
    return {**obj, "status": {"phase": "Pending", "lastPhaseTransitionTime": (obj.get("metadata") or {}).get("creationTimestamp")}}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    capacity = spec.get("capacity") or {}
    found = validate_access_modes(spec.get("accessModes") or [], "spec.accessModes")
    if not capacity:
        found.append(fields.required("spec.capacity"))
    elif set(capacity) != {"storage"}:
        found.append(unsupported(",".join(capacity), "spec.capacity", ("storage",)))
    for name, amount in capacity.items():
        if quantity.parse(amount) <= 0:
            found.append(fields.invalid(f"spec.capacity[{name}]", str(amount), "must be greater than zero"))
    if spec.get("persistentVolumeReclaimPolicy"):
        found += one_of(spec["persistentVolumeReclaimPolicy"], "spec.persistentVolumeReclaimPolicy", RECLAIM_POLICIES)
    required = (spec.get("nodeAffinity") or {}).get("required")
    if spec.get("nodeAffinity") is not None and required is None:
        found.append(fields.required("spec.nodeAffinity.required", "must specify required node constraints"))
    elif required is not None:
        found += validate_node_selector(required, "spec.nodeAffinity.required")
    found += _source(spec)
    if spec.get("storageClassName"):
        found += [
            fields.invalid("spec.storageClassName", spec["storageClassName"], e) for e in names.dns_subdomain(spec["storageClassName"])
        ]
    if spec.get("volumeMode") is not None:
        found += one_of(spec["volumeMode"], "spec.volumeMode", VOLUME_MODES)
    return found if old is None else found + _update(spec, old.get("spec") or {})


def _source(spec: Obj) -> list[FieldError]:
    given = [s for s in _SOURCES if spec.get(s) is not None]
    if not given:
        return [fields.required("spec", "must specify a volume type")]
    found = [fields.forbidden(f"spec.{more}", "may not specify more than 1 volume type") for more in given[1:]]
    if given[0] == "local":
        if not spec["local"].get("path"):
            found.append(fields.required("spec.local.path"))
        if not spec.get("nodeAffinity"):
            found.append(fields.required("spec.nodeAffinity", "Local volume requires node affinity"))
        return found
    return found + validate_source(given[0], spec[given[0]], f"spec.{given[0]}")


def _update(spec: Obj, before: Obj) -> list[FieldError]:
    found: list[FieldError] = []
    if any(spec.get(source) != before.get(source) for source in _SOURCES):
        why = "spec.persistentvolumesource is immutable after creation"
        found.append(fields.forbidden("spec.persistentvolumesource", why))
    found += immutable(spec.get("volumeMode"), before.get("volumeMode"), "spec.volumeMode")
    if before.get("nodeAffinity"):
        found += immutable(spec.get("nodeAffinity"), before["nodeAffinity"], "spec.nodeAffinity")
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    claim = spec.get("claimRef")
    return [
        name_of(obj),
        (spec.get("capacity") or {}).get("storage") or "0",
        tables.access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "",
        "Terminating" if is_terminating(obj) else status.get("phase") or "",
        f"{claim.get('namespace') or ''}/{claim.get('name') or ''}" if claim is not None else "",
        storage_class(obj),
        spec.get("volumeAttributesClassName") or tables.UNSET,
        status.get("reason") or "",
        tables.age(obj, now),
        spec.get("volumeMode") or tables.UNSET,
    ]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="PersistentVolume",
    plural="persistentvolumes",
    namespaced=False,
    short_names=("pv",),
    status=True,
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        *(tables.text(n) for n in ("Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass")),
        *(tables.text(n) for n in ("VolumeAttributesClass", "Reason")),
        tables.AGE,
        *tables.wide("VolumeMode"),
    ),
    cells=_cells,
)
