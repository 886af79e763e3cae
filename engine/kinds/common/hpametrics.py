"""Metrics of a HorizontalPodAutoscaler: as a cell, and between its two API versions (pkg/apis/autoscaling/v1/conversion.go)."""

from collections.abc import Sequence
from typing import Any

import orjson

from engine.base.objects import Obj

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_ANNOTATIONS = (METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR)
_SHOWN_MAX = 2
_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def is_cpu_utilization(metric: Obj) -> bool:
    """Whether v1 can say it: the utilisation of cpu over requests."""
    resource = metric.get("resource") or {}
    return metric.get("type") == "Resource" and resource.get("name") == "cpu" and "averageUtilization" in (resource.get("target") or {})


def shown(metrics: Sequence[Obj], current: Sequence[Obj]) -> str:
    """`cpu: 20%/80%, 3/10 + 1 more...` (formatHPAMetrics)."""
    if not metrics:
        return "<none>"
    items = [_item(metric, current[i] if i < len(current) else {}) for i, metric in enumerate(metrics[:_SHOWN_MAX])]
    text = ", ".join(items)
    return f"{text} + {len(metrics) - _SHOWN_MAX} more..." if len(metrics) > _SHOWN_MAX else text


def _item(metric: Obj, status: Obj) -> str:
    kind = metric.get("type") or ""
    source, now = metric.get(_SOURCES.get(kind, "")) or {}, (status.get(_SOURCES.get(kind, "")) or {}).get("current") or {}
    target = source.get("target") or {}
    named = f"{source.get('name')}: " if kind in ("Resource", "ContainerResource") else ""
    if kind not in _SOURCES:
        return "<unknown type>"
    if target.get("averageValue") is not None:
        average = " (avg)" if kind in ("Object", "External") else ""
        return f"{named}{now.get('averageValue') or '<unknown>'}/{target['averageValue']}{average}"
    if named:
        utilization, wanted = now.get("averageUtilization"), target.get("averageUtilization")
        reached = "<unknown>" if utilization is None else f"{utilization}%"
        return f"{named}{reached}/{'<auto>' if wanted is None else f'{wanted}%'}"
    return f"{now.get('value') or '<unknown>'}/{target.get('value') or '<auto>'}"


def to_v1(obj: Obj) -> Obj:
    """autoscaling/v2 as v1; what v1 has no field for goes into annotations, as JSON of v2."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    notes: dict[str, Any] = {}
    made = {k: v for k, v in spec.items() if k not in ("metrics", "behavior")}
    others = []
    for metric in spec.get("metrics") or ():
        if is_cpu_utilization(metric) and "targetCPUUtilizationPercentage" not in made:
            made["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
        else:
            others.append(metric)
    notes[METRICS], notes[BEHAVIOR], notes[CONDITIONS] = others, spec.get("behavior"), status.get("conditions")
    state = {k: v for k, v in status.items() if k not in ("currentMetrics", "conditions")}
    measured = []
    for metric in status.get("currentMetrics") or ():
        resource = metric.get("resource") or {}
        usage = (resource.get("current") or {}).get("averageUtilization")
        if metric.get("type") == "Resource" and resource.get("name") == "cpu" and usage is not None:
            state["currentCPUUtilizationPercentage"] = usage
        else:
            measured.append(metric)
    notes[CURRENT_METRICS] = measured
    state = {"currentReplicas": 0, "desiredReplicas": 0, **state}
    return {**obj, "apiVersion": "autoscaling/v1", "metadata": _annotated(obj, notes), "spec": made, "status": state}


def _annotated(obj: Obj, notes: Obj) -> Obj:
    meta = obj.get("metadata") or {}
    added = {name: orjson.dumps(value).decode() for name, value in notes.items() if value}
    return {**meta, "annotations": {**(meta.get("annotations") or {}), **added}} if added else meta


def from_v1(obj: Obj) -> Obj:
    """autoscaling/v1 as v2, with what the annotations carry."""
    meta, spec, status = obj.get("metadata") or {}, obj.get("spec") or {}, obj.get("status")
    annotations = meta.get("annotations") or {}
    notes = {name: orjson.loads(annotations[name]) for name in _ANNOTATIONS if name in annotations}
    made = {k: v for k, v in spec.items() if k != "targetCPUUtilizationPercentage"}
    metrics = list(notes.get(METRICS) or ())
    target = spec.get("targetCPUUtilizationPercentage")
    if target is not None:
        utilization = {"type": "Utilization", "averageUtilization": target}
        metrics.insert(0, {"type": "Resource", "resource": {"name": "cpu", "target": utilization}})
    if metrics:
        made["metrics"] = metrics
    if notes.get(BEHAVIOR):
        made["behavior"] = notes[BEHAVIOR]
    rest = {k: v for k, v in annotations.items() if k not in _ANNOTATIONS}
    if len(rest) != len(annotations):
        meta = {**{k: v for k, v in meta.items() if k != "annotations"}, **({"annotations": rest} if rest else {})}
    converted: Obj = {**obj, "apiVersion": "autoscaling/v2", "metadata": meta, "spec": made}
    return converted if status is None else {**converted, "status": _status_from_v1(status, notes)}


def _status_from_v1(status: Obj, notes: Obj) -> Obj:
    made = {k: v for k, v in status.items() if k != "currentCPUUtilizationPercentage"}
    measured = list(notes.get(CURRENT_METRICS) or ())
    usage = status.get("currentCPUUtilizationPercentage")
    if usage is not None:
        measured.insert(0, {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": usage, "averageValue": "0"}}})
    made["currentMetrics"] = measured or None
    return {**made, "conditions": notes[CONDITIONS]} if notes.get(CONDITIONS) else made
