"""Garbage collection: what becomes of an object by its finalizers and the state of its owners."""

import asyncio
from typing import Any

import pytest

from engine.base.api import DeleteOptions, ResourceInfo
from engine.base.objects import Obj, frozen
from engine.control.actions import Actions, Check, Delete, Emit, Parallel, Patch, RequeueAfter
from engine.control.read import Read
from engine.controllers import deployment, garbage_collector, namespace, pod_gc, replicaset, service_account
from engine.controllers.garbage_collector import FOREGROUND, ORPHAN, Item, keys, reconcile
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, ago
from tests.converged import differences, replay

INFOS = {
    "Deployment": ResourceInfo("deployments.apps", "v1", "Deployment", True),
    "ReplicaSet": ResourceInfo("replicasets.apps", "v1", "ReplicaSet", True),
    "Pod": ResourceInfo("pods", "v1", "Pod", True),
    "Node": ResourceInfo("nodes", "v1", "Node", False),
}
CONTROLLERS = [m.CONTROLLER for m in (deployment, garbage_collector, namespace, pod_gc, replicaset, service_account)]


def thing(kind: str, name: str, *owners: Obj, finalizers: tuple[str, ...] = (), deleting: bool = False, space: str = "ns") -> Obj:
    info = INFOS[kind]
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
    if info.namespaced:
        metadata["namespace"] = space
    if owners:
        metadata["ownerReferences"] = list(owners)
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    if deleting:
        metadata["deletionTimestamp"] = ago(1)
    found: Obj = frozen({"apiVersion": info.api_version, "kind": kind, "metadata": metadata})
    return found


def ref(kind: str, name: str, block: bool = False, uid: str = "") -> Obj:
    made = {"apiVersion": INFOS[kind].api_version, "kind": kind, "name": name, "uid": uid or f"uid-{name}"}
    return {**made, "blockOwnerDeletion": True} if block else made


def read_of(*objs: Obj) -> Read:
    objects: dict[str, list[Obj]] = {info.resource: [] for info in INFOS.values()}
    for obj in objs:
        objects[INFOS[obj["kind"]].resource].append(obj)
    return Read.of(objects, infos=INFOS.values())


def item(obj: Obj) -> Item:
    metadata = obj["metadata"]
    return Item(INFOS[obj["kind"]].resource, metadata.get("namespace", ""), metadata["name"], metadata["uid"])


def act(obj: Obj, *others: Obj) -> Actions:
    return reconcile(item(obj), read_of(obj, *others), NOW)


def absent(name: str) -> Check:
    return Check("replicasets.apps", "ns", name, f"uid-{name}", present=False)


def delete(policy: str, version: str = "7") -> Delete:
    return Delete("pods", "ns", "p", "uid-p", propagation=policy, resource_version=version)


POD = thing("Pod", "p", ref("ReplicaSet", "rs"))
LEAVING = thing("ReplicaSet", "rs", finalizers=(FOREGROUND,), deleting=True)

CASES: list[tuple[str, tuple[Obj, ...], Actions]] = [
    ("the owner is there", (POD, thing("ReplicaSet", "rs")), []),
    ("the owner is being deleted in the background", (POD, thing("ReplicaSet", "rs", deleting=True)), []),
    ("the owner is gone", (POD,), [absent("rs"), delete("Background")]),
    ("a namesake is not the owner", (thing("Pod", "p", ref("ReplicaSet", "rs", uid="old")), thing("ReplicaSet", "rs")), []),
    ("no owner", (thing("Pod", "p"),), []),
    ("already being deleted", (thing("Pod", "p", ref("ReplicaSet", "rs"), deleting=True),), []),
    (
        "its own orphan finalizer is kept",
        (thing("Pod", "p", ref("ReplicaSet", "rs"), finalizers=(ORPHAN,)),),
        [absent("rs"), delete("Orphan")],
    ),
    ("the owner waits for it", (POD, LEAVING), [delete("Background")]),
    (
        "the owner waits for it, and it has dependents",
        (POD, LEAVING, thing("Pod", "child", ref("Pod", "p"))),
        [delete("Foreground")],
    ),
]
CASES[3] = (CASES[3][0], CASES[3][1], [Check("replicasets.apps", "ns", "rs", "old", present=False), delete("Background")])


@pytest.mark.parametrize(("objs", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_becomes_of_a_dependent(objs: tuple[Obj, ...], expected: Actions) -> None:
    assert act(*objs) == expected


def patched(action: Any) -> Any:
    assert isinstance(action, Patch)
    assert action.patch["metadata"]["resourceVersion"] == "7", "only the version that was judged"
    return action.patch["metadata"]


def test_dangling_owners_are_taken_off_while_a_solid_one_remains() -> None:
    pod = thing("Pod", "p", ref("ReplicaSet", "gone"), ref("ReplicaSet", "rs"))
    check, patch = act(pod, thing("ReplicaSet", "rs"))
    assert check == absent("gone")
    assert patched(patch)["ownerReferences"] == [ref("ReplicaSet", "rs")]


def test_an_owner_that_waits_is_taken_off_while_a_solid_one_remains() -> None:
    pod = thing("Pod", "p", ref("ReplicaSet", "rs", block=True), ref("ReplicaSet", "solid"))
    (patch,) = act(pod, LEAVING, thing("ReplicaSet", "solid"))
    assert patched(patch)["ownerReferences"] == [ref("ReplicaSet", "solid")]


def test_a_circle_of_waiting_objects_is_broken() -> None:
    pod = thing("Pod", "p", ref("ReplicaSet", "rs", block=True))
    child = thing("Pod", "child", ref("Pod", "p"), finalizers=(FOREGROUND,), deleting=True)
    patch, last = act(pod, LEAVING, child)
    assert patched(patch)["ownerReferences"][0]["blockOwnerDeletion"] is False
    assert last == delete("Foreground", version="")


def test_orphaning_takes_the_owner_off_all_dependents_before_it_goes() -> None:
    rs = thing("ReplicaSet", "rs", finalizers=(ORPHAN, "mine"), deleting=True)
    parallel, release = act(rs, POD, thing("Pod", "q", ref("ReplicaSet", "rs"), ref("Node", "n")))
    assert isinstance(parallel, Parallel)
    assert [patched(a)["ownerReferences"] for a in parallel.actions] == [[], [ref("Node", "n")]]
    assert patched(release)["finalizers"] == ["mine"]


@pytest.mark.parametrize("block", [True, False], ids=["blocks", "does not block"])
def test_a_foreground_deletion_waits_for_dependents_that_block(block: bool) -> None:
    actions = act(LEAVING, thing("Pod", "p", ref("ReplicaSet", "rs", block=block)))
    assert bool(actions) == (not block)
    if actions:
        assert patched(actions[0])["finalizers"] == []


def test_an_owner_of_another_namespace_counts_as_absent_and_is_warned_of() -> None:
    event, check, gone = act(POD, thing("ReplicaSet", "rs", space="elsewhere"))
    assert isinstance(event, Emit) and event.reason == "OwnerRefInvalidNamespace"
    assert event.message == 'ownerRef [apps/v1/ReplicaSet, namespace: ns, name: rs, uid: uid-rs] does not exist in namespace "ns"'
    assert (check, gone) == (absent("rs"), delete("Background"))


def test_owners_that_cannot_be_judged_protect_their_dependents() -> None:
    node = thing("Node", "n", ref("ReplicaSet", "rs"))
    unknown = thing("Pod", "p", {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "uid-w"})
    for obj in (node, unknown):
        assert [type(a) for a in act(obj)] == [RequeueAfter]


def brought_up(kind: str, old: Obj | None, new: Obj, *others: Obj) -> list[str]:
    return [key.name for key in keys(kind, INFOS[new["kind"]], old, new, read_of(*others))]


def test_what_brings_an_object_up() -> None:
    rs = thing("ReplicaSet", "rs")
    assert brought_up("DELETED", rs, rs, POD) == ["p"]
    assert brought_up("ADDED", None, POD, rs) == [], "its owner is known"
    assert brought_up("ADDED", None, POD) == ["p"], "its owner is not"
    assert brought_up("ADDED", None, POD, LEAVING) == ["p"], "its owner waits"
    assert brought_up("MODIFIED", rs, LEAVING, POD) == ["rs", "p"]
    assert brought_up("DELETED", POD, POD, LEAVING) == ["rs"]
    assert brought_up("MODIFIED", POD, thing("Pod", "p"), LEAVING) == ["rs", "p"]


async def _delete_all(cluster: Cluster) -> None:
    for name, policy in (("bg", "Background"), ("fg", "Foreground"), ("or", "Orphan")):
        await cluster.client.delete("deployments.apps", name, "c-gc", DeleteOptions(propagation=policy))


def test_what_the_real_controllers_did() -> None:
    recorded, ours = replay("gc", CONTROLLERS, before={1: _delete_all})
    for step, (expected, found) in enumerate(zip(recorded, ours, strict=True)):
        lines = differences(expected, found)
        assert lines == [], f"step {step}"


def test_objects_of_a_later_definition_are_collected_too() -> None:
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }

    async def main(cluster: Cluster) -> list[Obj]:
        await cluster.namespace("ns")
        await cluster.client.create("customresourcedefinitions.apiextensions.k8s.io", crd)
        await asyncio.sleep(40)
        widget = await cluster.client.create(
            "widgets.example.com", {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}, "ns"
        )
        owner = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": widget["metadata"]["uid"]}
        child = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child", "ownerReferences": [owner]}}
        await cluster.client.create("configmaps", child, "ns")
        await asyncio.sleep(5)
        assert [o["metadata"]["name"] for o in await cluster.items("configmaps", "ns") if o["metadata"]["name"] == "child"] == ["child"]
        await cluster.client.delete("widgets.example.com", "w", "ns")
        await asyncio.sleep(5)
        return [o for o in await cluster.items("configmaps", "ns") if o["metadata"]["name"] == "child"]

    assert play(main, CONTROLLERS) == []
