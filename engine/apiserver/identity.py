"""Results remembered by the identity of an immutable object: 1,000 pods of one template are admitted and checked once."""

from typing import Any, Generic, TypeVar

T = TypeVar("T")

ENTRIES_MAX = 4_096


class IdentityMemo(Generic[T]):
    """What a pure function made of an object, found again by `is`. Entries keep their object alive, so an id is never reused."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._entries: dict[int, tuple[Any, T]] = {}
        self._entries_max = entries_max

    def get(self, key: Any) -> T | None:
        """The result for this very object; None where it is not known."""
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None else None

    def put(self, key: Any, value: T) -> T:
        """Remember `value` for `key`; the oldest entry makes room."""
        entries = self._entries
        if len(entries) >= self._entries_max:
            del entries[next(iter(entries))]
        entries[id(key)] = (key, value)
        return value
