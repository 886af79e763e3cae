"""FlowSchema (pkg/apis/flowcontrol: v1/defaults.go, validation)."""

from typing import Any

from engine.base import fields
from engine.base.conditions import condition_of
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status, spec_defaults
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

PRECEDENCE_MAX = 10_000


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    precedence = spec.get("matchingPrecedence") or 0
    found: list[FieldError] = []
    if precedence <= 0:
        found.append(fields.invalid("spec.matchingPrecedence", precedence, "must be a positive value"))
    elif precedence > PRECEDENCE_MAX:
        found.append(fields.invalid("spec.matchingPrecedence", precedence, f"must not be greater than {PRECEDENCE_MAX}"))
    level = (spec.get("priorityLevelConfiguration") or {}).get("name") or ""
    if not level:
        found.append(fields.required("spec.priorityLevelConfiguration.name"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    dangling = condition_of(obj, "Dangling")
    method = spec.get("distinguisherMethod")
    return [
        name_of(obj),
        (spec.get("priorityLevelConfiguration") or {}).get("name") or "",
        spec.get("matchingPrecedence") or 0,
        tables.NONE if method is None else method.get("type") or "",
        tables.age(obj, now),
        "?" if dangling is None else dangling.get("status") or "",
    ]


KIND = Kind(
    group="flowcontrol.apiserver.k8s.io",
    versions=("v1",),
    kind="FlowSchema",
    plural="flowschemas",
    namespaced=False,
    status=True,
    has_generation=True,
    defaults=spec_defaults({"matchingPrecedence": 1_000}),
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        tables.text("PriorityLevel"),
        tables.number("MatchingPrecedence"),
        tables.text("DistinguisherMethod"),
        tables.AGE,
        tables.text("MissingPL"),
    ),
    cells=_cells,
)
