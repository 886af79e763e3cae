"""Where a path leads: a resource of a kind, or something that is none."""

from typing import NamedTuple
from urllib.parse import unquote

from engine.base.errors import StatusError
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry

ROUTES_MAX = 16_384

NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


class Route(NamedTuple):
    """A path below /api/v1 or /apis/group/version that names a resource. `namespace` is empty for cluster scope and all namespaces."""

    kind: Kind
    version: str
    namespace: str
    name: str
    subresource: str


class Router:
    """Finds routes, and remembers them by path."""

    def __init__(self, kinds: Registry) -> None:
        self._kinds = kinds
        self._routes: dict[str, Route | None] = {}

    def route(self, path: str) -> Route | None:
        """The resource that `path` names; None for paths that name none (discovery, health, unknown paths).

        Raises:
            StatusError: 404, the group and version is served but not the resource.
        """
        if path in self._routes:
            return self._routes[path]
        found = self._parse(path)
        if len(self._routes) >= ROUTES_MAX:
            self._routes.clear()
        self._routes[path] = found
        return found

    def _parse(self, path: str) -> Route | None:
        parts = (unquote(path) if "%" in path else path).strip("/").split("/")
        if parts[0] == "api" and len(parts) > 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            return None
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and not (len(rest) == 3 and rest[2] in NAMESPACE_SUBRESOURCES):
            namespace, rest = rest[1], rest[2:]
        kind = self._kinds.by_path(group, version, rest[0])
        if kind is None:
            if any(k.group == group and version in k.versions for k in self._kinds.all()):
                raise _unknown()
            return None
        if len(rest) > 3 or bool(namespace) > kind.namespaced or (kind.namespaced and not namespace and len(rest) > 1):
            raise _unknown()
        name, subresource = [*rest[1:], "", ""][:2]
        return Route(kind.per_version.get(version, kind), version, namespace, name, subresource)


def _unknown() -> StatusError:
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})
