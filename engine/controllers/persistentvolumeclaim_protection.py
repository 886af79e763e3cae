"""A claim that is being deleted goes when no pod uses it any more (pkg/controller/volume/pvcprotection)."""

from collections.abc import Iterable

from engine.base.objects import Obj, is_terminating, namespace_of
from engine.control.actions import Actions, Key
from engine.control.controller import Controller, Watch
from engine.control.finalizers import added, removed
from engine.control.pods import is_terminal
from engine.control.read import Read
from engine.control.volumes import CLAIMS, claim_names, claim_values

FINALIZER = "kubernetes.io/pvc-protection"
_BY_CLAIM = "pvc-protection/claims"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Take the finalizer from a terminating claim that nobody uses; put it on one that has none."""
    claim = read.get(CLAIMS, key.namespace, key.name)
    if claim is None:
        return []
    if not is_terminating(claim):
        return [*added(CLAIMS, claim, FINALIZER)]
    return [] if _used(key, read) else [*removed(CLAIMS, claim, FINALIZER)]


def _used(key: Key, read: Read) -> bool:
    """By a pod that has a node; one that waits for a node will not start with a claim that is being deleted (podUsesPVC)."""
    for pod in read["pods"].by_index(_BY_CLAIM, f"{key.namespace}/{key.name}"):
        direct = any((v.get("persistentVolumeClaim") or {}).get("claimName") == key.name for v in pod["spec"].get("volumes") or ())
        if pod["spec"].get("nodeName") and (direct or not is_terminal(pod)):
            return True
    return False


def _pod_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The claims of a pod that is gone or finished."""
    if kind != "DELETED" and not is_terminal(new):
        return ()
    return [Key(namespace_of(new), name) for name in claim_names(new)]


CONTROLLER = Controller(
    name="persistentvolumeclaim-protection-controller",
    resource=CLAIMS,
    reconcile=reconcile,
    watches=(Watch("pods", _pod_keys),),
    indexes={"pods": {_BY_CLAIM: claim_values}},
)
