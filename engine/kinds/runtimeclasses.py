"""RuntimeClass (pkg/apis/node/validation/validation.go)."""

from typing import Any

from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.quantities import validate_requirements
from engine.kinds.common.rules import needed


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found = needed(obj.get("handler"), "handler", names.dns_label)
    overhead = (obj.get("overhead") or {}).get("podFixed")
    return found + validate_requirements({"limits": overhead}, "overhead.podFixed") if overhead else found


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), obj.get("handler") or "", tables.age(obj, now)]


KIND = Kind(
    group="node.k8s.io",
    versions=("v1",),
    kind="RuntimeClass",
    plural="runtimeclasses",
    namespaced=False,
    validate=validating(False, names.dns_subdomain, _rules, once_set(("handler",))),
    columns=(tables.NAME, tables.text("Handler"), tables.AGE),
    cells=_cells,
)
