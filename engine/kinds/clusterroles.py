"""ClusterRole (pkg/apis/rbac)."""

from engine.kinds.common import names, rbac
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group=rbac.GROUP,
    versions=("v1",),
    kind="ClusterRole",
    plural="clusterroles",
    namespaced=False,
    defaults=rbac.role_defaults,
    validate=validating(False, names.path_segment, rbac.validate_rules(False)),
)
