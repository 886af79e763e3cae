"""A cluster in virtual time for tests: store, API server, in-process client, controllers; nodes and kubelets where asked for."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from engine.apiserver.server import ApiServer
from engine.base.api import Client
from engine.base.objects import Obj
from engine.base.world import World, simulated_world
from engine.client.inprocess import InProcess
from engine.control.controller import Controller
from engine.control.informers import Informers
from engine.control.manager import Manager
from engine.sim.loop import VirtualLoop, run
from engine.store.store import Store
from tests.controllers.standin import StandIn, fake_nodes

T = TypeVar("T")


class Cluster:
    """A control plane that runs inside `async with`. `stand_in`: nodes whose pods run at once, bound by it unless a scheduler is added."""

    def __init__(self, loop: asyncio.AbstractEventLoop, controllers: Iterable[Controller], bind: bool = True) -> None:
        self.world: World = simulated_world(loop)
        self.store = Store(self.world.clock)
        self.server = ApiServer(self.store, self.world)
        self.client = Client(InProcess(self.server), "test")
        self.informers = Informers(self.client, self.world)
        self.manager = Manager(self.client, self.world, controllers, informers=self.informers, strict=True)
        self.stand_in = StandIn(self.client, self.world, self.informers, bind)
        self.group = asyncio.TaskGroup()
        self.extra: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Cluster":
        await self.group.__aenter__()
        self.informers.start(self.group)
        self.add(self.manager.run())
        self.add(self.stand_in.run())
        for node in fake_nodes():
            made = await self.client.create("nodes", node)
            # Admission taints new nodes until the node lifecycle controller has seen them ready.
            await self.client.patch("nodes", made["metadata"]["name"], {"spec": {"taints": None}})
        return self

    def add(self, component: Coroutine[Any, Any, None]) -> None:
        """Run another component with the cluster."""
        self.extra.append(self.group.create_task(component))

    async def __aexit__(self, *failure: Any) -> None:
        self.informers.stop()
        for task in self.extra:
            task.cancel()
        await self.group.__aexit__(*failure)

    async def namespace(self, name: str) -> None:
        """Create a namespace."""
        await self.client.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    async def items(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource."""
        return self.store.list(resource, namespace)


def play(main: Callable[[Cluster], Coroutine[Any, Any, T]], controllers: Iterable[Controller], bind: bool = True) -> T:
    """Run `main(cluster)` with a cluster of `controllers` in virtual time."""
    loop = VirtualLoop()

    async def whole() -> T:
        async with Cluster(loop, controllers, bind) as cluster:
            return await main(cluster)

    try:
        return run(whole(), loop)
    except ExceptionGroup as group:
        raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    """The failure itself, out of the task groups around it."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
