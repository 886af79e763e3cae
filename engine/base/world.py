"""Everything a deterministic component may not make itself: time, randomness, ids."""

import asyncio
import hashlib
import os
import random
from dataclasses import dataclass

from engine.base.clock import Clock, LoopClock, RealClock

SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels, no look-alikes (apimachinery/pkg/util/rand)."""

SIMULATION_EPOCH = 1_767_225_600.0
"""2026-01-01T00:00:00Z: where virtual time starts unless told otherwise."""


Rng = random.Random
"""The type of a random stream, for annotations elsewhere."""


class Streams:
    """Named random streams derived from one seed, so that a draw in one component does not shift another's."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, Rng] = {}

    def stream(self, name: str) -> Rng:
        """The stream of a component, the same object for the same name."""
        found = self._streams.get(name)
        if found is None:
            digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
            found = self._streams[name] = random.Random(int.from_bytes(digest[:8], "big"))
        return found


_VERSION_4 = 0x4 << 76 | 0x8 << 60
_DRAWN = ~(0xF << 76 | 0xC << 60)
"""RFC 9562: version and variant of a UUID are fixed, all other bits drawn."""


class Ids:
    """Uids and name suffixes from a random stream."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng

    def uid(self) -> str:
        """A version 4 UUID."""
        bits = self._rng.getrandbits(128) & _DRAWN | _VERSION_4
        digits = f"{bits:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def suffix(self, length: int = 5) -> str:
        """What generateName appends (apiserver/pkg/storage/names/generate.go)."""
        return "".join(self._rng.choices(SUFFIX_ALPHABET, k=length))


@dataclass(frozen=True, slots=True)
class World:
    """The clock, the random streams and the ids that a cluster runs on."""

    clock: Clock
    rng: Streams
    ids: Ids


def real_world() -> World:
    """The machine's clock, with randomness seeded by the operating system."""
    rng = Streams(int.from_bytes(os.urandom(8), "big"))
    return World(RealClock(), rng, Ids(random.SystemRandom()))


def simulated_world(loop: asyncio.AbstractEventLoop, seed: int = 0, epoch: float = SIMULATION_EPOCH) -> World:
    """A world of virtual time in which the same seed gives the same history."""
    rng = Streams(seed)
    return World(LoopClock(loop, epoch), rng, Ids(rng.stream("ids")))
