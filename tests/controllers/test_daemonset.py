"""DaemonSets: which nodes get a pod, rolling updates, failed pods, history, status."""

from typing import Any

import pytest

from engine.base.objects import Obj, frozen, name_of, put
from engine.control import history
from engine.control.actions import Actions, Create, Delete, Emit, Key, Parallel, Patch, Remember, RequeueAfter, Update
from engine.control.daemon_pods import HASH_LABEL, Placement, target_of, tolerations_of
from engine.control.read import Read
from engine.controllers import service_account
from engine.controllers.daemonset import BURST_REPLICAS, CONTROLLER, reconcile
from engine.scheduler.scheduler import Scheduler
from tests.cluster import Cluster
from tests.controllers.builders import NOW, pod, template
from tests.converged import differences, replay

KEY = Key("ns", "ds")
OLD, NEW = "old", "new"


def daemon_set(**more: Any) -> Obj:
    """`more`: `surge`, `unavailable`, `strategy`, `spec` (of the template), `status`, `history`, `min_ready_s`, `image`."""
    made_template = template(more.get("image", "nginx:2"))
    made_template = {**made_template, "spec": {**made_template["spec"], **more.get("spec", {})}}
    strategy: dict[str, Any] = {"type": more.get("strategy", "RollingUpdate")}
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxUnavailable": more.get("unavailable", 1), "maxSurge": more.get("surge", 0)}
    spec = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": made_template,
        "updateStrategy": strategy,
        "revisionHistoryLimit": more.get("history", 10),
        "minReadySeconds": more.get("min_ready_s", 0),
    }
    metadata = {"name": "ds", "namespace": "ns", "uid": "uid-ds", "resourceVersion": "5", "generation": 2}
    found: Obj = frozen(
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec, "status": more.get("status", {})}
    )
    return found


def revision(owner: Obj, made_hash: str, number: int, image: str) -> Obj:
    old_template = put(owner["spec"]["template"], ("spec", "containers", 0, "image"), image)
    made = history.new_revision(put(owner, ("spec", "template"), old_template), number, HASH_LABEL, made_hash)
    return put(made, ("metadata", "uid"), f"uid-{made_hash}")


def node(name: str, *taints: str, **labels: str) -> Obj:
    """`taints` as `key:effect`."""
    spec = {"taints": [dict(zip(("key", "effect"), taint.split(":"), strict=True)) for taint in taints]} if taints else {}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec}


NODES = [node(f"n{i}") for i in range(4)]


def daemon(owner: Obj, on: str, at: str = NEW, suffix: str = "", **more: Any) -> Obj:
    return pod(f"{on}{suffix or at}", owner, node=on, labels={"app": "a", HASH_LABEL: at}, **more)


def act(owner: Obj, pods: list[Obj], nodes: list[Obj] = NODES, revisions: list[Obj] | None = None, memory: Any = None) -> Actions:
    if revisions is None:
        revisions = [
            revision(owner, OLD, 1, "nginx:1"),
            revision(owner, NEW, 2, owner["spec"]["template"]["spec"]["containers"][0]["image"]),
        ]
    listed = {"daemonsets.apps": [owner], "pods": pods, "controllerrevisions.apps": revisions, "nodes": nodes}
    return reconcile(KEY, Read.of(listed, {KEY: memory} if memory else None), NOW)


def done(actions: Actions) -> Actions:
    return [one for a in actions for one in (a.actions if isinstance(a, Parallel) else (a,))]


def created_on(actions: Actions) -> list[str]:
    return [target_of(a.obj) for a in done(actions) if isinstance(a, Create) and a.resource == "pods"]


def deleted(actions: Actions, resource: str = "pods") -> list[str]:
    return [a.name for a in done(actions) if isinstance(a, Delete) and a.resource == resource]


def status_of(actions: Actions) -> Any:
    (update,) = [a for a in actions if isinstance(a, Update) and a.subresource == "status"]
    return update.obj["status"]


def affinity(key: str, value: str) -> Any:
    terms = [{"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@pytest.mark.parametrize(
    ("spec", "candidate", "runs", "stays"),
    [
        ({}, node("n"), True, True),
        ({"nodeName": "n"}, node("n"), True, True),
        ({"nodeName": "other"}, node("n"), False, False),
        ({"nodeSelector": {"disk": "ssd"}}, node("n"), False, False),
        ({"nodeSelector": {"disk": "ssd"}}, node("n", disk="ssd"), True, True),
        ({"affinity": affinity("zone", "a")}, node("n", zone="a"), True, True),
        ({"affinity": affinity("zone", "a")}, node("n", zone="b"), False, False),
        ({}, node("n", "special:NoSchedule"), False, True),
        ({}, node("n", "special:NoExecute"), False, False),
        ({}, node("n", "special:PreferNoSchedule"), True, True),
        ({"tolerations": [{"key": "special", "operator": "Exists"}]}, node("n", "special:NoExecute"), True, True),
        ({}, node("n", "node.kubernetes.io/not-ready:NoExecute"), True, True),
        ({}, node("n", "node.kubernetes.io/unreachable:NoExecute"), True, True),
        ({}, node("n", "node.kubernetes.io/unschedulable:NoSchedule"), True, True),
        ({}, node("n", "node.kubernetes.io/memory-pressure:NoSchedule"), True, True),
        ({}, node("n", "node.kubernetes.io/not-ready:NoSchedule"), False, True),
        ({}, node("n", "node.kubernetes.io/network-unavailable:NoSchedule"), False, True),
        ({"hostNetwork": True}, node("n", "node.kubernetes.io/network-unavailable:NoSchedule"), True, True),
    ],
)
def test_a_node_gets_a_pod_by_name_labels_and_taints(spec: Any, candidate: Obj, runs: bool, stays: bool) -> None:
    assert Placement(spec).fit(candidate) == (runs, stays)


def test_tolerations_for_a_time_become_tolerations_for_ever() -> None:
    mine = [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        {"key": "special", "operator": "Exists"},
    ]
    found = tolerations_of({"tolerations": mine})
    assert len(found) == 7 and found[0] == mine[1] and not any("tolerationSeconds" in t for t in found)


def test_each_fitting_node_gets_one_pod_that_is_kept_on_it() -> None:
    owner = daemon_set(spec={"affinity": {**affinity("zone", "a"), "podAffinity": {}}})
    nodes = [node("n0", zone="a"), node("n1", zone="b"), node("n2", zone="a")]
    actions = act(owner, [daemon(owner, "n0")], nodes)
    assert created_on(actions) == ["n2"]
    (create,) = [a for a in done(actions) if isinstance(a, Create)]
    required = create.obj["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    match = {"key": "metadata.name", "operator": "In", "values": ["n2"]}
    assert required == {"nodeSelectorTerms": [{"matchFields": [match]}]}, "it replaces the template's own"
    assert create.obj["spec"]["affinity"]["podAffinity"] == {} and len(create.obj["spec"]["tolerations"]) == 6
    assert create.obj["metadata"]["labels"][HASH_LABEL] == NEW and "nodeName" not in create.obj["spec"]
    status = status_of(actions)
    assert (status["desiredNumberScheduled"], status["currentNumberScheduled"], status["numberUnavailable"]) == (2, 1, 1)


def test_pods_on_nodes_that_no_longer_fit_are_deleted() -> None:
    owner = daemon_set(spec={"nodeSelector": {"disk": "ssd"}})
    nodes = [node("n0", disk="ssd"), node("n1"), node("n2", "special:NoSchedule", disk="ssd"), node("n3", "special:NoExecute", disk="ssd")]
    actions = act(owner, [daemon(owner, f"n{i}") for i in range(4)], nodes)
    assert deleted(actions) == ["n1new", "n3new"]
    assert status_of(actions)["numberMisscheduled"] == 3


def test_of_several_pods_on_a_node_the_oldest_stays() -> None:
    owner = daemon_set()
    pods = [daemon(owner, f"n{i}") for i in range(4)] + [daemon(owner, "n1", suffix="x", created_ago=500)]
    assert deleted(act(owner, pods)) == ["n1new"]


def test_unscheduled_pods_for_nodes_that_are_gone_are_deleted() -> None:
    owner = daemon_set()
    (create,) = [a for a in done(act(owner, [], [node("gone")])) if isinstance(a, Create)]
    waiting = {**create.obj, "metadata": {**create.obj["metadata"], "name": "waiting", "uid": "u"}, "status": {"phase": "Pending"}}
    assert deleted(act(owner, [waiting], [])) == ["waiting"]
    assert deleted(act(owner, [daemon(owner, "gone")], [])) == [], "scheduled ones are the pod collector's"


def test_at_most_a_burst_is_created() -> None:
    owner = daemon_set()
    assert len(created_on(act(owner, [], [node(f"n{i}") for i in range(300)]))) == BURST_REPLICAS


@pytest.mark.parametrize(
    ("unavailable", "pods", "deletes"),
    [
        (1, [(OLD, {}), (OLD, {}), (OLD, {}), (OLD, {})], ["n0old"]),
        (2, [(OLD, {}), (OLD, {}), (OLD, {}), (OLD, {})], ["n0old", "n1old"]),
        ("30%", [(OLD, {}), (OLD, {}), (OLD, {}), (OLD, {})], ["n0old", "n1old"]),
        (1, [(NEW, {"ready_ago": None}), (OLD, {}), (OLD, {}), (OLD, {})], []),
        (1, [(NEW, {}), (OLD, {}), (OLD, {}), (OLD, {})], ["n1old"]),
        (1, [(OLD, {}), (OLD, {"ready_ago": None}), (OLD, {"ready_ago": None}), (OLD, {})], ["n1old", "n2old"]),
        (1, [(OLD, {"deleting": True}), (OLD, {}), (OLD, {}), (OLD, {})], []),
    ],
    ids=["one", "two", "percent rounds up", "waits", "goes on", "unavailable old ones go at once", "a terminating one counts"],
)
def test_rolling_update_keeps_to_max_unavailable(unavailable: int | str, pods: list[tuple[str, Any]], deletes: list[str]) -> None:
    owner = daemon_set(unavailable=unavailable)
    assert deleted(act(owner, [daemon(owner, f"n{i}", at, **more) for i, (at, more) in enumerate(pods)])) == deletes


@pytest.mark.parametrize(
    ("pods", "creates", "deletes"),
    [
        ([("n0", OLD, {}), ("n1", OLD, {}), ("n2", OLD, {}), ("n3", OLD, {})], ["n0"], []),
        ([("n0", OLD, {}), ("n0", NEW, {"ready_ago": None}), ("n1", OLD, {}), ("n2", OLD, {}), ("n3", OLD, {})], [], []),
        ([("n0", OLD, {}), ("n0", NEW, {}), ("n1", OLD, {}), ("n2", OLD, {}), ("n3", OLD, {})], [], ["n0old"]),
        ([("n0", OLD, {"ready_ago": None}), ("n1", OLD, {}), ("n2", OLD, {}), ("n3", OLD, {})], ["n0", "n1"], []),
    ],
    ids=["a new pod beside an old one", "waits for it", "the old one goes", "unavailable ones are replaced at once"],
)
def test_rolling_update_with_surge(pods: list[tuple[str, str, Any]], creates: list[str], deletes: list[str]) -> None:
    owner = daemon_set(surge=1, unavailable=0)
    actions = act(owner, [daemon(owner, on, at, **more) for on, at, more in pods])
    assert (created_on(actions), deleted(actions)) == (creates, deletes)


def test_on_delete_replaces_nothing() -> None:
    owner = daemon_set(strategy="OnDelete")
    assert deleted(act(owner, [daemon(owner, f"n{i}", OLD) for i in range(4)])) == []


@pytest.mark.parametrize(
    ("backoff", "deletes", "next_backoff"),
    [
        (None, ["n0new"], 1.0),
        ((1.0, NOW - 0.4), [], None),
        ((1.0, NOW - 2.0), ["n0new"], 2.0),
        ((600.0, NOW - 600.0), ["n0new"], 900.0),
        ((900.0, NOW - 2000.0), ["n0new"], 1.0),
    ],
    ids=["at once", "not during the backoff", "doubled", "at most 15 minutes", "from the start after a long calm"],
)
def test_failed_pods_are_replaced_with_backoff(backoff: Any, deletes: list[str], next_backoff: float | None) -> None:
    owner = daemon_set()
    pods = [daemon(owner, "n0", phase="Failed"), *(daemon(owner, f"n{i}") for i in range(1, 4))]
    actions = act(owner, pods, memory={"n0": backoff} if backoff else None)
    assert deleted(actions) == deletes
    remembered = [a.value["n0"] for a in actions if isinstance(a, Remember)]
    told = [a.message for a in actions if isinstance(a, Emit)]
    if next_backoff is None:
        assert remembered == told == [] and [a.seconds for a in actions if isinstance(a, RequeueAfter)] == [pytest.approx(0.6)]
    else:
        assert remembered == [(next_backoff, NOW)]
        assert told == ["Found failed daemon pod ns/n0new on node n0, will try to kill it"]


def test_history_is_numbered_deduplicated_and_limited() -> None:
    owner = daemon_set(history=1, image="nginx:9")
    old = [revision(owner, f"r{n}", n, f"image:{n}") for n in range(1, 5)]
    actions = act(owner, [daemon(owner, f"n{i}", "r1") for i in range(4)], revisions=old)
    (create,) = [a for a in actions if isinstance(a, Create)]
    assert create.obj["revision"] == 5 and HASH_LABEL in create.obj["metadata"]["labels"]
    assert deleted(actions, history.RESOURCE) == ["ds-r2", "ds-r3", "ds-r4"], "r1 is in use"
    twice = [revision(owner, "x", 1, "nginx:9"), revision(owner, "y", 2, "nginx:9"), revision(owner, "z", 3, "nginx:1")]
    actions = act(owner, [daemon(owner, "n0", "x")], revisions=twice)
    assert deleted(actions, history.RESOURCE) == ["ds-x"]
    assert [a.patch["metadata"]["labels"] for a in actions if isinstance(a, Patch)] == [{HASH_LABEL: "y"}]
    assert [(name_of(a.obj), a.obj["revision"]) for a in actions if isinstance(a, Update) and not a.subresource] == [("ds-y", 4)]


def test_status_counts_the_oldest_pod_of_each_fitting_node() -> None:
    owner = daemon_set(min_ready_s=20)
    pods = [daemon(owner, "n0"), daemon(owner, "n1", ready_ago=5), daemon(owner, "n2", ready_ago=None), daemon(owner, "n3", OLD)]
    actions = act(owner, pods)
    assert status_of(actions) == {
        "desiredNumberScheduled": 4,
        "currentNumberScheduled": 4,
        "numberMisscheduled": 0,
        "numberReady": 3,
        "numberAvailable": 2,
        "numberUnavailable": 2,
        "updatedNumberScheduled": 3,
        "observedGeneration": 2,
    }
    assert RequeueAfter(15.0) in actions
    settled = put(owner, ("status",), status_of(actions))
    assert not [a for a in act(settled, pods) if isinstance(a, Update)]


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected"),
    [
        ("ADDED", None, node("n", disk="ssd"), [KEY]),
        ("ADDED", None, node("n"), []),
        ("MODIFIED", node("n"), node("n", disk="ssd"), [KEY]),
        ("MODIFIED", node("n", disk="ssd"), node("n", "x:NoExecute", disk="ssd"), [KEY]),
        ("MODIFIED", node("n", disk="ssd"), node("n", disk="ssd", zone="a"), []),
        ("DELETED", node("n"), node("n"), [KEY]),
    ],
)
def test_nodes_bring_up_the_sets_for_which_they_changed(kind: str, old: Obj | None, new: Obj, expected: list[Key]) -> None:
    watch = next(w for w in CONTROLLER.watches if w.resource == "nodes")
    read = Read.of({"daemonsets.apps": [daemon_set(spec={"nodeSelector": {"disk": "ssd"}})]})
    assert list(watch.keys(kind, old, new, read)) == expected


async def _with_scheduler(cluster: Cluster) -> None:
    """Nodes without the taint that the node lifecycle controller takes away, and the real scheduler."""
    for each in await cluster.items("nodes"):
        await cluster.client.patch("nodes", name_of(each), {"spec": {"taints": None}})
    cluster.add(Scheduler(cluster.client, cluster.world, cluster.informers).run())


@pytest.mark.parametrize("step", range(3))
def test_converges_as_upstream(step: int) -> None:
    controllers = [CONTROLLER, service_account.CONTROLLER]
    recorded, ours = replay("daemonset", controllers, bind=False, prepare=_with_scheduler, steps=step + 1)
    assert differences(recorded[step], ours[step]) == []
