"""PodDisruptionBudget (pkg/apis/policy/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import at_most_all, int_or_percent, label_selector, unsupported

_FIRST_STATUS = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found: list[FieldError] = []
    low, high = spec.get("minAvailable"), spec.get("maxUnavailable")
    if low is not None and high is not None:
        found.append(fields.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    for name, value in (("minAvailable", low), ("maxUnavailable", high)):
        if value is not None:
            found += int_or_percent(value, f"spec.{name}") + at_most_all(value, f"spec.{name}")
    found += label_selector(spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _POLICIES:
        found.append(unsupported(policy, "spec.unhealthyPodEvictionPolicy", _POLICIES))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    shown = ["N/A" if spec.get(name) is None else str(spec[name]) for name in ("minAvailable", "maxUnavailable")]
    return [name_of(obj), *shown, status.get("disruptionsAllowed") or 0, tables.age(obj, now)]


KIND = Kind(
    group="policy",
    versions=("v1",),
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    namespaced=True,
    short_names=("pdb",),
    status=True,
    has_generation=True,
    prepare_create=fresh_status(_FIRST_STATUS),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        tables.text("Min Available"),
        tables.text("Max Unavailable"),
        tables.number("Allowed Disruptions"),
        tables.AGE,
    ),
    cells=_cells,
)
