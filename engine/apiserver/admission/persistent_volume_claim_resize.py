"""PersistentVolumeClaimResize: claims grow only where their class allows it (plugin/pkg/admission/storage/persistentvolume/resize)."""

from engine.apiserver.admission_chain import UPDATE, Attributes, Objects
from engine.base import quantity
from engine.base.errors import forbidden
from engine.base.objects import Obj, dig

UNBOUND = "Only bound persistent volume claims can be expanded"
NOT_ALLOWED = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"


class PersistentVolumeClaimResize:
    """Looks at a claim's request for storage before and after."""

    name = "PersistentVolumeClaimResize"
    operations = frozenset({UPDATE})
    resources = frozenset({"persistentvolumeclaims"})
    subresources = False

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The claim unchanged.

        Raises:
            StatusError: 403, it grows and is not bound, or its class does not allow it.
        """
        claim, old = write.obj, write.old or {}
        if not _grows(claim, old):
            return claim
        if dig(old, "status", "phase") != "Bound":
            raise forbidden("persistentvolumeclaims", write.name, UNBOUND)
        name = dig(claim, "spec", "storageClassName", default="")
        found = objects.get("storageclasses.storage.k8s.io", "", name) if name else None
        if found is None or name != dig(old, "spec", "storageClassName") or not found.get("allowVolumeExpansion"):
            raise forbidden("persistentvolumeclaims", write.name, NOT_ALLOWED)
        return claim


def _grows(claim: Obj, old: Obj) -> bool:
    path = ("spec", "resources", "requests", "storage")
    return quantity.parse(dig(claim, *path, default=0)) > quantity.parse(dig(old, *path, default=0))


PLUGIN = PersistentVolumeClaimResize()
