"""APIService (kube-aggregator/pkg/apis/apiregistration: v1/defaults.go, validation; pkg/registry/apiservice/etcd)."""

from typing import Any

from engine.base import fields
from engine.base.conditions import condition_of
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, fill


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    group, version = spec.get("group") or "", spec.get("version") or ""
    wanted = f"{version}.{group}"
    found: list[FieldError] = []
    if name_of(obj) != wanted:
        found.append(fields.invalid("metadata.name", name_of(obj), 'must be `spec.version+"."+spec.group`'))
    if group:
        found += [fields.invalid("spec.group", group, e) for e in names.dns_subdomain(group)]
    found += [fields.invalid("spec.version", version, e) for e in names.dns_1035_label(version)]
    for name, low, high in (("groupPriorityMinimum", 1, 20_000), ("versionPriority", 1, 1_000)):
        value = spec.get(name) or 0
        if not low <= value <= high:
            found.append(fields.invalid(f"spec.{name}", value, f"must be positive and less than {high}"))
    service = spec.get("service")
    if service is not None:
        found += [fields.required(f"spec.service.{n}") for n in ("namespace", "name") if not service.get(n)]
        if spec.get("caBundle") and spec.get("insecureSkipTLSVerify"):
            why = "may not be true if caBundle is present"
            found.append(fields.invalid("spec.insecureSkipTLSVerify", True, why))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    service = (obj.get("spec") or {}).get("service")
    available = condition_of(obj, "Available")
    shown = "Unknown"
    if available is not None:
        shown = "True" if available.get("status") == "True" else f"{available.get('status')} ({available.get('reason')})"
    where = "Local" if service is None else f"{service.get('namespace')}/{service.get('name')}"
    return [name_of(obj), where, shown, tables.age(obj, now)]


KIND = Kind(
    group="apiregistration.k8s.io",
    versions=("v1",),
    kind="APIService",
    plural="apiservices",
    namespaced=False,
    categories=("api-extensions",),
    status=True,
    defaults=lambda obj: change_at(obj, "spec", lambda spec: change_at(spec, "service", lambda s: fill(s, {"port": 443}))),
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.path_segment, _rules),
    columns=(tables.NAME, tables.text("Service"), tables.text("Available"), tables.AGE),
    cells=_cells,
)
