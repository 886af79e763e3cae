"""Any one request of a controller may be lost, or done and its answer lost: the cluster ends in the same state."""

import asyncio
import functools
from typing import Any

import pytest

from engine.base.api import Request, Response, Stream
from engine.base.errors import timeout, unavailable
from engine.base.objects import dig
from engine.client.inprocess import InProcess
from engine.control.manager import Manager
from engine.sim.loop import VirtualLoop, run
from tests.cluster import Cluster
from tests.controllers.test_gc import CONTROLLERS

TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
SPEC = {"replicas": 3, "selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": SPEC}


class Faulty:
    """Loses the `nth` write, before it is done or (`done`) after."""

    def __init__(self, inner: InProcess, nth: int, done: bool) -> None:
        self.inner, self.nth, self.done = inner, nth, done
        self.writes = 0

    async def send(self, request: Request) -> Response:
        if request.method == "GET" or request.path.endswith("/events"):
            return await self.inner.send(request)
        self.writes += 1
        if self.writes != self.nth:
            return await self.inner.send(request)
        if not self.done:
            raise unavailable("lost")
        await self.inner.send(request)
        raise timeout("the answer is lost")

    async def open(self, request: Request) -> Stream:
        return await self.inner.open(request)

    async def close(self) -> None:
        await self.inner.close()


def play(nth: int, done: bool) -> tuple[int, Any]:
    """How many writes the controllers made of a rollout and a deletion, and the states after both."""
    loop = VirtualLoop()

    async def main() -> tuple[int, Any]:
        async with Cluster(loop, []) as cluster:
            faulty = Faulty(InProcess(cluster.server), nth, done)
            cluster.client.transport, plain = faulty, cluster.client.transport
            manager = Manager(cluster.client, cluster.world, CONTROLLERS, informers=cluster.informers, strict=True)
            cluster.client.transport = plain
            cluster.add(manager.run())
            await cluster.namespace("ns")
            await asyncio.sleep(2)
            await cluster.client.create("deployments.apps", DEPLOYMENT, "ns")
            await asyncio.sleep(10)
            image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}}
            await cluster.client.patch("deployments.apps", "d", image, "ns")
            await asyncio.sleep(30)
            pods = await cluster.items("pods", "ns")
            sets = await cluster.items("replicasets.apps", "ns")
            status = dig(await cluster.client.get("deployments.apps", "d", "ns"), "status")
            state = (
                sorted(p["spec"]["containers"][0]["image"] for p in pods),
                sorted(rs["spec"]["replicas"] for rs in sets),
                {k: v for k, v in status.items() if k not in ("conditions", "collisionCount")},
                sorted((c["type"], c["reason"]) for c in status["conditions"]),
            )
            await cluster.client.delete("deployments.apps", "d", "ns")
            await asyncio.sleep(30)
            left = [r for r in ("deployments.apps", "replicasets.apps", "pods") if await cluster.items(r, "ns")]
            return faulty.writes, (state, left)

    return run(main(), loop)


@functools.cache
def undisturbed() -> tuple[int, Any]:
    """What happens when nothing is lost."""
    return play(0, False)


def test_undisturbed() -> None:
    (images, sizes, status, conditions), left = undisturbed()[1]
    assert images == ["nginx:2"] * 3 and sizes == [0, 3] and left == []
    assert status["updatedReplicas"] == status["availableReplicas"] == 3 and "unavailableReplicas" not in status
    assert conditions == [("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable")]


@pytest.mark.parametrize("done", [False, True], ids=["lost", "done, answer lost"])
def test_any_one_lost_write_is_made_up_for(done: bool) -> None:
    writes, expected = undisturbed()
    assert writes > 30
    for nth in range(1, writes + 1):
        assert play(nth, done)[1] == expected, f"write {nth} of {writes}"
