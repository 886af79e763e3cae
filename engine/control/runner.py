"""Runs one controller: changes bring keys into its queue, workers reconcile them and do what comes out."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from engine.base.api import Client, ResourceInfo
from engine.base.causes import Cause
from engine.base.objects import Obj, revision_of
from engine.base.world import World
from engine.control.controller import Controller, Watch, own_key
from engine.control.events import Recorder
from engine.control.executor import Executor, Outcome
from engine.control.informers import Informer, Informers
from engine.control.queue import WorkQueue
from engine.control.read import Read
from engine.control.resources import EverythingWatcher, Resources
from engine.store.events import DELETED

SEEN_TIMEOUT_S = 300.0
"""controller_utils.go ExpectationsTimeout: a key whose writes the caches never show is reconciled again all the same."""

DATA_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a pure function raises about an object that it was not written for; one such object must not stop the others."""

log = logging.getLogger(__name__)


class _Barrier:
    """Holds a key back until informers have seen revisions."""

    def __init__(self, waits: list[tuple[Informer, int]], release: Callable[[], None]) -> None:
        self._left = len(waits)
        self._release: Callable[[], None] | None = release
        self._timer = asyncio.get_running_loop().call_later(SEEN_TIMEOUT_S, self._open)
        for informer, revision in waits:
            informer.when_seen(revision, self._seen)

    def _seen(self) -> None:
        self._left -= 1
        if not self._left:
            self._open()

    def _open(self) -> None:
        release, self._release = self._release, None
        self._timer.cancel()
        if release is not None:
            release()


class Runner:
    """A controller at work. `queue` is its work queue; `reconciles` counts calls."""

    def __init__(
        self, controller: Controller, client: Client, world: World, informers: Informers, everything: EverythingWatcher | None
    ) -> None:
        self.controller = controller
        self.queue: WorkQueue[Any] = WorkQueue()
        self.reconciles = 0
        self._clock = world.clock
        self._informers = informers
        self._everything = everything
        component = controller.component or controller.name
        acting = client.acting_as(controller.name)
        self.recorder = Recorder(acting, world, component)
        self._executor = Executor(acting, self.recorder)
        self._memory: dict[Any, Any] = {}
        self._listening: list[tuple[Any, Any]] = []
        self._triggers: dict[Any, tuple[int, int]] = {}
        listers = {resource: informers[resource].lister for resource in controller.resources}
        self._read = Read(listers, self._memory, everything.resources if everything is not None else Resources())

    async def run(self, strict: bool) -> None:
        """Reconcile until cancelled; may be run again. An error of a reconcile is logged and the key tried again; with `strict`, raised."""
        self.queue = WorkQueue()
        self._memory.clear()
        self._triggers.clear()
        self._listen()
        try:
            await self._informers.synced(self.controller.resources)
            if self._everything is not None and (self.controller.everything is not None or self.controller.reads_everything):
                await self._everything.synced.wait()
            for key in self.controller.initial:
                self.queue.add(key)
            async with asyncio.TaskGroup() as group:
                for at in range(self.controller.workers):
                    group.create_task(self._work(strict), name=f"{self.controller.name}/{at}")
                if self.controller.resync_s:
                    group.create_task(self._resync(), name=f"{self.controller.name}/resync")
        finally:
            for informer, handler in self._listening:
                informer.off(handler)
            self._listening.clear()
            self.queue.close()
            self.recorder.close()

    def _listen(self) -> None:
        controller = self.controller
        for resource, indexes in controller.indexes.items():
            for name, values_of in indexes.items():
                self._informers[resource].lister.add_index(name, values_of)
        if controller.resource:
            self._hear(self._informers[controller.resource], self._primary_changed)
        for watch in controller.watches:
            self._hear(self._informers[watch.resource], self._watcher(watch))
        if self._everything is not None and controller.everything is not None:
            self._hear(self._everything, self._anything_changed)

    def _hear(self, informer: Any, handler: Any) -> None:
        self._listening.append((informer, handler))
        informer.on(handler)

    def _primary_changed(self, kind: str, old: Obj | None, new: Obj) -> None:
        """Changes of what the object asks for name the cause before any other change does."""
        asked = old is None or kind == DELETED or old["metadata"].get("generation") != new["metadata"].get("generation")
        settle = None if asked else self.controller.settle
        self._bring(self.controller.keys(kind, old, new, self._read), 1 if asked else 0, new, settle)
        if kind == DELETED and self._memory:
            for key in own_key(kind, old, new, self._read):
                self._memory.pop(key, None)

    def _watcher(self, watch: Watch) -> Callable[[str, Obj | None, Obj], None]:
        def changed(kind: str, old: Obj | None, new: Obj) -> None:
            self._bring(watch.keys(kind, old, new, self._read), 0, new, watch.settle)

        return changed

    def _anything_changed(self, kind: str, info: ResourceInfo, old: Obj | None, new: Obj) -> None:
        mapper = self.controller.everything
        if mapper is not None:
            self._bring(mapper(kind, info, old, new, self._read), 0, new)

    def _bring(self, keys: Iterable[Any], weight: int, obj: Obj, settle: Callable[[Any, Read], float] | None = None) -> None:
        for key in keys:
            known = self._triggers.get(key)
            if known is None or weight >= known[0]:
                self._triggers[key] = (weight, revision_of(obj))
            if settle is None:
                self.queue.add(key)
            else:
                self.queue.add_after(key, settle(key, self._read))

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self.controller.resync_s)
            for obj in self._informers[self.controller.resource].lister:
                for key in self.controller.keys("MODIFIED", obj, obj, self._read):
                    self.queue.add(key)

    async def _work(self, strict: bool) -> None:
        while True:
            key = await self.queue.get()
            cause = Cause(self.controller.name, self._trigger(key))
            self.reconciles += 1
            try:
                outcome = await self._executor.run(self.controller.reconcile(key, self._read, self._clock.now()), cause)
            except DATA_ERRORS as error:
                if strict:
                    raise
                log.exception("%s: reconcile of %s: %s", self.controller.name, key, type(error).__name__)
                self.queue.add_rate_limited(key)
                self.queue.done(key)
            else:
                self._finish(key, outcome)
            await asyncio.sleep(0)

    def _trigger(self, key: Any) -> int:
        """The revision that made the key come up; for retries that of the object as it is now."""
        found = self._triggers.pop(key, None)
        if found is not None:
            return found[1]
        obj = self._read.listers[self.controller.resource].get(key.namespace, key.name) if self.controller.resource else None
        return revision_of(obj) if obj is not None else 0

    def _finish(self, key: Any, outcome: Outcome) -> None:
        if outcome.remembered:
            self._memory[key] = outcome.remembered[0]
        if outcome.failed:
            for failure in outcome.failures:
                log.info("%s: %s: %s", self.controller.name, key, failure.error)
            self.queue.add_rate_limited(key)
        else:
            self.queue.forget(key)
        if outcome.requeue_after_s is not None:
            self.queue.add_after(key, outcome.requeue_after_s)
        waits = []
        for resource, revision in outcome.written.items():
            informer = self._informers.get(resource)
            if informer is not None and informer.revision < revision:
                waits.append((informer, revision))
        queue = self.queue
        if waits:
            _Barrier(waits, lambda: queue.done(key))
        else:
            queue.done(key)
