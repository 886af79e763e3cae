"""Job (pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go generateSelector, ValidateJob)."""

from typing import Any

from engine.base import fields, selectors
from engine.base.clock import human_duration, parse_time
from engine.base.conditions import is_true
from engine.base.fields import FieldError
from engine.base.objects import Obj, is_terminating, labels_of, name_of, put, uid_of
from engine.kinds.common import names, tables
from engine.kinds.common.jobspec import validate_job_spec
from engine.kinds.common.lifecycle import fresh_status, keep_status, number_at
from engine.kinds.common.metadata import immutable, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podrules import template_labels
from engine.kinds.common.podspec import change_at, each_at, fill
from engine.kinds.common.podwarnings import template_warnings
from engine.kinds.common.rules import label_selector
from engine.kinds.common.workloads import MISMATCH, workload_cells, workload_defaults

UID_LABEL, NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
_INT32_MAX = 2_147_483_647
_new_status = fresh_status()


def _condition(pattern: Obj) -> Obj:
    return fill(pattern, {"status": "True"})


def _defaults(obj: Obj) -> Obj:
    spec = obj.get("spec") or {}
    missing: dict[str, Any] = {"parallelism": 1, "completionMode": "NonIndexed", "suspend": False, "manualSelector": False}
    if spec.get("completions") is None and spec.get("parallelism") is None:
        missing["completions"] = 1
    missing["backoffLimit"] = 6 if spec.get("backoffLimitPerIndex") is None else _INT32_MAX
    missing["podReplacementPolicy"] = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    obj = workload_defaults(obj, missing)
    policy = change_at(obj["spec"], "podFailurePolicy", lambda p: each_at(p, "rules", lambda r: each_at(r, "onPodConditions", _condition)))
    obj = obj if policy is obj["spec"] else {**obj, "spec": policy}
    labels = template_labels(obj["spec"].get("template") or {})
    return obj if labels_of(obj) or not labels else put(obj, ("metadata", "labels"), labels)


def _prepare_create(obj: Obj) -> Obj:
    obj = _new_status(obj)
    spec = obj["spec"]
    if spec.get("manualSelector"):
        return obj
    uid, name = uid_of(obj), name_of(obj)
    generated = {"controller-uid": uid, UID_LABEL: uid, "job-name": name, NAME_LABEL: name}
    before = template_labels(spec.get("template") or {})
    labels = {**generated, **before}
    chosen = {UID_LABEL: uid, **((spec.get("selector") or {}).get("matchLabels") or {})}
    obj = put(obj, ("spec", "template", "metadata", "labels"), labels)
    obj = put(obj, ("spec", "selector", "matchLabels"), chosen)
    # Labels that came from the template by default are the template's own map upstream, so they grow with it.
    return put(obj, ("metadata", "labels"), labels) if labels_of(obj) == before else obj


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    selector, labels = spec.get("selector"), template_labels(spec.get("template") or {})
    found = _generated(obj, labels) if selector is not None and not spec.get("manualSelector") else []
    found += validate_job_spec(spec, "spec")
    found += label_selector(selector, "spec.selector") if selector is not None else [fields.required("spec.selector")]
    if not selectors.from_label_selector(selector).matches(labels):
        found.append(fields.invalid("spec.template.metadata.labels", dict(labels) or None, MISMATCH))
    return found if old is None else found + _update(spec, old)


def _generated(obj: Obj, labels: Any) -> list[FieldError]:
    wanted = {"controller-uid": uid_of(obj), UID_LABEL: uid_of(obj), "job-name": name_of(obj), NAME_LABEL: name_of(obj)}
    found: list[FieldError] = []
    for label, value in wanted.items():
        path = f"spec.template.metadata.labels[{label}]"
        if label not in labels:
            found.append(fields.required(path, f"must be '{value}'"))
        elif labels[label] != value:
            found.append(fields.invalid(path, dict(labels), f"must be '{value}'"))
    if not selectors.from_label_selector(obj["spec"]["selector"]).matches(wanted):
        found.append(fields.invalid("spec.selector", obj["spec"]["selector"], "`selector` not auto-generated"))
    return found


def _update(spec: Obj, old: Obj) -> list[FieldError]:
    """ValidateJobUpdate: completions may follow parallelism of an indexed job, the template of a job that has not started may change."""
    before = old.get("spec") or {}
    found: list[FieldError] = []
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    if not elastic:
        found += immutable(spec.get("completions"), before.get("completions"), "spec.completions")
    found += immutable(spec.get("selector"), before.get("selector"), "spec.selector")
    not_started = before.get("suspend") and not (old.get("status") or {}).get("startTime")
    if not not_started:
        found += immutable(spec.get("template"), before.get("template"), "spec.template")
    for name in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        found += immutable(spec.get(name), before.get(name), f"spec.{name}")
    return found


def job_status(obj: Obj) -> str:
    """The text of the Status column."""
    for condition in ("Complete", "Failed"):
        if is_true(obj, condition):
            return condition
    if is_terminating(obj):
        return "Terminating"
    shown = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((c for c in shown if is_true(obj, c)), "Running")


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    done, wanted, parallelism = status.get("succeeded") or 0, spec.get("completions"), spec.get("parallelism") or 0
    if wanted is not None:
        completions = f"{done}/{wanted}"
    else:
        completions = f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"
    started, ended = status.get("startTime"), status.get("completionTime")
    duration = human_duration((parse_time(ended) if ended else now) - parse_time(started)) if started else ""
    return [name_of(obj), job_status(obj), completions, duration, tables.age(obj, now), *workload_cells(obj)]


KIND = Kind(
    group="batch",
    versions=("v1",),
    kind="Job",
    plural="jobs",
    namespaced=True,
    categories=("all",),
    status=True,
    has_generation=True,
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    warnings=template_warnings("spec", "template", "spec"),
    columns=(
        tables.NAME,
        *(tables.text(n) for n in ("Status", "Completions", "Duration")),
        tables.AGE,
        *tables.WORKLOAD_WIDE,
    ),
    cells=_cells,
    field_values={"status.successful": number_at("status", "succeeded")},
)
