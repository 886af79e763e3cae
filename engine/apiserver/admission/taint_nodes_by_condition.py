"""TaintNodesByCondition: a new node takes no pods until it is ready (plugin/pkg/admission/nodetaint/admission.go)."""

from engine.apiserver.admission_chain import CREATE, Attributes, Objects
from engine.base.objects import Obj, put

NOT_READY: Obj = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class TaintNodesByCondition:
    """Adds the taint that the node lifecycle controller takes away."""

    name = "TaintNodesByCondition"
    operations = frozenset({CREATE})
    resources = frozenset({"nodes"})
    subresources = False

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The node with the not-ready taint."""
        taints = (write.obj.get("spec") or {}).get("taints") or []
        if any(t.get("key") == NOT_READY["key"] and t.get("effect") == NOT_READY["effect"] for t in taints):
            return write.obj
        return put(write.obj, ("spec", "taints"), [*taints, NOT_READY])


PLUGIN = TaintNodesByCondition()
