"""CSIStorageCapacity (pkg/apis/storage/validation/validation.go ValidateCSIStorageCapacity)."""

from typing import Any

from engine.base import quantity
from engine.base.fields import FieldError, invalid
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import label_selector, needed


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found = label_selector(obj.get("nodeTopology"), "nodeTopology")
    found += needed(obj.get("storageClassName"), "storageClassName", names.dns_subdomain)
    for name in ("capacity", "maximumVolumeSize"):
        amount = obj.get(name)
        if amount is not None and quantity.parse(amount) < 0:
            found.append(invalid(name, str(amount), "must be greater than or equal to 0"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), obj.get("storageClassName") or "", obj.get("capacity") or tables.UNSET, tables.age(obj, now)]


def _defaults(obj: Obj) -> Obj:
    changed = {n: quantity.canonical(obj[n]) for n in ("capacity", "maximumVolumeSize") if obj.get(n) is not None}
    return {**obj, **changed} if any(obj[n] != v for n, v in changed.items()) else obj


KIND = Kind(
    group="storage.k8s.io",
    versions=("v1",),
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    namespaced=True,
    defaults=_defaults,
    validate=validating(True, names.dns_subdomain, _rules, once_set(("nodeTopology",)), once_set(("storageClassName",))),
    columns=(tables.NAME, tables.text("StorageClassName"), tables.text("Capacity"), tables.AGE),
    cells=_cells,
)
