"""StatefulSet (pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go ValidateStatefulSet)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.claims import claim_template
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind, ScaleSubresource
from engine.kinds.common.podspec import change_at, each_at, fill
from engine.kinds.common.podwarnings import template_warnings
from engine.kinds.common.rules import at_most_all, int_or_percent, not_negative, unsupported
from engine.kinds.common.workloads import (
    counts,
    rolling_update,
    validate_owned_template,
    validate_selector,
    workload_cells,
    workload_defaults,
)

_RETAIN = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_MAY_CHANGE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_FORBIDDEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def _defaults(obj: Obj) -> Obj:
    obj = workload_defaults(
        obj,
        {
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy": _RETAIN,
        },
    )
    spec = rolling_update(obj["spec"], "updateStrategy", {"partition": 0})
    spec = change_at(spec, "persistentVolumeClaimRetentionPolicy", lambda policy: fill(policy, _RETAIN))
    spec = each_at(spec, "volumeClaimTemplates", claim_template)
    return obj if spec is obj["spec"] else {**obj, "spec": spec}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    policy = spec.get("podManagementPolicy")
    found: list[FieldError] = []
    if policy not in ("OrderedReady", "Parallel"):
        found.append(fields.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    found += _strategy(spec.get("updateStrategy") or {}, "spec.updateStrategy")
    for when, value in (spec.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        if value not in ("Retain", "Delete"):
            found.append(unsupported(value, f"spec.persistentVolumeClaimRetentionPolicy.{when}", ("Retain", "Delete")))
    found += counts(spec, "replicas", "minReadySeconds")
    found += not_negative((spec.get("ordinals") or {}).get("start"), "spec.ordinals.start")
    found += validate_selector(spec.get("selector"), "statefulset")
    found += validate_owned_template(spec, "StatefulSet")
    if old is not None:
        found += _update(spec, old.get("spec") or {})
    return found


def _strategy(strategy: Obj, path: str) -> list[FieldError]:
    kind, parameters = strategy.get("type"), strategy.get("rollingUpdate")
    if not kind:
        return [fields.required(f"{path}.type")]
    if kind == "OnDelete":
        why = "only allowed for updateStrategy 'RollingUpdate'"
        return [fields.invalid(f"{path}.rollingUpdate", parameters, why)] if parameters is not None else []
    if kind != "RollingUpdate":
        return [fields.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
    parameters = parameters or {}
    found = not_negative(parameters.get("partition"), f"{path}.rollingUpdate.partition")
    unavailable = parameters.get("maxUnavailable")
    if unavailable is not None:
        found += int_or_percent(unavailable, f"{path}.rollingUpdate.maxUnavailable")
        if unavailable in (0, "0%"):
            found.append(fields.invalid(f"{path}.rollingUpdate.maxUnavailable", unavailable, "cannot be 0"))
        found += at_most_all(unavailable, f"{path}.rollingUpdate.maxUnavailable")
    return found


def _update(spec: Obj, before: Obj) -> list[FieldError]:
    changed = {k for k in spec.keys() | before.keys() if spec.get(k) != before.get(k)}
    return [fields.forbidden("spec", _FORBIDDEN)] if changed - set(_MAY_CHANGE) else []


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready = f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}"
    return [name_of(obj), ready, tables.age(obj, now), *workload_cells(obj)[:2]]


KIND = Kind(
    group="apps",
    versions=("v1",),
    kind="StatefulSet",
    plural="statefulsets",
    namespaced=True,
    short_names=("sts",),
    categories=("all",),
    status=True,
    scale=ScaleSubresource(),
    has_generation=True,
    defaults=_defaults,
    prepare_create=fresh_status({"replicas": 0, "availableReplicas": 0}),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    warnings=template_warnings("spec", "template", "spec"),
    columns=(tables.NAME, tables.text("Ready"), tables.AGE, *tables.wide("Containers", "Images")),
    cells=_cells,
)
