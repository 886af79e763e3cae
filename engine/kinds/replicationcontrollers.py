"""ReplicationController (pkg/apis/core/v1/defaults.go, ValidateReplicationController)."""

from typing import Any

from engine.base import fields, selectors
from engine.base.fields import FieldError
from engine.base.objects import Obj, labels_of, put
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status, number_at
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind, ScaleSubresource
from engine.kinds.common.podrules import template_labels, validate_template
from engine.kinds.common.podwarnings import template_warnings
from engine.kinds.common.rules import unsupported
from engine.kinds.common.workloads import MISMATCH, RS_COLUMNS, counts, replica_set_cells, workload_defaults


def _defaults(obj: Obj) -> Obj:
    obj = workload_defaults(obj, {"replicas": 1})
    labels = template_labels(obj["spec"].get("template") or {})
    if labels and not obj["spec"].get("selector"):
        obj = put(obj, ("spec", "selector"), labels)
    return put(obj, ("metadata", "labels"), labels) if labels and not labels_of(obj) else obj


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    selector, template = spec.get("selector"), spec.get("template")
    found = counts(spec, "minReadySeconds")
    if not selector:
        found.append(fields.required("spec.selector"))
    found += counts(spec, "replicas")
    if template is None:
        return [*found, fields.required("spec.template")]
    labels = template_labels(template)
    if selector and not selectors.from_map(selector).matches(labels):
        found.append(fields.invalid("spec.template.metadata.labels", dict(labels) or None, MISMATCH))
    found += validate_template(template, "spec.template")
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        found.append(unsupported(policy, "spec.template.spec.restartPolicy", ("Always",)))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    return [*replica_set_cells({**obj, "spec": {**spec, "selector": None}}, now)[:-1], tables.labels(spec.get("selector"))]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="ReplicationController",
    plural="replicationcontrollers",
    namespaced=True,
    short_names=("rc",),
    categories=("all",),
    status=True,
    scale=ScaleSubresource(),
    has_generation=True,
    defaults=_defaults,
    prepare_create=fresh_status({"replicas": 0}),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    warnings=template_warnings("spec", "template", "spec"),
    columns=RS_COLUMNS,
    cells=_cells,
    field_values={"status.replicas": number_at("status", "replicas")},
)
