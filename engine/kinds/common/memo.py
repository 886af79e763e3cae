"""Results remembered by the identity of immutable objects: 1,000 replicas share one template, which is looked at once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

R = TypeVar("R")

ENTRIES_MAX = 2_048
"""Objects remembered per memo; a template's containers are about 2 KB."""


class Memo(Generic[R]):
    """`function(obj)` per object, not per equal value.

    The object is held together with its result, so its id cannot be given to another one while it is remembered. The oldest
    entry goes when the memo is full. `function` must be pure, and `obj` never change.
    """

    def __init__(self, function: Callable[[Any], R], entries_max: int = ENTRIES_MAX) -> None:
        self._function = function
        self._entries_max = entries_max
        self._known: dict[int, tuple[object, R]] = {}

    def __call__(self, obj: Any) -> R:
        """The remembered result, or a new one."""
        entry = self._known.get(id(obj))
        if entry is not None and entry[0] is obj:
            return entry[1]
        result = self._function(obj)
        self.remember(obj, result)
        return result

    def remember(self, obj: object, result: R) -> None:
        """Record a result that is known without asking `function`."""
        known = self._known
        while len(known) >= self._entries_max:
            del known[next(iter(known))]
        known[id(obj)] = (obj, result)

    def __len__(self) -> int:
        return len(self._known)


def stable(change: Callable[[Any], Any], remember_same: bool = True) -> "Memo[Any]":
    """A memo of an idempotent change: what came out of it is known to need no further one.

    `remember_same`: whether an object that came back itself is remembered as well; not worth it where finding that out is cheap.
    """

    def changed(obj: Any) -> Any:
        out = change(obj)
        if out is not obj and remember_same:
            memo.remember(out, out)
        return out

    memo: Memo[Any] = Memo(changed) if remember_same else _Changes(changed)
    return memo


class _Changes(Memo[Any]):
    """Remembers only what differs from its argument."""

    def remember(self, obj: object, result: Any) -> None:
        if result is not obj:
            super().remember(obj, result)
