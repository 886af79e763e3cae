"""What may not change once an object exists, and what its new version keeps of the old one."""

from typing import Any

import pytest

from engine.base.objects import Obj, frozen, put
from engine.kinds.common.model import Kind
from tests.kinds import golden

KINDS: dict[str, Kind] = {kind.resource: kind for kind in golden.hand_written()}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
SELECTING = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
ONE_TIME = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}


def _object(resource: str, content: Obj) -> Obj:
    kind = KINDS[resource]
    meta: dict[str, Any] = {"name": "x", "uid": golden.UID, "resourceVersion": "5", "creationTimestamp": golden.TIME}
    if kind.namespaced:
        meta["namespace"] = "default"
    obj = {"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": {**meta, **content.get("metadata", {})}}
    return kind.prepare_create(kind.defaults(frozen({**content, **obj})))


def _errors(resource: str, old: Obj, path: tuple[str | int, ...], value: Any) -> list[str]:
    return [str(e) for e in KINDS[resource].validate(KINDS[resource].defaults(put(old, path, value)), old)]


REFUSED: dict[str, tuple[str, Obj, tuple[str | int, ...], Any, str]] = {
    "selector of a ReplicaSet": (
        "replicasets.apps",
        {"spec": SELECTING},
        ("spec", "selector", "matchLabels"),
        {"q": "r"},
        'spec.selector: Invalid value: {"matchLabels":{"q":"r"}}: field is immutable',
    ),
    "service name of a StatefulSet": (
        "statefulsets.apps",
        {"spec": {**SELECTING, "serviceName": "s"}},
        ("spec", "serviceName"),
        "t",
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
    "completions of a Job": (
        "jobs.batch",
        {"spec": {"template": ONE_TIME}},
        ("spec", "completions"),
        7,
        "spec.completions: Invalid value: 7: field is immutable",
    ),
    "type of a Secret": ("secrets", {}, ("type",), "example.com/x", 'type: Invalid value: "example.com/x": field is immutable'),
    "unmarking an immutable ConfigMap": (
        "configmaps",
        {"immutable": True},
        ("immutable",),
        False,
        "immutable: Forbidden: field is immutable when `immutable` is set",
    ),
    "value of a PriorityClass": (
        "priorityclasses.scheduling.k8s.io",
        {"value": 5},
        ("value",),
        6,
        "value: Forbidden: may not be changed in an update.",
    ),
    "provisioner of a StorageClass": (
        "storageclasses.storage.k8s.io",
        {"provisioner": "example.com/x"},
        ("provisioner",),
        "example.com/y",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
    ),
    "role of a binding": (
        "rolebindings.rbac.authorization.k8s.io",
        {"roleRef": {"kind": "Role", "name": "r"}},
        ("roleRef", "name"),
        "s",
        'roleRef: Invalid value: {"kind":"Role","name":"s","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef',
    ),
    "size of a claim that is not bound": (
        "persistentvolumeclaims",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        ("spec", "resources", "requests", "storage"),
        "2Gi",
        "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
    ),
    "address of a node's pods": (
        "nodes",
        {"spec": {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]}},
        ("spec", "podCIDRs"),
        ["10.1.0.0/24"],
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ),
    "uid of anything": (
        "configmaps",
        {},
        ("metadata", "uid"),
        "other",
        'metadata.uid: Invalid value: "other": field is immutable',
    ),
}


@pytest.mark.parametrize(("resource", "content", "path", "value", "error"), REFUSED.values(), ids=REFUSED)
def test_refused(resource: str, content: Obj, path: tuple[str | int, ...], value: Any, error: str) -> None:
    assert error in _errors(resource, _object(resource, content), path, value)


ALLOWED: dict[str, tuple[str, Obj, tuple[str | int, ...], Any]] = {
    "image of a Deployment": (
        "deployments.apps",
        {"spec": SELECTING},
        ("spec", "template", "spec", "containers", 0, "image"),
        "i:2",
    ),
    "replicas of a StatefulSet": ("statefulsets.apps", {"spec": SELECTING}, ("spec", "replicas"), 9),
    "parallelism of a Job": ("jobs.batch", {"spec": {"template": ONE_TIME}}, ("spec", "parallelism"), 3),
    "template of a Job that is suspended": (
        "jobs.batch",
        {"spec": {"suspend": True, "template": ONE_TIME}},
        ("spec", "template", "spec", "nodeSelector"),
        {"a": "b"},
    ),
    "labels": ("configmaps", {}, ("metadata", "labels"), {"a": "b"}),
    "cordon": ("nodes", {}, ("spec", "unschedulable"), True),
}


@pytest.mark.parametrize(("resource", "content", "path", "value"), ALLOWED.values(), ids=ALLOWED)
def test_allowed(resource: str, content: Obj, path: tuple[str | int, ...], value: Any) -> None:
    assert _errors(resource, _object(resource, content), path, value) == []


def test_a_bound_claim_may_grow_but_not_shrink() -> None:
    content = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}}
    status = {"phase": "Bound", "capacity": {"storage": "2Gi"}}
    old = {**_object("persistentvolumeclaims", content), "status": status}
    path = ("spec", "resources", "requests", "storage")
    assert _errors("persistentvolumeclaims", old, path, "3Gi") == []
    assert _errors("persistentvolumeclaims", old, path, "1Gi") == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]


def test_terminating_objects_take_no_further_finalizers() -> None:
    old = _object("configmaps", {"metadata": {"deletionTimestamp": golden.TIME, "finalizers": ["example.com/x"]}})
    assert _errors("configmaps", old, ("metadata", "finalizers"), ["example.com/x", "example.com/y"]) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
        'found new finalizers []string{"example.com/y"}'
    ]


def test_a_changed_template_counts_in_the_annotation_of_a_daemonset() -> None:
    kind = KINDS["daemonsets.apps"]
    old = _object("daemonsets.apps", {"spec": SELECTING})
    assert kind.prepare_update is not None
    changed = kind.prepare_update(put(old, ("spec", "template", "spec", "hostPID"), True), old)
    assert changed["metadata"]["annotations"] == {"deprecated.daemonset.template.generation": "2"}
    assert kind.prepare_update(put(old, ("spec", "minReadySeconds"), 3), old)["metadata"] == old["metadata"]


def test_finalizers_of_a_namespace_change_through_finalize_only() -> None:
    kind = KINDS["namespaces"]
    old = _object("namespaces", {})
    assert kind.prepare_update is not None
    assert kind.prepare_update(put(old, ("spec", "finalizers"), []), old)["spec"] == {"finalizers": ["kubernetes"]}


def test_a_new_storage_version_is_listed_as_stored() -> None:
    kind = KINDS["customresourcedefinitions.apiextensions.k8s.io"]
    spec = {
        "group": "a.example.com",
        "names": {"plural": "xs", "kind": "X"},
        "scope": "Cluster",
        "versions": [{"name": "v1", "storage": True}, {"name": "v2", "storage": False}],
    }
    old = _object(kind.resource, {"spec": spec})
    assert old["status"]["storedVersions"] == ["v1"]
    moved = put(old, ("spec", "versions"), [{"name": "v1", "storage": False}, {"name": "v2", "storage": True}])
    assert kind.prepare_update is not None
    assert kind.prepare_update(moved, old)["status"]["storedVersions"] == ["v1", "v2"]
