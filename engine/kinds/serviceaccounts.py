"""ServiceAccount (ValidateServiceAccount)."""

from engine.kinds.common import names, tables
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group="",
    versions=("v1",),
    kind="ServiceAccount",
    plural="serviceaccounts",
    namespaced=True,
    short_names=("sa",),
    subresources=("token",),
    validate=validating(True, names.dns_subdomain),
    columns=(tables.NAME, tables.AGE),
    cells=tables.name_and_age,
)
