"""Pod garbage collection: finished, unscheduled and homeless pods."""

from typing import Any

from engine.base.objects import Obj, put
from engine.control.actions import Actions, Check, Delete, Parallel, Patch, Remember, RequeueAfter
from engine.control.read import Read
from engine.controllers import pod_gc
from engine.controllers.pod_gc import SWEEP, reconcile
from tests.controllers.builders import NOW, ago, pod

NODE: Obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0", "uid": "uid-node-0"}, "status": {}}
OUT_OF_SERVICE = put(NODE, ("spec", "taints"), [{"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}])


def act(pods: list[Obj], nodes: list[Obj], memory: Any = None) -> Actions:
    read = Read.of({"pods": pods, "nodes": nodes}, {SWEEP: memory or {}})
    for name, values_of in pod_gc.CONTROLLER.indexes["pods"].items():
        read["pods"].add_index(name, values_of)
    return reconcile(SWEEP, read, NOW)


def ends(actions: Actions) -> list[str]:
    """What is marked and deleted, in order."""
    found: list[str] = []
    for action in actions:
        if isinstance(action, Parallel):
            found += ends([*action.actions]) + ends(action.then([]) if action.then is not None else [])
        elif isinstance(action, Delete):
            assert action.grace_period_s == 0
            found.append(f"delete {action.name}")
        elif isinstance(action, Patch):
            found.append(f"fail {action.name}")
        elif isinstance(action, Check):
            found.append(f"no {action.name}")
    return found


def test_it_sweeps_every_twenty_seconds() -> None:
    assert act([pod("p")], [NODE]) == [RequeueAfter(20.0), Remember({})]


def test_pods_of_a_missing_node_go_after_a_quarantine() -> None:
    actions = act([pod("p")], [])
    assert Remember({"node-0": NOW}) in actions and ends(actions) == []
    assert ends(act([pod("p")], [], {"node-0": NOW - 39})) == []
    late = act([pod("p"), pod("done", phase="Succeeded")], [], {"node-0": NOW - 40})
    assert ends(late) == ["no node-0", "fail p", "delete p", "delete done"]
    assert Remember({}) in act([pod("p")], [NODE], {"node-0": NOW - 40}), "it came back"


def test_the_condition_says_why() -> None:
    (gone,) = [a for a in act([pod("p")], [], {"node-0": NOW - 40}) if isinstance(a, Parallel)]
    assert gone.then is not None
    (end,) = gone.then([])
    assert isinstance(end, Parallel) and isinstance(end.actions[0], Patch)
    status = end.actions[0].patch["status"]
    assert status["phase"] == "Failed"
    assert (status["conditions"][-1]["type"], status["conditions"][-1]["message"]) == ("DisruptionTarget", "PodGC: node no longer exists")


def test_terminating_pods_that_no_kubelet_will_end() -> None:
    assert ends(act([pod("p", node="", phase="Pending", deleting=True), pod("q", deleting=True)], [NODE])) == ["fail p", "delete p"]
    assert ends(act([pod("q", deleting=True), pod("r")], [OUT_OF_SERVICE])) == ["fail q", "delete q"]


def test_finished_pods_beyond_the_threshold_go_evicted_and_oldest_first() -> None:
    many = [pod(f"p{at}", phase="Succeeded", created_ago=at) for at in range(pod_gc.TERMINATED_PODS_MAX)]
    evicted = put(pod("evicted", phase="Failed", created_ago=0), ("status", "reason"), "Evicted")
    assert ends(act([*many, evicted, pod("x", phase="Failed", created_ago=99_999)], [NODE])) == ["delete evicted", "delete x"]
    assert ago(0) > ago(1)
