"""NodeRestriction: a kubelet changes its own node and the pods that are bound to it (plugin/pkg/admission/noderestriction/admission.go).

Evictions and token requests do not pass here: the authorizer holds the latter to accounts of the node's pods.
"""

from collections.abc import Iterable

from engine.apiserver.admission_chain import CREATE, DELETE, UPDATE, Attributes, Objects
from engine.base.errors import StatusError, forbidden
from engine.base.objects import Obj, annotations_of, dig, labels_of, name_of

NODES, PREFIX = "system:nodes", "system:node:"
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
RESTRICTED = "node-restriction.kubernetes.io"
_DOMAINS = ("kubernetes.io", "k8s.io")
_KUBELET_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBELET_LABELS = frozenset(
    {
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)


class NodeRestriction:
    """Applies to users of the group system:nodes."""

    name = "NodeRestriction"
    operations = frozenset({CREATE, UPDATE, DELETE})
    resources = frozenset({"pods", "nodes"})
    subresources = True

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The object as it is.

        Raises:
            StatusError: 403, it is no business of this node.
        """
        user = write.user
        if NODES in user.groups and user.name.startswith(PREFIX):
            node = user.name.removeprefix(PREFIX)
            why = _pod(node, write) if write.kind.resource == "pods" else _node(node, write)
            if why:
                raise _refused(write, why)
        return write.obj


def _refused(write: Attributes, why: str) -> StatusError:
    return forbidden(write.kind.resource, write.name or name_of(write.obj), why)


def _pod(node: str, write: Attributes) -> str:
    pod = write.obj
    here = dig(write.old or pod, "spec", "nodeName") == node
    if write.operation == DELETE:
        return "" if here else f'node "{node}" can only delete pods with spec.nodeName set to itself'
    if write.operation == UPDATE:
        if write.subresource != "status":
            return f"unexpected pod subresource {_quoted(write.subresource)}, only 'status' and 'eviction' are allowed"
        if not here:
            return f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
        changed = labels_of(pod) != labels_of(write.old or {})
        return f'node "{node}" cannot update labels through pod status' if changed else ""
    if MIRROR_ANNOTATION not in annotations_of(pod):
        return f'pod does not have "{MIRROR_ANNOTATION}" annotation, node "{node}" can only create mirror pods'
    if not here:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    return _references(node, pod["spec"])


def _quoted(text: str) -> str:
    return f'"{text}"'


def _references(node: str, spec: Obj) -> str:
    """A mirror pod names nothing that would give its node rights."""
    if spec.get("serviceAccountName"):
        return f'node "{node}" can not create pods that reference a service account'
    for volume in spec.get("volumes") or ():
        for field, what in (("secret", "secrets"), ("configMap", "configmaps"), ("persistentVolumeClaim", "persistentvolumeclaims")):
            if volume.get(field):
                return f'node "{node}" can not create pods that reference {what}'
    return ""


def _node(node: str, write: Attributes) -> str:
    name = write.name or name_of(write.obj)
    if name != node:
        return f'node "{node}" is not allowed to modify node "{name}"'
    if write.operation == CREATE:
        denied = _forbidden_labels(labels_of(write.obj))
        return f'node "{node}" is not allowed to set the following labels: {", ".join(denied)}' if denied else ""
    if write.operation == DELETE or write.old is None:
        return ""
    if (dig(write.obj, "spec", "taints") or []) != (dig(write.old, "spec", "taints") or []):
        return f'node "{node}" is not allowed to modify taints'
    new, old = labels_of(write.obj), labels_of(write.old)
    denied = _forbidden_labels(label for label in {**new, **old} if new.get(label) != old.get(label))
    return f'node "{node}" is not allowed to modify labels: {", ".join(denied)}' if denied else ""


def _forbidden_labels(labels: Iterable[str]) -> list[str]:
    return sorted(label for label in labels if _is_forbidden(label))


def _is_forbidden(label: str) -> bool:
    domain = label.rpartition("/")[0]
    if _is_in(domain, (RESTRICTED,)):
        return True
    return _is_in(domain, _DOMAINS) and label not in _KUBELET_LABELS and not _is_in(domain, _KUBELET_DOMAINS)


def _is_in(domain: str, parents: Iterable[str]) -> bool:
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)


PLUGIN = NodeRestriction()
