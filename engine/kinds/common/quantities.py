"""Resource lists: their canonical form, requests against limits, quality of service."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.memo import Memo, stable

STANDARD = ("cpu", "memory", "ephemeral-storage")


def _canonical_list(amounts: Mapping[str, Any]) -> Mapping[str, Any]:
    changed = {name: "0" if amount is None else quantity.canonical(amount) for name, amount in amounts.items()}
    return amounts if changed == amounts else changed


canonical_list = stable(_canonical_list)
"""A ResourceList with each quantity as the server returns it; itself where nothing changes."""


def canonical_at(obj: Obj, *keys: str) -> Obj:
    """`obj` with canonical resource lists in the named fields (`limits`, `requests`, `capacity`, `hard`…)."""
    changes = {}
    for key in keys:
        amounts = obj.get(key)
        if amounts:
            canonical = canonical_list(amounts)
            if canonical is not amounts:
                changes[key] = canonical
    return {**obj, **changes} if changes else obj


def is_extended(name: str) -> bool:
    """Whether a resource is neither standard nor in kubernetes.io's own domain: whole units, no overcommitment."""
    if name.startswith(("hugepages-", "requests.")):
        return False
    domain, slash, _ = name.partition("/")
    return bool(slash) and not domain.endswith("kubernetes.io")


def validate_resource_name(name: str, path: str) -> list[FieldError]:
    """A standard resource of containers, or a qualified name with a domain."""
    found = [fields.invalid(path, name, e) for e in names.qualified_name(name)]
    if not found and "/" not in name and name not in STANDARD and name != "storage" and not name.startswith("hugepages-"):
        found.append(fields.invalid(path, name, "must be a standard resource type or fully qualified"))
        if not name.startswith("attachable-volumes-"):
            found.append(fields.invalid(path, name, "must be a standard resource for containers"))
    return found


def validate_amount(name: str, amount: Any, path: str) -> list[FieldError]:
    """Not negative; whole numbers for resources that are counted."""
    value = quantity.parse(amount)
    if value < 0:
        return [fields.invalid(path, str(amount), "must be greater than or equal to 0")]
    if is_extended(name) and value.denominator != 1:
        return [fields.invalid(path, str(amount), "must be an integer")]
    return []


def validate_requirements(resources: Obj, path: str) -> list[FieldError]:
    """ValidateResourceRequirements: names, amounts, requests within limits."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    found: list[FieldError] = []
    for name, amount in limits.items():
        found += validate_resource_name(name, f"{path}.limits")
        found += validate_amount(name, amount, f"{path}.limits[{name}]")
    for name, amount in requests.items():
        found += validate_resource_name(name, f"{path}.requests")
        found += validate_amount(name, amount, f"{path}.requests[{name}]")
        limit = limits.get(name)
        if limit is None:
            if is_extended(name) or name.startswith("hugepages-"):
                found.append(fields.required(f"{path}.limits", "Limit must be set for non overcommitable resources"))
            continue
        if quantity.parse(amount) == quantity.parse(limit):
            continue
        if is_extended(name) or name.startswith("hugepages-"):
            found.append(fields.invalid(f"{path}.requests", str(amount), f"must be equal to {name} limit of {limit}"))
        elif quantity.parse(amount) > quantity.parse(limit):
            why = f"must be less than or equal to {name} limit of {limit}"
            found.append(fields.invalid(f"{path}.requests", str(amount), why))
    return found


def _containers_qos(containers: Iterable[Obj]) -> tuple[bool, bool]:
    """(Some cpu or memory is requested or limited, every container has equal cpu and memory limits and requests)."""
    any_set, guaranteed = False, True
    for container in containers:
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in ("cpu", "memory"):
            limit, request = limits.get(name), requests.get(name)
            has_limit = limit is not None and quantity.parse(limit) > 0
            has_request = request is not None and quantity.parse(request) > 0
            any_set = any_set or has_limit or has_request
            if not has_limit or (request is not None and quantity.parse(request) != quantity.parse(limit or 0)):
                guaranteed = False
    return any_set, guaranteed


_qos_of_list: Memo[tuple[bool, bool]] = Memo(_containers_qos)


def qos_class(spec: Obj) -> str:
    """Guaranteed, Burstable or BestEffort (pkg/apis/core/v1/helper/qos/qos.go); init containers count as well."""
    if spec.get("resources"):
        parts = [_containers_qos([spec])]
    else:
        parts = [_qos_of_list(spec[key]) for key in ("containers", "initContainers") if spec.get(key)]
    if not any(any_set for any_set, _ in parts):
        return "BestEffort"
    return "Guaranteed" if all(guaranteed for _, guaranteed in parts) else "Burstable"
