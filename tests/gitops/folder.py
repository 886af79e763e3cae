"""A folder on a real disk, a cluster in virtual time, and the sync between them; for tests."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from engine.base.api import Client
from engine.base.errors import StatusError
from engine.base.objects import Obj
from engine.cluster import Cluster, ClusterOptions, simulated
from engine.gitops.folder import FOLDERS, FolderSync
from engine.sim.loop import VirtualLoop, run


class Bench:
    """What a test works with: write and remove files, let the folder be synced, look at the cluster."""

    def __init__(self, cluster: Cluster, root: Path) -> None:
        self.cluster = cluster
        self.root = root
        self.client: Client = cluster.client.acting_as("kubectl-edit")
        self.sync = FolderSync(cluster.client, cluster.world, root, watching=False)
        self._task: asyncio.Task[None] | None = None

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self.sync.run())
        await self.settle()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def restart(self) -> None:
        """The engine starts again: a new sync that knows only what the Folder object says."""
        await self.stop()
        self.sync = FolderSync(self.cluster.client, self.cluster.world, self.root, watching=False)
        await self.start()

    async def settle(self, seconds: float = 3.0) -> None:
        """Look at the folder and let the cluster react."""
        self.sync.changed()
        await self.cluster.pass_time(seconds)
        if self._task is not None and self._task.done():
            self._task.result()

    async def status(self) -> Obj:
        folder = await self.client.get(FOLDERS, self.sync.name)
        found: Obj = folder["status"]
        return found

    async def find(self, name: str, resource: str = "configmaps", namespace: str = "default") -> Obj | None:
        try:
            return await self.client.get(resource, name, namespace)
        except StatusError as error:
            assert error.code == 404
            return None

    async def names(self) -> list[str]:
        """The ConfigMaps of the default namespace that no controller made."""
        items = (await self.client.list("configmaps"))["items"]
        return [
            i["metadata"]["name"] for i in items if i["metadata"]["namespace"] == "default" and i["metadata"]["name"] != "kube-root-ca.crt"
        ]


def play(root: Path, test: Callable[[Bench], Awaitable[None]], nodes: int = 0) -> None:
    """Run a test with a started cluster; the test starts the sync itself."""
    loop = VirtualLoop()

    async def body() -> None:
        cluster = simulated(loop, ClusterOptions(nodes=nodes, strict=True))
        await cluster.bootstrap()
        cluster.start()
        await cluster.pass_time(1)
        bench = Bench(cluster, root)
        try:
            await test(bench)
        finally:
            await bench.stop()
            await cluster.stop()

    main: Coroutine[Any, Any, None] = body()
    run(main, loop)
