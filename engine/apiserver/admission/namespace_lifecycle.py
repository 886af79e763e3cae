"""NamespaceLifecycle: objects need a namespace that exists and is not terminating (apiserver/pkg/admission/plugin/namespace/lifecycle)."""

from engine.apiserver.admission_chain import CREATE, DELETE, Attributes, Objects
from engine.base.errors import StatusError, forbidden, not_found
from engine.base.objects import Obj, is_terminating

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle:
    """Refuses creates in namespaces that are missing or going away, and the deletion of those that the cluster needs."""

    name = "NamespaceLifecycle"
    operations = frozenset({CREATE, DELETE})
    resources: frozenset[str] = frozenset()
    subresources = False

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The object unchanged.

        Raises:
            StatusError: 404, no such namespace; 403, it is terminating, or may not be deleted.
        """
        resource = write.kind.resource
        if write.operation == DELETE:
            if resource == "namespaces" and write.name in IMMORTAL:
                raise forbidden(resource, write.name, "this namespace may not be deleted")
            return write.obj
        if not write.kind.namespaced:
            return write.obj
        namespace = objects.get("namespaces", "", write.namespace)
        if namespace is None:
            raise not_found("namespaces", write.namespace)
        if is_terminating(namespace) or (namespace.get("status") or {}).get("phase") == "Terminating":
            raise _terminating(write)
        return write.obj


def _terminating(write: Attributes) -> StatusError:
    why = f"unable to create new content in namespace {write.namespace} because it is being terminated"
    error = forbidden(write.kind.resource, write.name, why)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {write.namespace} is being terminated",
        "field": "metadata.namespace",
    }
    return StatusError(error.code, error.reason, error.message, {**(error.details or {}), "causes": [cause]})


PLUGIN = NamespaceLifecycle()
