"""Pods on nodes with NoExecute taints: deleted when they tolerate them no longer (pkg/controller/tainteviction/taint_eviction.go)."""

from collections.abc import Iterable, Sequence

from engine.base.api import STRATEGIC_PATCH
from engine.base.clock import rfc3339
from engine.base.conditions import condition_of
from engine.base.objects import Obj, is_terminating, name_of, namespace_of
from engine.base.taints import tolerates_one
from engine.control.actions import Action, Actions, Delete, Emit, Key, Patch, Remember, RequeueAfter
from engine.control.controller import Controller, Watch
from engine.control.node_taints import NO_EXECUTE, taints_of
from engine.control.read import Read

RESOURCE, NODES = "pods", "nodes"
REASON = "TaintManagerEviction"
FOREVER = float("inf")


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Delete the pod when its time is over, come back then, or call it off. What is remembered is when the time began."""
    pod = read.get(RESOURCE, key.namespace, key.name)
    if pod is None or is_terminating(pod):
        return []
    began: float | None = read.memory.get(key)
    seconds = tolerated_s(_taints(pod, read), pod["spec"].get("tolerations") or ())
    if seconds == FOREVER:
        return _called_off(pod) if began is not None else []
    start = now if began is None else began
    wait = start + seconds - now if seconds > 0 else 0.0
    if wait > 0.001:
        return [Remember(start), RequeueAfter(wait)]
    return [Remember(start), *_evict(pod, now)]


def _taints(pod: Obj, read: Read) -> list[Obj]:
    node = read.get(NODES, "", pod["spec"].get("nodeName") or "")
    return [t for t in taints_of(node) if t.get("effect") == NO_EXECUTE] if node is not None else []


def tolerated_s(taints: Sequence[Obj], tolerations: Sequence[Obj]) -> float:
    """Seconds for which all taints are tolerated: the least tolerationSeconds of those used, infinite where none has any, 0 where a
    taint is not tolerated (getMinTolerationTime)."""
    used = []
    for taint in taints:
        toleration = next((t for t in tolerations if tolerates_one(t, taint)), None)
        if toleration is None:
            return 0.0
        used.append(toleration)
    return min((max(0.0, float(t["tolerationSeconds"])) for t in used if t.get("tolerationSeconds") is not None), default=FOREVER)


def _shown(pod: Obj) -> str:
    return f"{namespace_of(pod)}/{name_of(pod)}"


def _called_off(pod: Obj) -> Actions:
    return [Remember(None), Emit(pod, "Normal", REASON, f"Cancelling deletion of Pod {_shown(pod)}")]


def _evict(pod: Obj, now: float) -> list[Action]:
    """Say so, mark the pod as disrupted, delete it (addConditionAndDeletePod)."""
    found: list[Action] = [Emit(pod, "Normal", REASON, f"Marking for deletion Pod {_shown(pod)}")]
    disrupted = condition_of(pod, "DisruptionTarget")
    if disrupted is None or disrupted["status"] != "True":
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastProbeTime": None,
            "lastTransitionTime": rfc3339(now),
        }
        found.append(Patch.status(RESOURCE, pod, {"conditions": [condition]}, STRATEGIC_PATCH))
    return [*found, Delete.of(RESOURCE, pod)]


def _pod_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """A pod that came to a tainted node, or has other tolerations."""
    spec, before = new["spec"], old["spec"] if old is not None else {}
    if kind == "DELETED" or spec is before or not spec.get("nodeName"):
        return ()
    if spec.get("nodeName") == before.get("nodeName") and spec.get("tolerations") == before.get("tolerations"):
        return ()
    return (Key(namespace_of(new), name_of(new)),) if _taints(new, read) else ()


def _node_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """All pods of a node whose NoExecute taints changed."""
    before, after = (_no_execute(o) if o is not None else [] for o in (old, new))
    if kind == "DELETED" or before == after:
        return ()
    return [Key(namespace_of(pod), name_of(pod)) for pod in read[RESOURCE].by_index("node", name_of(new))]


def _no_execute(node: Obj) -> list[tuple[str, str]]:
    return [(t["key"], t.get("value") or "") for t in taints_of(node) if t.get("effect") == NO_EXECUTE]


CONTROLLER = Controller(
    name="taint-eviction-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    keys=_pod_keys,
    watches=(Watch(NODES, _node_keys),),
    workers=8,
)
