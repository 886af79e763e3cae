"""How the cyclic garbage collector is set in an engine's process.

An engine holds millions of containers that never die in cycles: API objects are immutable trees, freed by their reference counts. Walking
them in search of cycles is wasted: with 150,000 pods it was a sixth of the time, and pauses of 3 s. So only young containers are looked at:
cycles that die young (an error with its traceback) are found, those that get old (a connection, a task of hours) are not.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEVER = 1_000_000_000
THRESHOLDS = (20_000, NEVER, NEVER)
"""Net allocations of containers before a young collection (10 pods make 700, the default); older ones do not come by themselves."""


def settle() -> None:
    """Call it once in an engine's process, when it stands: everything that is there now is taken to stay."""
    gc.set_threshold(*THRESHOLDS)
    gc.collect()
    gc.freeze()


@contextmanager
def paused() -> Iterator[None]:
    """No collection while much is made of which nothing is garbage: decoding a list of 10,000 pods takes half as long."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
