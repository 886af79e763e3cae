"""Deployment (pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go ValidateDeployment)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind, ScaleSubresource
from engine.kinds.common.podwarnings import template_warnings
from engine.kinds.common.rules import at_most_all, int_or_percent, unsupported
from engine.kinds.common.workloads import (
    counts,
    rolling_update,
    validate_owned_template,
    validate_selector,
    workload_cells,
    workload_defaults,
)


def _defaults(obj: Obj) -> Obj:
    obj = workload_defaults(obj, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    spec = rolling_update(obj["spec"], "strategy", {"maxUnavailable": "25%", "maxSurge": "25%"})
    return obj if spec is obj["spec"] else {**obj, "spec": spec}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    found = counts(spec, "replicas")
    found += validate_selector(spec.get("selector"), "deployment")
    found += validate_owned_template(spec, "ReplicaSet")
    found += _strategy(spec.get("strategy") or {}, "spec.strategy")
    found += counts(spec, "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline_s = spec.get("progressDeadlineSeconds")
    if deadline_s is not None and deadline_s <= (spec.get("minReadySeconds") or 0):
        found.append(fields.invalid("spec.progressDeadlineSeconds", deadline_s, "must be greater than minReadySeconds"))
    return found


def _strategy(strategy: Obj, path: str) -> list[FieldError]:
    kind, parameters = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [fields.forbidden(f"{path}.rollingUpdate", why)] if parameters is not None else []
    if kind != "RollingUpdate":
        return [unsupported(kind, f"{path}.type", ("Recreate", "RollingUpdate"))]
    path, parameters = f"{path}.rollingUpdate", parameters or {}
    unavailable, surge = parameters.get("maxUnavailable"), parameters.get("maxSurge")
    found = int_or_percent(unavailable, f"{path}.maxUnavailable") + int_or_percent(surge, f"{path}.maxSurge")
    if not found and resolve(unavailable or 0, 100, up=True) == 0 and resolve(surge or 0, 100, up=True) == 0:
        found.append(fields.invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    return found + at_most_all(unavailable, f"{path}.maxUnavailable")


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        name_of(obj),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        tables.age(obj, now),
        *workload_cells(obj),
    ]


KIND = Kind(
    group="apps",
    versions=("v1",),
    kind="Deployment",
    plural="deployments",
    namespaced=True,
    short_names=("deploy",),
    categories=("all",),
    status=True,
    scale=ScaleSubresource(),
    has_generation=True,
    defaults=_defaults,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules, once_set(("spec", "selector"))),
    warnings=template_warnings("spec", "template", "spec"),
    columns=(
        tables.NAME,
        tables.text("Ready"),
        tables.text("Up-to-date"),
        tables.text("Available"),
        tables.AGE,
        *tables.WORKLOAD_WIDE,
    ),
    cells=_cells,
)
