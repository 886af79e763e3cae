"""No journal: everything is as durable as the process. For simulations, `ktui check` and tests."""

from collections.abc import Callable, Sequence

from engine.base.objects import Obj
from engine.store.events import Event
from engine.store.journals.base import Change, Recovered

FIRST_REVISION = 1
"""The revision of an empty store, as in etcd; 0 has a meaning of its own in the API."""


class MemoryJournal:
    """Keeps nothing; the store's own memory of recent events is all the history there is."""

    def __init__(self) -> None:
        self._revision = FIRST_REVISION

    @property
    def oldest(self) -> int | None:
        """No history."""
        return None

    @property
    def history_s(self) -> float:
        """No history."""
        return 0.0

    @property
    def durable_revision(self) -> int:
        """The last commit."""
        return self._revision

    @property
    def failure(self) -> str:
        """Memory does not fail."""
        return ""

    def load(self, on_failure: Callable[[], None]) -> Recovered:
        """An empty store."""
        return Recovered(FIRST_REVISION, iter(()))

    def append(self, changes: Sequence[Change]) -> None:
        """Nothing has to be written."""
        self._revision = changes[0].event.revision

    async def durable(self, revision: int) -> None:
        """At once."""

    def compact(self, revision: int) -> None:
        """Nothing is kept."""

    def page_at(self, resource: str, namespace: str, revision: int) -> list[Obj]:
        """Never asked, as `oldest` is None."""
        raise LookupError(f"revision {revision}: a memory journal keeps no history")

    def get_at(self, resource: str, namespace: str, name: str, revision: int) -> Obj | None:
        """Never asked, as `oldest` is None."""
        raise LookupError(f"revision {revision}: a memory journal keeps no history")

    def replay(self, resource: str, namespace: str, since: int, until: int) -> list[Event]:
        """No history."""
        return []

    def versions(self, resource: str, namespace: str, name: str, until: int) -> list[Event]:
        """No history."""
        return []

    async def close(self) -> None:
        """Nothing to let go of."""
