"""PriorityClass (pkg/apis/scheduling/v1/defaults.go, pkg/apis/scheduling/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import immutable, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import fill
from engine.kinds.common.priorities import SYSTEM_CLASSES
from engine.kinds.common.rules import one_of

USER_PRIORITY_MAX = 1_000_000_000
SYSTEM_PREFIX = "system-"


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    value, name = obj.get("value") or 0, name_of(obj)
    if old is not None:
        changed = value != (old.get("value") or 0)
        found = [fields.forbidden("value", "may not be changed in an update.")] if changed else []
        return found + immutable(obj.get("preemptionPolicy"), old.get("preemptionPolicy"), "preemptionPolicy")
    found = []
    if name.startswith(SYSTEM_PREFIX):
        wrong = _not_system(name, value, bool(obj.get("globalDefault")))
        if wrong:
            why = f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {wrong}"
            found.append(fields.forbidden("metadata.name", why))
    elif value > USER_PRIORITY_MAX:
        found.append(fields.forbidden("value", f"maximum allowed value of a user defined priority is {USER_PRIORITY_MAX}"))
    return found + one_of(obj.get("preemptionPolicy"), "preemptionPolicy", ("PreemptLowerPriority", "Never"))


def _not_system(name: str, value: int, global_default: bool) -> str:
    """Why a class is none of the system's own (IsKnownSystemPriorityClass); empty where it is one."""
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    if value != SYSTEM_CLASSES[name]:
        return f"value of {name} PriorityClass must be {SYSTEM_CLASSES[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if global_default else ""


def _cells(obj: Obj, now: float) -> list[Any]:
    policy = obj.get("preemptionPolicy") or ""
    return [name_of(obj), obj.get("value") or 0, bool(obj.get("globalDefault")), tables.age(obj, now), policy]


KIND = Kind(
    group="scheduling.k8s.io",
    versions=("v1",),
    kind="PriorityClass",
    plural="priorityclasses",
    namespaced=False,
    short_names=("pc",),
    has_generation=True,
    defaults=lambda obj: fill(obj, {"preemptionPolicy": "PreemptLowerPriority", "value": 0}),
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        tables.number("Value"),
        tables.boolean("Global-Default"),
        tables.AGE,
        tables.text("PreemptionPolicy"),
    ),
    cells=_cells,
)
