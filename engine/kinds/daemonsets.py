"""DaemonSet (pkg/apis/apps/v1/defaults.go, pkg/registry/apps/daemonset/strategy.go, ValidateDaemonSet)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, annotations_of, name_of, put
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
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

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_FIRST_STATUS = {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0}
_new_status = fresh_status(_FIRST_STATUS)


def _defaults(obj: Obj) -> Obj:
    """As pkg/apis/apps/v1/defaults.go; the annotation is what conversion makes of a generation that is not set (v1/conversion.go)."""
    obj = workload_defaults(obj, {"revisionHistoryLimit": 10})
    spec = rolling_update(obj["spec"], "updateStrategy", {"maxUnavailable": 1, "maxSurge": 0})
    obj = obj if spec is obj["spec"] else {**obj, "spec": spec}
    return obj if TEMPLATE_GENERATION in annotations_of(obj) else _with_generation(obj, "0")


def _with_generation(obj: Obj, generation: str) -> Obj:
    if annotations_of(obj).get(TEMPLATE_GENERATION) == generation:
        return obj
    return put(obj, ("metadata", "annotations", TEMPLATE_GENERATION), generation)


def _prepare_create(obj: Obj) -> Obj:
    return _with_generation(_new_status(obj), "1")


def _prepare_update(obj: Obj, old: Obj) -> Obj:
    generation = int(annotations_of(old).get(TEMPLATE_GENERATION) or 1)
    new, before = obj["spec"].get("template"), old["spec"].get("template")
    changed = new is not before and new != before
    return _with_generation(keep_status(obj, old), str(generation + changed))


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    found = validate_selector(spec.get("selector"), "daemonset")
    found += validate_owned_template(spec, "DaemonSet")
    found += counts(spec, "minReadySeconds")
    found += _strategy(spec.get("updateStrategy") or {}, "spec.updateStrategy")
    return found + counts(spec, "revisionHistoryLimit")


def _strategy(strategy: Obj, path: str) -> list[FieldError]:
    if strategy.get("type") == "OnDelete":
        return []
    if strategy.get("type") != "RollingUpdate":
        return [unsupported(strategy.get("type"), f"{path}.type", ("RollingUpdate", "OnDelete"))]
    parameters, path = strategy.get("rollingUpdate"), f"{path}.rollingUpdate"
    if parameters is None:
        return [fields.required(path)]
    unavailable, surge = parameters.get("maxUnavailable"), parameters.get("maxSurge")
    found: list[FieldError] = []
    for name, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        found += int_or_percent(value, f"{path}.{name}") + at_most_all(value, f"{path}.{name}")
    if found:
        return found
    has_unavailable, has_surge = resolve(unavailable or 0, 100, up=True) != 0, resolve(surge or 0, 100, up=True) != 0
    if has_unavailable and has_surge:
        found.append(fields.invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    elif not has_unavailable and not has_surge:
        found.append(fields.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    counts_of = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable")
    numbers = [status.get(count) or 0 for count in counts_of]
    return [name_of(obj), *numbers, tables.labels(pod.get("nodeSelector")), tables.age(obj, now), *workload_cells(obj)]


KIND = Kind(
    group="apps",
    versions=("v1",),
    kind="DaemonSet",
    plural="daemonsets",
    namespaced=True,
    short_names=("ds",),
    categories=("all",),
    status=True,
    has_generation=True,
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validating(True, names.dns_subdomain, _rules, once_set(("spec", "selector"))),
    warnings=template_warnings("spec", "template", "spec"),
    columns=(
        tables.NAME,
        *(tables.number(name) for name in ("Desired", "Current", "Ready", "Up-to-date", "Available")),
        tables.text("Node Selector"),
        tables.AGE,
        *tables.WORKLOAD_WIDE,
    ),
    cells=_cells,
)
