"""ClusterRoleBinding (pkg/apis/rbac)."""

from engine.kinds.common import names, rbac
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

KIND = Kind(
    group=rbac.GROUP,
    versions=("v1",),
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    namespaced=False,
    defaults=rbac.binding_defaults,
    validate=validating(False, names.path_segment, rbac.validate_binding(False, "ClusterRole")),
    columns=rbac.BINDING_COLUMNS,
    cells=rbac.binding_cells,
)
