"""VolumeAttributesClass (pkg/apis/storage/validation/validation.go ValidateVolumeAttributesClass)."""

from typing import Any

from engine.base.fields import FieldError, forbidden
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import needed


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found = needed(obj.get("driverName"), "driverName", names.dns_subdomain)
    if old is not None:
        changed = [n for n in ("driverName", "parameters") if (obj.get(n) or None) != (old.get(n) or None)]
        found += [forbidden(name, f"updates to {name} are forbidden.") for name in changed]
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), obj.get("driverName") or "", tables.age(obj, now)]


KIND = Kind(
    group="storage.k8s.io",
    versions=("v1",),
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    namespaced=False,
    short_names=("vac",),
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(tables.NAME, tables.text("DriverName"), tables.AGE),
    cells=_cells,
)
