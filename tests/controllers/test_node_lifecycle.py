"""Nodes that fall silent: when conditions and taints change, how fast nodes are given up, when their pods go."""

import asyncio
from typing import Any

import pytest

from engine.base.clock import rfc3339_micro
from engine.base.objects import Obj, dig, frozen, put
from engine.cluster import Cluster
from engine.control.actions import Actions, Delete, Emit, Key, Parallel, Patch, Remember, RequeueAfter
from engine.control.node_health import Bucket, Zone, evictions_per_s, observe, zone_state
from engine.control.read import Read
from engine.controllers import node_lifecycle, taint_eviction
from engine.controllers.node_lifecycle import LEASES, MONITOR, Memory
from tests.controllers.builders import NOW, ago, pod
from tests.controllers.simulation import in_cluster

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


def node(name: str = "node-0", ready: str | None = "True", zone: str = "a", taints: Any = (), **spec: Any) -> Obj:
    """A node with a Ready condition whose heartbeat was a minute ago."""
    condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": ago(60), "lastTransitionTime": ago(600)}
    made = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "3",
            "creationTimestamp": ago(600),
            "labels": {"topology.kubernetes.io/zone": zone},
        },
        "spec": {"taints": list(taints), **spec},
        "status": {"conditions": [condition] if ready else []},
    }
    found: Obj = frozen(made)
    return found


def taint(key: str, effect: str) -> Obj:
    return {"key": key, "effect": effect}


def lease(name: str = "node-0", renewed_ago: float = 1.0) -> Obj:
    return {"metadata": {"name": name, "namespace": "kube-node-lease"}, "spec": {"renewTime": rfc3339_micro(NOW - renewed_ago)}}


def look(nodes: list[Obj], leases: Any = (), memory: Memory | None = None, pods: Any = ()) -> Actions:
    return node_lifecycle.reconcile(
        MONITOR, Read.of({"nodes": nodes, LEASES: leases, "pods": pods}, {MONITOR: memory} if memory else {}), NOW
    )


def known(nodes: list[Obj], silent_s: float, **more: Any) -> Memory:
    """A memory in which all nodes gave their last sign of life `silent_s` ago."""
    return Memory({n["metadata"]["name"]: observe(n, None, None, NOW).at(NOW - silent_s) for n in nodes}, **more)


def done(actions: Actions) -> list[Any]:
    """All actions where everything succeeds, without what the monitor does for itself."""
    found: list[Any] = []
    for action in actions:
        if isinstance(action, Parallel):
            found += [*action.actions, *(done(action.then([])) if action.then else ())]
        elif not isinstance(action, Remember | RequeueAfter):
            found.append(action)
    return found


def taints_written(actions: Actions) -> dict[str, list[tuple[str, str]]]:
    written = [a for a in done(actions) if isinstance(a, Patch) and "spec" in a.patch]
    return {a.name: [(t["key"], t["effect"]) for t in a.patch["spec"]["taints"] or ()] for a in written}


@pytest.mark.parametrize(
    ("silent_s", "renewed_ago", "becomes"),
    [(49.0, None, False), (51.0, None, True), (51.0, 1.0, False)],
    ids=["within the grace period", "silent", "its lease is renewed"],
)
def test_a_silent_node_becomes_unknown(silent_s: float, renewed_ago: float | None, becomes: bool) -> None:
    nodes = [node(), node("node-1", zone="b")]
    leases = [lease(renewed_ago=renewed_ago)] if renewed_ago else []
    memory = known(nodes, silent_s)
    memory = Memory({**memory.health, "node-1": memory.health["node-1"].at(NOW)})
    found = done(look(nodes, leases, memory, [pod("p")]))
    assert bool(found) is becomes
    if becomes:
        status, told, not_ready, told_pod = found
        ready, *others = status.patch["status"]["conditions"]
        assert (ready["status"], ready["reason"], ready["message"]) == (
            "Unknown",
            "NodeStatusUnknown",
            "Kubelet stopped posting node status.",
        )
        assert [(c["type"], c["reason"]) for c in others] == [
            (t, "NodeStatusNeverUpdated") for t in ("MemoryPressure", "DiskPressure", "PIDPressure")
        ]
        assert (told.reason, told.message) == ("NodeNotReady", "Node node-0 status is now: NodeNotReady")
        assert not_ready.name == "p" and not_ready.patch["status"]["conditions"][0]["status"] == "False"
        assert (told_pod.type, told_pod.reason, told_pod.message) == ("Warning", "NodeNotReady", "Node is not ready")


@pytest.mark.parametrize(("age_s", "becomes"), [(59, False), (61, True)], ids=["starting", "never posted"])
def test_a_node_that_never_posted_a_status_has_longer(age_s: float, becomes: bool) -> None:
    fresh = put(node(ready=None), ("metadata", "creationTimestamp"), ago(age_s))
    patches = [a for a in done(look([fresh])) if isinstance(a, Patch) and a.subresource == "status"]
    assert bool(patches) is becomes
    assert all(c["reason"] == "NodeStatusNeverUpdated" for p in patches for c in p.patch["status"]["conditions"])


def test_new_and_removed_nodes_are_told_of() -> None:
    told = [a.message for a in done(look([node()], memory=known([node("old")], 1))) if isinstance(a, Emit)]
    assert told == [
        "Node node-0 event: Registered Node node-0 in Controller",
        "Node old event: Removing Node old from Controller",
    ]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (node(taints=[taint(NOT_READY, "NoSchedule")]), []),
        (node(ready="False"), [NOT_READY]),
        (node(ready="Unknown", taints=[taint(NOT_READY, "NoSchedule")]), [UNREACHABLE]),
        (node(unschedulable=True, taints=[taint("mine", "NoSchedule")]), ["mine", "node.kubernetes.io/unschedulable"]),
        (
            put(node(), ("status", "conditions"), [{"type": t, "status": "True"} for t in ("DiskPressure", "NetworkUnavailable")]),
            ["node.kubernetes.io/disk-pressure", "node.kubernetes.io/network-unavailable"],
        ),
    ],
    ids=["ready", "not ready", "unreachable", "cordoned", "pressure"],
)
def test_no_schedule_taints_follow_the_conditions(given: Obj, wanted: list[str]) -> None:
    (patch,) = node_lifecycle.reconcile(Key("", "node-0"), Read.of({"nodes": [given]}), NOW)
    assert isinstance(patch, Patch) and [t["key"] for t in patch.patch["spec"]["taints"] or ()] == wanted
    assert patch.patch["metadata"]["resourceVersion"] == "3", "somebody else may taint it at the same time"


def test_a_node_with_the_right_taints_is_left_alone() -> None:
    given = node(unschedulable=True, taints=[taint("node.kubernetes.io/unschedulable", "NoSchedule")])
    assert node_lifecycle.reconcile(Key("", "node-0"), Read.of({"nodes": [given]}), NOW) == []


@pytest.mark.parametrize(
    ("ready", "state"),
    [
        (["True"] * 3, Zone.NORMAL),
        (["True", "Unknown", "Unknown"], Zone.NORMAL),
        (["True", "Unknown", "False", "False"], Zone.PARTIAL),
        (["True"] * 3 + ["False"] * 3, Zone.NORMAL),
        (["False"], Zone.FULL),
    ],
    ids=["all ready", "two down are never many", "three of four", "half", "all down"],
)
def test_zone_states(ready: list[str], state: Zone) -> None:
    assert zone_state(ready) is state


def test_eviction_rates() -> None:
    rates = [evictions_per_s(*args) for args in ((Zone.NORMAL, 10), (Zone.FULL, 10), (Zone.PARTIAL, 50), (Zone.PARTIAL, 51))]
    assert rates == [0.1, 0.1, 0.0, 0.01]


def test_one_node_of_a_zone_is_given_up_at_a_time() -> None:
    down = [node(f"down-{i}", "Unknown") for i in range(2)]
    nodes = [*down, node("up-0"), node("up-1"), node("up-2")]
    actions = look(nodes, memory=known(nodes, 1))
    assert taints_written(actions) == {"down-0": [(UNREACHABLE, "NoExecute")]}
    (memory,) = [a.value for a in actions if isinstance(a, Remember)]
    tainted = [node("down-0", "Unknown", taints=[taint(UNREACHABLE, "NoExecute")]), *nodes[1:]]
    assert taints_written(look(tainted, memory=memory)) == {}, "the bucket is empty"
    later = Memory(memory.health, {zone: bucket._replace(time=NOW - 10) for zone, bucket in memory.buckets.items()})
    assert taints_written(look(tainted, memory=later)) == {"down-1": [(UNREACHABLE, "NoExecute")]}


def test_with_all_zones_down_nobody_is_evicted_and_taints_are_taken_back() -> None:
    nodes = [node("a", "Unknown", taints=[taint(UNREACHABLE, "NoExecute")]), node("b", "Unknown", "b")]
    actions = look(nodes, memory=known(nodes, 1))
    assert taints_written(actions) == {"a": []}


def test_after_a_total_outage_every_node_gets_its_time_anew() -> None:
    nodes = [node("a"), node("b", "Unknown", "b")]
    (memory,) = [a.value for a in look(nodes, memory=known(nodes, 40, all_down=True)) if isinstance(a, Remember)]
    assert {h.probe for h in memory.health.values()} == {NOW}


def test_a_tainted_node_that_changes_its_ailment_changes_its_taint_at_once() -> None:
    nodes = [node("a", "Unknown", taints=[taint(NOT_READY, "NoExecute")]), node("b")]
    empty = known(nodes, 1, buckets={":a": Bucket(0.0, NOW)})
    assert taints_written(look(nodes, memory=empty)) == {"a": [(UNREACHABLE, "NoExecute")]}


def evict(given: Obj, on: Obj, since: float | None = None) -> Actions:
    key = Key("ns", "p")
    return taint_eviction.reconcile(key, Read.of({"pods": [given], "nodes": [on]}, {key: since} if since else {}), NOW)


def tolerating(*seconds: int | None) -> Obj:
    tolerations = [
        {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", **({"tolerationSeconds": s} if s is not None else {})}
        for s in seconds
    ]
    return put(pod("p"), ("spec", "tolerations"), tolerations)


DEAD = node(taints=[taint(UNREACHABLE, "NoExecute"), taint(UNREACHABLE, "NoSchedule")])


def test_a_pod_that_does_not_tolerate_goes_at_once() -> None:
    told, condition, delete = (a for a in evict(pod("p"), DEAD) if not isinstance(a, Remember))
    assert isinstance(told, Emit) and (told.reason, told.message) == ("TaintManagerEviction", "Marking for deletion Pod ns/p")
    assert isinstance(condition, Patch) and condition.patch["status"]["conditions"][0]["reason"] == "DeletionByTaintManager"
    assert isinstance(delete, Delete) and delete.uid == "uid-p"


@pytest.mark.parametrize(
    ("given", "since", "actions"),
    [
        (tolerating(300), None, [Remember(NOW), RequeueAfter(300)]),
        (tolerating(300), NOW - 100, [Remember(NOW - 100), RequeueAfter(200)]),
        (tolerating(None), None, []),
    ],
    ids=["for a while", "its time runs", "for ever"],
)
def test_a_pod_that_tolerates_stays_for_its_time(given: Obj, since: float | None, actions: Actions) -> None:
    assert evict(given, DEAD, since) == actions


def test_the_least_of_the_tolerated_times_counts() -> None:
    both = node(taints=[taint("a", "NoExecute"), taint("b", "NoExecute")])
    tolerations = [{"key": k, "operator": "Exists", "tolerationSeconds": s} for k, s in (("a", 60), ("b", 20))]
    assert evict(put(pod("p"), ("spec", "tolerations"), tolerations), both) == [Remember(NOW), RequeueAfter(20)]


def test_a_deletion_is_called_off_when_the_taint_goes() -> None:
    forget, told = evict(tolerating(300), node(), NOW - 100)
    assert forget == Remember(None) and isinstance(told, Emit) and told.message == "Cancelling deletion of Pod ns/p"


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 6,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}},
    },
}


async def power(cluster: Cluster, name: str, state: str | None) -> None:
    await cluster.client.patch("nodes", name, {"metadata": {"annotations": {"sim.ktui.dev/power": state}}})


def ready_of(cluster: Cluster, name: str) -> str:
    found = cluster.store.get("nodes", "", name) or {}
    return next((c["status"] for c in dig(found, "status", "conditions", default=()) if c["type"] == "Ready"), "")


def test_the_time_line_of_a_lost_node() -> None:
    async def main(cluster: Cluster) -> None:
        loop = asyncio.get_running_loop()
        await cluster.client.create("deployments.apps", DEPLOYMENT, "default")

        def pods(on: str) -> list[Obj]:
            return [p for p in cluster.store.list("pods", "default") if p["spec"].get("nodeName") == on]

        async def available() -> bool:
            found = cluster.store.get("deployments.apps", "default", "web")
            return bool(dig(found or {}, "status", "availableReplicas", default=0) == 6)

        assert await cluster.until(available, 60)
        assert [dict(t) for n in cluster.store.list("nodes") for t in n["spec"].get("taints") or ()] == [], (
            "the taints of new nodes are gone"
        )
        lost = pods("node-1")
        assert lost
        await power(cluster, "node-1", "off")
        killed = loop.time()

        async def unknown() -> bool:
            return ready_of(cluster, "node-1") == "Unknown"

        async def evicted() -> bool:
            return all(p["metadata"].get("deletionTimestamp") for p in pods("node-1"))

        assert await cluster.until(unknown, 70)
        assert 40 <= loop.time() - killed <= 61
        await cluster.pass_time(6)
        found = cluster.store.get("nodes", "", "node-1") or {}
        assert {(t["key"], t["effect"]) for t in found["spec"]["taints"]} == {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}
        assert not await available()
        assert await cluster.until(evicted, 320)
        assert 340 <= loop.time() - killed <= 366
        assert await cluster.until(available, 60), "they are replaced elsewhere"
        assert any(e["reason"] == "TaintManagerEviction" for e in cluster.store.list("events", "default"))
        await power(cluster, "node-1", None)

        async def back() -> bool:
            found = cluster.store.get("nodes", "", "node-1") or {}
            return ready_of(cluster, "node-1") == "True" and not found["spec"].get("taints") and not pods("node-1")

        assert await cluster.until(back, 60)

    in_cluster(main)


def test_heartbeats_cost_no_reconciles() -> None:
    async def main(cluster: Cluster) -> int:
        await cluster.pass_time(60)
        runner = cluster.manager.runners["node-lifecycle-controller"]
        before = runner.reconciles
        await cluster.pass_time(100)
        return runner.reconciles - before

    assert 18 <= in_cluster(main, 10) <= 21
