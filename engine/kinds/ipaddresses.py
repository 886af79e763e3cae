"""IPAddress (pkg/apis/networking/validation/validation.go ValidateIPAddress)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    ref = (obj.get("spec") or {}).get("parentRef")
    if ref is None:
        return [fields.required("spec.parentRef")]
    return [fields.required(f"spec.parentRef.{name}") for name in ("resource", "name") if not ref.get(name)]


def _cells(obj: Obj, now: float) -> list[Any]:
    ref = (obj.get("spec") or {}).get("parentRef") or {}
    group = f".{ref['group']}" if ref.get("group") else ""
    where = f"{ref['namespace']}/" if ref.get("namespace") else ""
    return [name_of(obj), f"{ref.get('resource') or ''}{group}/{where}{ref.get('name') or ''}", tables.age(obj, now)]


KIND = Kind(
    group="networking.k8s.io",
    versions=("v1",),
    kind="IPAddress",
    plural="ipaddresses",
    namespaced=False,
    short_names=("ip",),
    validate=validating(False, names.ip, _rules, once_set(("spec", "parentRef"))),
    columns=(tables.NAME, tables.text("ParentRef"), tables.AGE),
    cells=_cells,
)
