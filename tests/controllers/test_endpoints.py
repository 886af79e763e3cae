"""Endpoints and EndpointSlices: which pods stand behind a service, and in how few writes they are told."""

import asyncio
import json
import re
from typing import Any

import pytest

from engine.base.objects import Obj, frozen, name_of, put
from engine.control.actions import Action, Actions, Create, Delete, Key, Remember, RequeueAfter, Update
from engine.control.endpoints import BATCH_S, BY_SELECTOR, TRIGGER_TIME, Progress, pod_keys, selector_value
from engine.control.read import Read
from engine.control.slices import BY_SERVICE, service_value
from engine.controllers import deployment, endpoints, endpointslice, endpointslice_mirroring, replicaset, service_account
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, ago
from tests.converged import differences, replay

KEY = Key("ns", "web")
SLICES = "endpointslices.discovery.k8s.io"


def service(**spec: Any) -> Obj:
    """A service that selects app=a, on port 80."""
    made = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "ns", "uid": "uid-web", "resourceVersion": "1", "creationTimestamp": ago(500)},
        "spec": {"selector": {"app": "a"}, "clusterIP": "10.96.0.1", "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }
    found: Obj = frozen(made)
    return found


def backend(name: str, ip: str = "10.0.0.1", **more: Any) -> Obj:
    """A pod with an address; `more`: `ready`, `deleting`, `phase`, `spec`."""
    metadata: dict[str, Any] = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "labels": {"app": "a"}}
    if more.get("deleting"):
        metadata["deletionTimestamp"] = ago(0)
    ready = {"type": "Ready", "status": "True" if more.get("ready", True) else "False", "lastTransitionTime": ago(more.get("since", 50))}
    status = {"phase": more.get("phase", "Running"), "podIP": ip, "podIPs": [{"ip": ip}] if ip else [], "conditions": [ready]}
    spec = {"containers": [{"name": "c", "ports": more.get("ports", [])}], "nodeName": "node-0", **more.get("spec", {})}
    found: Obj = frozen({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
    return found


def reading(owner: Obj | None, pods: list[Obj], memory: Any = None, **others: list[Obj]) -> Read:
    nodes = [{"metadata": {"name": "node-0", "labels": {"topology.kubernetes.io/zone": "z0"}}}]
    objects: dict[str, list[Any]] = {
        "services": [owner] if owner else [],
        "pods": pods,
        "nodes": nodes,
        "endpoints": others.get("endpoints", []),
    }
    read = Read.of({**objects, SLICES: others.get("slices", [])}, {KEY: memory} if memory else {})
    read["services"].add_index(BY_SELECTOR, selector_value)
    read[SLICES].add_index(BY_SERVICE, service_value)
    return read


def endpoints_of(owner: Obj, *pods: Obj) -> Any:
    write = endpoints.reconcile(KEY, reading(owner, list(pods)), NOW)[0]
    assert isinstance(write, Create)
    return write.obj


def bodies(actions: Actions) -> list[Any]:
    return [a.obj for a in actions if isinstance(a, Create | Update)]


def slices_of(owner: Obj, *pods: Obj) -> list[Any]:
    return bodies(endpointslice.reconcile(KEY, reading(owner, list(pods)), NOW))


@pytest.mark.parametrize(
    ("pod", "spec", "ready", "not_ready"),
    [
        (backend("p"), {}, True, False),
        (backend("p", ready=False), {}, False, True),
        (backend("p", ready=False), {"publishNotReadyAddresses": True}, True, False),
        (backend("p", deleting=True), {}, False, False),
        (backend("p", deleting=True), {"publishNotReadyAddresses": True}, True, False),
        (backend("p", phase="Failed"), {}, False, False),
        (backend("p", ip=""), {}, False, False),
    ],
    ids=["ready", "not ready", "published all the same", "terminating", "terminating, published", "finished", "no address yet"],
)
def test_which_addresses_endpoints_have(pod: Obj, spec: Any, ready: bool, not_ready: bool) -> None:
    subsets = endpoints_of(service(**spec), pod)["subsets"]
    assert [bool(s.get("addresses")) for s in subsets] == [ready] * len(subsets)
    assert any(s.get("notReadyAddresses") for s in subsets) is not_ready and bool(subsets) is (ready or not_ready)


@pytest.mark.parametrize(
    ("pod", "conditions"),
    [
        (backend("p"), (True, True, False)),
        (backend("p", ready=False), (False, False, False)),
        (backend("p", deleting=True), (False, True, True)),
        (backend("p", deleting=True, ready=False), (False, False, True)),
    ],
    ids=["ready", "not ready", "terminating, still serving", "terminating"],
)
def test_conditions_of_an_endpoint(pod: Obj, conditions: tuple[bool, bool, bool]) -> None:
    (found,) = slices_of(service(), pod)
    (endpoint,) = found["endpoints"]
    assert tuple(endpoint["conditions"][c] for c in ("ready", "serving", "terminating")) == conditions
    assert endpoint["nodeName"] == "node-0" and endpoint["zone"] == "z0" and endpoint["targetRef"]["uid"] == "uid-p"


def test_a_named_port_is_each_pods_own() -> None:
    owner = service(ports=[{"name": "h", "port": 80, "targetPort": "http"}])
    old, new = (
        backend(n, ip, ports=[{"name": "http", "containerPort": p}]) for n, ip, p in (("a", "10.0.0.1", 80), ("b", "10.0.0.2", 8080))
    )
    subsets = endpoints_of(owner, old, new)["subsets"]
    assert [(s["ports"][0]["port"], s["addresses"][0]["ip"]) for s in subsets] == [(80, "10.0.0.1"), (8080, "10.0.0.2")]
    assert sorted(s["ports"][0]["port"] for s in slices_of(owner, old, new)) == [80, 8080]


def test_a_headless_service_names_its_pods() -> None:
    pod = backend("p", spec={"hostname": "db-0", "subdomain": "web"})
    headless = service(clusterIP="None")
    assert endpoints_of(headless, pod)["subsets"][0]["addresses"][0]["hostname"] == "db-0"
    (found,) = slices_of(headless, pod)
    assert found["endpoints"][0]["hostname"] == "db-0" and found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


def test_each_address_family_has_its_slices() -> None:
    pod = put(backend("p"), ("status", "podIPs"), [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}])
    found = slices_of(service(ipFamilies=["IPv6", "IPv4"]), pod)
    assert [(s["addressType"], s["endpoints"][0]["addresses"]) for s in found] == [("IPv6", ["fd00::1"]), ("IPv4", ["10.0.0.1"])]


def test_endpoints_are_cut_off_at_1000_ready_ones_first() -> None:
    pods = [backend(f"p{i:04}", f"10.0.{i >> 8}.{i & 255}", ready=i >= 100) for i in range(1_050)]
    made = endpoints_of(service(), *pods)
    (subset,) = made["subsets"]
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (950, 50)
    assert made["metadata"]["annotations"]["endpoints.kubernetes.io/over-capacity"] == "truncated"


def many(count: int) -> list[Obj]:
    return [backend(f"p{i:04}", f"10.0.{i >> 8}.{i & 255}") for i in range(count)]


def stored(actions: Actions) -> list[Obj]:
    """The created slices as the server keeps them."""
    made: list[Obj] = []
    for at, obj in enumerate(bodies(actions)):
        made.append({**obj, "metadata": {**obj["metadata"], "name": f"web-{at}", "uid": f"uid-slice-{at}", "resourceVersion": "5"}})
    return made


def test_a_slice_holds_a_hundred_endpoints_and_one_change_writes_one_slice() -> None:
    pods = many(250)
    first = endpointslice.reconcile(KEY, reading(service(), pods), NOW)
    existing = stored(first)
    assert [len(s["endpoints"]) for s in existing] == [100, 100, 50]
    changed = [*pods[:120], backend("p0120", "10.0.0.120", ready=False), *pods[121:]]
    (update, _) = endpointslice.reconcile(KEY, reading(service(), changed, slices=existing), NOW)
    assert isinstance(update, Update) and name_of(update.obj) == "web-1"
    assert endpointslice.reconcile(KEY, reading(service(), pods, slices=existing), NOW)[:-1] == [], "nothing changed, nothing written"


def test_a_new_endpoint_goes_into_the_fullest_slice_with_room() -> None:
    existing = stored(endpointslice.reconcile(KEY, reading(service(), many(150)), NOW))
    (update, _) = endpointslice.reconcile(KEY, reading(service(), many(151), slices=existing), NOW)
    assert isinstance(update, Update) and name_of(update.obj) == "web-1" and len(update.obj["endpoints"]) == 51


def test_without_endpoints_one_empty_slice_stays() -> None:
    (placeholder,) = stored(endpointslice.reconcile(KEY, reading(service(), []), NOW))
    assert placeholder["endpoints"] is None and placeholder["ports"] is None
    assert endpointslice.reconcile(KEY, reading(service(), [], slices=[placeholder]), NOW)[:-1] == []
    full = stored(endpointslice.reconcile(KEY, reading(service(), many(150)), NOW))
    update, delete, _ = endpointslice.reconcile(KEY, reading(service(), [], slices=full), NOW)
    assert isinstance(update, Update) and update.obj["endpoints"] is None and isinstance(delete, Delete)


def test_a_burst_is_written_together_and_a_single_change_at_once() -> None:
    def act(written: float) -> list[Action]:
        return endpoints.reconcile(KEY, reading(service(), many(3), Progress(written, ago(500), {})), NOW)

    (later,) = act(NOW - BATCH_S / 2)
    assert isinstance(later, RequeueAfter) and later.seconds == pytest.approx(BATCH_S / 2, abs=1e-6)
    write, remember = act(NOW - BATCH_S)
    assert isinstance(write, Create) and isinstance(remember, Remember) and remember.value.written == NOW


def test_the_trigger_time_is_the_oldest_change_not_yet_written() -> None:
    assert endpoints_of(service(), backend("p"))["metadata"]["annotations"] == {TRIGGER_TIME: ago(500)}, "new: when the service was made"
    known = Progress(0.0, ago(500), {"a": ago(50)})
    pods = [backend("a", "10.0.0.1", since=50), backend("b", "10.0.0.2", since=7), backend("c", "10.0.0.3", since=9)]
    write = endpoints.reconcile(KEY, reading(service(), pods, known), NOW)[0]
    assert isinstance(write, Create) and write.obj["metadata"]["annotations"] == {TRIGGER_TIME: ago(9)}


def test_the_endpoints_of_a_service_that_is_gone_are_deleted() -> None:
    left: Obj = {"metadata": {"name": "web", "namespace": "ns", "uid": "uid-e"}}
    assert endpoints.reconcile(KEY, reading(None, [], endpoints=[left]), NOW) == [Delete("endpoints", "ns", "web", "uid-e")]


@pytest.mark.parametrize(
    ("old", "new", "concerns"),
    [
        (None, backend("p"), True),
        (backend("p"), backend("p"), False),
        (backend("p"), backend("p", ready=False), True),
        (backend("p"), put(backend("p"), ("metadata", "annotations"), {"x": "y"}), False),
        (backend("p"), put(backend("p"), ("metadata", "labels"), {"app": "b"}), True),
        (None, backend("p", ip=""), False),
    ],
    ids=["new", "the same", "no longer ready", "annotated", "relabelled", "without address"],
)
def test_which_changes_of_a_pod_concern_its_services(old: Obj | None, new: Obj, concerns: bool) -> None:
    found = list(pod_keys("MODIFIED" if old else "ADDED", old, new, reading(service(), [])))
    assert found == ([KEY] if concerns else [])


def mirrored(owner: Obj, **metadata: Any) -> Actions:
    subsets = [{"addresses": [{"ip": "1.2.3.4"}, {"ip": "fd00::1"}], "notReadyAddresses": [{"ip": "1.2.3.5"}], "ports": [{"port": 443}]}]
    made = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "ns", "uid": "e", **metadata},
        "subsets": subsets,
    }
    return endpointslice_mirroring.reconcile(KEY, reading(owner, [], endpoints=[made]), NOW)


def test_endpoints_without_selector_are_mirrored() -> None:
    v4, v6 = sorted(bodies(mirrored(service(selector=None))), key=lambda s: str(s["addressType"]))
    assert [(e["addresses"], e["conditions"]) for e in v4["endpoints"]] == [(["1.2.3.4"], {"ready": True}), (["1.2.3.5"], {"ready": False})]
    assert v6["endpoints"][0]["addresses"] == ["fd00::1"] and v6["ports"] == [{"name": "", "protocol": "TCP", "port": 443}]
    assert v4["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"


@pytest.mark.parametrize(
    ("owner", "metadata"),
    [
        (service(), {}),
        (service(selector=None), {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}),
        (service(selector=None), {"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}),
    ],
    ids=["selector", "asked not to", "leader election"],
)
def test_what_is_not_mirrored(owner: Obj, metadata: Any) -> None:
    assert mirrored(owner, **metadata) == []


def _any_pod(state: Any) -> Any:
    """Which node a pod went to, and so its zone and address, is not the recording's to say."""
    text = re.sub(r'"zone": "z\d"', '"zone": "<zone>"', json.dumps(state))
    text = re.sub(r"\bweb-[0-9a-z]{8,10}\b", "web-<hash>", text)
    text = re.sub(r'("name": "(?:head|none|web)-)[0-9a-z]{5}"', r'\1<x>"', text)
    text = re.sub(r'\["10\.\d+\.\d+\.\d+"\]', '["<ip>"]', text)
    text = re.sub(r'"(ip|podIP|hostIP|clusterIP)": "\d+\.\d+\.\d+\.\d+"', r'"\1": "<ip>"', text)
    return json.loads(re.sub(r'(last-change-trigger-time)": "[^"]*"', r'\1": "<time>"', text))


def test_the_recorded_services_come_out_the_same() -> None:
    controllers = [m.CONTROLLER for m in (deployment, replicaset, service_account, endpoints, endpointslice, endpointslice_mirroring)]
    recorded, ours = replay("services", controllers)
    for at, (theirs, found) in enumerate(zip(recorded, ours, strict=True)):
        assert differences(_any_pod(theirs), _any_pod(found)) == [], f"step {at}"


def test_endpoints_follow_readiness_in_few_writes() -> None:
    async def main(cluster: Cluster) -> tuple[int, int, int]:
        await cluster.namespace("ns")
        await cluster.client.create(
            "services",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "web"},
                "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]},
            },
            "ns",
        )
        template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
        spec = {"replicas": 300, "selector": {"matchLabels": {"app": "a"}}, "template": template}
        await cluster.client.create(
            "replicasets.apps", {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "rs"}, "spec": spec}, "ns"
        )
        await asyncio.sleep(30)
        (found,) = await cluster.items("endpoints", "ns")
        ready = sum(len(s["addresses"]) for s in found["subsets"])
        slices = await cluster.items(SLICES, "ns")
        writes = len(cluster.store.history("endpoints", "ns", "web"))
        return ready, sum(len(s["endpoints"]) for s in slices), writes

    ready, sliced, writes = play(main, [m.CONTROLLER for m in (replicaset, service_account, endpoints, endpointslice)])
    assert (ready, sliced) == (300, 300) and writes < 12
