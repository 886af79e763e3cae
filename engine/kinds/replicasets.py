"""ReplicaSet (pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go ValidateReplicaSet)."""

from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.lifecycle import fresh_status, keep_status, number_at
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind, ScaleSubresource
from engine.kinds.common.podwarnings import template_warnings
from engine.kinds.common.workloads import (
    RS_COLUMNS,
    counts,
    replica_set_cells,
    validate_owned_template,
    validate_selector,
    workload_defaults,
)


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return []
    found = counts(spec, "replicas", "minReadySeconds")
    # Upstream says "deployment" here as well.
    return found + validate_selector(spec.get("selector"), "deployment") + validate_owned_template(spec, "ReplicaSet")


KIND = Kind(
    group="apps",
    versions=("v1",),
    kind="ReplicaSet",
    plural="replicasets",
    namespaced=True,
    short_names=("rs",),
    categories=("all",),
    status=True,
    scale=ScaleSubresource(),
    has_generation=True,
    defaults=lambda obj: workload_defaults(obj, {"replicas": 1}),
    prepare_create=fresh_status({"replicas": 0}),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules, once_set(("spec", "selector"))),
    warnings=template_warnings("spec", "template", "spec"),
    columns=RS_COLUMNS,
    cells=replica_set_cells,
    field_values={"status.replicas": number_at("status", "replicas")},
)
