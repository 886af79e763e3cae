"""What a controller is: a pure function from a key to actions, and what changes bring a key up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.base.api import ResourceInfo
from engine.base.objects import Obj, controller_of, labels_of, name_of, namespace_of
from engine.control.actions import Actions, Key
from engine.control.cache import IndexFn
from engine.control.read import Read
from engine.control.selection import selector_of

Reconcile = Callable[[Any, Read, float], Actions]
"""`reconcile(key, read, now)`: pure. Reads the caches, returns what to do; never awaits, sleeps, logs or keeps anything.

`now` is in epoch seconds. The key's object may be gone. It is called with one key at a time, and for a key not before the caches
contain everything that the last call's actions wrote.
"""

Mapper = Callable[[str, Obj | None, Obj, Read], Iterable[Any]]
"""`(type, old, new, read) -> keys` that a change brings up; `type` is ADDED, MODIFIED or DELETED."""

EverythingMapper = Callable[[str, ResourceInfo, Obj | None, Obj, Read], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Watch:
    """A resource whose changes bring keys up. `settle` says how many seconds such a key may wait for further changes."""

    resource: str
    keys: Mapper
    settle: Callable[[Any, Read], float] | None = None


def own_key(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Any]:
    """The key of the changed object itself."""
    return (Key(namespace_of(new), name_of(new)),)


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller, as modules in engine.controllers export it (`CONTROLLER`)."""

    name: str
    """Upstream's name in `--controllers` (`deployment-controller`); actor of its writes, component of its events."""
    resource: str
    """Whose objects it reconciles; empty where its keys are no objects (`initial`, `everything`)."""
    reconcile: Reconcile
    keys: Mapper = own_key
    """Keys that a change of a primary object brings up."""
    settle: Callable[[Any, Read], float] | None = None
    """How many seconds the key of a primary object may wait for further changes where it asks for nothing new: its status changed."""
    watches: tuple[Watch, ...] = ()
    """Further resources whose changes bring keys up."""
    reads: tuple[str, ...] = ()
    """Resources that are read but bring nothing up."""
    indexes: Mapping[str, Mapping[str, IndexFn]] = field(default_factory=dict)
    """Indexes of its own, resource -> name -> values; prefix the name with the controller's."""
    everything: EverythingMapper | None = None
    """Follows every resource of the server, `read.resources`; keys that a change of any of them brings up."""
    reads_everything: bool = False
    """Reads `read.resources` without following it."""
    initial: tuple[Any, ...] = ()
    """Keys to reconcile at the start."""
    workers: int = 5
    """How many keys are worked on at a time (upstream's --concurrent-…-syncs)."""
    resync_s: float = 0.0
    """Every so often all primary objects are reconciled; 0 for never."""
    component: str = ""
    """source.component of its events where it is not the name."""
    by_default: bool = True
    """Whether `*` includes it."""

    @property
    def resources(self) -> tuple[str, ...]:
        """All resources that its reconcile may read, each once."""
        named = [self.resource, *(w.resource for w in self.watches), *self.reads, *self.indexes]
        return tuple(dict.fromkeys(r for r in named if r))


def _owner_key(obj: Obj | None, group: str, kind: str) -> Key | None:
    ref = controller_of(obj) if obj is not None else None
    if ref is None or ref["kind"] != kind or ref["apiVersion"].rpartition("/")[0] != group:
        return None
    return Key(namespace_of(obj or {}), ref["name"])


def owned_by(group: str, kind: str) -> Mapper:
    """Brings up the controller of a changed object, and the former one where it changed."""

    def keys(change: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
        now, before = _owner_key(new, group, kind), _owner_key(old, group, kind) if old is not new else None
        if before is not None and before != now:
            return (before,) if now is None else (before, now)
        return () if now is None else (now,)

    return keys


def owned_or_selected(group: str, kind: str, resource: str) -> Mapper:
    """As `owned_by`; an orphan that is new, freshly released or relabelled brings up all of `resource` that select it
    (replica_set.go addPod, updatePod)."""
    owned = owned_by(group, kind)

    def keys(change: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
        found = list(owned(change, old, new, read))
        if change == "DELETED" or controller_of(new) is not None or new["metadata"].get("deletionTimestamp"):
            return found
        labels = labels_of(new)
        if old is not None and labels == labels_of(old) and controller_of(old) is None:
            return found
        for candidate in read[resource].list(namespace_of(new)):
            if selector_of(candidate).matches(labels):
                found.append(Key(namespace_of(candidate), name_of(candidate)))
        return list(dict.fromkeys(found))

    return keys


def selected(controllers: Iterable[Controller], expression: str) -> list[Controller]:
    """The controllers that `--controllers` names: `*` (all on by default), `name`, `-name`, `none` (kube-controller-manager).

    Raises:
        ValueError: a name is no controller's.
    """
    terms = [t.strip() for t in expression.split(",") if t.strip()]
    known = list(controllers)
    names = {c.name for c in known}
    for term in terms:
        if term not in ("*", "none") and term.removeprefix("-") not in names:
            raise ValueError(f"{term.removeprefix('-')!r} is not in the list of known controllers")
    if terms == ["none"]:
        return []
    return [c for c in known if c.name in terms or (f"-{c.name}" not in terms and "*" in terms and c.by_default)]
