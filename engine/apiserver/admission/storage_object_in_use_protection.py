"""StorageObjectInUseProtection: finalizers keep volumes and claims while they are used.

plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go.
"""

from engine.apiserver.admission_chain import CREATE, Attributes, Objects
from engine.base.objects import Obj, put

FINALIZERS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
    "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
}


class StorageObjectInUseProtection:
    """Adds the finalizers that the protection controllers take away."""

    name = "StorageObjectInUseProtection"
    operations = frozenset({CREATE})
    resources = frozenset(FINALIZERS)
    subresources = False

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The object with its protection finalizer."""
        finalizer = FINALIZERS[write.kind.resource]
        finalizers = (write.obj.get("metadata") or {}).get("finalizers") or []
        return write.obj if finalizer in finalizers else put(write.obj, ("metadata", "finalizers"), [*finalizers, finalizer])


PLUGIN = StorageObjectInUseProtection()
