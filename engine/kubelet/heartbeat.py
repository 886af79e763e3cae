"""Leases and node statuses of all simulated nodes: one task, spread evenly over the period (pkg/kubelet/kubelet_node_status.go)."""

import asyncio
import logging
from collections import deque

from engine.base.api import Client
from engine.base.causes import Cause
from engine.base.clock import rfc3339_micro
from engine.base.errors import StatusError
from engine.base.objects import Obj, uid_of
from engine.base.world import World
from engine.kubelet import nodes
from engine.kubelet.nodes import Machine, NodeSpec
from engine.kubelet.runtime import Runtime
from engine.kubelet.simulation.draws import draw
from engine.kubelet.timers import Timers

LEASE_S = 40
RENEW_S = 10.0
"""nodeLeaseDurationSeconds, renewed at a quarter of it."""
STATUS_S = 300.0
"""nodeStatusReportFrequency: how often a status that did not change is posted."""
NAMESPACE = "kube-node-lease"
BATCH_MAX = 64
"""Renewals in one go before other tasks of the loop have a turn."""

log = logging.getLogger(__name__)


class Heart:
    """One node's heart: its client, its lease as last written, when its status was last posted."""

    __slots__ = ("beating", "client", "lease", "machine", "node", "posted_at", "spec", "status_wanted")

    def __init__(self, spec: NodeSpec, client: Client, machine: Machine) -> None:
        self.spec, self.client, self.machine = spec, client, machine
        self.node: Obj | None = None
        self.lease: Obj | None = None
        self.posted_at = 0.0
        self.beating = False
        self.status_wanted = False


class Heartbeat:
    """Beats for every heart that is `beating`."""

    def __init__(self, world: World, runtime: Runtime) -> None:
        self._clock = world.clock
        self._runtime = runtime
        self._timers = Timers(world)
        self._due: deque[Heart] = deque()
        self._wake = asyncio.Event()

    def start(self, heart: Heart) -> None:
        """Begin to beat: at once, and then in the node's own beat."""
        if not heart.beating:
            heart.beating = True
            self._timers.at(self._clock.now() + RENEW_S * draw("beat", heart.spec.name), self._beat, heart)

    def stop(self, heart: Heart) -> None:
        """The node is dead."""
        heart.beating = False

    def _beat(self, heart: Heart) -> None:
        if heart.beating:
            self._due.append(heart)
            self._wake.set()
            self._timers.at(self._clock.now() + RENEW_S, self._beat, heart)

    async def run(self) -> None:
        """Renew what is due until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._due:
                    for _ in range(min(len(self._due), BATCH_MAX)):
                        await self.beat(self._due.popleft())
                    await asyncio.sleep(0)
        finally:
            self._timers.close()

    async def beat(self, heart: Heart) -> None:
        """Renew a lease, and post the status where it is time or it was changed by others. What fails is tried again at the next beat."""
        if not heart.beating:
            return
        try:
            await self._renew(heart)
            if heart.status_wanted or self._clock.now() - heart.posted_at >= STATUS_S:
                await self.post_status(heart)
        except StatusError as error:
            heart.lease = None
            log.debug("node %s: heartbeat: %s", heart.spec.name, error)

    async def _renew(self, heart: Heart) -> None:
        client, name = heart.client, heart.spec.name
        renewed = rfc3339_micro(self._clock.now())
        lease = heart.lease
        if lease is None:
            try:
                lease = await client.get("leases.coordination.k8s.io", name, NAMESPACE)
            except StatusError as error:
                if error.code != 404:
                    raise
                heart.lease = await client.create("leases.coordination.k8s.io", _lease(heart, renewed), NAMESPACE)
                return
        body = {**lease, "spec": {**lease["spec"], "renewTime": renewed}}
        heart.lease = await client.update("leases.coordination.k8s.io", body, cause=Cause(f"kubelet/{name}"))

    async def post_status(self, heart: Heart) -> None:
        """Write the node's status now.

        Raises:
            StatusError: the server refused.
        """
        name = heart.spec.name
        for last_try in (False, True):
            node = heart.node or await heart.client.get("nodes", name)
            now = self._clock.now()
            status = nodes.node_status(heart.spec, heart.machine, node, self._runtime.images(name), now)
            try:
                heart.node = await heart.client.update("nodes", {**node, "status": status}, "status", cause=Cause(f"kubelet/{name}"))
            except StatusError as error:
                if error.code != 409 or last_try:
                    raise
                heart.node = None
                continue
            heart.posted_at, heart.status_wanted = now, False
            return


def _lease(heart: Heart, renewed: str) -> Obj:
    name = heart.spec.name
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid_of(heart.node or {})}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": NAMESPACE, **({"ownerReferences": [owner]} if owner["uid"] else {})},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_S, "renewTime": renewed},
    }
