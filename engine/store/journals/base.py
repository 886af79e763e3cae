"""What the store asks of a journal: keep commits on disk, in order, and give them back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from engine.base.objects import Obj
from engine.store.events import Event
from engine.store.shards import Origin, Version


class Entry(NamedTuple):
    """A live object as the journal had it."""

    resource: str
    namespace: str
    name: str
    obj: Obj
    version: Version


class Change(NamedTuple):
    """An event, and the commit that created the object; None where the event did that itself."""

    event: Event
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a journal holds at open.

    `revision` is the last one that was handed out as far as the journal can know; new ones must be above it. `marks` are
    (time, revision) samples of the past, oldest first, by which history is aged.
    """

    revision: int
    entries: Iterator[Entry]
    marks: Sequence[tuple[float, int]] = ()


class Journal(Protocol):
    """Keeps commits. One store uses one journal, from one loop."""

    @property
    def oldest(self) -> int | None:
        """The oldest revision whose state can be read back; None where the journal keeps no history."""

    @property
    def history_s(self) -> float:
        """How long the journal is to keep history, in seconds; 0 where it keeps none."""

    @property
    def durable_revision(self) -> int:
        """Every commit up to this revision is on disk."""

    @property
    def failure(self) -> str:
        """Why nothing more can be written; empty while all is well."""

    def load(self, on_failure: Callable[[], None]) -> Recovered:
        """Read the last state. `on_failure` is called (on the loop) once `failure` is set.

        Raises:
            JournalError: the file cannot be read, or what was acknowledged is no longer in it.
        """

    def append(self, changes: Sequence[Change]) -> None:
        """Take the changes of one commit, to be written in the background. Blocks only at the limit of what may wait to be written.

        Raises:
            StoreClosedError: the journal failed; it did not take the commit.
            TypeError, ValueError: the commit cannot be written; later ones can.
        """

    async def durable(self, revision: int) -> None:
        """Return once the commit is on disk.

        Raises:
            StoreClosedError: it will never be.
        """

    def compact(self, revision: int) -> None:
        """Forget versions that were superseded at or before `revision`, in the background; the state at `revision` stays."""

    def page_at(self, resource: str, namespace: str, revision: int) -> list[Obj]:
        """The objects of a resource as of a durable revision that is not older than `oldest`, in (namespace, name) order."""

    def get_at(self, resource: str, namespace: str, name: str, revision: int) -> Obj | None:
        """One object as of a durable revision that is not older than `oldest`."""

    def replay(self, resource: str, namespace: str, since: int, until: int) -> list[Event]:
        """Durable events with since < revision <= until, oldest first; an empty namespace means all."""

    def versions(self, resource: str, namespace: str, name: str, until: int) -> list[Event]:
        """All versions of a key that are kept, with revision <= until, oldest first."""

    async def close(self) -> None:
        """Write what is waiting and let go of the file."""


class JournalError(Exception):
    """A journal cannot be opened: the message names the file and says what is wrong with it."""
