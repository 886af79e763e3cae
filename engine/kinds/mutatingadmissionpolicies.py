"""MutatingAdmissionPolicy (pkg/apis/admissionregistration). Its expressions are compiled where they are evaluated, in admission."""

from typing import Any

from engine.base.objects import Obj, name_of
from engine.kinds.common import admissionrules, names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    return [name_of(obj), len(spec.get("mutations") or ()), admissionrules.param_kind(spec), tables.age(obj, now)]


KIND = Kind(
    group=admissionrules.GROUP,
    versions=("v1",),
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    namespaced=False,
    categories=("api-extensions",),
    has_generation=True,
    defaults=admissionrules.policy_defaults,
    validate=validating(False, names.dns_subdomain, admissionrules.validate_policy(("mutations",))),
    columns=(tables.NAME, tables.number("Mutations"), tables.text("ParamKind"), tables.AGE),
    cells=_cells,
)
