"""LimitRange (pkg/apis/core/v1/defaults.go SetDefaults_LimitRangeItem, ValidateLimitRange)."""

from typing import Any

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, each_at
from engine.kinds.common.quantities import canonical_at
from engine.kinds.common.rules import unsupported

TYPES = ("Container", "PersistentVolumeClaim", "Pod")


def _item(item: Obj) -> Obj:
    item = canonical_at(item, "max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
    if item.get("type") != "Container":
        return item
    default = {**(item.get("max") or {}), **(item.get("default") or {})}
    request = {**(item.get("min") or {}), **(item.get("defaultRequest") or {})}
    request = {**{name: amount for name, amount in default.items() if name not in request}, **request}
    wanted = {name: amounts for name, amounts in (("default", default), ("defaultRequest", request)) if amounts}
    changed = {name: amounts for name, amounts in wanted.items() if amounts != item.get(name)}
    return {**item, **changed} if changed else item


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{i}]", item.get("type") or ""
        if kind not in TYPES and "/" not in kind:
            found.append(unsupported(kind, f"{path}.type", TYPES))
        if kind in seen:
            found.append(fields.duplicate(f"{path}.type", kind))
        seen.add(kind)
        if kind == "Pod":
            for name in ("default", "defaultRequest"):
                if item.get(name):
                    found.append(fields.forbidden(f"{path}.{name}", "may not be specified when `type` is 'Pod'"))
        found += _order(item, path)
    return found


_ORDERED = (
    ("min", "max", "min"),
    ("min", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "max", "defaultRequest"),
    ("defaultRequest", "default", "defaultRequest"),
    ("default", "max", "default"),
)
"""Smaller list, bigger list, and the one that an error is reported at."""
_SHOWN = {"min": "min", "max": "max", "default": "default", "defaultRequest": "default request"}


def _order(item: Obj, path: str) -> list[FieldError]:
    """min <= defaultRequest <= default <= max, per resource."""
    found: list[FieldError] = []
    lists: dict[str, Any] = {name: item.get(name) or {} for name in _SHOWN}
    for resource in sorted({name for amounts in lists.values() for name in amounts}):
        for low, high, at in _ORDERED:
            small, big = lists[low].get(resource), lists[high].get(resource)
            if small is not None and big is not None and quantity.parse(small) > quantity.parse(big):
                why = f"{_SHOWN[low]} value {small} is greater than {_SHOWN[high]} value {big}"
                found.append(fields.invalid(f"{path}.{at}[{resource}]", str(lists[at][resource]), why))
    return found


KIND = Kind(
    group="",
    versions=("v1",),
    kind="LimitRange",
    plural="limitranges",
    namespaced=True,
    short_names=("limits",),
    defaults=lambda obj: change_at(obj, "spec", lambda spec: each_at(spec, "limits", _item)),
    validate=validating(True, names.dns_subdomain, _rules),
)
