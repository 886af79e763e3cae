"""Events disappear an hour after they were last written, as etcd lets their leases run out (--event-ttl); where they are very many,
the oldest go sooner."""

import asyncio
from collections import OrderedDict
from itertools import islice

from engine.apiserver.storage import Storage
from engine.base.causes import Cause
from engine.base.errors import StatusError
from engine.base.limits import EVENT_TTL_S, EVENTS_MAX
from engine.base.objects import name_of, namespace_of, revision_of
from engine.base.world import World
from engine.kinds.common.model import Kind
from engine.store.events import DELETED, Event, Remove

BATCH = 500
"""Events that go in one commit, as the keys of an etcd lease do, before others have their turn; and how many more than EVENTS_MAX there
may be before any go."""

CAUSE = Cause("kube-apiserver", 0, "event TTL")


class EventExpiry:
    """Knows when each Event was last written, oldest first, and deletes those whose time has come."""

    def __init__(self, kind: Kind, storage: Storage, world: World, kept: int = EVENTS_MAX) -> None:
        """`kept`: the most events that are kept, give or take a batch."""
        self._kept = kept
        self._kind = kind
        self._storage = storage
        self._world = world
        self._timer: asyncio.TimerHandle | None = None
        self._crowded = False
        now = world.clock.now()
        self._written: OrderedDict[tuple[str, str], float] = OrderedDict(
            ((obj["metadata"]["namespace"], obj["metadata"]["name"]), now) for obj in storage.list(kind)
        )
        storage.subscribe(kind, "", 0, self._hear)

    def _hear(self, event: Event) -> None:
        key = (event.namespace, event.name)
        if event.type == DELETED:
            self._written.pop(key, None)
            return
        self._written[key] = event.time
        self._written.move_to_end(key)
        self.arm()

    def arm(self) -> None:
        """Set the timer for the event that is next; it runs on the loop of whoever writes or asks."""
        crowded = len(self._written) >= self._kept + BATCH
        if self._timer is not None and crowded and not self._crowded:
            self._timer.cancel()
            self._timer = None
        if self._timer is None and self._written:
            due_s = next(iter(self._written.values())) + EVENT_TTL_S - self._world.clock.now()
            self._crowded = crowded
            self._timer = asyncio.get_running_loop().call_later(0.0 if crowded else max(due_s, 0.0), self._expire)

    def _expire(self) -> None:
        self._timer = None
        oldest = self._world.clock.now() - EVENT_TTL_S
        surplus = len(self._written) - self._kept
        due = list(islice(((key, at <= oldest) for key, at in self._written.items()), BATCH))
        if self._remove([key for i, (key, old) in enumerate(due) if old or i < surplus]):
            self.arm()

    def _remove(self, keys: list[tuple[str, str]]) -> bool:
        """Whether the store took the deletion; it takes none once it is closed."""
        found = [event for key in keys if (event := self._storage.get(self._kind, *key)) is not None]
        removals = [Remove("events", namespace_of(event), name_of(event), event, revision_of(event)) for event in found]
        try:
            if removals:
                self._storage.commit(removals, CAUSE)
        except StatusError:
            return False
        return True
