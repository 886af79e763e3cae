"""CPU and memory over a container's life: `250m`, `10Mi..200Mi/60s` (a ramp), `sine(100m..900m/300s)`."""

import math
import re
from typing import NamedTuple

from engine.base import quantity

NEVER = float("inf")

_RANGE = re.compile(
    r"^(?P<sine>sine\()?(?P<low>[^.]+(?:\.\d[^.]*)?)\.\.(?P<high>[^/]+)"
    r"/(?P<time>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)(?P<end>\))?$"
)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Curve(NamedTuple):
    """From `low` to `high` in `time_s` and constant after (`ramp`), to and fro in each `time_s` (`sine`), or always `low`."""

    shape: str
    low: float
    high: float
    time_s: float = 1.0

    def at(self, age_s: float, phase: float = 0.0) -> float:
        """The value at an age; `phase` in [0, 1) shifts a sine."""
        if self.shape == "ramp":
            return self.low + (self.high - self.low) * min(age_s / self.time_s, 1.0)
        if self.shape == "sine":
            return self.low + (self.high - self.low) * (1 - math.cos(2 * math.pi * (age_s / self.time_s + phase))) / 2
        return self.low

    def first_above(self, limit: float) -> float:
        """The age at which the curve first exceeds `limit` (phase 0); infinity for never."""
        if self.low > limit:
            return 0.0
        if self.shape == "constant" or self.high <= limit:
            return NEVER
        share = (limit - self.low) / (self.high - self.low)
        if self.shape == "ramp":
            return self.time_s * share
        return self.time_s * math.acos(1 - 2 * share) / (2 * math.pi)


def parse(text: str) -> Curve:
    """Read a curve; values are Kubernetes quantities.

    Raises:
        ValueError: it is none.
    """
    found = _RANGE.match(text.strip())
    if not found:
        value = float(quantity.parse(text.strip()))
        return Curve("constant", value, value)
    if bool(found["sine"]) != bool(found["end"]):
        raise ValueError(f"{text!r}: unbalanced parenthesis")
    low, high = float(quantity.parse(found["low"])), float(quantity.parse(found["high"]))
    time_s = float(found["time"]) * _UNIT_S[found["unit"]]
    if time_s <= 0:
        raise ValueError(f"{text!r}: the time must be positive")
    return Curve("sine" if found["sine"] else "ramp", low, high, time_s)
