"""Disruption budgets: how many pods are expected, healthy, wanted, and may go."""

import asyncio
from typing import Any

import pytest

from engine.base.objects import Obj, controller_ref, frozen, put
from engine.control.actions import Actions, Emit, Key, Patch, RequeueAfter, Update
from engine.control.read import Read
from engine.controllers import deployment as deployments
from engine.controllers import disruption, replicaset, service_account
from engine.controllers.disruption import MarkedPod
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, ago, deployment, pod, replica_set
from tests.converged import scenario

KEY = Key("ns", "b")


def budget(status: Any = None, selector: Any = None, **spec: Any) -> Obj:
    """A budget of the pods with app=a."""
    metadata = {"name": "b", "namespace": "ns", "uid": "uid-b", "resourceVersion": "4", "generation": 2}
    wanted = {"selector": {"matchLabels": {"app": "a"}} if selector is None else selector, **spec}
    made = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": wanted, "status": status or {}}
    found: Obj = frozen(made)
    return found


def act(given: Obj, pods: list[Obj], **owners: list[Obj]) -> Actions:
    objects: dict[str, Any] = {r: [] for r in disruption.CONTROLLER.resources}
    objects |= {disruption.RESOURCE: [given], "pods": pods, "replicasets.apps": owners.get("sets", [])}
    objects["deployments.apps"] = owners.get("deployments", [])
    return disruption.reconcile(KEY, Read.of(objects), NOW)


def status_of(actions: Actions) -> Any:
    (update,) = [a for a in actions if isinstance(a, Update)]
    return update.obj["status"]


def counts(actions: Actions) -> tuple[int, ...]:
    status = status_of(actions)
    return tuple(status[n] for n in ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed"))


D = deployment(replicas=10)
RS = replica_set("rs", 10, D)


def pods(healthy: int, sick: int = 0) -> list[Obj]:
    return [pod(f"p{i}", RS, ready_ago=5 if i < healthy else None) for i in range(healthy + sick)]


@pytest.mark.parametrize(
    ("spec", "given", "expected"),
    [
        ({"minAvailable": 7}, pods(10), (10, 10, 7, 3)),
        ({"minAvailable": 7}, pods(6, 4), (10, 6, 7, 0)),
        ({"minAvailable": "55%"}, pods(10), (10, 10, 6, 4)),
        ({"minAvailable": "50%"}, pods(4), (10, 4, 5, 0)),
        ({"maxUnavailable": 2}, pods(10), (10, 10, 8, 2)),
        ({"maxUnavailable": "25%"}, pods(10), (10, 10, 7, 3)),
        ({"maxUnavailable": 20}, pods(10), (10, 10, 0, 10)),
        ({"minAvailable": 0}, [], (0, 0, 0, 0)),
        ({}, pods(3), (0, 3, 0, 0)),
    ],
    ids=["count", "too few", "share, rounded up", "of the scale", "most", "most, rounded up", "more than all", "no pods", "neither"],
)
def test_what_a_budget_counts(spec: Any, given: list[Obj], expected: tuple[int, ...]) -> None:
    assert counts(act(budget(**spec), given, sets=[RS], deployments=[D])) == expected


def test_the_condition_says_whether_a_pod_may_go() -> None:
    (condition,) = status_of(act(budget(minAvailable=1), pods(2)))["conditions"]
    assert (condition["status"], condition["reason"], condition["observedGeneration"]) == ("True", "SufficientPods", 2)
    (condition,) = status_of(act(budget(minAvailable=2), pods(2)))["conditions"]
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "InsufficientPods", "")


def test_an_empty_selector_means_all_pods_of_the_namespace() -> None:
    other = pod("other", labels={"x": "y"})
    assert counts(act(budget(selector={}, minAvailable=1), [*pods(1), other])) == (2, 2, 1, 1)


def test_without_pods_there_is_an_event() -> None:
    told = act(budget(minAvailable=1), [])[0]
    assert isinstance(told, Emit) and (told.reason, told.message) == ("NoPods", "No matching pods found")


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        ({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u"}, "jobs.batch does not implement the scale subresource"),
        (controller_ref(RS), 'found no controllers for pod "p"'),
    ],
    ids=["a controller without scale", "a controller that is gone"],
)
def test_what_cannot_be_told_allows_nothing(owner: Obj, message: str) -> None:
    given = put(pod("p"), ("metadata", "ownerReferences"), [{**owner, "controller": True}])
    told, update = act(budget(maxUnavailable=1, status={"disruptionsAllowed": 3}), [given])
    assert isinstance(told, Emit) and told.reason == "CalculateExpectedPodCountFailed"
    assert isinstance(update, Update) and update.obj["status"]["disruptionsAllowed"] == 0
    (condition,) = update.obj["status"]["conditions"]
    assert (condition["reason"], condition["message"]) == ("SyncFailed", message)


def test_evicted_pods_do_not_count_until_they_are_gone_or_two_minutes_have_passed() -> None:
    given = budget(minAvailable=1, status={"disruptedPods": {"p0": ago(20), "p1": ago(121), "gone": ago(1)}})
    actions = act(given, pods(3))
    late = next(a for a in actions if isinstance(a, Emit))
    assert late.reason == "NotDeleted" and late.message == "Pod was expected by PDB ns/b to be deleted but it wasn't"
    assert status_of(actions)["disruptedPods"] == {"p0": ago(20)} and status_of(actions)["currentHealthy"] == 2
    assert actions[-1] == RequeueAfter(100)


def test_nothing_is_written_where_nothing_changed() -> None:
    status = status_of(act(budget(minAvailable=1), pods(2)))
    assert act(budget(minAvailable=1, status=status), pods(2)) == []


@pytest.mark.parametrize(("marked_ago", "unmarked"), [(30, False), (120, True)])
def test_a_pod_that_was_to_go_and_stays_is_unmarked(marked_ago: float, unmarked: bool) -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": ago(marked_ago)}
    given = put(pod("p"), ("status", "conditions"), [condition])
    (action,) = disruption.reconcile(MarkedPod("ns", "p"), Read.of({"pods": [given]}), NOW)
    assert isinstance(action, Patch if unmarked else RequeueAfter)


def test_a_budget_follows_its_deployment_and_guards_its_evictions() -> None:
    async def main(cluster: Cluster) -> tuple[Any, int]:
        client = cluster.client
        await cluster.namespace("ns")
        wanted = {k: v for k, v in deployment(3).items() if k in ("kind", "apiVersion", "spec")}
        await client.create("deployments.apps", {**wanted, "metadata": {"name": "d"}}, "ns")
        spec = {"minAvailable": "50%", "selector": {"matchLabels": {"app": "a"}}}
        made = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}
        await client.create(disruption.RESOURCE, made, "ns")
        await asyncio.sleep(5)
        (found,) = await cluster.items(disruption.RESOURCE, "ns")
        first, *_ = await cluster.items("pods", "ns")
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": first["metadata"]["name"]}}
        await client.create_subresource("pods", first["metadata"]["name"], "eviction", eviction, "ns")
        await asyncio.sleep(5)
        (after,) = await cluster.items(disruption.RESOURCE, "ns")
        return found["status"], after["status"]["disruptionsAllowed"]

    controllers = [m.CONTROLLER for m in (deployments, replicaset, service_account, disruption)]
    status, allowed_after = play(main, controllers)
    assert {k: status[k] for k in ("expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed")} == {
        "expectedPods": 3,
        "currentHealthy": 3,
        "desiredHealthy": 2,
        "disruptionsAllowed": 1,
    }
    assert allowed_after == 1, "the evicted pod has been replaced"


def identified(obj: Any, kind: str) -> Any:
    """A recorded object with the uids that recordings leave out: an object's is its kind and name."""
    metadata = {**obj["metadata"], "uid": f"{kind}/{obj['metadata']['name']}"}
    metadata["ownerReferences"] = [{**r, "uid": f"{r['kind']}/{r['name']}"} for r in metadata.get("ownerReferences") or ()]
    return {**obj, "apiVersion": "recorded", "kind": kind, "metadata": metadata}


def test_the_recorded_budgets_come_out_the_same() -> None:
    state = scenario("policy")["steps"][3]["state"]
    kinds = {"Pod": "pods", "ReplicaSet": "replicasets.apps", "Deployment": "deployments.apps", "PodDisruptionBudget": disruption.RESOURCE}
    objects: dict[str, Any] = {r: [] for r in disruption.CONTROLLER.resources}
    objects |= {resource: [identified(o, kind) for o in state[kind]] for kind, resource in kinds.items()}
    for at, pod_of_step in enumerate(objects["pods"]):
        pod_of_step["metadata"]["name"] = f"d-{at}"
    for recorded in state["PodDisruptionBudget"]:
        fresh = {**identified(recorded, "PodDisruptionBudget"), "status": {}}
        objects[disruption.RESOURCE] = [fresh]
        actions = disruption.reconcile(Key("c-policy", recorded["metadata"]["name"]), Read.of(objects), NOW)
        status = status_of(actions)
        (condition,) = status["conditions"]
        assert {**status, "conditions": [{**condition, "lastTransitionTime": "<time>"}]} == recorded["status"]
        told = [(a.type, a.reason, a.message) for a in actions if isinstance(a, Emit)]
        about = f"PodDisruptionBudget/{recorded['metadata']['name']}"
        assert told == [(e["type"], e["reason"], e["message"]) for e in state["events"] if e["object"] == about]
