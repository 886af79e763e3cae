"""The simulated cloud: load balancers for services, addresses for Ingresses."""

import asyncio
from typing import Any

import pytest

from engine.base.objects import Obj, frozen
from engine.control.actions import Actions, Emit, Key, Parallel, Patch
from engine.control.cloud import INGRESS_IP, POOL_HOSTS, next_free
from engine.control.read import Read
from engine.controllers import ingress_address, service
from engine.controllers.service import CLOUD, FINALIZER
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, ago


def balanced(name: str = "web", ip: str = "", **more: Any) -> Obj:
    """A service of type LoadBalancer; `more`: `finalizer`, `deleting`, `made_ago`, and fields of its spec."""
    metadata: dict[str, Any] = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "resourceVersion": "2"}
    metadata["creationTimestamp"] = ago(more.pop("made_ago", 10))
    if more.pop("finalizer", bool(ip)):
        metadata["finalizers"] = [FINALIZER]
    if more.pop("deleting", False):
        metadata["deletionTimestamp"] = ago(0)
    status = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"}]} if ip else {}}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], **more}
    found: Obj = frozen({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": status})
    return found


def act(*services: Obj) -> list[Any]:
    read = Read.of({"services": services})
    for name, values_of in service.CONTROLLER.indexes["services"].items():
        read["services"].add_index(name, values_of)
    return flat(service.reconcile(CLOUD, read, NOW))


def flat(actions: Actions) -> list[Any]:
    """All actions where everything succeeds."""
    found: list[Any] = []
    for action in actions:
        if isinstance(action, Parallel):
            found += [*action.actions, *flat(action.then([]) if action.then else [])]
        else:
            found.append(action)
    return found


def addresses(actions: list[Any]) -> dict[str, str]:
    writes = [a for a in actions if isinstance(a, Patch) and a.subresource == "status"]
    return {a.name: a.patch["status"]["loadBalancer"]["ingress"][0]["ip"] for a in writes}


def test_a_load_balancer_gets_a_finalizer_then_an_address() -> None:
    begun, finalizer, status, done = act(balanced())
    assert (begun.reason, begun.message, done.reason, done.message) == (
        "EnsuringLoadBalancer",
        "Ensuring load balancer",
        "EnsuredLoadBalancer",
        "Ensured load balancer",
    )
    assert finalizer.patch["metadata"]["finalizers"] == [FINALIZER]
    assert status.patch["status"] == {"loadBalancer": {"ingress": [{"ip": "172.18.255.1", "ipMode": "VIP"}]}}


def test_addresses_are_given_in_order_of_age_and_never_twice() -> None:
    given = [balanced("young", made_ago=1), balanced("old", made_ago=9), balanced("has", "172.18.255.1")]
    assert addresses(act(*given)) == {"old": "172.18.255.2", "young": "172.18.255.3"}


@pytest.mark.parametrize(
    ("asked", "gets"), [("172.18.255.77", "172.18.255.77"), ("172.18.255.1", "172.18.255.2")], ids=["free", "taken: another"]
)
def test_an_address_that_is_asked_for(asked: str, gets: str) -> None:
    assert addresses(act(balanced("has", "172.18.255.1"), balanced("web", loadBalancerIP=asked))) == {"web": gets}


@pytest.mark.parametrize(
    "given",
    [balanced(type="ClusterIP"), balanced(loadBalancerClass="other"), balanced(ip="172.18.255.1")],
    ids=["type", "class", "has one"],
)
def test_services_that_are_left_alone(given: Obj) -> None:
    assert act(given) == []


def test_a_service_that_goes_gives_its_address_back() -> None:
    begun, finalizer, done = act(balanced(ip="172.18.255.1", deleting=True))
    assert (begun.reason, done.reason) == ("DeletingLoadBalancer", "DeletedLoadBalancer")
    assert finalizer.patch["metadata"]["finalizers"] is None


def test_a_service_that_wants_none_any_more_loses_the_address_then_the_finalizer() -> None:
    begun, status = act(balanced(ip="172.18.255.1", type="ClusterIP"))
    assert begun.reason == "DeletingLoadBalancer" and status.patch["status"] == {"loadBalancer": {"ingress": None}}
    finalizer, done = act(balanced(finalizer=True, type="ClusterIP"))
    assert finalizer.patch["metadata"]["finalizers"] is None and done.reason == "DeletedLoadBalancer"


def test_when_all_addresses_are_taken_the_service_is_told() -> None:
    everything = [f"172.18.255.{host}" for host in POOL_HOSTS]
    assert next_free(everything) is None and INGRESS_IP not in everything
    taken = [balanced(f"s{i}", ip) for i, ip in enumerate(everything)]
    told = [a.reason for a in act(*taken, balanced()) if isinstance(a, Emit)]
    assert told == ["EnsuringLoadBalancer", "SyncLoadBalancerFailed"]


def ingress(class_name: str | None = None, address: str = "", **spec: Any) -> Obj:
    status = {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
    wanted = {"rules": [{"host": "a", "http": {"paths": [path]}}], **spec, **({"ingressClassName": class_name} if class_name else {})}
    metadata = {"name": "i", "namespace": "ns", "uid": "uid-i"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": wanted, "status": status}


WEB: Obj = {"metadata": {"name": "web", "namespace": "ns"}}
KNOWN: Obj = {"metadata": {"name": "nginx"}}


@pytest.mark.parametrize(
    ("given", "services", "address"),
    [
        (ingress(), [WEB], INGRESS_IP),
        (ingress("nginx"), [WEB], INGRESS_IP),
        (ingress("unknown"), [WEB], ""),
        (ingress(), [], ""),
        (ingress(defaultBackend={"service": {"name": "missing"}}), [WEB], ""),
        (ingress("unknown", INGRESS_IP), [WEB], None),
    ],
    ids=["no class", "known class", "unknown class", "no service", "no default backend", "class is gone"],
)
def test_when_an_ingress_has_an_address(given: Obj, services: list[Obj], address: str | None) -> None:
    read = Read.of({ingress_address.RESOURCE: [given], ingress_address.CLASSES: [KNOWN], "services": services})
    actions = ingress_address.reconcile(Key("ns", "i"), read, NOW)
    written = [a.patch["status"]["loadBalancer"]["ingress"] for a in actions if isinstance(a, Patch)]
    assert written == ([] if address == "" else [[{"ip": address}] if address else None])


def test_services_and_ingresses_of_a_cluster_get_their_addresses() -> None:
    async def main(cluster: Cluster) -> None:
        client = cluster.client
        await cluster.namespace("ns")
        wanted = {k: v for k, v in ingress().items() if k in ("apiVersion", "kind", "spec")}
        await client.create(ingress_address.RESOURCE, {**wanted, "metadata": {"name": "i"}}, "ns")
        for name in ("web", "api"):
            spec = {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}]}
            await client.create("services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}, "ns")
            await asyncio.sleep(1)
        found = {s["metadata"]["name"]: s["status"]["loadBalancer"]["ingress"][0] for s in await cluster.items("services", "ns")}
        assert {name: entry["ip"] for name, entry in found.items()} == {"web": "172.18.255.1", "api": "172.18.255.2"}
        (served,) = await cluster.items(ingress_address.RESOURCE, "ns")
        assert served["status"]["loadBalancer"]["ingress"] == [{"ip": INGRESS_IP}]
        await client.patch("services", "web", {"spec": {"type": "ClusterIP"}}, "ns")
        await client.delete("services", "api", "ns")
        await asyncio.sleep(1)
        (web,) = await cluster.items("services", "ns")
        assert web["status"]["loadBalancer"].get("ingress") is None and not web["metadata"].get("finalizers")

    play(main, [service.CONTROLLER, ingress_address.CONTROLLER])
