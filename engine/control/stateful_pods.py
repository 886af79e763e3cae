"""Pods with an identity: their name, labels, hostname and volumes (pkg/controller/statefulset/stateful_set_utils.go)."""

from typing import Any

from engine.base.objects import Obj, labels_of, name_of, put
from engine.control.templates import pod_from_template

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"
REVISION_LABEL = "controller-revision-hash"


def ordinal_of(set_name: str, pod: Obj) -> int:
    """The number at the end of a pod's name, -1 where the name is none of this StatefulSet's."""
    parent, _, tail = name_of(pod).rpartition("-")
    return int(tail) if parent == set_name and tail.isdecimal() else -1


def start_of(stateful_set: Obj) -> int:
    """The first ordinal."""
    return int((stateful_set["spec"].get("ordinals") or {}).get("start") or 0)


def claim_templates(stateful_set: Obj) -> list[Obj]:
    """spec.volumeClaimTemplates."""
    return stateful_set["spec"].get("volumeClaimTemplates") or []


def claim_name(stateful_set: Obj, template: Obj, ordinal: int) -> str:
    """`<template>-<set>-<ordinal>`."""
    return f"{name_of(template)}-{name_of(stateful_set)}-{ordinal}"


def new_pod(stateful_set: Obj, template: Obj, revision: str, ordinal: int) -> Obj:
    """The pod of an ordinal at a revision."""
    name = f"{name_of(stateful_set)}-{ordinal}"
    pod = pod_from_template(template, stateful_set)
    spec = {**pod["spec"], "hostname": name, "subdomain": stateful_set["spec"].get("serviceName") or ""}
    metadata = {**pod["metadata"], "name": name}
    metadata["labels"] = {
        **(metadata.get("labels") or {}),
        POD_NAME_LABEL: name,
        POD_INDEX_LABEL: str(ordinal),
        REVISION_LABEL: revision,
    }
    return with_volumes(stateful_set, {**pod, "metadata": metadata, "spec": spec}, ordinal)


def with_volumes(stateful_set: Obj, pod: Obj, ordinal: int) -> Obj:
    """The pod with a volume for each claim template in place of its own of that name (updateStorage); itself without templates."""
    templates = claim_templates(stateful_set)
    if not templates:
        return pod
    volumes: list[Any] = [
        {"name": name_of(t), "persistentVolumeClaim": {"claimName": claim_name(stateful_set, t, ordinal)}} for t in templates
    ]
    names = {volume["name"] for volume in volumes}
    volumes += [v for v in pod["spec"].get("volumes") or () if v["name"] not in names]
    return put(pod, ("spec", "volumes"), volumes)


def conforms(stateful_set: Obj, pod: Obj, ordinal: int) -> bool:
    """Whether a pod has the identity and the volumes of its ordinal (identityMatches, storageMatches)."""
    if labels_of(pod).get(POD_NAME_LABEL) != name_of(pod) or name_of(pod) != f"{name_of(stateful_set)}-{ordinal}":
        return False
    templates = claim_templates(stateful_set)
    if not templates:
        return True
    claims = {v["name"]: (v.get("persistentVolumeClaim") or {}).get("claimName") for v in pod["spec"].get("volumes") or ()}
    return all(claims.get(name_of(t)) == claim_name(stateful_set, t, ordinal) for t in templates)


def conformed(stateful_set: Obj, pod: Obj, ordinal: int) -> Obj:
    """A pod made to conform (UpdateStatefulPod)."""
    labels = {**labels_of(pod), POD_NAME_LABEL: name_of(pod), POD_INDEX_LABEL: str(ordinal)}
    return with_volumes(stateful_set, put(pod, ("metadata", "labels"), labels), ordinal)
