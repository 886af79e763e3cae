"""Assembly of a cluster: the API server over a store, and the components that live and die with it, in real time or simulated."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import engine.controllers
from engine.apiserver.server import ApiServer
from engine.base.api import Client
from engine.base.errors import StatusError
from engine.base.plugins import exported
from engine.base.world import World, real_world, simulated_world
from engine.client.inprocess import InProcess
from engine.control.informers import Informers
from engine.control.manager import Manager
from engine.gitops.folder import FolderSync
from engine.kubelet.fleet import Fleet
from engine.kubelet.nodes import default_nodes
from engine.kubelet.runtimes.simulated import SimulatedRuntime
from engine.scheduler.scheduler import Scheduler
from engine.sim.loop import VirtualLoop
from engine.store.journals.sqlite import SqliteJournal
from engine.store.store import Store

log = logging.getLogger(__name__)

INGRESS_CLASS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "nginx", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
    "spec": {"controller": "sim.ktui.dev/ingress"},
}
"""The simulated cloud's ingress controller, under the class name that most manifests use."""

DEFAULT_STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "sim.ktui.dev/disk",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
    "allowVolumeExpansion": True,
}

RESTART_AFTER_S = 1.0
"""A component that failed is started again after this long, twice as long each time, as the kubelet does with static pods."""
RESTART_AFTER_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What a cluster consists of.

    `controllers` is kube-controller-manager's expression (`*`, `none`, `-name`); `none` also leaves the scheduler out, `nodes` 0 the fleet.
    `delays` False makes pulls and starts take no time. `strict` ends the cluster when a component fails (tests, simulations).
    """

    nodes: int = 5
    controllers: str = "*"
    manifests: Path | None = None
    delays: bool = True
    strict: bool = False


class Cluster:
    """One cluster on a store. `bootstrap` makes what every cluster has, `start` runs the components, `stop` ends them and the store."""

    def __init__(self, world: World, store: Store, options: ClusterOptions) -> None:
        self.world = world
        self.store = store
        self.options = options
        self.server = ApiServer(store, world)
        self.transport = InProcess(self.server)
        self.client = Client(self.transport, actor="ktui")
        self.failed: asyncio.Future[None] | None = None
        self._components = self._assemble()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def _assemble(self) -> dict[str, Callable[[], Awaitable[None]]]:
        options, world, client = self.options, self.world, self.client
        found: dict[str, Callable[[], Awaitable[None]]] = {"store": self.store.run}
        informers = Informers(client, world)
        found["informers"] = functools.partial(_run_informers, informers)
        if options.controllers != "none":
            controllers = exported(engine.controllers, "CONTROLLER")
            self.manager = Manager(
                client.acting_as("kube-controller-manager"), world, controllers, options.controllers, informers, options.strict
            )
            self.scheduler = Scheduler(client.acting_as("kube-scheduler"), world, informers)
            self.server.connect("pods", "verdict", self.scheduler.verdict)
            found |= {"kube-controller-manager": self.manager.run, "kube-scheduler": self.scheduler.run}
        if options.nodes:
            runtime = SimulatedRuntime(world, delays=options.delays)
            self.fleet = Fleet(client.acting_as("kubelet"), world, default_nodes(options.nodes), runtime, informers)
            self.server.connect("pods", "log", self.fleet.open_logs)
            found["kubelet"] = self.fleet.run
        if options.manifests is not None:
            self.folder = FolderSync(client.acting_as("ktui-gitops"), world, options.manifests)
            found["ktui-gitops"] = self.folder.run
        return found

    async def bootstrap(self) -> None:
        """Create what a cluster with nodes has besides the API server's own objects: a default StorageClass and IngressClass."""
        await self.client.discover()
        if not self.options.nodes:
            return
        for resource, obj in (
            ("storageclasses.storage.k8s.io", DEFAULT_STORAGE_CLASS),
            ("ingressclasses.networking.k8s.io", INGRESS_CLASS),
        ):
            try:
                await self.client.create(resource, obj)
            except StatusError as error:
                if error.code != 409:
                    raise

    def start(self) -> None:
        """Run all components; each is restarted when it fails, unless `strict`."""
        self.failed = asyncio.get_running_loop().create_future()
        for name in self._components:
            self._run(name, RESTART_AFTER_S)

    def _run(self, name: str, restart_after_s: float) -> None:
        async def body() -> None:
            await self._components[name]()

        task = asyncio.get_running_loop().create_task(body(), name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done, restart_after_s))

    def _ended(self, name: str, task: asyncio.Task[None], restart_after_s: float) -> None:
        if self._stopping or task.cancelled() or (error := task.exception()) is None:
            return
        if self.options.strict:
            if self.failed is not None and not self.failed.done():
                self.failed.set_exception(error)
            return
        log.error("%s failed and is restarted in %g s", name, restart_after_s, exc_info=error)
        later = min(restart_after_s * 2, RESTART_AFTER_S_MAX)
        asyncio.get_running_loop().call_later(restart_after_s, lambda: None if self._stopping else self._run(name, later))

    async def stop(self) -> None:
        """End all components, then close the store, which writes down what is still on its way."""
        self._stopping = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.store.close()
        if self.failed is not None and self.failed.done():
            self.failed.result()

    async def until(self, condition: Callable[[], Awaitable[bool]], timeout_s: float, step_s: float = 0.25) -> bool:
        """Let time pass until `condition` holds; False where it does not within `timeout_s`.

        Raises:
            Exception: what ended a component, where the cluster is `strict`.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not await condition():
            if loop.time() >= deadline:
                return False
            await self.pass_time(step_s)
        return True

    async def pass_time(self, seconds: float) -> None:
        """Let `seconds` pass.

        Raises:
            Exception: what ended a component, where the cluster is `strict`.
        """
        if self.failed is None:
            raise RuntimeError("the cluster has not been started")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.shield(self.failed)


def open_store(journal: Path) -> tuple[World, Store]:
    """The real world, and a store on the SQLite journal at `journal`.

    Raises:
        JournalError: the journal is in use by another process, or damaged; the message names the file.
    """
    world = real_world()
    return world, Store(world.clock, SqliteJournal(journal))


def simulated(loop: VirtualLoop, options: ClusterOptions, seed: int = 0) -> Cluster:
    """A cluster in virtual time, in memory."""
    world = simulated_world(loop, seed)
    return Cluster(world, Store(world.clock), options)


async def _run_informers(informers: Informers) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            informers.start(group)
            await asyncio.get_running_loop().create_future()
    finally:
        informers.stop()
