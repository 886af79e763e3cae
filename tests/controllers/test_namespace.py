"""Namespaces: emptied, pods first, then finalized; and the account that each begins with."""

import asyncio
from typing import Any

from engine.base.api import ResourceInfo
from engine.base.objects import Obj, frozen
from engine.control.actions import Actions, CheckEmpty, Create, DeleteCollection, Key, RequeueAfter, Update
from engine.control.read import Read
from engine.controllers import namespace, service_account
from engine.controllers.namespace import reconcile
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, ago, pod
from tests.controllers.test_gc import CONTROLLERS

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
INFOS = [
    ResourceInfo("pods", "v1", "Pod", True, VERBS),
    ResourceInfo("configmaps", "v1", "ConfigMap", True, VERBS),
    ResourceInfo("events", "v1", "Event", True, VERBS),
    ResourceInfo("nodes", "v1", "Node", False, VERBS),
]


def space(deleted_ago: float | None, **status: Any) -> Obj:
    metadata: dict[str, Any] = {"name": "ns", "uid": "uid-ns", "resourceVersion": "3"}
    if deleted_ago is not None:
        metadata["deletionTimestamp"] = ago(deleted_ago)
    spec = {"finalizers": ["kubernetes"]}
    found: Obj = frozen({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "spec": spec, "status": status})
    return found


def config(name: str, *finalizers: str) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "ns", "finalizers": [*finalizers]}}


def act(ns: Obj, pods: Any = (), configmaps: Any = ()) -> Actions:
    return reconcile(Key("", "ns"), Read.of({"namespaces": [ns], "pods": pods, "configmaps": configmaps}, infos=INFOS), NOW)


def conditions(actions: Actions) -> dict[str, tuple[str, str, str]]:
    (update,) = [a for a in actions if isinstance(a, Update)]
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in update.obj["status"]["conditions"]}


def test_an_active_namespace_is_left_alone() -> None:
    assert act(space(None), [pod("p")]) == []


def test_it_waits_five_seconds_for_other_servers() -> None:
    assert act(space(2)) == [RequeueAfter(3.0)]


def test_pods_go_first_and_are_waited_for_half_their_grace() -> None:
    running = {**pod("p"), "spec": {**pod("p")["spec"], "terminationGracePeriodSeconds": 40}}
    actions = act(space(9), [running], [config("c")])
    assert [a.resource for a in actions if isinstance(a, DeleteCollection)] == ["pods"]
    assert actions[-1] == RequeueAfter(21.0)
    assert conditions(actions)["NamespaceContentRemaining"] == (
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: pods. has 1 resource instances",
    )


def test_what_has_finalizers_is_told_of_and_waited_for() -> None:
    actions = act(space(9), (), [config("a", "x/y"), config("b")])
    assert [a.resource for a in actions if isinstance(a, DeleteCollection)] == ["configmaps", "events"]
    assert actions[-1] == RequeueAfter(8.5)
    found = conditions(actions)
    assert found["NamespaceFinalizersRemaining"] == (
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
    )
    assert found["NamespaceDeletionContentFailure"][:2] == ("False", "ContentDeleted")


def test_an_empty_one_is_finalized_after_a_look_past_the_caches() -> None:
    actions = act(space(9), (), [config("b")])
    assert [a.resource for a in actions if isinstance(a, CheckEmpty)] == ["pods", "configmaps", "events"]
    last = actions[-1]
    assert isinstance(last, Update) and last.subresource == "finalize" and last.obj["spec"]["finalizers"] == []


def test_a_namespace_is_gone_with_all_that_was_in_it() -> None:
    async def main(cluster: Cluster) -> tuple[list[str], list[str]]:
        await cluster.namespace("ns")
        await asyncio.sleep(1)
        template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
        spec = {"replicas": 3, "selector": {"matchLabels": {"app": "a"}}, "template": template}
        await cluster.client.create(
            "deployments.apps", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}, "ns"
        )
        await cluster.client.create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}, "ns")
        await asyncio.sleep(4)
        assert len(await cluster.items("pods", "ns")) == 3
        await cluster.client.delete("namespaces", "ns")
        await asyncio.sleep(60)
        names = [o["metadata"]["name"] for o in await cluster.items("namespaces")]
        return names, [r for r in cluster.store.resources() if await cluster.items(r, "ns")]

    names, left = play(main, CONTROLLERS)
    assert "ns" not in names and left == []


def test_every_namespace_has_a_default_account_again_and_again() -> None:
    assert service_account.reconcile(Key("", "ns"), Read.of({"namespaces": [space(None)], "serviceaccounts": []}), NOW) == [
        Create("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "ns"}}, True)
    ]
    leaving = space(1, phase="Terminating")
    assert service_account.reconcile(Key("", "ns"), Read.of({"namespaces": [leaving], "serviceaccounts": []}), NOW) == []

    async def main(cluster: Cluster) -> list[str]:
        await cluster.namespace("ns")
        await asyncio.sleep(1)
        await cluster.client.delete("serviceaccounts", "default", "ns")
        await asyncio.sleep(1)
        return [o["metadata"]["name"] for o in await cluster.items("serviceaccounts", "ns")]

    assert play(main, [namespace.CONTROLLER, service_account.CONTROLLER]) == ["default"]
