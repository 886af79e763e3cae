"""Namespaces: a terminating one loses its content, then its finalizer (pkg/controller/namespace/deletion)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine.base.api import ResourceInfo
from engine.base.clock import parse_time, rfc3339
from engine.base.conditions import Condition, find
from engine.base.objects import Obj, is_terminating, put
from engine.control.actions import Action, Actions, CheckEmpty, DeleteCollection, Key, RequeueAfter, Update
from engine.control.controller import Controller
from engine.control.pods import is_terminal
from engine.control.read import Read

RESOURCE = "namespaces"
FINALIZER = "kubernetes"
INITIAL_DELAY_S = 5.0
"""namespace_controller.go namespaceDeletionGracePeriod: time for other API servers to learn that nothing may be created any more."""
FINALIZER_ESTIMATE_S = 15
"""How long finalizers are expected to take."""

Remaining = Mapping[str, list[Obj]]

_FINE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    ("NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)
"""(condition, reason, message) where nothing is wrong (status_condition_utils.go)."""


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Delete what is in a terminating namespace, pods first; when all is gone, finalize it."""
    namespace = read.get(RESOURCE, "", key.name)
    if namespace is None or not is_terminating(namespace) or FINALIZER not in (namespace["spec"].get("finalizers") or ()):
        return []
    wait = parse_time(namespace["metadata"]["deletionTimestamp"]) + INITIAL_DELAY_S - now
    if wait > 0:
        return [RequeueAfter(wait)]
    infos = [info for info in read.resources.infos.values() if info.namespaced and "delete" in info.verbs]
    content = _content(infos, key.name, read)
    pods = {"pods": content["pods"]} if "pods" in content else {}
    deletes = _deletes(infos, pods or content, read, key.name, pods_only=bool(pods))
    staying = {resource: stay for resource, objs in (pods or content).items() if (stay := [o for o in objs if _stays(resource, o)])}
    if pods or staying:
        wait = _estimate_s(staying) / 2 + 1 if staying else 0.0
        return [*deletes, *_conditions(namespace, staying, now), RequeueAfter(wait)]
    finalizers = [f for f in namespace["spec"]["finalizers"] if f != FINALIZER]
    checks = [CheckEmpty(info.resource, key.name) for info in infos if "list" in info.verbs]
    return [*deletes, *checks, Update(RESOURCE, put(namespace, ("spec", "finalizers"), finalizers), "finalize")]


def _content(infos: list[ResourceInfo], name: str, read: Read) -> dict[str, list[Obj]]:
    """What the caches know in the namespace, by resource."""
    listers = read.resources.listers
    found = {info.resource: listers[info.resource].list(name) for info in infos if info.resource in listers}
    return {resource: objs for resource, objs in found.items() if objs}


def _deletes(infos: list[ResourceInfo], content: Remaining, read: Read, name: str, pods_only: bool) -> list[Action]:
    """A deletion of each collection that has something to delete, or of which the caches know nothing (events)."""
    found: list[Action] = []
    for info in infos:
        known = content.get(info.resource)
        unseen = not pods_only and info.resource not in read.resources.listers
        if "deletecollection" in info.verbs and (unseen or any(not is_terminating(obj) for obj in known or ())):
            found.append(DeleteCollection(info.resource, name, "Background"))
    return found


def _stays(resource: str, obj: Obj) -> bool:
    """Whether it will still be there after a deletion: it has finalizers, or is a pod with time to stop."""
    if obj["metadata"].get("finalizers"):
        return True
    grace_s = obj["metadata"].get("deletionGracePeriodSeconds", (obj.get("spec") or {}).get("terminationGracePeriodSeconds", 30))
    return resource == "pods" and bool((obj.get("spec") or {}).get("nodeName")) and not is_terminal(obj) and grace_s > 0


def _estimate_s(staying: Remaining) -> int:
    """Seconds until the rest may be gone: the longest grace of the pods, 15 where finalizers are to be waited for."""
    longest = 0
    for pod in staying.get("pods", ()):
        longest = max(longest, (pod.get("spec") or {}).get("terminationGracePeriodSeconds") or 0)
    return longest or FINALIZER_ESTIMATE_S


def _conditions(namespace: Obj, staying: Remaining, now: float) -> list[Action]:
    """The status update that says what remains; none where it says so already."""
    status = namespace.get("status") or {}
    conditions: list[Condition] = list(status.get("conditions") or ())
    for type, reason, message in _FINE:
        made: dict[str, Any] = {"type": type, "status": "False", "reason": reason, "message": message}
        if type == "NamespaceContentRemaining" and staying:
            made.update(status="True", reason="SomeResourcesRemain", message=_remaining_text(staying))
        if type == "NamespaceFinalizersRemaining" and (text := _finalizers_text(staying)):
            made.update(status="True", reason="SomeFinalizersRemain", message=text)
        current = find(conditions, type)
        if current is not None and all(current.get(field) == value for field, value in made.items()):
            continue
        moved = current is None or current["status"] != made["status"]
        made["lastTransitionTime"] = rfc3339(now) if moved or current is None else current["lastTransitionTime"]
        conditions = [c if c["type"] != type else made for c in conditions] if current is not None else [*conditions, made]
    if conditions == (status.get("conditions") or []):
        return []
    return [Update(RESOURCE, put(namespace, ("status", "conditions"), conditions), "status")]


def _remaining_text(staying: Remaining) -> str:
    counts = sorted(f"{r if '.' in r else r + '.'} has {len(objs)} resource instances" for r, objs in staying.items())
    return f"Some resources are remaining: {', '.join(counts)}"


def _finalizers_text(staying: Remaining) -> str:
    counts = Counter(f for objs in staying.values() for obj in objs for f in obj["metadata"].get("finalizers") or ())
    parts = sorted(f"{finalizer} in {count} resource instances" for finalizer, count in counts.items())
    return f"Some content in the namespace has finalizers remaining: {', '.join(parts)}" if parts else ""


CONTROLLER = Controller(
    name="namespace-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    reads_everything=True,
    workers=10,
)
