"""CSINode (pkg/apis/storage/validation/validation.go ValidateCSINode)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, driver in enumerate((obj.get("spec") or {}).get("drivers") or ()):
        path, name = f"spec.drivers[{i}]", driver.get("name") or ""
        found += [] if name else [fields.required(f"{path}.name")]
        if not driver.get("nodeID"):
            found.append(fields.required(f"{path}.nodeID"))
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None and count < 0:
            found.append(fields.invalid(f"{path}.allocatable.count", count, "must be greater than or equal to 0"))
        if name in seen:
            found.append(fields.duplicate(f"{path}.name", name))
        seen.add(name)
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), len((obj.get("spec") or {}).get("drivers") or ()), tables.age(obj, now)]


KIND = Kind(
    group="storage.k8s.io",
    versions=("v1",),
    kind="CSINode",
    plural="csinodes",
    namespaced=False,
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(tables.NAME, tables.number("Drivers"), tables.AGE),
    cells=_cells,
)
