"""Volume claims of StatefulSets: made from templates, kept or deleted by the retention policy, which is a matter of who owns them
(pkg/controller/statefulset/stateful_set_utils.go, stateful_pod_control.go)."""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj, controller_ref, is_terminating, name_of, namespace_of, put, uid_of
from engine.control.read import Read
from engine.control.stateful_pods import claim_name, claim_templates, start_of

RESOURCE = "persistentvolumeclaims"
DELETE = "Delete"


def _policy(stateful_set: Obj) -> tuple[bool, bool]:
    """Whether claims are deleted (with the set, on scale-down)."""
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get("whenDeleted") == DELETE, policy.get("whenScaled") == DELETE


def in_range(stateful_set: Obj, ordinal: int) -> bool:
    """Whether the StatefulSet asks for this ordinal."""
    start = start_of(stateful_set)
    return start <= ordinal < start + int(stateful_set["spec"].get("replicas", 1))


def _owners(stateful_set: Obj, ordinal: int) -> tuple[bool, bool]:
    """Whether a claim should be owned by (the set, the pod)."""
    with_set, on_scale = _policy(stateful_set)
    condemned = on_scale and not in_range(stateful_set, ordinal)
    return with_set and not condemned, condemned


def claims_of(stateful_set: Obj, ordinal: int, read: Read) -> Iterable[tuple[Obj, str, Obj | None]]:
    """(template, name, claim as known) of each claim of an ordinal."""
    namespace = namespace_of(stateful_set)
    for template in claim_templates(stateful_set):
        name = claim_name(stateful_set, template, ordinal)
        yield template, name, read.get(RESOURCE, namespace, name)


def new_claim(stateful_set: Obj, template: Obj, name: str, ordinal: int) -> Obj:
    """The claim of an ordinal, owned by the set where it is to be deleted with it."""
    given = template.get("metadata") or {}
    labels = {**(given.get("labels") or {}), **(stateful_set["spec"]["selector"].get("matchLabels") or {})}
    metadata: dict[str, Any] = {"name": name, "namespace": namespace_of(stateful_set)}
    if labels:
        metadata["labels"] = labels
    if given.get("annotations"):
        metadata["annotations"] = given["annotations"]
    if _owners(stateful_set, ordinal)[0]:
        metadata["ownerReferences"] = [controller_ref(stateful_set)]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"]}


def _refs(obj: Obj) -> list[Obj]:
    return obj["metadata"].get("ownerReferences") or []


def _stale(claim: Obj, kind: str, name: str, uid: str) -> bool:
    return any(r["kind"] == kind and r["name"] == name and r["uid"] != uid for r in _refs(claim))


def is_stale(stateful_set: Obj, ordinal: int, read: Read) -> bool:
    """Whether a claim still belongs to a former pod of this ordinal, with which it will be deleted (PodClaimIsStale)."""
    if not _policy(stateful_set)[1]:
        return False
    pod = f"{name_of(stateful_set)}-{ordinal}"
    return any(claim is not None and _stale(claim, "Pod", pod, "") for _, _, claim in claims_of(stateful_set, ordinal, read))


def being_deleted(stateful_set: Obj, ordinal: int, read: Read) -> str | None:
    """The name of a claim that goes away just now and keeps its pod from being created."""
    return next((n for _, n, claim in claims_of(stateful_set, ordinal, read) if claim is not None and is_terminating(claim)), None)


def reowned(stateful_set: Obj, pod: Obj, ordinal: int, read: Read) -> list[Obj]:
    """Claims of a pod with the owners that the retention policy asks for, where theirs are others (isClaimOwnerUpToDate).

    A claim that another controller owns, or a former set or pod of the same name, is left alone.
    """
    by_set, by_pod = _owners(stateful_set, ordinal)
    known = {uid_of(stateful_set): (stateful_set, by_set), uid_of(pod): (pod, by_pod)}
    changed = []
    for _, _, claim in claims_of(stateful_set, ordinal, read):
        if claim is None or _stale(claim, "StatefulSet", name_of(stateful_set), uid_of(stateful_set)):
            continue
        refs = _refs(claim)
        if any(r.get("controller") and r["uid"] not in known for r in refs):
            continue
        owners = {r["uid"] for r in refs}
        if all((uid in owners) == wanted for uid, (_, wanted) in known.items()):
            continue
        kept = [r for r in refs if r["uid"] not in known]
        wanted_refs = [controller_ref(owner) for owner, wanted in known.values() if wanted]
        changed.append(put(claim, ("metadata", "ownerReferences"), [*kept, *wanted_refs]))
    return changed
