"""Every resource of the server, for controllers that look after all of them (garbage collection, namespaces)."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from engine.base.api import Client, ResourceInfo
from engine.base.errors import StatusError
from engine.base.objects import Obj
from engine.control.cache import Lister
from engine.control.informers import Informers
from engine.store.events import ADDED

DISCOVERY_PERIOD_S = 30.0
"""garbagecollector.go: how often the resources to follow are read anew; a change of a CRD is followed at once."""

UNWATCHED = frozenset({"events", "events.events.k8s.io"})
"""garbagecollector.go DefaultIgnoredResources: kinds that nobody owns and that are many."""

CRDS = "customresourcedefinitions.apiextensions.k8s.io"

log = logging.getLogger(__name__)

EverythingHandler = Callable[[str, ResourceInfo, Obj | None, Obj], None]


class Resources:
    """What the server serves: `infos` by resource, and `listers` of all that can be listed, watched and deleted."""

    def __init__(self, infos: Iterable[ResourceInfo] = (), listers: Iterable[Lister] = ()) -> None:
        self.infos: dict[str, ResourceInfo] = {}
        self.listers: dict[str, Lister] = {lister.resource: lister for lister in listers}
        self._by_kind: dict[tuple[str, str], ResourceInfo] = {}
        self.set(infos)

    def set(self, infos: Iterable[ResourceInfo]) -> None:
        """Replace what is known of the server."""
        self.infos = {info.resource: info for info in infos}
        self._by_kind = {(info.group, info.kind): info for info in self.infos.values()}

    def of_reference(self, ref: Obj) -> ResourceInfo | None:
        """The resource that an owner reference (or anything with apiVersion and kind) names, in whatever version."""
        group, slash, _ = ref["apiVersion"].partition("/")
        return self._by_kind.get((group if slash else "", ref["kind"]))

    def dependents(self, uid: str) -> list[tuple[ResourceInfo, Obj]]:
        """All objects that have an owner reference to `uid`."""
        found = []
        for resource, lister in self.listers.items():
            for obj in lister.by_index("owner", uid):
                found.append((self.infos[resource], obj))
        return found


class EverythingWatcher:
    """Keeps `Resources` up to date and an informer running for each, including those of later CRDs."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self.resources = Resources()
        self.synced = asyncio.Event()
        self._client = client
        self._informers = informers
        self._handlers: list[EverythingHandler] = []
        self._changed = asyncio.Event()

    def on(self, handler: EverythingHandler) -> None:
        """Call `handler` with every change of every followed resource, and first with what is cached as ADDED."""
        self._handlers.append(handler)
        for resource, lister in self.resources.listers.items():
            for obj in [*lister]:
                handler(ADDED, self.resources.infos[resource], None, obj)

    def off(self, handler: EverythingHandler) -> None:
        """Stop calling `handler`."""
        self._handlers.remove(handler)

    async def run(self) -> None:
        """Follow discovery until cancelled; may be run again."""
        self._informers[CRDS].on(self._definition_changed, replay=False)
        try:
            await self._keep_up()
        finally:
            self._informers[CRDS].off(self._definition_changed)

    def _definition_changed(self, kind: str, old: Obj | None, new: Obj) -> None:
        self._changed.set()

    async def _keep_up(self) -> None:
        while True:
            try:
                await self._refresh()
            except StatusError as error:
                log.warning("discovery: %s", error)
                self._changed.set()
                await asyncio.sleep(1.0)
            try:
                async with asyncio.timeout(DISCOVERY_PERIOD_S):
                    await self._changed.wait()
            except TimeoutError:
                continue
            self._changed.clear()

    async def _refresh(self) -> None:
        wanted = {info.resource: info for info in await self._client.discover() if {"list", "delete"} <= set(info.verbs)}
        followed = {r for r, info in wanted.items() if "watch" in info.verbs and r not in UNWATCHED}
        listers = self.resources.listers
        for resource in [*listers]:
            if resource not in followed:
                del listers[resource]
                self._informers.drop(resource)
        self.resources.set(wanted.values())
        fresh = [r for r in wanted if r in followed and r not in listers]
        for resource in fresh:
            self._follow(wanted[resource])
        if not self.synced.is_set():
            await self._informers.synced(fresh)
            self.synced.set()

    def _follow(self, info: ResourceInfo) -> None:
        informer = self._informers[info.resource]
        self.resources.listers[info.resource] = informer.lister

        def changed(kind: str, old: Obj | None, new: Obj) -> None:
            for handler in self._handlers:
                handler(kind, info, old, new)

        informer.on(changed)
