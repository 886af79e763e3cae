"""The addresses of the simulated cloud."""

from collections.abc import Iterable

POOL = "172.18.255"
"""Load balancers get addresses of 172.18.255.0/24."""
POOL_HOSTS = range(1, 254)
INGRESS_IP = f"{POOL}.254"
"""Where the cloud's ingress controller is reached."""


def next_free(taken: Iterable[str]) -> str | None:
    """The lowest address of the pool that nobody has; None where all are taken."""
    used = set(taken)
    return next((ip for ip in (f"{POOL}.{host}" for host in POOL_HOSTS) if ip not in used), None)
