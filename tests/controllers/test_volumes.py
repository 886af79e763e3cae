"""Claims and volumes: who is bound to whom, what is made and reclaimed, what stays while it is used."""

import asyncio
from typing import Any

import pytest

from engine.base.objects import Obj, annotations_of, dig, frozen, name_of, put
from engine.control.actions import Actions, Create, Delete, Emit, Key, Patch
from engine.control.read import Read
from engine.control.volumes import CLAIMS, CLASSES, VOLUMES, claim_values
from engine.controllers import (
    persistentvolume_binder,
    persistentvolume_expander,
    persistentvolume_protection,
    persistentvolumeclaim_protection,
)
from tests.cluster import Cluster as Plane
from tests.controllers.builders import NOW, ago, pod
from tests.controllers.simulation import in_cluster
from tests.converged import differences, replay

KEY = Key("ns", "c")
NO_CLASS = "no persistent volumes available for this claim and no storage class is set"


def claim(size: str = "1Gi", class_name: str | None = "slow", **more: Any) -> Obj:
    """A claim; `more`: `annotations`, `modes`, `status`, `deleting`, and fields of its spec."""
    metadata: dict[str, Any] = {"name": "c", "namespace": "ns", "uid": "uid-c", "resourceVersion": "7"}
    metadata["annotations"] = more.pop("annotations", {})
    metadata["finalizers"] = ["kubernetes.io/pvc-protection"]
    if more.pop("deleting", False):
        metadata["deletionTimestamp"] = ago(0)
    status = more.pop("status", {"phase": "Pending"})
    spec = {"accessModes": more.pop("modes", ["ReadWriteOnce"]), "resources": {"requests": {"storage": size}}, **more}
    if class_name is not None:
        spec["storageClassName"] = class_name
    found: Obj = frozen({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec, "status": status})
    return found


def volume(name: str = "v", size: str = "1Gi", class_name: str = "slow", **more: Any) -> Obj:
    """A volume; `more`: `annotations`, `modes`, `labels`, `phase`, `deleting`, and fields of its spec."""
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "resourceVersion": "8", "finalizers": ["kubernetes.io/pv-protection"]}
    metadata |= {"annotations": more.pop("annotations", {}), "labels": more.pop("labels", {})}
    if more.pop("deleting", False):
        metadata["deletionTimestamp"] = ago(0)
    status = {"phase": more.pop("phase", "Available")}
    spec = {"accessModes": more.pop("modes", ["ReadWriteOnce"]), "capacity": {"storage": size}, "storageClassName": class_name, **more}
    found: Obj = frozen({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec, "status": status})
    return found


def storage_class(name: str = "slow", mode: str = "Immediate", provisioner: str = "sim.ktui.dev/disk", **more: Any) -> Obj:
    return {"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode, **more}


NODE: Obj = {"metadata": {"name": "node-0", "labels": {"topology.kubernetes.io/zone": "z0"}}}


def act(key: Key, claims: Any = (), volumes: Any = (), classes: Any = (), pods: Any = (), module: Any = persistentvolume_binder) -> Actions:
    read = Read.of({CLAIMS: claims, VOLUMES: volumes, CLASSES: classes, "pods": pods, "nodes": [NODE]})
    for resource, indexes in module.CONTROLLER.indexes.items():
        for name, values_of in indexes.items():
            read[resource].add_index(name, values_of)
    found: Actions = module.reconcile(key, read, NOW)
    return found


def bound_to(actions: Actions) -> str:
    patches = [a for a in actions if isinstance(a, Patch) and a.resource == CLAIMS and not a.subresource]
    return patches[0].patch["spec"]["volumeName"] if patches else ""


def told(actions: Actions) -> list[tuple[str, str, str]]:
    return [(a.type, a.reason, a.message) for a in actions if isinstance(a, Emit)]


@pytest.mark.parametrize(
    ("asked", "volumes", "chosen"),
    [
        (claim(), [volume("big", "5Gi"), volume("fits", "2Gi"), volume("small", "500Mi")], "fits"),
        (claim(), [volume("other", class_name="fast")], ""),
        (claim(modes=["ReadWriteMany"]), [volume("one"), volume("many", "9Gi", modes=["ReadWriteOnce", "ReadWriteMany"])], "many"),
        (claim(volumeMode="Block"), [volume("files"), volume("block", "9Gi", volumeMode="Block")], "block"),
        (claim(selector={"matchLabels": {"a": "b"}}), [volume("plain"), volume("labelled", "9Gi", labels={"a": "b"})], "labelled"),
        (claim(), [volume("free"), volume("mine", "9Gi", claimRef={"namespace": "ns", "name": "c"})], "mine"),
        (claim(), [volume("taken", claimRef={"namespace": "ns", "name": "x", "uid": "u"})], ""),
        (claim(), [volume("used", phase="Released")], ""),
        (claim(), [volume("leaving", deleting=True)], ""),
        (claim(volumeName="v"), [volume("v"), volume("w")], "v"),
        (claim(volumeName="v"), [volume("v", "1Mi")], ""),
        (claim(class_name=None), [volume(class_name="")], "v"),
        (claim(class_name=None, annotations={"volume.beta.kubernetes.io/storage-class": "slow"}), [volume()], "v"),
    ],
    ids=[
        "smallest",
        "class",
        "modes",
        "volume mode",
        "selector",
        "reserved",
        "taken",
        "released",
        "leaving",
        "named",
        "named, small",
        "no class",
        "legacy",
    ],
)
def test_which_volume_a_claim_is_bound_to(asked: Obj, volumes: list[Obj], chosen: str) -> None:
    assert bound_to(act(KEY, [asked], volumes, [storage_class(provisioner="kubernetes.io/no-provisioner")])) == chosen


def test_binding_writes_volume_and_claim_with_their_statuses() -> None:
    ref, phase, name, status = act(KEY, [claim()], [volume(size="2Gi")])
    assert isinstance(ref, Patch) and ref.patch["metadata"]["annotations"] == {"pv.kubernetes.io/bound-by-controller": "yes"}
    assert ref.patch["spec"]["claimRef"]["uid"] == "uid-c" and ref.patch["metadata"]["resourceVersion"] == "8"
    assert isinstance(phase, Patch) and phase.patch["status"]["phase"] == "Bound"
    wanted = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
    assert isinstance(name, Patch) and name.patch["metadata"]["annotations"] == wanted
    assert isinstance(status, Patch)
    assert status.patch["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"}}


@pytest.mark.parametrize(
    ("asked", "classes", "pods", "event"),
    [
        (
            claim(class_name=None),
            [],
            [],
            ("Normal", "FailedBinding", NO_CLASS),
        ),
        (claim(), [], [], ("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "slow" not found')),
        (
            claim(),
            [storage_class(mode="WaitForFirstConsumer")],
            [],
            ("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding"),
        ),
        (
            claim(),
            [storage_class(mode="WaitForFirstConsumer")],
            [put(pod("p", node=""), ("spec", "volumes"), [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}])],
            ("Normal", "WaitForPodScheduled", "waiting for pod p to be scheduled"),
        ),
    ],
    ids=["no class", "no such class", "no pod yet", "a pod waits"],
)
def test_what_a_claim_waits_for(asked: Obj, classes: list[Obj], pods: list[Obj], event: tuple[str, str, str]) -> None:
    assert told(act(KEY, [asked], [], classes, pods)) == [event]


def provisioned(actions: Actions) -> Any:
    (create,) = [a for a in actions if isinstance(a, Create)]
    return create.obj


def test_an_immediate_class_provisions_at_once() -> None:
    actions = act(KEY, [claim("3Gi")], [], [storage_class(reclaimPolicy="Retain", provisioner="k8s.io/minikube-hostpath")])
    made = provisioned(actions)
    assert name_of(made) == "pvc-uid-c" and annotations_of(made) == {"pv.kubernetes.io/provisioned-by": "k8s.io/minikube-hostpath"}
    assert made["spec"]["capacity"] == {"storage": "3Gi"} and made["spec"]["claimRef"]["uid"] == "uid-c"
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain" and "nodeAffinity" not in made["spec"]
    reasons = ["ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"]
    assert [t[:2] for t in told(actions)] == [("Normal", reason) for reason in reasons]
    marks = actions[0]
    assert isinstance(marks, Patch) and set(marks.patch["metadata"]["annotations"].values()) == {"k8s.io/minikube-hostpath"}


def test_a_class_that_waits_provisions_in_the_zone_of_the_chosen_node() -> None:
    selected = claim(annotations={"volume.kubernetes.io/selected-node": "node-0"})
    made = provisioned(act(KEY, [selected], [], [storage_class(mode="WaitForFirstConsumer")]))
    (term,) = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["z0"]}]


def test_a_chosen_node_that_is_gone_is_unchosen() -> None:
    selected = claim(annotations={"volume.kubernetes.io/selected-node": "gone"})
    (patch,) = act(KEY, [selected], [], [storage_class(mode="WaitForFirstConsumer")])
    assert isinstance(patch, Patch) and patch.patch["metadata"]["annotations"] == {"volume.kubernetes.io/selected-node": None}


REF = {"namespace": "ns", "name": "c", "uid": "uid-c"}
BOUND: dict[str, Any] = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}, "volumeName": "v"}


@pytest.mark.parametrize(
    ("asked", "volumes", "reason"),
    [
        (claim(annotations=BOUND["annotations"]), [], "ClaimLost"),
        (claim(**BOUND), [], "ClaimLost"),
        (claim(**BOUND), [volume(claimRef={**REF, "uid": "x"})], "ClaimMisbound"),
    ],
    ids=["no volume named", "volume gone", "volume of another"],
)
def test_a_bound_claim_that_loses_its_volume_is_lost(asked: Obj, volumes: list[Obj], reason: str) -> None:
    status, event = act(KEY, [asked], volumes)
    assert isinstance(status, Patch) and status.patch["status"] == {"phase": "Lost"}
    assert isinstance(event, Emit) and event.reason == reason


DYNAMIC: dict[str, Any] = {"annotations": {"pv.kubernetes.io/provisioned-by": "d"}, "persistentVolumeReclaimPolicy": "Delete"}


@pytest.mark.parametrize(
    ("given", "claims", "phase", "deleted"),
    [
        (volume(phase="Pending"), [], "Available", False),
        (volume(phase="Pending", claimRef={"namespace": "ns", "name": "c"}), [], "Available", False),
        (volume(claimRef=REF), [claim(volumeName="v")], "Bound", False),
        (volume(claimRef=REF, phase="Bound"), [], "Released", False),
        (volume(claimRef=REF, phase="Bound", **DYNAMIC), [], "Released", True),
        (volume(claimRef={**REF, "uid": "old"}, phase="Bound", **DYNAMIC), [claim()], "Released", True),
        (volume(claimRef=REF, phase="Bound", hostPath={"path": "/x"}, persistentVolumeReclaimPolicy="Delete"), [], "Failed", False),
        (volume(claimRef=REF, phase="Bound", **DYNAMIC), [claim(volumeName="w")], "Released", True),
    ],
    ids=["free", "reserved", "bound", "retained", "deleted", "claim made anew", "cannot be deleted", "not needed"],
)
def test_the_phase_of_a_volume_and_its_end(given: Obj, claims: list[Obj], phase: str, deleted: bool) -> None:
    actions = act(Key("", "v"), claims, [given])
    phases = [a.patch["status"]["phase"] for a in actions if isinstance(a, Patch) and a.subresource]
    assert phases == [phase] and any(isinstance(a, Delete) for a in actions) is deleted


def mounting(node: str = "node-0", phase: str = "Running") -> Obj:
    return put(pod("p", node=node, phase=phase), ("spec", "volumes"), [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}])


@pytest.mark.parametrize(
    ("given", "pods", "goes"),
    [
        (claim(deleting=True), [], True),
        (claim(deleting=True), [mounting()], False),
        (claim(deleting=True), [mounting(phase="Succeeded")], False),
        (claim(deleting=True), [mounting(node="")], True),
        (claim(), [], False),
    ],
    ids=["unused", "used", "by a finished pod", "by a pod without a node", "not deleted"],
)
def test_a_claim_stays_while_a_pod_uses_it(given: Obj, pods: list[Obj], goes: bool) -> None:
    actions = act(KEY, [given], pods=pods, module=persistentvolumeclaim_protection)
    assert [a.patch["metadata"]["finalizers"] for a in actions if isinstance(a, Patch)] == ([None] if goes else [])
    assert claim_values(mounting()) == ["ns/c"]


@pytest.mark.parametrize(("phase", "goes"), [("Bound", False), ("Released", True)])
def test_a_volume_stays_while_it_is_bound(phase: str, goes: bool) -> None:
    actions = act(Key("", "v"), volumes=[volume(phase=phase, deleting=True)], module=persistentvolume_protection)
    assert bool(actions) is goes


@pytest.mark.parametrize(("allowed", "size", "grows"), [(True, "5Gi", True), (False, "5Gi", False), (True, "1Gi", False)])
def test_a_claim_grows_where_its_class_allows_it(allowed: bool, size: str, grows: bool) -> None:
    given = claim(size, volumeName="v", status={"phase": "Bound", "capacity": {"storage": "1Gi"}})
    actions = act(KEY, [given], [volume(claimRef=REF)], [storage_class(allowVolumeExpansion=allowed)], module=persistentvolume_expander)
    assert [a.resource for a in actions if isinstance(a, Patch)] == ([VOLUMES, CLAIMS] if grows else [])


MODULES = (persistentvolume_binder, persistentvolumeclaim_protection, persistentvolume_protection, persistentvolume_expander)


def test_the_recorded_volumes_come_out_the_same() -> None:
    static = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "golden-static"},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "hostPath": {"path": "/x"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "manual",
        },
    }

    async def prepare(cluster: Plane) -> None:
        await cluster.client.create(VOLUMES, static)

    async def delete(cluster: Plane) -> None:
        await cluster.client.delete(CLAIMS, "bound", "c-volumes")

    recorded, ours = replay("volumes", [m.CONTROLLER for m in MODULES], prepare=prepare, before={1: delete})
    for at, (theirs, found) in enumerate(zip(recorded, ours, strict=True)):
        assert differences(theirs, found) == [], f"step {at}"


def test_a_pod_gets_its_claim_provisioned_where_it_runs() -> None:
    asked = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    user = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "user"},
        "spec": {
            "containers": [{"name": "c", "image": "nginx:1"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            "terminationGracePeriodSeconds": 1,
        },
    }

    async def main(cluster: Any) -> None:
        store, client = cluster.store, cluster.client
        await client.create(CLAIMS, asked, "default")
        await asyncio.sleep(5)
        assert dig(store.get(CLAIMS, "default", "data"), "status", "phase") == "Pending", "nobody uses it yet"
        await client.create("pods", user, "default")

        async def running() -> bool:
            return bool(dig(store.get("pods", "default", "user"), "status", "phase") == "Running")

        assert await cluster.until(running, 60)
        (made,) = store.list(VOLUMES)
        node = store.get("nodes", "", store.get("pods", "default", "user")["spec"]["nodeName"])
        (term,) = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        assert term["matchExpressions"][0]["values"] == [node["metadata"]["labels"]["topology.kubernetes.io/zone"]]
        await client.patch(CLAIMS, "data", {"spec": {"resources": {"requests": {"storage": "4Gi"}}}}, "default")
        await asyncio.sleep(1)
        assert dig(store.get(CLAIMS, "default", "data"), "status", "capacity", "storage") == "4Gi"
        await client.delete(CLAIMS, "data", "default")
        await asyncio.sleep(5)
        assert store.get(CLAIMS, "default", "data") is not None, "the pod still uses it"
        await client.delete("pods", "user", "default")
        await asyncio.sleep(60)
        assert store.list(CLAIMS, "default") == [] and store.list(VOLUMES) == []

    in_cluster(main)
