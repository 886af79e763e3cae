"""ValidatingAdmissionPolicyBinding (pkg/apis/admissionregistration)."""

from engine.kinds.common import admissionrules, names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group=admissionrules.GROUP,
    versions=("v1",),
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    namespaced=False,
    categories=("api-extensions",),
    has_generation=True,
    defaults=admissionrules.binding_defaults,
    validate=validating(False, names.dns_subdomain, admissionrules.validate_policy_binding),
    columns=(tables.NAME, tables.text("PolicyName"), tables.text("ParamRef"), tables.AGE),
    cells=admissionrules.binding_cells,
)
