"""Images: names as containerd reads them, sizes, and what well-known ones do."""

import re
from functools import lru_cache
from typing import NamedTuple

from engine.kubelet.podstate import Image
from engine.kubelet.simulation.draws import between, digest

_REFERENCE = re.compile(
    r"^(?P<name>(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
    r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)


class Reference(NamedTuple):
    """A normalised image reference: `docker.io/library/nginx:1.27`."""

    registry: str
    repository: str
    tag: str
    digest: str

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.registry}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


class InvalidImageError(ValueError):
    """The text is no image reference; the message is the kubelet's."""


@lru_cache(maxsize=4_096)
def parse(image: str) -> Reference:
    """Read an image reference (distribution/reference).

    Raises:
        InvalidImageError: it is none.
    """
    found = _REFERENCE.match(image)
    if not found:
        why = "invalid reference format"
        if image != image.lower():
            why += f": repository name (library/{image.partition(':')[0]}) must be lowercase"
        raise InvalidImageError(f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {why}')
    name, tag, sha = found["name"], found["tag"] or "", found["digest"] or ""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, repository = first, rest
    else:
        registry, repository = "docker.io", name if slash else f"library/{name}"
    return Reference(registry, repository, tag or ("" if sha else "latest"), sha)


def unreachable(reference: Reference) -> str:
    """Why a registry cannot be reached: the top-level domain `.invalid` (RFC 2606) resolves nowhere. Empty where it can."""
    host = reference.registry.partition(":")[0]
    if not host.endswith(".invalid"):
        return ""
    head = f"https://{reference.registry}/v2/{reference.repository}/manifests/{reference.tag or reference.digest}"
    return (
        f'failed to pull and unpack image "{reference}": failed to resolve reference "{reference}": failed to do request: '
        f'Head "{head}": dial tcp: lookup {host}: no such host'
    )


@lru_cache(maxsize=4_096)
def pulled(reference: Reference) -> Image:
    """The image as the runtime lists it."""
    sha = reference.digest or f"sha256:{digest('image', str(reference))}"
    return Image(str(reference), f"{reference.registry}/{reference.repository}@{sha}")


def size_bytes(reference: Reference) -> int:
    """A believable size: 5 to 250 MB, smaller for alpine and the like."""
    small = any(word in f"{reference.repository}:{reference.tag}" for word in ("alpine", "busybox", "pause", "slim", "distroless"))
    return int(between(2e6, 3e7, "size", str(reference)) if small else between(3e7, 2.5e8, "size", str(reference)))


class Known(NamedTuple):
    """What an image does by itself: `log` names the kind of its output; a shell without a command ends at once."""

    log: str
    ports: tuple[int, ...] = ()
    memory_mib: int = 48
    shell: bool = False


_SHELL = Known("none", shell=True, memory_mib=2)
_KNOWN = {
    "nginx": Known("nginx", (80, 443), 12),
    "httpd": Known("apache", (80,), 16),
    "redis": Known("redis", (6379,), 14),
    "valkey": Known("redis", (6379,), 14),
    "postgres": Known("postgres", (5432,), 60),
    "mysql": Known("mysql", (3306,), 380),
    "mariadb": Known("mysql", (3306,), 180),
    "mongo": Known("app", (27017,), 160),
    "rabbitmq": Known("app", (5672, 15672), 130),
    "memcached": Known("none", (11211,), 8),
    "traefik": Known("app", (80, 8080), 60),
    "haproxy": Known("app", (80,), 30),
    "envoy": Known("app", (10000, 9901), 40),
    "pause": Known("none", (), 1),
    "busybox": _SHELL,
    "alpine": _SHELL,
    "ubuntu": _SHELL,
    "debian": _SHELL,
    "bash": _SHELL,
    "python": _SHELL,
    "node": _SHELL,
    "perl": _SHELL,
    "hello-world": Known("hello", (), 1, shell=True),
}
UNKNOWN = Known("app", (80, 8080), 48)


def known(reference: Reference) -> Known:
    """What is known of an image by the last part of its name; others are taken for an application server."""
    return _KNOWN.get(reference.repository.rpartition("/")[2], UNKNOWN)
