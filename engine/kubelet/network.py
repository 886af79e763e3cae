"""Addresses: each node has a /24 for its pods, from 10.244.0.0 up to 10.255, then from 10.128.0.0, and an address of its own."""

from functools import lru_cache
from ipaddress import ip_network

PODS_PER_NODE_MAX = 253


class NoAddressError(Exception):
    """All addresses of a node's range are taken."""


def pod_cidr(number: int) -> str:
    """The range of node `number` (from 0): 10.244.0.0/24, 10.244.1.0/24… 10.245.0.0/24; clear of the services' 10.96.0.0/12."""
    high, low = divmod(number, 256)
    return f"10.{244 + high if high < 12 else 116 + high}.{low}.0/24"


@lru_cache(maxsize=8_192)
def node_ip(number: int) -> str:
    """The address of node `number`: 172.18.0.2 and on."""
    high, low = divmod(number + 2, 250)
    return f"172.{18 + high // 250}.{high % 250}.{low}"


class Addresses:
    """Hands out the addresses of one range, the lowest free one after the last given, so that none is reused at once."""

    __slots__ = ("_by_pod", "_last", "_prefix", "_taken")

    def __init__(self, cidr: str) -> None:
        self._prefix = str(ip_network(cidr).network_address).rpartition(".")[0]
        self._taken: set[int] = set()
        self._by_pod: dict[str, int] = {}
        self._last = 1

    def take(self, uid: str) -> str:
        """An address for a pod; the same again for the same pod.

        Raises:
            NoAddressError: none is left.
        """
        host = self._by_pod.get(uid)
        if host is None:
            host = self._free()
            self._claim(uid, host)
        return f"{self._prefix}.{host}"

    def _free(self) -> int:
        for step in range(PODS_PER_NODE_MAX):
            host = (self._last - 1 + step) % PODS_PER_NODE_MAX + 2
            if host not in self._taken:
                self._last = host
                return host
        raise NoAddressError(f"no IP addresses available in range set: {self._prefix}.2-{self._prefix}.254")

    def _claim(self, uid: str, host: int) -> None:
        self._taken.add(host)
        self._by_pod[uid] = host

    def keep(self, uid: str, ip: str) -> None:
        """A pod has this address already (its kubelet restarted)."""
        prefix, _, host = ip.rpartition(".")
        if prefix == self._prefix and host.isdigit() and uid not in self._by_pod:
            self._claim(uid, int(host))

    def free(self, uid: str) -> None:
        """Give a pod's address back."""
        host = self._by_pod.pop(uid, None)
        if host is not None:
            self._taken.discard(host)
