"""An API server without controllers, filled with a small cluster, and the app on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from engine.apiserver.server import ApiServer
from engine.base.api import Client, Request, Response, Stream
from engine.base.clock import RealClock, rfc3339
from engine.base.errors import unavailable
from engine.base.objects import Obj
from engine.base.world import Ids, Streams, World
from engine.client.inprocess import InProcess
from engine.store.store import Store
from ktui.app import KtuiApp
from ktui.widgets.live_table import LiveTable

NODES = ("node-1", "node-2", "node-3")


class CableTransport:
    """An in-process connection that can be cut: every request then fails as if the engine had died."""

    def __init__(self, server: ApiServer) -> None:
        self._inner = InProcess(server)
        self.cut = False

    async def send(self, request: Request) -> Response:
        if self.cut:
            raise unavailable("the engine is gone")
        return await self._inner.send(request)

    async def open(self, request: Request) -> Stream:
        if self.cut:
            raise unavailable("the engine is gone")
        return await self._inner.open(request)

    async def close(self) -> None:
        await self._inner.close()

    async def die(self) -> None:
        """Cut the cable and end every stream."""
        self.cut = True
        await self._inner.close()


class Bench:
    """A server, a client to arrange objects with, and the cable to the app."""

    def __init__(self, world: World | None = None) -> None:
        rng = Streams(7)
        self.world = world or World(RealClock(), rng, Ids(rng.stream("ids")))
        self.store = Store(self.world.clock)
        self.server = ApiServer(self.store, self.world)
        self.client = Client(InProcess(self.server), "arranger")
        self.cable = CableTransport(self.server)

    async def connect(self) -> Client:
        """What the app is given."""
        return Client(self.cable, "ktui")

    async def fill(self) -> "Bench":
        """Three nodes, a deployment of three pods with a service and a budget, a secret, a config map, an event."""
        for name in NODES:
            await self.node(name)
        await self.client.create("namespaces", {"metadata": {"name": "dev"}})
        await self.client.create("namespaces", {"metadata": {"name": "prod"}})
        for namespace in ("dev", "prod"):
            await self.client.create("serviceaccounts", {"metadata": {"name": "default"}}, namespace)
        await self.client.create("deployments.apps", deployment("web", 3), "dev")
        for number in range(3):
            await self.pod(f"web-{number}", "dev", {"app": "web"}, node=NODES[number])
        await self.pod("lonely", "prod", {"app": "lonely"}, waiting="CrashLoopBackOff")
        service = {"metadata": {"name": "web", "namespace": "dev"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
        await self.client.create("services", service)
        budget = {"metadata": {"name": "web", "namespace": "dev"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}}
        await self.client.create("poddisruptionbudgets.policy", budget)
        secret = {"metadata": {"name": "login", "namespace": "dev"}, "data": {"password": "aHVudGVyMg=="}, "type": "Opaque"}
        await self.client.create("secrets", secret)
        await self.client.create("configmaps", {"metadata": {"name": "settings", "namespace": "dev"}, "data": {"greeting": "안녕하세요"}})
        return self

    async def node(self, name: str) -> None:
        """A ready node."""
        await self.client.create("nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
        room = {"cpu": "4", "memory": "16Gi", "pods": "110"}
        now = rfc3339(self.world.clock.now())
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": now, "lastHeartbeatTime": now, "reason": "KubeletReady"}
        addresses = [{"type": "InternalIP", "address": "10.0.0.1"}]
        status = {"capacity": room, "allocatable": room, "conditions": [condition], "nodeInfo": NODE_INFO, "addresses": addresses}
        await self.client.patch("nodes", name, {"status": status}, subresource="status")

    async def pod(self, name: str, namespace: str, labels: dict[str, str], node: str = "node-1", waiting: str = "") -> Obj:
        """A bound pod that runs, or waits for a reason."""
        spec = {"nodeName": node, "containers": [{"name": "app", "image": "nginx:1.27"}], "terminationGracePeriodSeconds": 0}
        await self.client.create("pods", {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec})
        started = rfc3339(self.world.clock.now() - 300)
        return await self.client.patch("pods", name, {"status": pod_status(started, waiting)}, namespace, "status")


def pod_status(started: str, waiting: str) -> dict[str, Any]:
    """The status of a pod with one container."""
    restarts = 4 if waiting else 0
    state: dict[str, Any] = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": started}}
    container = {
        "name": "app",
        "image": "nginx:1.27",
        "imageID": "",
        "ready": not waiting,
        "restartCount": restarts,
        "state": state,
    }
    return {
        "phase": "Running",
        "podIP": "10.1.0.7",
        "podIPs": [{"ip": "10.1.0.7"}],
        "startTime": started,
        "containerStatuses": [container],
        "conditions": [{"type": "Ready", "status": str(not waiting), "lastTransitionTime": started}],
    }


NODE_INFO = {
    **dict.fromkeys(("architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "machineID"), "test"),
    **dict.fromkeys(("operatingSystem", "osImage", "systemUUID"), "test"),
    "kubeletVersion": "v1.36.2",
}


def deployment(name: str, replicas: int) -> Obj:
    """A small Deployment."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name, "namespace": "dev"}, "spec": spec}


@asynccontextmanager
async def running(bench: Bench, size: tuple[int, int] = (120, 36), **how: Any) -> AsyncIterator[tuple[KtuiApp, Pilot[None]]]:
    """The app on the bench, with its first rows."""
    app = KtuiApp(bench.connect, cluster="bench", **how)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot


async def settled(app: KtuiApp, pilot: Pilot[None], rounds: int = 3) -> None:
    """Let requests, batches and titles come through."""
    for _ in range(rounds):
        await pilot.pause()
        await asyncio.sleep(0.02)
    for _ in range(100):
        if all(table.quiet for table in app.screen_stack[0].query(LiveTable)):
            break
        await asyncio.sleep(0.02)
    await pilot.pause()


def screen_text(app: KtuiApp) -> str:
    """What is on the screen, cell by cell, as plain lines."""
    size = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips[: size.height])
