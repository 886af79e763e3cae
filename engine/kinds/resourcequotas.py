"""ResourceQuota (ValidateResourceQuota, printResourceQuota)."""

from typing import Any

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at
from engine.kinds.common.quantities import canonical_at

SCOPES = ("BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating")
_STANDARD = (
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
)
_COUNTED = ("pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps")


def _canonical(obj: Obj) -> Obj:
    obj = change_at(obj, "spec", lambda spec: canonical_at(spec, "hard"))
    return change_at(obj, "status", lambda status: canonical_at(status, "hard", "used"))


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found: list[FieldError] = []
    for name, amount in (spec.get("hard") or {}).items():
        path = f"spec.hard[{name}]"
        found += [fields.invalid(path, name, e) for e in names.qualified_name(name)]
        if "/" not in name and name not in _STANDARD and not name.startswith(("hugepages-", "requests.hugepages-")):
            found.append(fields.invalid(path, name, "must be a standard resource for quota"))
        value = quantity.parse(amount)
        if value < 0:
            found.append(fields.invalid(path, str(amount), "must be greater than or equal to 0"))
        if value.denominator != 1 and (name in _COUNTED or name.startswith("count/")):
            found.append(fields.invalid(path, str(amount), "must be an integer"))
    for scope in spec.get("scopes") or ():
        if scope not in SCOPES:
            found.append(fields.invalid("spec.scopes", spec["scopes"], "unsupported scope"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    status = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    shown: tuple[list[str], list[str]] = ([], [])
    for name in sorted(hard):
        shown[name.startswith("limits")].append(f"{name}: {used.get(name) or '0'}/{hard[name]}")
    return [name_of(obj), ", ".join(shown[0]), ", ".join(shown[1]), tables.age(obj, now)]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="ResourceQuota",
    plural="resourcequotas",
    namespaced=True,
    short_names=("quota",),
    status=True,
    defaults=_canonical,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules, once_set(("spec", "scopes"))),
    columns=(tables.NAME, tables.text("Request"), tables.text("Limit"), tables.AGE),
    cells=_cells,
)
