"""DefaultIngressClass: ingresses that name no class get the default one (plugin/pkg/admission/network/defaultingressclass)."""

from engine.apiserver.admission_chain import CREATE, Attributes, Objects
from engine.base.objects import Obj, annotations_of, name_of, put

DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class"
CLASS_ANNOTATION = "kubernetes.io/ingress.class"


class DefaultIngressClass:
    """Fills `ingressClassName`."""

    name = "DefaultIngressClass"
    operations = frozenset({CREATE})
    resources = frozenset({"ingresses.networking.k8s.io"})
    subresources = False

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The ingress with a class where it had none and there is a default: the newest, of equally old ones the first by name."""
        ingress = write.obj
        if (ingress.get("spec") or {}).get("ingressClassName") is not None or CLASS_ANNOTATION in annotations_of(ingress):
            return ingress
        classes = [c for c in objects.list("ingressclasses.networking.k8s.io") if annotations_of(c).get(DEFAULT_ANNOTATION) == "true"]
        if not classes:
            return ingress
        newest = max(classes, key=lambda c: c["metadata"]["creationTimestamp"])
        return put(ingress, ("spec", "ingressClassName"), name_of(newest))


PLUGIN = DefaultIngressClass()
