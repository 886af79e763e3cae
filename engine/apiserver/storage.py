"""Objects of a kind in the store: reads, and writes with their cause. Store errors become the Status that the client gets."""

from collections.abc import Callable, Sequence

from engine.base.causes import Cause
from engine.base.errors import MODIFIED, conflict, unavailable
from engine.base.objects import Obj, name_of, namespace_of, revision_of
from engine.kinds.common.model import Kind
from engine.store.events import ConflictError, Event, Listener, Put, Remove, StoreClosedError, Write
from engine.store.store import Store


def _key(kind: Kind) -> str:
    """The resource under which objects of a kind are kept."""
    return kind.stored_as or kind.resource


class Storage:
    """The store, spoken to in kinds; objects are in the form in which they are stored."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def revision(self) -> int:
        """The revision of the last commit."""
        return self.store.revision

    def get(self, kind: Kind, namespace: str, name: str) -> Obj | None:
        """The object in the storage version; None where there is none."""
        return self.store.get(_key(kind), namespace, name)

    def list(self, kind: Kind, namespace: str = "") -> Sequence[Obj]:
        """The objects in (namespace, name) order; of all namespaces where none is given."""
        return self.store.list(_key(kind), namespace)

    def page(self, kind: Kind, namespace: str, after: tuple[str, str] | None, limit: int) -> tuple[Sequence[Obj], int]:
        """Up to `limit` objects in (namespace, name) order that follow `after`, and how many follow them."""
        found = self.store.list(_key(kind), namespace, after, limit)
        last = (namespace_of(found[-1]), name_of(found[-1])) if found else after
        return found, self.store.count(_key(kind), namespace, last)

    def list_at(self, kind: Kind, namespace: str, revision: int) -> Sequence[Obj]:
        """The objects as they were at a revision.

        Raises:
            CompactedError: it is no longer kept.
            FutureRevisionError: it does not exist yet.
        """
        return self.store.list_at(_key(kind), namespace, revision)

    def history(self, kind: Kind, namespace: str, name: str) -> Sequence[Event]:
        """The versions of an object with their causes, oldest first."""
        return self.store.history(_key(kind), namespace, name)

    def change_at(self, revision: int) -> Event | None:
        """The change that was committed under a revision (the first, if several were); None where it is no longer known."""
        return self.store.change_at(revision)

    def subscribe(self, kind: Kind, namespace: str, since: int, listener: Listener) -> Callable[[], None]:
        """Hear of every change after `since` (0: from now on).

        Raises:
            CompactedError: history does not reach back that far.
        """
        return self.store.subscribe(_key(kind), namespace, since, listener)

    def create(self, kind: Kind, obj: Obj, cause: Cause) -> Obj:
        """Store a new object and return it with its resourceVersion."""
        namespace, name = namespace_of(obj), name_of(obj)
        self.commit([Put(_key(kind), namespace, name, obj, 0)], cause)
        return self._stored(kind, namespace, name)

    def replace(self, kind: Kind, old: Obj, new: Obj, cause: Cause) -> Obj:
        """Store the new version of `old` and return it with its resourceVersion."""
        namespace, name = namespace_of(old), name_of(old)
        self.commit([Put(_key(kind), namespace, name, new, revision_of(old))], cause)
        return self._stored(kind, namespace, name)

    def remove(self, kind: Kind, old: Obj, last: Obj, cause: Cause) -> Obj:
        """Delete `old`, whose watchers see `last` with the revision of the deletion; return that."""
        namespace, name = namespace_of(old), name_of(old)
        revision = self.commit([Remove(_key(kind), namespace, name, last, revision_of(old))], cause)
        return {**last, "metadata": {**last["metadata"], "resourceVersion": str(revision)}}

    def commit(self, writes: Sequence[Write], cause: Cause) -> int:
        """Make all writes under one revision, which is returned.

        Raises:
            StatusError: 409, a key has changed since it was read; 503, the store takes no writes.
        """
        try:
            return self.store.commit(writes, cause)
        except ConflictError as error:
            raise conflict(error.write.resource, error.write.name, MODIFIED) from None
        except StoreClosedError as error:
            raise unavailable(str(error)) from None

    def _stored(self, kind: Kind, namespace: str, name: str) -> Obj:
        stored = self.store.get(_key(kind), namespace, name)
        assert stored is not None, "an object is there after its commit"
        return stored
