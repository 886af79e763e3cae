"""Machines that die and come back: what upstream's constants make of the shop, to the second."""

import pytest

from engine.base.objects import Obj, is_terminating, name_of
from tests.scenarios.shop import Shop, is_ready, play

UNREACHABLE = {("unreachable", "NoSchedule"), ("unreachable", "NoExecute")}
OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
EVICTION_PERIOD_S = 10.0
"""One node of a zone every 10 s."""


def health(shop: Shop, node: str) -> str:
    """The status of a node's condition Ready."""
    return next(str(c["status"]) for c in shop.node(node)["status"]["conditions"] if c["type"] == "Ready")


def host(shop: Shop, pod: str) -> str:
    found = shop.pod(pod)
    assert found is not None
    return str(found["spec"]["nodeName"])


def doomed(shop: Shop, nodes: list[str]) -> list[str]:
    """The names of the pods that are to leave nodes: all but the DaemonSet's, which tolerate everything."""
    return [name_of(p) for node in nodes for p in shop.pods(node=node) if not name_of(p).startswith(("log-agent", "migrate"))]


def leaving(shop: Shop, names: list[str]) -> list[str]:
    return [name for name in names if (pod := shop.pod(name)) is None or is_terminating(pod)]


async def lose(shop: Shop, node: str) -> list[str]:
    """Switch a node off and wait until its pods are deleted, by the clock; their names."""
    start = shop.now()
    await shop.power([node], "off")
    names = doomed(shop, [node])
    await shop.until(lambda: health(shop, node) == "Unknown", 56)
    assert 50 <= shop.now() - start <= 55
    assert not any(is_ready(pod) for pod in shop.pods(node=node))
    await shop.until(lambda: shop.taints(node) == UNREACHABLE, 6)
    assert leaving(shop, names) == []
    took = await shop.until(lambda: leaving(shop, names) == names, 305)
    assert took == pytest.approx(300, abs=1)
    return names


def test_pods_of_a_dead_node_are_replaced_six_minutes_later() -> None:
    async def scenario(shop: Shop) -> None:
        start, node = shop.now(), host(shop, "cart-1")
        lost = await lose(shop, node)
        await shop.until(lambda: sum(map(is_ready, shop.pods(app="api"))) == 2 and sum(map(is_ready, shop.pods(app="web"))) == 3, 20)
        assert 350 <= shop.now() - start <= 375
        told = {event["involvedObject"]["name"]: event["message"] for event in shop.events("TaintManagerEviction")}
        assert {name: told[name] for name in lost} == {name: f"Marking for deletion Pod prod/{name}" for name in lost}
        assert not any(is_terminating(pod) for pod in shop.pods(app="log-agent"))

    play(scenario)


def test_a_stateful_pod_is_not_replaced_before_its_node_is_back() -> None:
    async def scenario(shop: Shop) -> None:
        node = host(shop, "cart-1")
        assert "cart-1" in await lose(shop, node)
        uid = (shop.pod("cart-1") or {})["metadata"]["uid"]
        await shop.cluster.pass_time(600)
        stuck = shop.pod("cart-1")
        assert stuck is not None and stuck["metadata"]["uid"] == uid and is_terminating(stuck)
        await shop.power([node], None)
        await shop.until(shop.is_healthy, 60)
        assert shop.taints(node) == set()
        replaced = shop.pod("cart-1")
        assert replaced is not None and replaced["metadata"]["uid"] != uid
        shop.check_consistency()

    play(scenario)


def test_a_node_out_of_service_gives_up_its_stateful_pods() -> None:
    async def scenario(shop: Shop) -> None:
        node = host(shop, "cart-1")
        await lose(shop, node)
        taints = [*shop.node(node)["spec"]["taints"], OUT_OF_SERVICE]
        await shop.client.patch("nodes", node, {"spec": {"taints": taints}})
        took = await shop.until(lambda: is_ready(shop.pod("cart-1") or {}), 40)
        assert took <= 20 + 10
        assert host(shop, "cart-1") != node

    play(scenario)


def test_pods_stay_where_the_node_is_back_in_time() -> None:
    async def scenario(shop: Shop) -> None:
        node = host(shop, "cart-1")
        before = sorted((name_of(pod), pod["metadata"]["uid"]) for pod in shop.pods(node=node))
        await shop.power([node], "off")
        await shop.until(lambda: shop.taints(node) == UNREACHABLE, 70)
        await shop.cluster.pass_time(200)
        await shop.power([node], None)
        await shop.until(shop.is_healthy, 60)
        await shop.cluster.pass_time(400)
        assert sorted((name_of(pod), pod["metadata"]["uid"]) for pod in shop.pods(node=node)) == before
        assert shop.events("TaintManagerEviction") and all(
            event["message"].startswith("Cancelling deletion") for event in shop.events("TaintManagerEviction")
        )
        shop.check_consistency()

    play(scenario)


def test_the_nodes_of_a_zone_that_is_gone_are_given_up_one_by_one() -> None:
    async def scenario(shop: Shop) -> None:
        zone = shop.zone("local-b")
        assert len(zone) == 2
        names = doomed(shop, zone)
        await shop.power(zone, "off")
        await shop.until(lambda: any(shop.taints(node) == UNREACHABLE for node in zone), 70)
        gap = await shop.until(lambda: all(shop.taints(node) == UNREACHABLE for node in zone), 30)
        assert gap == pytest.approx(EVICTION_PERIOD_S, abs=5.5)
        await shop.until(lambda: leaving(shop, names) == names, 320)
        await shop.until(lambda: sum(map(is_ready, shop.pods(app="web"))) == 3, 20)
        await shop.power(zone, None)
        await shop.until(shop.is_healthy, 90)
        shop.check_consistency()

    play(scenario)


def test_nobody_is_evicted_where_most_of_a_small_zone_is_gone() -> None:
    async def scenario(shop: Shop) -> None:
        zone = shop.zone("local-a")
        gone = zone[:3]
        assert len(zone) == 4
        await shop.power(gone, "off")
        await shop.cluster.pass_time(700)
        assert [health(shop, node) for node in gone] == ["Unknown"] * 3
        assert [shop.taints(node) for node in gone] == [{("unreachable", "NoSchedule")}] * 3
        assert leaving(shop, doomed(shop, gone)) == []

    play(scenario, nodes=12)


def test_nobody_is_evicted_where_everything_is_gone() -> None:
    async def scenario(shop: Shop) -> None:
        nodes: list[Obj] = shop.cluster.store.list("nodes")
        names = [name_of(node) for node in nodes]
        uids = sorted(pod["metadata"]["uid"] for pod in shop.pods())
        await shop.power(names, "off")
        await shop.cluster.pass_time(700)
        assert [shop.taints(name) for name in names] == [{("unreachable", "NoSchedule")}] * len(names)
        await shop.power(names, None)
        await shop.until(shop.is_healthy, 90)
        assert sorted(pod["metadata"]["uid"] for pod in shop.pods()) == uids
        shop.check_consistency()

    play(scenario)
