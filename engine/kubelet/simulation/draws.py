"""Random-looking numbers that depend on nothing but what they are about, so that no order of events shifts them."""

from hashlib import blake2b


def digest(*about: str | int) -> str:
    """64 hexadecimal digits for a thing."""
    return blake2b("\0".join(map(str, about)).encode(), digest_size=32).hexdigest()


def draw(*about: str | int) -> float:
    """A number in [0, 1) for a thing."""
    return int.from_bytes(blake2b("\0".join(map(str, about)).encode(), digest_size=7).digest(), "big") / (1 << 56)


def between(low: float, high: float, *about: str | int) -> float:
    """A number in [low, high) for a thing."""
    return low + (high - low) * draw(*about)
