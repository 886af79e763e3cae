"""ValidatingAdmissionPolicy (pkg/apis/admissionregistration). Its expressions are compiled where they are evaluated, in admission."""

from typing import Any

from engine.base.objects import Obj, name_of
from engine.kinds.common import admissionrules, names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    return [name_of(obj), len(spec.get("validations") or ()), admissionrules.param_kind(spec), tables.age(obj, now)]


KIND = Kind(
    group=admissionrules.GROUP,
    versions=("v1",),
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    namespaced=False,
    categories=("api-extensions",),
    status=True,
    has_generation=True,
    defaults=admissionrules.policy_defaults,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, admissionrules.validate_policy(("validations", "auditAnnotations"))),
    columns=(tables.NAME, tables.number("Validations"), tables.text("ParamKind"), tables.AGE),
    cells=_cells,
)
