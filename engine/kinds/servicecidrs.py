"""ServiceCIDR (pkg/apis/networking/validation/validation.go ValidateServiceCIDR)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    blocks = (obj.get("spec") or {}).get("cidrs") or []
    if not blocks:
        return [fields.required("spec.cidrs", "at least one CIDR required")]
    if len(blocks) > 2:
        return [fields.invalid("spec.cidrs", blocks, "may only hold up to 2 values")]
    return [fields.invalid(f"spec.cidrs[{i}]", block, e) for i, block in enumerate(blocks) for e in names.cidr(block)]


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), ",".join((obj.get("spec") or {}).get("cidrs") or ()), tables.age(obj, now)]


KIND = Kind(
    group="networking.k8s.io",
    versions=("v1",),
    kind="ServiceCIDR",
    plural="servicecidrs",
    namespaced=False,
    status=True,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules, once_set(("spec", "cidrs"))),
    columns=(tables.NAME, tables.text("CIDRs"), tables.AGE),
    cells=_cells,
)
