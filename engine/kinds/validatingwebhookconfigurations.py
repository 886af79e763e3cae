"""ValidatingWebhookConfiguration (pkg/apis/admissionregistration)."""

from engine.kinds.common import admissionrules, names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group=admissionrules.GROUP,
    versions=("v1",),
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    namespaced=False,
    categories=("api-extensions",),
    has_generation=True,
    defaults=admissionrules.webhook_defaults(mutating=False),
    validate=validating(False, names.dns_subdomain, admissionrules.validate_webhooks),
    columns=(tables.NAME, tables.number("Webhooks"), tables.AGE),
    cells=admissionrules.webhook_cells,
)
