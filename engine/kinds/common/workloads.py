"""Rules and cells that kinds with a pod template share (pkg/apis/apps/validation/validation.go)."""

from collections.abc import Mapping
from typing import Any

from engine.base import fields, selectors
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import tables
from engine.kinds.common.podrules import template_labels, validate_template, validate_template_metadata
from engine.kinds.common.podspec import change_at, fill, with_template
from engine.kinds.common.rules import label_selector, not_negative, unsupported

MISMATCH = "`selector` does not match template `labels`"
RS_COLUMNS = (
    tables.NAME,
    tables.number("Desired"),
    tables.number("Current"),
    tables.number("Ready"),
    tables.AGE,
    *tables.WORKLOAD_WIDE,
)


def workload_defaults(obj: Obj, defaults: Mapping[str, Any]) -> Obj:
    """`obj` with its template defaulted and absent fields of spec filled."""
    obj = with_template(obj)
    spec = obj.get("spec") or {}
    filled = fill(spec, defaults)
    return obj if filled is spec else {**obj, "spec": filled}


def rolling_update(spec: Obj, field: str, defaults: Mapping[str, Any]) -> Obj:
    """A strategy of type RollingUpdate, unless another is named, with the defaults of its parameters."""
    strategy = spec.get(field) or {}
    kind = strategy.get("type") or "RollingUpdate"
    filled = strategy if strategy.get("type") else {**strategy, "type": kind}
    if kind == "RollingUpdate":
        filled = fill(filled, {"rollingUpdate": {}})
        filled = change_at(filled, "rollingUpdate", lambda parameters: fill(parameters, defaults))
    return spec if filled is spec.get(field) else {**spec, field: filled}


def validate_selector(selector: Obj | None, kind: str, path: str = "spec.selector") -> list[FieldError]:
    """A selector is required and selects by something; `kind` is named in the message."""
    if selector is None:
        return [fields.required(path)]
    found = label_selector(selector, path)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        found.append(fields.invalid(path, selector, f"empty selector is invalid for {kind}"))
    return found


def validate_owned_template(spec: Obj, kind: str, path: str = "spec.template") -> list[FieldError]:
    """The template's labels match the selector, and its pods are restarted for ever.

    A StatefulSet's pod spec is not looked at any further, as upstream: its pods are refused when they are created.
    """
    selector, template = spec.get("selector"), spec.get("template") or {}
    found: list[FieldError] = []
    if selector is None or not label_selector(selector, ""):
        chosen = selectors.from_label_selector(selector)
        labels = template_labels(template)
        if not chosen.empty and not chosen.matches(labels):
            found.append(fields.invalid(f"{path}.metadata.labels", dict(labels) or None, MISMATCH))
    if kind == "StatefulSet":
        found += validate_template_metadata(template, path)
    else:
        found += validate_template(template, path)
    pod = template.get("spec") or {}
    if pod.get("restartPolicy") in ("OnFailure", "Never"):
        found.append(unsupported(pod["restartPolicy"], f"{path}.spec.restartPolicy", ("Always",)))
    if pod.get("activeDeadlineSeconds") is not None:
        found.append(fields.forbidden(f"{path}.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported"))
    return found


def counts(spec: Obj, *names: str) -> list[FieldError]:
    """Numbers of spec that may not be negative."""
    return [e for name in names for e in not_negative(spec.get(name), f"spec.{name}")]


def workload_cells(obj: Obj) -> list[Any]:
    """Containers, Images, Selector."""
    spec = obj.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    return [*tables.containers_and_images(pod), tables.selector(spec.get("selector"))]


def replica_set_cells(obj: Obj, now: float) -> list[Any]:
    """The row of a ReplicaSet."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        (obj.get("metadata") or {}).get("name"),
        spec.get("replicas") or 0,
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        tables.age(obj, now),
        *workload_cells(obj),
    ]
