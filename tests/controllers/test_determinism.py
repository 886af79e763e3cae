"""The same seed gives the same history, byte for byte, whatever the order of Python's sets."""

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import orjson

from tests.cluster import Cluster, play
from tests.controllers.test_faults import DEPLOYMENT
from tests.controllers.test_gc import CONTROLLERS

ROOT = Path(__file__).resolve().parents[2]


def history() -> str:
    """The digest of all objects after a rollout and the deletion of a namespace, events included, and how many commits that took."""

    async def main(cluster: Cluster) -> str:
        for name in ("kept", "gone"):
            await cluster.namespace(name)
            await asyncio.sleep(2)
            await cluster.client.create("deployments.apps", DEPLOYMENT, name)
        await asyncio.sleep(10)
        image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}}}}
        await cluster.client.patch("deployments.apps", "d", image, "kept")
        await asyncio.sleep(30)
        await cluster.client.delete("namespaces", "gone")
        await asyncio.sleep(100)
        digest = hashlib.sha256()
        for resource in sorted(cluster.store.resources()):
            for obj in await cluster.items(resource):
                digest.update(orjson.dumps(obj))
        return f"{cluster.store.revision} {digest.hexdigest()}"

    return play(main, CONTROLLERS)


def test_the_history_does_not_depend_on_hash_seeds() -> None:
    code = "from tests.controllers.test_determinism import history; print(history())"
    found = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert found == [history()] * 2
