"""Cluster IPs and node ports: given, kept, released, refused."""

import asyncio
from typing import Any

from engine.apiserver.allocators import FullError, address_allocator, port_allocator
from engine.apiserver.server import ApiServer
from engine.base.api import Client
from engine.base.objects import Obj
from engine.base.world import Streams
from engine.client.inprocess import InProcess
from tests.apiserver.servers import Rig, refused, serving


async def _service(rig: Rig, name: str, **spec: Any) -> Obj:
    spec = {"selector": {"a": "b"}, "ports": [{"port": 80}], **spec}
    return await rig.client.create("services", {"metadata": {"name": name}, "spec": spec}, "shop")


def _ip(service: Obj) -> str:
    address: str = service["spec"]["clusterIP"]
    assert service["spec"]["clusterIPs"] == [address]
    return address


def test_dynamic_numbers_leave_a_band_for_those_who_ask() -> None:
    rng = Streams(1).stream("numbers")
    ports = port_allocator(rng.randint)
    taken = [ports.take_any() for _ in range(2768)]
    assert sorted(taken) == list(range(30_000, 32_768))
    assert min(taken[:2682]) == 30_086
    try:
        ports.take_any()
    except FullError:
        full = True
    assert full
    addresses = address_allocator(rng.randint)
    assert all(addresses.take_any() >= addresses.first + 256 for _ in range(1_000))


def test_addresses_are_unique_and_come_back_after_deletion() -> None:
    async def body(rig: Rig) -> None:
        wanted = _ip(await _service(rig, "a"))
        error = await refused(_service(rig, "b", clusterIP=wanted))
        assert error.message.endswith(f"failed to allocate IP {wanted}: provided IP is already allocated")
        await rig.client.delete("services", "a", "shop")
        assert _ip(await _service(rig, "b", clusterIP=wanted)) == wanted

    serving(body)


def test_a_new_server_knows_what_is_taken() -> None:
    async def body(rig: Rig) -> None:
        made = await _service(rig, "a", type="NodePort")
        port = made["spec"]["ports"][0]["nodePort"]
        again = Client(InProcess(ApiServer(rig.store, rig.world)), "test")
        spec = {"ports": [{"port": 80, "nodePort": port}], "type": "NodePort", "clusterIP": _ip(made)}
        error = await refused(again.create("services", {"metadata": {"name": "b"}, "spec": spec}, "shop"))
        assert "provided IP is already allocated" in error.message

    serving(body)


def test_a_refused_service_gives_back_what_it_got() -> None:
    async def body(rig: Rig) -> None:
        taken = (await _service(rig, "a", type="NodePort"))["spec"]["ports"][0]["nodePort"]
        free = "10.96.0.77"
        error = await refused(_service(rig, "b", type="NodePort", clusterIP=free, ports=[{"port": 80, "nodePort": taken}]))
        assert (error.details or {})["causes"][0]["field"] == "spec.ports[0].nodePort"
        assert _ip(await _service(rig, "c", clusterIP=free)) == free

    serving(body)


def test_two_protocols_of_a_port_share_their_node_port() -> None:
    async def body(rig: Rig) -> None:
        ports = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}, {"name": "m", "port": 9153}]
        made = (await _service(rig, "dns", type="NodePort", ports=ports))["spec"]["ports"]
        assert made[0]["nodePort"] == made[1]["nodePort"] != made[2]["nodePort"]

    serving(body)


def test_changing_the_type_takes_and_releases() -> None:
    async def body(rig: Rig) -> None:
        made = await _service(rig, "a")
        grown = await rig.client.patch("services", "a", {"spec": {"type": "NodePort"}}, "shop")
        port = grown["spec"]["ports"][0]["nodePort"]
        assert _ip(grown) == _ip(made)
        shrunk = await rig.client.patch("services", "a", {"spec": {"type": "ClusterIP"}}, "shop")
        assert "nodePort" not in shrunk["spec"]["ports"][0]
        other = await _service(rig, "b", type="NodePort", ports=[{"port": 80, "nodePort": port}])
        assert other["spec"]["ports"][0]["nodePort"] == port
        named = {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": None, "clusterIPs": None}}
        outside = await rig.client.patch("services", "a", named, "shop")
        assert "clusterIP" not in outside["spec"]
        assert _ip(await _service(rig, "c", clusterIP=_ip(made))) == _ip(made)

    serving(body)


def test_a_dry_run_takes_nothing() -> None:
    async def body(rig: Rig) -> None:
        spec = {"ports": [{"port": 80}], "clusterIP": "10.96.0.99"}
        await rig.client.create("services", {"metadata": {"name": "a"}, "spec": spec}, "shop", dry_run=True)
        await asyncio.sleep(0)
        assert _ip(await _service(rig, "b", clusterIP="10.96.0.99")) == "10.96.0.99"

    serving(body)


def test_the_api_servers_own_service_has_the_first_address() -> None:
    async def body(rig: Rig) -> None:
        service = rig.store.get("services", "default", "kubernetes")
        assert service is not None
        assert _ip(service) == "10.96.0.1"

    serving(body)


def test_the_api_server_publishes_where_it_is_itself() -> None:
    async def body(rig: Rig) -> None:
        endpoints = rig.store.get("endpoints", "default", "kubernetes")
        found = rig.store.get("endpointslices.discovery.k8s.io", "default", "kubernetes")
        assert endpoints is not None
        assert found is not None
        port = {"name": "https", "port": 6443, "protocol": "TCP"}
        assert endpoints["subsets"] == [{"addresses": [{"ip": "172.18.0.1"}], "ports": [port]}]
        assert endpoints["metadata"]["labels"] == {"endpointslice.kubernetes.io/skip-mirror": "true"}
        assert (found["endpoints"], found["ports"]) == ([{"addresses": ["172.18.0.1"], "conditions": {"ready": True}}], [port])
        assert found["metadata"]["labels"] == {"kubernetes.io/service-name": "kubernetes"}

    serving(body)
