"""Role (pkg/apis/rbac)."""

from engine.kinds.common import names, rbac
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group=rbac.GROUP,
    versions=("v1",),
    kind="Role",
    plural="roles",
    namespaced=True,
    defaults=rbac.role_defaults,
    validate=validating(True, names.path_segment, rbac.validate_rules(True)),
)
