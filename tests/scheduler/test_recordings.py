"""The scheduler against the recorded scenarios of the real one."""

import re
from collections.abc import Iterable

import pytest

from engine.control.controller import Controller
from engine.controllers import persistentvolume_binder, service_account
from engine.scheduler.scheduler import Scheduler
from tests.cluster import Cluster
from tests.converged import differences, replay

CONTROLLERS: Iterable[Controller] = (service_account.CONTROLLER, persistentvolume_binder.CONTROLLER)
CLAIMS = ("persistentvolume-controller",)
"""How often that says the same depends on where its resyncs of 15 s fall."""
HIGH = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "golden-high"}, "value": 1000}


async def prepare(cluster: Cluster) -> None:
    scheduler = Scheduler(cluster.client, cluster.world, cluster.informers)
    cluster.server.connect("pods", "verdict", scheduler.verdict)
    cluster.add(scheduler.run())
    await cluster.client.create("priorityclasses.scheduling.k8s.io", HIGH)


@pytest.mark.parametrize("name", ("scheduling", "preemption"))
def test_recorded(name: str) -> None:
    recorded, ours = replay(name, CONTROLLERS, bind=False, prepare=prepare)
    for at, (a, b) in enumerate(zip(recorded, ours, strict=True)):
        for event in b["events"]:
            event["message"] = re.sub("Preempted by pod [-0-9a-f]{36}", "Preempted by pod <uid>", event["message"])
        assert "\n".join(differences(a, b, ignored=CLAIMS)) == "", at
