"""A kubelet stand-in as golden/README.md describes the one of the recordings, and a binder for where no scheduler runs.

Bound pods become Running and Ready at once; terminating ones go at once; a container of a Job ends after 1.5 s with the code of its
`exit N` (a sleeping one goes on).
"""

import asyncio
import re
from collections import Counter

from engine.base.api import Client
from engine.base.clock import rfc3339
from engine.base.errors import StatusError
from engine.base.objects import Obj, dig, labels_of, name_of, namespace_of
from engine.base.world import World
from engine.control.informers import Informers

JOB_RUN_S = 1.5
NODES = 4


def fake_nodes() -> list[Obj]:
    """fake-0 … fake-3 of three zones, with 32 CPU and 256Gi each."""
    resources = {"cpu": "32", "memory": "256Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"fake-{at}",
                "labels": {"kubernetes.io/hostname": f"fake-{at}", "topology.kubernetes.io/zone": f"z{at % 3}"},
            },
            "status": {
                "capacity": resources,
                "allocatable": resources,
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ok"}],
            },
        }
        for at in range(NODES)
    ]


class StandIn:
    """Plays kubelets of all nodes, and with `bind` the scheduler as well (least pods first, node selectors only)."""

    def __init__(self, client: Client, world: World, informers: Informers, bind: bool = True) -> None:
        self.client = client.acting_as("stand-in")
        self.world = world
        self.pods = informers["pods"]
        self.nodes = informers["nodes"]
        self.bind = bind
        self.inbox: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._ends: list[asyncio.Future[None]] = []
        self._load: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        """Every generated pod name that ever was -> its generateName with `<x>`."""

    async def run(self) -> None:
        """Until cancelled."""
        self.pods.on(self._changed)
        await self.nodes.synced.wait()
        try:
            while True:
                namespace, name = await self.inbox.get()
                pod = self.pods.lister.get(namespace, name)
                if pod is not None:
                    await self._step_unless_raced(pod)
        finally:
            for end in self._ends:
                end.cancel()

    async def _step_unless_raced(self, pod: Obj) -> None:
        try:
            await self._step(pod)
        except StatusError as error:
            if error.code not in (404, 409):
                raise

    def _changed(self, kind: str, old: Obj | None, new: Obj) -> None:
        generated = new["metadata"].get("generateName")
        if generated:
            self.names[name_of(new)] = f"{generated}<x>"
        for obj, count in ((old, -1), (new if kind != "DELETED" else None, 1)):
            if obj is not None:
                self._load[obj["spec"].get("nodeName") or ""] += count
        if kind != "DELETED":
            self.inbox.put_nowait((namespace_of(new), name_of(new)))

    async def _step(self, pod: Obj) -> None:
        namespace, name = namespace_of(pod), name_of(pod)
        phase = dig(pod, "status", "phase")
        if not pod["spec"].get("nodeName"):
            node = self._node_for(pod) if self.bind and not pod["spec"].get("schedulingGates") else None
            if node is not None:
                target = {"apiVersion": "v1", "kind": "Node", "name": node}
                body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "namespace": namespace}, "target": target}
                await self.client.create_subresource("pods", name, "binding", body, namespace)
        elif pod["metadata"].get("deletionTimestamp"):
            await self.client.call(
                "DELETE",
                f"/api/v1/namespaces/{namespace}/pods/{name}",
                {},
                {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0},
            )
        elif phase not in ("Running", "Succeeded", "Failed"):
            await self._set(pod, "Running", None)
            code = _exit_code(pod)
            if code is not None:
                self._ends.append(asyncio.ensure_future(self._end(pod, code)))

    async def _end(self, pod: Obj, code: int) -> None:
        await asyncio.sleep(JOB_RUN_S)
        current = self.pods.lister.get(namespace_of(pod), name_of(pod))
        if current is not None and current["metadata"]["uid"] == pod["metadata"]["uid"] and dig(current, "status", "phase") == "Running":
            await self._set(current, "Failed" if code else "Succeeded", code)

    def _node_for(self, pod: Obj) -> str | None:
        wanted = pod["spec"].get("nodeSelector") or {}
        fitting = [name_of(n) for n in self.nodes.lister if wanted.items() <= labels_of(n).items()]
        return min(fitting, key=lambda name: (self._load[name], name), default=None)

    async def _set(self, pod: Obj, phase: str, code: int | None) -> None:
        now = rfc3339(self.world.clock.now())
        ended = {"status": "False", "reason": "PodCompleted"} if code is not None else {"status": "True"}
        conditions = [
            {"type": type, "lastProbeTime": None, "lastTransitionTime": now, "status": "True", **(ended if "Ready" in type[-5:] else {})}
            for type in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
        ]
        scheduled = [c for c in dig(pod, "status", "conditions", default=()) if c["type"] == "PodScheduled"]
        state = {"running": {"startedAt": now}} if code is None else {"terminated": {"exitCode": code, "finishedAt": now, "startedAt": now}}
        statuses = [
            {
                "name": c["name"],
                "image": c["image"],
                "imageID": "",
                "ready": code is None,
                "restartCount": 0,
                "started": code is None,
                "state": state,
            }
            for c in pod["spec"]["containers"]
        ]
        at = int(pod["metadata"]["uid"][:4], 16)
        status = {
            **pod["status"],
            "phase": phase,
            "conditions": [*conditions, *scheduled],
            "containerStatuses": statuses,
            "startTime": dig(pod, "status", "startTime", default=now),
            "podIP": f"10.0.{at >> 8}.{at & 255}",
            "podIPs": [{"ip": f"10.0.{at >> 8}.{at & 255}"}],
        }
        patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self.client.patch("pods", name_of(pod), patch, namespace_of(pod), "status")


def _exit_code(pod: Obj) -> int | None:
    owner = next((r for r in pod["metadata"].get("ownerReferences") or () if r["kind"] == "Job"), None)
    container = pod["spec"]["containers"][0]
    text = " ".join([*(container.get("command") or ()), *(container.get("args") or ())])
    if owner is None or "sleep" in text:
        return None
    found = re.search(r"exit (\d+)", text)
    return int(found[1]) if found else 0
