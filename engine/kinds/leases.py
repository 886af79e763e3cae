"""Lease (pkg/apis/coordination/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import not_negative


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    duration_s = spec.get("leaseDurationSeconds")
    found: list[FieldError] = []
    if duration_s is not None and duration_s <= 0:
        found.append(fields.invalid("spec.leaseDurationSeconds", duration_s, "must be greater than 0"))
    return found + not_negative(spec.get("leaseTransitions"), "spec.leaseTransitions")


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), (obj.get("spec") or {}).get("holderIdentity") or "", tables.age(obj, now)]


KIND = Kind(
    group="coordination.k8s.io",
    versions=("v1",),
    kind="Lease",
    plural="leases",
    namespaced=True,
    defaults=lambda obj: obj if obj.get("spec") is not None else {**obj, "spec": {}},
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(tables.NAME, tables.text("Holder"), tables.AGE),
    cells=_cells,
)
