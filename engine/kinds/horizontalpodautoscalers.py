"""HorizontalPodAutoscaler (pkg/apis/autoscaling/v2/defaults.go, pkg/apis/autoscaling/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import hpametrics, names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, fill
from engine.kinds.common.rules import not_negative, one_of

_CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
_METRIC_TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_POLICY_PERIOD_S_MAX = 1_800
_WINDOW_S_MAX = 3_600


def _behavior(behavior: Obj) -> Obj:
    behavior = fill(behavior, {"scaleUp": _UP, "scaleDown": _DOWN})
    behavior = change_at(behavior, "scaleUp", lambda rules: fill(rules, _UP))
    return change_at(behavior, "scaleDown", lambda rules: fill(rules, _DOWN))


def _defaults(obj: Obj) -> Obj:
    spec = fill(obj.get("spec") or {}, {"minReplicas": 1})
    spec = spec if spec.get("metrics") else {**spec, "metrics": [_CPU]}
    spec = change_at(spec, "behavior", _behavior)
    return obj if spec is obj.get("spec") else {**obj, "spec": spec}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    low, high = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    found: list[FieldError] = []
    if low is not None and low < 1:
        found.append(fields.invalid("spec.minReplicas", low, "must be greater than or equal to 1"))
    if high < 1:
        found.append(fields.invalid("spec.maxReplicas", high, "must be greater than 0"))
    if low is not None and high < low:
        found.append(fields.invalid("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`"))
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            found.append(fields.required(f"spec.scaleTargetRef.{name}"))
        else:
            found += [fields.invalid(f"spec.scaleTargetRef.{name}", target[name], e) for e in names.path_segment(target[name])]
    for i, metric in enumerate(spec.get("metrics") or ()):
        found += _metric(metric, f"spec.metrics[{i}]")
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None:
            found += _scaling(rules, f"spec.behavior.{direction}")
    return found


def _metric(metric: Obj, path: str) -> list[FieldError]:
    kind = metric.get("type") or ""
    if kind not in _METRIC_TYPES:
        return (
            one_of(kind, f"{path}.type", _METRIC_TYPES) if kind else [fields.required(f"{path}.type", "must specify a metric source type")]
        )
    field = kind[0].lower() + kind[1:]
    source = metric.get(field)
    if source is None:
        return [fields.required(f"{path}.{field}", f"must populate information for the given metric source type: {kind}")]
    target = source.get("target") or {}
    found: list[FieldError] = []
    if kind in ("Resource", "ContainerResource") and not source.get("name"):
        found.append(fields.required(f"{path}.{field}.name", "must specify a resource name"))
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        found.append(fields.invalid(f"{path}.{field}.target.averageUtilization", utilization, "must be greater than 0"))
    if all(target.get(name) is None for name in ("averageUtilization", "averageValue", "value")):
        why = "must specify either a positive target value, averageUtilization or averageValue"
        if kind in ("Resource", "ContainerResource"):
            why = "must set either a target raw value or a target utilization"
        found.append(fields.required(f"{path}.{field}.target", why))
    return found


def _scaling(rules: Obj, path: str) -> list[FieldError]:
    window_s, policies = rules.get("stabilizationWindowSeconds"), rules.get("policies") or ()
    found = not_negative(window_s, f"{path}.stabilizationWindowSeconds")
    if window_s is not None and window_s > _WINDOW_S_MAX:
        found.append(fields.invalid(f"{path}.stabilizationWindowSeconds", window_s, f"must be less than or equal to {_WINDOW_S_MAX}"))
    if rules.get("selectPolicy") not in ("Max", "Min", "Disabled"):
        found += one_of(rules.get("selectPolicy"), f"{path}.selectPolicy", ("Disabled", "Max", "Min"))
    if not policies:
        found.append(fields.required(f"{path}.policies", "must specify at least one Policy"))
    for i, policy in enumerate(policies):
        here, value, period_s = f"{path}.policies[{i}]", policy.get("value") or 0, policy.get("periodSeconds") or 0
        found += one_of(policy.get("type"), f"{here}.type", ("Percent", "Pods"))
        if value <= 0:
            found.append(fields.invalid(f"{here}.value", value, "must be greater than zero"))
        if period_s <= 0:
            found.append(fields.invalid(f"{here}.periodSeconds", period_s, "must be greater than zero"))
        elif period_s > _POLICY_PERIOD_S_MAX:
            found.append(fields.invalid(f"{here}.periodSeconds", period_s, f"must be less than or equal to {_POLICY_PERIOD_S_MAX}"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    target, low = spec.get("scaleTargetRef") or {}, spec.get("minReplicas")
    return [
        name_of(obj),
        f"{target.get('kind')}/{target.get('name')}",
        hpametrics.shown(spec.get("metrics") or (), status.get("currentMetrics") or ()),
        tables.UNSET if low is None else str(low),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        tables.age(obj, now),
    ]


KIND = Kind(
    group="autoscaling",
    versions=("v2", "v1"),
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    namespaced=True,
    short_names=("hpa",),
    categories=("all",),
    status=True,
    defaults=_defaults,
    prepare_create=fresh_status({"desiredReplicas": 0, "currentMetrics": None}),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(tables.NAME, *(tables.text(n) for n in ("Reference", "Targets", "MinPods", "MaxPods", "Replicas")), tables.AGE),
    cells=_cells,
    convert={"v1": (hpametrics.to_v1, hpametrics.from_v1)},
)
