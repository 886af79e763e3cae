"""How the cyclic garbage collector is set in an engine's process.

An engine holds millions of containers that never die in cycles: API objects are immutable trees, freed by their reference counts. Walking
them in search of cycles is wasted, and a pause that grows with the cluster: 0.2 s with 2,000 pods and their events, seconds with 150,000.
So what a full collection finds alive is not looked at again (`gc.freeze`); it is still freed when nobody refers to it. Lost are only
cycles that are alive during a full collection and become garbage later: a task, a connection, once in a million allocations.
"""

import gc
from typing import Any

THRESHOLDS = (20_000, 10, 5)
"""Net allocations of containers before a young collection (10 pods make 700, the default), young ones before a middle one, middle ones
before a full one: about a million containers apart, of which it walks those that are new, some 40 ms."""


def _tenure(phase: str, info: dict[str, Any]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()


def settle() -> None:
    """Call it once in an engine's process, when it stands: everything that is there now is taken to stay."""
    if _tenure not in gc.callbacks:
        gc.callbacks.append(_tenure)
    gc.set_threshold(*THRESHOLDS)
    gc.collect()
