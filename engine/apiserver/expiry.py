"""Events disappear an hour after they were last written, as etcd lets their leases run out (--event-ttl)."""

import asyncio
from collections import OrderedDict

from engine.apiserver.storage import Storage
from engine.base.causes import Cause
from engine.base.errors import StatusError
from engine.base.limits import EVENT_TTL_S
from engine.base.objects import Obj
from engine.base.world import World
from engine.kinds.common.model import Kind
from engine.store.events import DELETED, Event

CAUSE = Cause("kube-apiserver", 0, "event TTL")


class EventExpiry:
    """Knows when each Event was last written, oldest first, and deletes those whose time has come."""

    def __init__(self, kind: Kind, storage: Storage, world: World) -> None:
        self._kind = kind
        self._storage = storage
        self._world = world
        self._timer: asyncio.TimerHandle | None = None
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
        if self._timer is None and self._written:
            due_s = next(iter(self._written.values())) + EVENT_TTL_S - self._world.clock.now()
            self._timer = asyncio.get_running_loop().call_later(max(due_s, 0.0), self._expire)

    def _expire(self) -> None:
        self._timer = None
        oldest = self._world.clock.now() - EVENT_TTL_S
        due = []
        for key, written in self._written.items():
            if written > oldest:
                break
            due.append(key)
        for namespace, name in due:
            found = self._storage.get(self._kind, namespace, name)
            if found is not None and not self._remove(found):
                return
        self.arm()

    def _remove(self, event: Obj) -> bool:
        """Whether the store took the deletion; it takes none once it is closed."""
        try:
            self._storage.remove(self._kind, event, event, CAUSE)
        except StatusError:
            return False
        return True
