"""The same seed gives the same history, byte for byte: every version of every object, when, and because of whom."""

import functools
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.base.objects import Obj
from engine.cluster import Cluster, ClusterOptions, simulated
from engine.sim.loop import VirtualLoop, run
from engine.store.events import Event

ROOT = Path(__file__).resolve().parents[1]
NODES = 5
POWER = "sim.ktui.dev/power"


def _template(name: str, **spec: Any) -> Obj:
    container = {"name": "c", "image": "nginx:1.27", "resources": {"requests": {"cpu": "100m"}}, **spec.pop("container", {})}
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}}


def _workload(kind: str, name: str, **spec: Any) -> Obj:
    wanted = {"selector": {"matchLabels": {"app": name}}, "template": _template(name), **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": wanted}


def _claim(name: str) -> Obj:
    return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}


def _service(name: str) -> Obj:
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


WORKLOADS = (
    ("services", _service("web")),
    ("deployments.apps", _workload("Deployment", "web", replicas=6)),
    ("services", _service("db")),
    ("statefulsets.apps", _workload("StatefulSet", "db", replicas=3, serviceName="db", volumeClaimTemplates=[_claim("data")])),
    ("daemonsets.apps", _workload("DaemonSet", "agent")),
    (
        "jobs.batch",
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "task", "namespace": "default"},
            "spec": {
                "completions": 4,
                "parallelism": 2,
                "template": _template("task", restartPolicy="Never", container={"command": ["sleep", "5"]}),
            },
        },
    ),
)  # fmt: skip


class Recording:
    """All commits to the resources of a store, as one digest."""

    def __init__(self, cluster: Cluster, resources: Iterable[str]) -> None:
        self._digest = hashlib.sha256()
        self.commits = 0
        for resource in sorted(resources):
            cluster.store.subscribe(resource, "", 0, self._on_event)

    def _on_event(self, event: Event) -> None:
        self.commits += 1
        fields = (event.type, event.revision, event.resource, event.namespace, event.name, event.object, tuple(event.cause), event.time)
        self._digest.update(orjson.dumps(fields))

    def summary(self) -> str:
        return f"{self.commits} {self._digest.hexdigest()}"


async def _play(cluster: Cluster) -> None:
    """Workloads of all kinds come up, one is rolled out, a node dies for eight minutes, a workload is deleted."""
    client = cluster.client.acting_as("operator")
    await cluster.pass_time(5)
    for resource, obj in WORKLOADS:
        await client.create(resource, obj)
    await cluster.pass_time(30)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.28"}]}}}}
    await client.patch("deployments.apps", "web", image, "default")
    await client.patch("nodes", "node-2", {"metadata": {"annotations": {POWER: "off"}}})
    await cluster.pass_time(480)
    await client.patch("nodes", "node-2", {"metadata": {"annotations": {POWER: None}}})
    await client.delete("deployments.apps", "web", "default")
    await cluster.pass_time(60)


def history(seed: int) -> str:
    """How many commits a cluster of this seed made, and their digest."""
    loop = VirtualLoop()

    async def main() -> str:
        cluster = simulated(loop, ClusterOptions(nodes=NODES, strict=True), seed)
        await cluster.bootstrap()
        recording = Recording(cluster, {info.resource for info in await cluster.client.discover()})
        cluster.start()
        try:
            await _play(cluster)
        finally:
            await cluster.stop()
        return recording.summary()

    return run(main(), loop)


@functools.cache
def first() -> str:
    return history(1)


def test_the_same_seed_gives_the_same_history() -> None:
    assert int(first().split()[0]) > 500
    assert history(1) == first()


def test_another_seed_gives_another_history() -> None:
    assert history(2) != first()


@pytest.mark.parametrize("hash_seed", ("1", "4242"))
def test_the_history_does_not_depend_on_the_order_of_sets(hash_seed: str) -> None:
    code = "from tests.test_determinism import history; print(history(1))"
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == first()
