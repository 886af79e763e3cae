"""Which nodes take a pod, and what is said of those that do not."""

from typing import Any

import pytest

from engine.base.objects import Obj
from engine.scheduler.framework import Unschedulable
from tests.scheduler.objects import Board, node, pod

TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
AFFINITY = "node(s) didn't match Pod's node affinity/selector"
ELSEWHERE = "node(s) didn't satisfy plugin(s) [NodeAffinity]"


def required(*terms: Obj) -> Obj:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def expression(key: str, operator: str, *values: str) -> Obj:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("on", "asks", "reasons"),
    [
        ({}, {"cpu": "4"}, ()),
        ({}, {"cpu": "5"}, ("Insufficient cpu",)),
        ({}, {"cpu": "5", "memory": "9Gi"}, ("Insufficient cpu", "Insufficient memory")),
        ({"pods": "0"}, {"cpu": "5"}, ("Too many pods", "Insufficient cpu")),
        ({"unschedulable": True}, {}, ("node(s) were unschedulable",)),
        ({"unschedulable": True}, {"tolerations": [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]}, ()),
        ({"taints": [TAINT]}, {}, ("node(s) had untolerated taint(s)",)),
        ({"taints": [TAINT]}, {"tolerations": [{"key": "gpu", "value": "yes"}]}, ()),
        ({"taints": [TAINT]}, {"tolerations": [{"key": "gpu", "value": "no"}]}, ("node(s) had untolerated taint(s)",)),
        ({"taints": [TAINT]}, {"tolerations": [{"operator": "Exists"}]}, ()),
        ({"taints": [{**TAINT, "effect": "PreferNoSchedule"}]}, {}, ()),
        ({}, {"nodeSelector": {"no": "where"}}, (AFFINITY,)),
        ({"labels": {"disk": "ssd"}}, {"nodeSelector": {"disk": "ssd"}}, ()),
        ({"labels": {"disk": "ssd"}}, {"affinity": required(expression("disk", "In", "hdd"), expression("disk", "Exists"))}, ()),
        ({"labels": {"size": "5"}}, {"affinity": required(expression("size", "Gt", "5"))}, (AFFINITY,)),
        ({}, {"affinity": required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]})}, ()),
        ({}, {"affinity": required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["m"]}]})}, (ELSEWHERE,)),
        ({}, {"affinity": required({})}, (AFFINITY,)),
        ({}, {"nodeName": "other"}, ("node(s) didn't match the requested node name",)),
    ],
)  # fmt: skip
def test_filter(on: dict[str, Any], asks: dict[str, Any], reasons: tuple[str, ...]) -> None:
    board = Board([node("n", **on)])
    decision = board.decide(pod(**asks))
    assert decision.node == ("" if reasons else "n")
    assert board.reasons(pod(**asks)) == ({"n": reasons} if reasons else {})


def test_extended_resources_are_reported_after_the_ordinary_ones() -> None:
    asks = {"cpu": "9", "example.com/gpu": "1", "example.com/fpga": "1"}
    greedy = pod(containers=[{"name": "c", "resources": {"requests": asks}}])
    assert Board([node("n")]).reasons(greedy)["n"] == ("Insufficient cpu", "Insufficient example.com/fpga", "Insufficient example.com/gpu")


def test_requests_count_sidecars_and_the_peak_of_init_containers() -> None:
    def asking(cpu: str, **more: Any) -> dict[str, Any]:
        return {"name": cpu, "resources": {"requests": {"cpu": cpu}}, **more}

    big_init = pod(containers=[asking("1")], initContainers=[asking("500m", restartPolicy="Always"), asking("3")], overhead={"cpu": "250m"})
    assert big_init.shape.requests == {"cpu": 3750}
    small_init = pod(containers=[asking("1"), asking("2")], initContainers=[asking("500m", restartPolicy="Always"), asking("1")])
    assert small_init.shape.requests == {"cpu": 3500}


def test_pods_that_request_nothing_are_limited_by_their_number_only() -> None:
    board = Board([node("n", cpu="1", pods="2")])
    assert board.run(pod(cpu="1")) == "n"
    assert board.run(pod()) == "n"
    assert board.reasons(pod()) == {"n": ("Too many pods",)}


@pytest.mark.parametrize(("second", "conflict"), [("", True), ("127.0.0.1", True), ("UDP", False)])
def test_host_port_is_taken_once(second: str, conflict: bool) -> None:
    def with_port(**port: Any) -> Any:
        return pod(containers=[{"name": "c", "ports": [{"containerPort": 80, "hostPort": 8080, **port}]}])

    board = Board([node("n")])
    assert board.run(with_port()) == "n"
    other = with_port(protocol="UDP") if second == "UDP" else with_port(hostIP=second)
    expected = {"n": ("node(s) didn't have free ports for the requested pod ports",)} if conflict else {}
    assert board.reasons(other) == expected


def test_removing_pods_helps_only_where_a_node_is_large_enough() -> None:
    board = Board([node("small", cpu="1"), node("full", cpu="4")])
    board.snapshot.place(pod(cpu="4"), "full")
    rejections = board.decide(pod(cpu="2")).rejections
    assert (rejections["small"].unresolvable, rejections["full"].unresolvable) == (True, False)


def claim(name: str, storage_class: str = "", volume: str = "", **status: Any) -> Obj:
    bound = {"pv.kubernetes.io/bind-completed": "yes"} if volume else {}
    spec = {"storageClassName": storage_class, **({"volumeName": volume} if volume else {})}
    return {"metadata": {"name": name, "annotations": bound}, "spec": spec, "status": status}


def mounting(name: str) -> Any:
    return pod(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": name}}])


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, 'persistentvolumeclaim "c" not found'),
        (claim("c"), "pod has unbound immediate PersistentVolumeClaims"),
        ({**claim("c"), "metadata": {"name": "c", "deletionTimestamp": "x"}}, 'persistentvolumeclaim "c" is being deleted'),
    ],
)
def test_a_pod_whose_claim_is_not_there_is_rejected_before_nodes_are_looked_at(found: Obj | None, reason: str) -> None:
    board = Board([node("n")])
    if found is not None:
        board.objects["persistentvolumeclaims", "ns", "c"] = found
    with pytest.raises(Unschedulable, match="^" + reason):
        board.decide(mounting("c"))


def test_a_claim_may_wait_for_its_first_consumer_and_a_bound_volume_decides_the_node() -> None:
    board = Board([node("a", zone="1"), node("b", zone="2")])
    board.objects["storageclasses.storage.k8s.io", "", "late"] = {"volumeBindingMode": "WaitForFirstConsumer"}
    board.objects["persistentvolumeclaims", "ns", "c"] = claim("c", "late")
    assert board.decide(mounting("c")).node in ("a", "b")
    terms = [expression("topology.kubernetes.io/zone", "In", "2")]
    board.objects["persistentvolumes", "", "v"] = {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}}
    board.objects["persistentvolumeclaims", "ns", "c"] = claim("c", "late", "v")
    assert board.decide(mounting("c")).node == "b"
    assert board.results(mounting("c")).scores().keys() == {"b"}


def test_a_volume_with_a_zone_is_used_from_there() -> None:
    board = Board([node("a", zone="1"), node("b", zone="2"), node("c", zone="3"), node("bare")])
    volume = {"metadata": {"name": "v", "labels": {"topology.kubernetes.io/zone": "2__3"}}, "spec": {}}
    board.objects["persistentvolumes", "", "v"] = volume
    board.objects["persistentvolumeclaims", "ns", "c"] = claim("c", "late", "v")
    results = board.results(mounting("c"))
    assert results.scores().keys() == {"b", "c", "bare"}


def test_a_claim_for_one_pod_is_used_by_one() -> None:
    board = Board([node("a"), node("b")])
    alone = claim("c", "late", "v")
    board.objects["persistentvolumeclaims", "ns", "c"] = {**alone, "spec": {**alone["spec"], "accessModes": ["ReadWriteOncePod"]}}
    first, second = mounting("c"), mounting("c")
    assert board.run(first)
    used = ("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",)
    assert board.reasons(second) == {"a": used, "b": used}
    board.snapshot.remove(first.uid)
    assert board.run(second)


def test_terms_that_name_different_nodes_contradict_each_other() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]} for name in ("n", "m")]
    with pytest.raises(Unschedulable, match=r"^pod affinity terms conflict"):
        Board([node("n"), node("m")]).decide(pod(affinity=required({"matchFields": fields})))
