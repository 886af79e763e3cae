"""RoleBinding (pkg/apis/rbac)."""

from engine.kinds.common import names, rbac
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group=rbac.GROUP,
    versions=("v1",),
    kind="RoleBinding",
    plural="rolebindings",
    namespaced=True,
    defaults=rbac.binding_defaults,
    validate=validating(True, names.path_segment, rbac.validate_binding(True, "Role", "ClusterRole")),
    columns=rbac.BINDING_COLUMNS,
    cells=rbac.binding_cells,
)
