"""What became of a batch of actions that a controller has done in slow start, and how long changes of many pods may wait."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.base.objects import Obj
from engine.control.actions import Failure, Key
from engine.control.read import Read

SETTLE_S_PER_POD = 0.00005
SETTLE_S_MAX = 0.1
SETTLE_PODS_MIN = 100
"""Changes of more than 100 pods are counted together: 50 µs per pod is what a count costs twenty times over."""


def succeeded(actions: Sequence[Any], failures: Sequence[Failure], slow_start: bool = True) -> list[Any]:
    """The actions of a `Parallel` that were done: in slow start, batches of 1, 2, 4… up to the one with the first failure."""
    if not failures:
        return list(actions)
    failed = {id(failure.action) for failure in failures}
    tried = size = 1 if slow_start else len(actions)
    first = next((at for at, action in enumerate(actions) if id(action) in failed), len(actions))
    while tried <= first:
        size *= 2
        tried += size
    return [action for action in actions[:tried] if id(action) not in failed]


def settling(resource: str, pods_of: Callable[[Obj, Read], int]) -> Callable[[Any, Read], float]:
    """A `Watch.settle` by the number of pods of the object that a key names."""

    def settle(key: Key, read: Read) -> float:
        obj = read.get(resource, key.namespace, key.name)
        pods = pods_of(obj, read) if obj is not None else 0
        return min(pods * SETTLE_S_PER_POD, SETTLE_S_MAX) if pods > SETTLE_PODS_MIN else 0.0

    return settle
