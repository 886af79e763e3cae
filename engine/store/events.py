"""What goes into a commit and what comes out of it."""

from collections.abc import Callable
from typing import NamedTuple

from engine.base.causes import Cause
from engine.base.objects import Obj

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


class Put(NamedTuple):
    """Write an object. The store sets metadata.resourceVersion; `expected` is the revision the key must be at now (0: absent)."""

    resource: str
    namespace: str
    name: str
    obj: Obj
    expected: int


class Remove(NamedTuple):
    """Delete a key that must be at revision `expected`; `obj` is the last version (what watchers get, with the new revision)."""

    resource: str
    namespace: str
    name: str
    obj: Obj
    expected: int


Write = Put | Remove


class Event(NamedTuple):
    """One change of one key. `previous` is the version before (None for ADDED); `object` the new one, or the last one when DELETED."""

    type: str
    revision: int
    resource: str
    namespace: str
    name: str
    object: Obj
    previous: Obj | None
    cause: Cause
    time: float


Listener = Callable[[Event], None]


class ConflictError(Exception):
    """A key was not at the expected revision; nothing was written. `current` is its revision (0: absent)."""

    def __init__(self, write: Write, current: int) -> None:
        super().__init__(f"{write.resource} {write.namespace}/{write.name}: expected revision {write.expected}, is {current}")
        self.write = write
        self.current = current


class CompactedError(Exception):
    """A revision older than the history was asked for."""

    def __init__(self, revision: int, compacted: int) -> None:
        super().__init__(f"required revision {revision} has been compacted, the oldest is {compacted}")
        self.revision = revision
        self.compacted = compacted


class FutureRevisionError(Exception):
    """A revision that does not exist yet was asked for."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} is ahead of the current {current}")
        self.revision = revision
        self.current = current


class StoreClosedError(Exception):
    """The store no longer accepts writes: it was closed, or its journal failed (the message says how)."""
