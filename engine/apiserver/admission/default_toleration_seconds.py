"""DefaultTolerationSeconds: pods stay for five minutes on a failing node (plugin/pkg/admission/defaulttolerationseconds)."""

from engine.apiserver.admission_chain import CREATE, UPDATE, Attributes, Objects
from engine.base.objects import Obj
from engine.kinds.common.memo import stable

TOLERATION_S = 300
TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")

_ADDED: dict[str, Obj] = {
    key: {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_S} for key in TAINTS
}


def _tolerates(tolerations: list[Obj], key: str) -> bool:
    return any(t.get("key") in (key, "", None) and t.get("effect") in ("NoExecute", "", None) for t in tolerations)


def _with_tolerations(spec: Obj) -> Obj:
    tolerations = spec.get("tolerations") or []
    added = [toleration for key, toleration in _ADDED.items() if not _tolerates(tolerations, key)]
    return {**spec, "tolerations": [*tolerations, *added]} if added else spec


class DefaultTolerationSeconds:
    """Adds the two tolerations where the pod says nothing about these taints."""

    name = "DefaultTolerationSeconds"
    operations = frozenset({CREATE, UPDATE})
    resources = frozenset({"pods"})
    subresources = False

    def __init__(self) -> None:
        self._tolerant = stable(_with_tolerations)

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The pod with tolerations for not-ready and unreachable nodes."""
        spec = write.obj["spec"]
        made = self._tolerant(spec)
        return write.obj if made is spec else {**write.obj, "spec": made}


PLUGIN = DefaultTolerationSeconds()
