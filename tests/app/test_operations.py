"""What keys do, and what is said before: against a real API server, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.base.api import Client
from engine.base.errors import StatusError
from engine.base.objects import controller_ref, dig
from engine.base.world import simulated_world
from engine.sim.loop import run
from ktui.model import operations, risk
from ktui.model.risk import Risk
from ktui.model.rows import Target
from tests.app.world import Bench

CAUSE = operations.because("x")


def with_bench(test: Callable[[Bench, Client], Awaitable[None]]) -> None:
    """Run a test on a filled bench in virtual time."""

    async def main() -> None:
        bench = await Bench(simulated_world(asyncio.get_running_loop())).fill()
        await test(bench, await bench.connect())

    run(main())


async def target(client: Client, resource: str, name: str, namespace: str = "") -> Target:
    obj = await client.get(resource, name, namespace)
    return Target(resource, namespace, name, obj["metadata"]["uid"])


def texts(found: Risk) -> list[str]:
    return [note.text for note in found.notes]


def test_cordon_and_power_change_the_node_and_back() -> None:
    async def check(bench: Bench, client: Client) -> None:
        node = await target(client, "nodes", "node-1")
        await operations.cordon(client, node, True, CAUSE)
        await operations.power(client, node, False, CAUSE)
        obj = await client.get("nodes", "node-1")
        assert dig(obj, "spec", "unschedulable") is True
        assert dig(obj, "metadata", "annotations", operations.POWER) == "off"
        await operations.cordon(client, node, False, CAUSE)
        await operations.power(client, node, True, CAUSE)
        obj = await client.get("nodes", "node-1")
        assert not dig(obj, "spec", "unschedulable")
        assert operations.POWER not in dig(obj, "metadata", "annotations", default={})

    with_bench(check)


@pytest.mark.parametrize("verb", ["cordon", "power", "delete", "scale", "restart"])
def test_nothing_is_done_to_another_object_of_the_same_name(verb: str) -> None:
    async def check(bench: Bench, client: Client) -> None:
        place = ("nodes", "", "node-1") if verb in ("cordon", "power") else ("deployments.apps", "dev", "web")
        old = Target(*place, "another-uid")
        doing = {
            "cordon": lambda: operations.cordon(client, old, True, CAUSE),
            "power": lambda: operations.power(client, old, False, CAUSE),
            "delete": lambda: operations.delete(client, old, CAUSE),
            "scale": lambda: operations.scale(client, old, 9, CAUSE),
            "restart": lambda: operations.restart(client, old, 0.0, CAUSE),
        }
        before = await client.get(old.resource, old.name, old.namespace)
        with pytest.raises(StatusError) as caught:
            await doing[verb]()
        assert caught.value.code == 409
        assert (await client.get(old.resource, old.name, old.namespace))["metadata"]["resourceVersion"] == before["metadata"][
            "resourceVersion"
        ]

    with_bench(check)


def test_scale_and_restart_change_the_deployment() -> None:
    async def check(bench: Bench, client: Client) -> None:
        web = await target(client, "deployments.apps", "web", "dev")
        await operations.scale(client, web, 5, CAUSE)
        await operations.restart(client, web, bench.world.clock.now(), CAUSE)
        obj = await client.get("deployments.apps", "web", "dev")
        assert obj["spec"]["replicas"] == 5
        assert dig(obj, "spec", "template", "metadata", "annotations", operations.RESTARTED_AT)
        assert dig(obj, "spec", "template", "spec", "containers", 0, "image") == "nginx:1.27"

    with_bench(check)


async def add_revision(client: Client, number: int, image: str) -> None:
    owner = await client.get("deployments.apps", "web", "dev")
    template = owner["spec"]["template"]
    labels = {**template["metadata"]["labels"], operations.TEMPLATE_HASH: f"h{number}"}
    spec = {**template["spec"], "containers": [{**template["spec"]["containers"][0], "image": image}]}
    await client.create(
        "replicasets.apps",
        {
            "metadata": {
                "name": f"web-h{number}",
                "namespace": "dev",
                "labels": labels,
                "annotations": {operations.REVISION: str(number)},
                "ownerReferences": [controller_ref({**owner, "apiVersion": "apps/v1", "kind": "Deployment"})],
            },
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
        },
    )


def test_undo_goes_back_to_the_template_of_the_revision_before() -> None:
    async def check(bench: Bench, client: Client) -> None:
        web = await target(client, "deployments.apps", "web", "dev")
        with pytest.raises(StatusError, match="no rollout history"):
            await operations.undo(client, web, CAUSE)
        for number, image in ((9, "nginx:1.26"), (10, "nginx:1.27")):
            await add_revision(client, number, image)
        told = await risk.of_undo(client, web, await risk.survey(client, web))
        assert "app: nginx:1.27 → nginx:1.26" in texts(told)
        assert await operations.undo(client, web, CAUSE) == 9
        obj = await client.get("deployments.apps", "web", "dev")
        assert dig(obj, "spec", "template", "spec", "containers", 0, "image") == "nginx:1.26"
        assert operations.TEMPLATE_HASH not in obj["spec"]["template"]["metadata"]["labels"]

    with_bench(check)


def test_drain_waits_for_the_budget_and_leaves_daemon_pods() -> None:
    async def check(bench: Bench, client: Client) -> None:
        node = await target(client, "nodes", "node-1")
        said: list[str] = []
        draining = asyncio.create_task(operations.drain(client, node, CAUSE, said.append))
        await asyncio.sleep(12)
        assert not draining.done()
        assert any("waiting: Cannot evict pod" in text for text in said)
        await client.delete("poddisruptionbudgets.policy", "web", "dev")
        assert await draining == 2
        assert dig(await client.get("nodes", "node-1"), "spec", "unschedulable") is True
        left = await client.list("pods")
        assert sorted(p["metadata"]["name"] for p in left["items"]) == ["web-1", "web-2"]

    with_bench(check)


def test_deleting_a_pod_says_which_service_keeps_how_many_endpoints() -> None:
    async def check(bench: Bench, client: Client) -> None:
        pod = await target(client, "pods", "web-0", "dev")
        told = texts(risk.of_delete(pod, await risk.survey(client, pod)))
        assert told == [
            "nothing will replace it: no controller owns it",
            "service dev/web keeps 2 of 3 endpoints",
            "budget dev/web allows 0 disruptions now",
        ]
        for name in ("web-1", "web-2"):
            await client.delete("pods", name, "dev")
        told = texts(risk.of_delete(pod, await risk.survey(client, pod)))
        assert "service dev/web loses its last endpoint" in told

    with_bench(check)


def test_nodes_and_namespaces_want_their_name_typed() -> None:
    async def check(bench: Bench, client: Client) -> None:
        node = await target(client, "nodes", "node-1")
        found = risk.of_power_off(node, await risk.survey(client, node))
        assert found.typed == "node-1"
        assert "2 pods (web-0, lonely) stop at once" in texts(found) or "2 pods (lonely, web-0) stop at once" in texts(found)
        namespace = await target(client, "namespaces", "dev")
        found = risk.of_delete(namespace, await risk.survey(client, namespace))
        assert found.typed == "dev"
        assert "3 pods, 1 deployments, 1 services" in texts(found)[0]

    with_bench(check)


def test_a_secret_that_pods_use_is_told() -> None:
    async def check(bench: Bench, client: Client) -> None:
        container = {"name": "a", "image": "x", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}]}
        await client.create("pods", {"metadata": {"name": "user", "namespace": "dev"}, "spec": {"containers": [container]}})
        login = await target(client, "secrets", "login", "dev")
        assert texts(risk.of_delete(login, await risk.survey(client, login))) == [
            "used by 1 pod (user), which will not start again without it"
        ]

    with_bench(check)


def test_requests_carry_the_key_as_their_cause() -> None:
    assert operations.because("ctrl-d") == ("ktui", 0, "key ctrl-d")
