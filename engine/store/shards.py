"""Where the objects of one resource lie: sharded by namespace, names kept in order, versions beside them."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from sortedcontainers import SortedList

from engine.base.causes import Cause
from engine.base.objects import Obj
from engine.store.events import Event

LEASES = "leases.coordination.k8s.io"


class Origin(NamedTuple):
    """The commit that created an object: kept as long as the object lives, so that "why is it there" always has an answer."""

    revision: int
    time: float
    cause: Cause


class Version(NamedTuple):
    """The commit that an object's current state is from; `origin` is None where that commit created it."""

    revision: int
    time: float
    cause: Cause
    origin: Origin | None

    def first(self) -> Origin:
        """The commit that created the object."""
        return self.origin or Origin(self.revision, self.time, self.cause)


class Names:
    """The objects of one resource in one namespace."""

    __slots__ = ("objects", "order", "versions")

    def __init__(self) -> None:
        self.objects: dict[str, Obj] = {}
        self.versions: dict[str, Version] = {}
        self.order: Any = SortedList()
        """Names, sorted (an untyped library: a SortedList[str])."""

    def page(self, after: str | None, limit: int) -> list[Obj]:
        """Up to `limit` objects (0: all) whose names follow `after`."""
        names: Iterable[str] = self.order if after is None else self.order.irange(after, None, (False, True))
        return list(map(self.objects.__getitem__, islice(names, limit) if limit else names))


_NONE = Names()


class Shard:
    """One resource: its objects, and the events that are remembered (all with a revision above the floor, oldest first)."""

    __slots__ = ("log", "namespaces", "order", "resource")

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.namespaces: dict[str, Names] = {}
        self.order: Any = SortedList()
        """Namespaces that have objects, sorted (an untyped library: a SortedList[str])."""
        self.log: deque[Event] = deque()

    def get(self, namespace: str, name: str) -> Obj | None:
        """The current object."""
        return self.namespaces.get(namespace, _NONE).objects.get(name)

    def version(self, namespace: str, name: str) -> Version | None:
        """The commit that the current object is from."""
        return self.namespaces.get(namespace, _NONE).versions.get(name)

    def put(self, namespace: str, name: str, obj: Obj, version: Version) -> None:
        """Set the current object."""
        names = self.namespaces.get(namespace)
        if names is None:
            names = self.namespaces[namespace] = Names()
            self.order.add(namespace)
        if name not in names.objects:
            names.order.add(name)
        names.objects[name] = obj
        names.versions[name] = version

    def remove(self, namespace: str, name: str) -> None:
        """Forget the current object, which must be there."""
        names = self.namespaces[namespace]
        del names.objects[name], names.versions[name]
        names.order.remove(name)
        if not names.objects:
            del self.namespaces[namespace]
            self.order.remove(namespace)

    def page(self, namespace: str, after: tuple[str, str] | None, limit: int) -> list[Obj]:
        """Objects in (namespace, name) order that follow `after`; an empty namespace means all, a limit of 0 no limit."""
        if namespace:
            if after is not None and after[0] != namespace:
                return [] if after[0] > namespace else self.page(namespace, None, limit)
            return self.namespaces.get(namespace, _NONE).page(after[1] if after else None, limit)
        found: list[Obj] = []
        for key in self.order.irange(after[0], None) if after else self.order:
            name = after[1] if after is not None and key == after[0] else None
            found += self.namespaces[key].page(name, limit - len(found) if limit else 0)
            if limit and len(found) >= limit:
                break
        return found

    def count(self, namespace: str, after: tuple[str, str] | None = None) -> int:
        """How many objects there are, or follow `after`."""
        if namespace:
            keys: Iterable[str] = (namespace,)
        else:
            keys = self.order.irange(after[0], None) if after else self.order
        total = sum(len(self.namespaces.get(key, _NONE).objects) for key in keys)
        return total - self.namespaces.get(after[0], _NONE).order.bisect_right(after[1]) if after else total

    def keys(self, namespace: str) -> Iterator[tuple[str, str]]:
        """(namespace, name) of the objects, in order."""
        for key in (namespace,) if namespace else self.order:
            for name in self.namespaces.get(key, _NONE).order:
                yield key, name

    def page_at(self, namespace: str, revision: int) -> list[Obj]:
        """The objects as they were at `revision`, by undoing the remembered events after it."""
        undone: dict[tuple[str, str], Obj | None] = {}
        for event in reversed(self.log):
            if event.revision <= revision:
                break
            if not namespace or event.namespace == namespace:
                undone[event.namespace, event.name] = event.previous
        if not undone:
            return self.page(namespace, None, 0)
        then = {key: self.namespaces[key[0]].objects[key[1]] for key in self.keys(namespace) if key not in undone}
        then.update((key, obj) for key, obj in undone.items() if obj is not None)
        return [then[key] for key in sorted(then)]

    def get_at(self, namespace: str, name: str, revision: int) -> Obj | None:
        """One object as it was at `revision`."""
        found = self.get(namespace, name)
        for event in reversed(self.log):
            if event.revision <= revision:
                break
            if event.name == name and event.namespace == namespace:
                found = event.previous
        return found
