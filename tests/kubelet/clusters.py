"""A whole control plane without controllers, and a fleet, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from engine.apiserver.server import ApiServer
from engine.base.api import Client, ListQuery, Request, Response, Stream
from engine.base.errors import unavailable
from engine.base.objects import Obj
from engine.base.world import World, simulated_world
from engine.client.inprocess import InProcess
from engine.kubelet.fleet import Fleet
from engine.kubelet.nodes import default_nodes
from engine.kubelet.runtimes.simulated import SimulatedRuntime
from engine.store.store import Store


class Gate:
    """A transport that can be shut: every request then fails as if the server were not there."""

    def __init__(self, inner: InProcess) -> None:
        self.inner, self.shut, self.refused = inner, False, 0

    async def send(self, request: Request) -> Response:
        """The answer, or 503."""
        if self.shut:
            self.refused += 1
            raise unavailable("shut")
        return await self.inner.send(request)

    async def open(self, request: Request) -> Stream:
        """The stream, or 503."""
        if self.shut:
            raise unavailable("shut")
        return await self.inner.open(request)

    async def close(self) -> None:
        """Close the inner one."""
        await self.inner.close()


class Cluster:
    """A store, a server, and at most one fleet at a time."""

    def __init__(self, nodes: int = 2, delays: bool = True) -> None:
        self.world: World = simulated_world(asyncio.get_running_loop())
        self.store = Store(self.world.clock)
        self.server = ApiServer(self.store, self.world)
        self.client = Client(InProcess(self.server), "test")
        self.gate = Gate(InProcess(self.server))
        self.nodes, self.delays = nodes, delays
        self.fleet: Fleet
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start a fleet, also after `stop`: the engine restarted with its state kept."""
        runtime = SimulatedRuntime(self.world, self.delays)
        self.fleet = Fleet(Client(self.gate, "fleet"), self.world, default_nodes(self.nodes), runtime)
        self.server.connect("pods", "log", self.fleet.open_logs)
        self._task = asyncio.create_task(self.fleet.run())
        await self.fleet.ready.wait()

    async def stop(self) -> None:
        """The engine's process ends."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def pod(self, name: str, container: Obj | None = None, knobs: Obj | None = None, **spec: Any) -> Obj:
        """Create a pod on node-1."""
        annotations = {f"sim.ktui.dev/{k}": v for k, v in (knobs or {}).items()}
        full = {"nodeName": "node-1", "containers": [{"name": "c", "image": "nginx:1.27", **(container or {})}], **spec}
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations}, "spec": full}
        return await self.client.create("pods", obj, "default")

    async def get(self, name: str) -> Obj:
        """A pod."""
        return await self.client.get("pods", name, "default")

    async def state(self, name: str) -> Obj:
        """The status of a pod's first container."""
        found: Obj = (await self.get(name))["status"]["containerStatuses"][0]
        return found

    async def events(self, name: str) -> list[str]:
        """`Reason xCount` of the events about an object."""
        found = (await self.client.list("events", ListQuery("default")))["items"]
        return [f"{e['reason']} x{e['count']}" for e in found if e["involvedObject"]["name"] == name]

    async def names(self) -> list[str]:
        """The names of all pods."""
        return [p["metadata"]["name"] for p in (await self.client.list("pods"))["items"]]

    async def logs(self, name: str, **options: str) -> str:
        """Output that is there, all of it."""
        stream = await self.client.logs(name, "default", options)
        found = b""
        while batch := await stream.batch():
            found += b"".join(batch)
        return found.decode()


@asynccontextmanager
async def cluster(nodes: int = 2, delays: bool = True) -> AsyncIterator[Cluster]:
    """A running cluster with the service account that pods need."""
    made = Cluster(nodes, delays)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await made.client.create("serviceaccounts", account, "default")
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
