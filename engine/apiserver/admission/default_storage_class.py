"""DefaultStorageClass: claims that name no class get the default one (plugin/pkg/admission/storage/storageclass/setdefault)."""

from engine.apiserver.admission_chain import CREATE, Attributes, Objects
from engine.base.objects import Obj, annotations_of, name_of, put

DEFAULT_ANNOTATIONS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class DefaultStorageClass:
    """Fills `storageClassName`."""

    name = "DefaultStorageClass"
    operations = frozenset({CREATE})
    resources = frozenset({"persistentvolumeclaims"})
    subresources = False

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The claim with a class where it had none and there is a default: the newest, of equally old ones the first by name."""
        claim = write.obj
        if (claim.get("spec") or {}).get("storageClassName") is not None or CLASS_ANNOTATION in annotations_of(claim):
            return claim
        classes = [
            c for c in objects.list("storageclasses.storage.k8s.io") if any(annotations_of(c).get(a) == "true" for a in DEFAULT_ANNOTATIONS)
        ]
        if not classes:
            return claim
        newest = max(classes, key=lambda c: c["metadata"]["creationTimestamp"])
        return put(claim, ("spec", "storageClassName"), name_of(newest))


PLUGIN = DefaultStorageClass()
