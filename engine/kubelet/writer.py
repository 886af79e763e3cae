"""Writes pod statuses and final deletions: one write at a time per pod, with whatever has happened by then (pkg/kubelet/status)."""

import asyncio
import logging
from collections.abc import Callable

from engine.base.api import Client, DeleteOptions
from engine.base.causes import Cause
from engine.base.errors import StatusError
from engine.base.objects import Obj, revision_of
from engine.base.world import World
from engine.kubelet import status
from engine.kubelet.inputs import PodUpdated
from engine.kubelet.pods import PodEntry, Pods

WRITERS = 16
"""Writes under way at once, for servers that are not in this process."""
RETRY_S = 1.0
BATCH_MAX = 128
"""Writes of one writer before other tasks of the loop have a turn."""

log = logging.getLogger(__name__)


class StatusWriter:
    """`mark` says that a pod has something to be written; `run` writes."""

    def __init__(self, world: World, pods: Pods, client_of: Callable[[str], Client]) -> None:
        """`client_of` gives a node's client."""
        self._clock = world.clock
        self._pods = pods
        self._client_of = client_of
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self.writes = 0

    def mark(self, uid: str, entry: PodEntry) -> None:
        """Something of this pod is to be written."""
        if uid not in self._queued and not entry.writing:
            self._queued.add(uid)
            self._queue.put_nowait(uid)

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(self._write_all(), name=f"kubelet/writer-{number}")

    async def _write_all(self) -> None:
        while True:
            for _ in range(BATCH_MAX):
                await self._write_next(await self._queue.get())
            await asyncio.sleep(0)

    async def _write_next(self, uid: str) -> None:
        self._queued.discard(uid)
        entry = self._pods.entries.get(uid)
        if entry is None or entry.writing:
            return
        entry.writing = True
        try:
            await self._write(uid, entry)
        except StatusError as error:
            log.log(logging.WARNING if error.code == 422 else logging.DEBUG, "pod %s: status: %s", uid, error)
            if error.code != 409:
                self._pods.timers.at(self._clock.now() + RETRY_S, self._again, uid)
                return
        finally:
            entry.writing = False
        if entry.dirty and uid in self._pods.entries:
            self.mark(uid, entry)

    def _again(self, uid: str) -> None:
        entry = self._pods.entries.get(uid)
        if entry is not None:
            self.mark(uid, entry)

    async def _write(self, uid: str, entry: PodEntry) -> None:
        """The status where it differs, then the deletion where it is due."""
        if entry.dirty:
            entry.dirty = False
            try:
                await self._write_status(uid, entry)
            except StatusError:
                entry.dirty = True
                raise
        if entry.delete and entry.state.finished and not entry.dirty:
            metadata = entry.state.pod["metadata"]
            entry.delete = False
            try:
                options = DeleteOptions(grace_period_s=0, uid=uid)
                await self._client_of(entry.node).delete("pods", metadata["name"], metadata["namespace"], options, self._cause(entry))
            except StatusError as error:
                if error.code not in (404, 409):
                    entry.delete = True
                    raise
            self.writes += 1

    def _cause(self, entry: PodEntry) -> Cause:
        return Cause(f"kubelet/{entry.node}", revision_of(entry.state.pod))

    async def _write_status(self, uid: str, entry: PodEntry) -> None:
        if entry.state.settled or entry.state.removed:
            return
        pod = entry.state.pod
        wanted = status.render(entry.state, self._clock.now())
        if wanted == pod.get("status"):
            return
        client = self._client_of(entry.node)
        self.writes += 1
        try:
            updated = await client.update("pods", {**pod, "status": wanted}, "status", cause=self._cause(entry))
        except StatusError as error:
            if error.code == 409:
                await self._read_again(uid, entry)
            elif error.code == 404:
                self._pods.remove(pod)
                return
            raise
        if entry.state.pod is pod:
            self._pods.take_version(uid, updated)

    async def _read_again(self, uid: str, entry: PodEntry) -> None:
        """Somebody else changed the pod in between: take their version first."""
        metadata = entry.state.pod["metadata"]
        fresh: Obj = await self._client_of(entry.node).get("pods", metadata["name"], metadata["namespace"])
        if fresh["metadata"]["uid"] != uid:
            self._pods.remove(entry.state.pod)
        elif revision_of(fresh) > revision_of(entry.state.pod):
            self._pods.feed(uid, PodUpdated(fresh))
