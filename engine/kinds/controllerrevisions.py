"""ControllerRevision (pkg/apis/apps/validation/validation.go ValidateControllerRevision)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, controller_of, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import not_negative


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found = not_negative(obj.get("revision"), "revision")
    if obj.get("data") is None:
        found.insert(0, fields.required("data", "data is mandatory"))
    return found


def owner_shown(obj: Obj) -> str:
    """`statefulset.apps/web`: the controller, with its kind in lower case and its group."""
    ref = controller_of(obj)
    if ref is None:
        return tables.NONE
    group = ref["apiVersion"].rpartition("/")[0]
    kind = ref["kind"].lower()
    return f"{kind}.{group}/{ref['name']}" if group else f"{kind}/{ref['name']}"


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), owner_shown(obj), obj.get("revision") or 0, tables.age(obj, now)]


KIND = Kind(
    group="apps",
    versions=("v1",),
    kind="ControllerRevision",
    plural="controllerrevisions",
    namespaced=True,
    defaults=lambda obj: obj if obj.get("revision") is not None else {**obj, "revision": 0},
    validate=validating(True, names.dns_subdomain, _rules, once_set(("data",))),
    columns=(tables.NAME, tables.text("Controller"), tables.text("Revision"), tables.AGE),
    cells=_cells,
)
