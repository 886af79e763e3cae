"""ReplicaSets: what is created and deleted, adopted and released, and what the status says."""

from typing import Any

import pytest

from engine.base.errors import StatusError
from engine.base.objects import Obj, name_of, put
from engine.control.actions import Actions, Check, Create, Delete, Failure, Key, Parallel, Patch, RequeueAfter, Update
from engine.control.pods import by_deletion
from engine.control.read import Read
from engine.controllers import service_account
from engine.controllers.replicaset import BURST_REPLICAS, CONTROLLER, reconcile
from tests.controllers.builders import NOW, ago, pod, replica_set
from tests.converged import differences, replay

KEY = Key("ns", "rs")


def act(rs: Obj, pods: list[Obj], *others: Obj) -> Actions:
    return reconcile(KEY, Read.of({"replicasets.apps": [rs, *others], "pods": pods}), NOW)


def parallel(actions: Actions) -> Parallel:
    (found,) = [a for a in actions if isinstance(a, Parallel)]
    return found


def status_of(actions: Actions) -> Any:
    (update,) = [a for a in actions if isinstance(a, Update)]
    return update.obj["status"]


def finished(actions: Actions, *failures: Failure) -> Actions:
    then = parallel(actions).then
    assert then is not None
    return then(failures)


@pytest.mark.parametrize(
    ("replicas", "pods", "creates"),
    [
        (3, [], 3),
        (3, [{}], 2),
        (3, [{"phase": "Failed"}, {"phase": "Succeeded"}, {}], 2),
        (3, [{"deleting": True}, {}, {}], 1),
        (2000, [], BURST_REPLICAS),
    ],
    ids=["none yet", "one of three", "finished pods are replaced", "terminating pods are replaced", "at most a burst"],
)
def test_missing_pods_are_created(replicas: int, pods: list[Any], creates: int) -> None:
    rs = replica_set(replicas=replicas)
    batch = parallel(act(rs, [pod(f"p{i}", rs, **p) for i, p in enumerate(pods)]))
    assert len(batch.actions) == creates and batch.slow_start
    first = batch.actions[0]
    assert isinstance(first, Create)
    assert first.obj["metadata"]["generateName"] == "rs-" and first.obj["metadata"]["ownerReferences"][0]["uid"] == "uid-rs"
    assert first.obj["spec"] is rs["spec"]["template"]["spec"], "all replicas share the template's spec"
    assert all(action is first for action in batch.actions[:3])


def test_surplus_pods_are_deleted_all_at_once() -> None:
    rs = replica_set(replicas=1)
    batch = parallel(act(rs, [pod("a", rs), pod("b", rs, phase="Pending"), pod("c", rs, ready_ago=None)]))
    assert [a.name for a in batch.actions if isinstance(a, Delete)] == ["b", "c"] and not batch.slow_start


def test_an_orphan_that_matches_is_adopted_after_a_fresh_look_at_the_owner() -> None:
    rs = replica_set(replicas=1)
    check, patch, *_ = act(rs, [pod("orphan")])
    assert check == Check("replicasets.apps", "ns", "rs", "uid-rs")
    assert isinstance(patch, Patch) and patch.name == "orphan"
    assert patch.patch["metadata"]["uid"] == "uid-orphan" and patch.patch["metadata"]["ownerReferences"][0]["controller"] is True


@pytest.mark.parametrize(
    "orphan", [{"labels": {"app": "other"}}, {"deleting": True}, {"phase": "Failed"}], ids=["labels differ", "terminating", "finished"]
)
def test_an_orphan_is_left_alone(orphan: Any) -> None:
    rs = replica_set(replicas=0)
    assert not [a for a in act(rs, [pod("orphan", **orphan)]) if isinstance(a, Patch | Check)]


def test_a_pod_whose_labels_no_longer_match_is_released_and_replaced() -> None:
    rs = replica_set(replicas=1)
    release, create = act(rs, [pod("p", rs, labels={"app": "other"})])
    assert isinstance(release, Patch) and release.patch["metadata"]["ownerReferences"] == [{"$patch": "delete", "uid": "uid-rs"}]
    assert isinstance(create, Parallel) and len(create.actions) == 1


def test_a_terminating_replica_set_changes_no_pods_but_keeps_its_status() -> None:
    rs = put(replica_set(replicas=3), ("metadata", "deletionTimestamp"), ago(1))
    actions = act(rs, [pod("p", rs), pod("orphan"), pod("q", rs, labels={"app": "other"})])
    assert [type(a) for a in actions] == [Update] and status_of(actions)["replicas"] == 1


def test_status_counts_ready_available_labelled_and_terminating_pods() -> None:
    rs = replica_set(replicas=4, min_ready_s=30)
    pods = [pod("a", rs, ready_ago=100), pod("b", rs, ready_ago=10), pod("c", rs, ready_ago=None), pod("d", rs, phase="Pending")]
    actions = act(rs, [*pods, pod("e", rs, deleting=True)])
    assert status_of(actions) == {
        "replicas": 4,
        "fullyLabeledReplicas": 4,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 1,
    }
    assert [a.seconds for a in actions if isinstance(a, RequeueAfter)] == [20.0], "looks again when b becomes available"


def test_a_status_that_says_it_all_is_not_written_again() -> None:
    rs = replica_set(replicas=1)
    rs = put(rs, ("status",), status_of(act(rs, [pod("p", rs)])))
    assert act(rs, [pod("p", rs)]) == []


def test_a_failure_to_create_becomes_a_condition_and_goes_with_the_next_success() -> None:
    rs = replica_set(replicas=2, available=0, pods=0)
    actions = act(rs, [])
    quota = StatusError(403, "Forbidden", "exceeded quota")
    status = status_of(finished(actions, Failure(parallel(actions).actions[0], quota)))
    (condition,) = status["conditions"]
    assert (condition["type"], condition["reason"], condition["message"]) == ("ReplicaFailure", "FailedCreate", "exceeded quota")
    assert "conditions" not in status_of(finished(act(put(rs, ("status",), status), [])))


ORDER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("unassigned first", {"node": "", "phase": "Pending"}, {"phase": "Pending"}),
    ("pending before running", {"phase": "Pending"}, {"ready_ago": None}),
    ("unknown before running", {"phase": "Unknown"}, {"ready_ago": None}),
    ("not ready before ready", {"ready_ago": None}, {"ready_ago": 1}),
    ("readiness before cost", {"ready_ago": None, "cost": "9"}, {"cost": "-9"}),
    ("lower deletion cost", {"cost": "-5"}, {}),
    ("cost before crowding", {"cost": "1", "node": "lonely"}, {"cost": "2", "node": "crowded"}),
    ("more pods on the same node", {"node": "crowded"}, {"node": "lonely"}),
    ("ready for much less long", {"ready_ago": 10}, {"ready_ago": 1000}),
    ("about as long ready: by uid", {"ready_ago": 1000, "uid": "a"}, {"ready_ago": 900, "uid": "b"}),
    ("more restarts", {"restarts": 3}, {"restarts": 1}),
    ("much younger", {"created_ago": 10, "ready_ago": 5}, {"created_ago": 5000, "ready_ago": 5}),
    ("a malformed cost counts as none", {"cost": "-1"}, {"cost": "+7x"}),
]


@pytest.mark.parametrize(("first", "second"), [(a, b) for _, a, b in ORDER], ids=[name for name, _, _ in ORDER])
def test_which_pod_goes_first(first: dict[str, Any], second: dict[str, Any]) -> None:
    a, b = pod("first", **first), pod("second", **second)
    crowd = [pod(f"c{i}", node="crowded") for i in range(3)]
    for order in ([a, b], [b, a]):
        assert [name_of(p) for p in by_deletion(order, [*order, *crowd], NOW)] == ["first", "second"]


def test_pods_of_sibling_replica_sets_count_as_related() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "uid-d"}}
    rs, sibling = replica_set(replicas=1, owner=owner), replica_set("old", owner=owner)
    pods = [pod("a", rs, node="n1"), pod("b", rs, node="n2"), pod("x", sibling, node="n2", labels={"app": "a"})]
    batch = parallel(act(rs, pods, sibling))
    assert [a.name for a in batch.actions if isinstance(a, Delete)] == ["b"]


def test_what_the_real_controller_did() -> None:
    recorded, ours = replay("replicaset", [CONTROLLER, service_account.CONTROLLER])
    for step, (expected, found) in enumerate(zip(recorded, ours, strict=True)):
        assert differences(expected, found) == [], f"step {step}"
