"""Numbers out of a range, each given once: cluster IPs and node ports (pkg/registry/core/service/{ipallocator,portallocator})."""

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv4Network

SERVICE_NETWORK = IPv4Network("10.96.0.0/16")
NODE_PORT_FIRST, NODE_PORT_LAST = 30_000, 32_767


Draw = Callable[[int, int], int]
"""A random number between two, both included."""


class FullError(Exception):
    """Nothing is left of the range."""


class TakenError(Exception):
    """The number was given to somebody else."""


class OutsideError(Exception):
    """The number is not of the range."""


class Allocator:
    """Numbers from `first` to `last`. A low band is kept free for those who ask for a number, as long as there are others."""

    def __init__(self, first: int, last: int, band: int, draw: Draw) -> None:
        self.first = first
        self.last = last
        self._dynamic_from = first + band
        self._draw = draw
        self._taken: set[int] = set()

    def take(self, number: int) -> None:
        """Give out this number.

        Raises:
            OutsideError, TakenError: it cannot be had.
        """
        if not self.first <= number <= self.last:
            raise OutsideError
        if number in self._taken:
            raise TakenError
        self._taken.add(number)

    def take_any(self) -> int:
        """Give out some number: a random one above the band, or the next free one.

        Raises:
            FullError: there is none.
        """
        start = self._draw(self._dynamic_from, self.last)
        candidates = (range(start, self.last + 1), range(self._dynamic_from, start), range(self.first, self._dynamic_from))
        for numbers in candidates:
            for number in numbers:
                if number not in self._taken:
                    self._taken.add(number)
                    return number
        raise FullError

    def release(self, number: int) -> None:
        """Take a number back; one that was not given out is ignored."""
        self._taken.discard(number)


def address_allocator(draw: Draw) -> Allocator:
    """Of the service network, without its network and broadcast addresses (ipallocator.go calculateRangeOffset)."""
    size = SERVICE_NETWORK.num_addresses
    first = int(SERVICE_NETWORK.network_address)
    return Allocator(first + 1, first + size - 2, min(max(16, size // 16), 256), draw)


def port_allocator(draw: Draw) -> Allocator:
    """Of the node ports (portallocator/allocator.go calculateRangeOffset)."""
    size = NODE_PORT_LAST - NODE_PORT_FIRST + 1
    return Allocator(NODE_PORT_FIRST, NODE_PORT_LAST, min(max(16, size // 32), 128), draw)


def address_number(text: str) -> int:
    """An IPv4 address as a number; -1 for what is none."""
    try:
        return int(IPv4Address(text))
    except AddressValueError:
        return -1


def address_text(number: int) -> str:
    """The address of a number."""
    return str(IPv4Address(number))
