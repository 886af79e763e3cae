"""Whether a request may go on: superusers, nodes, then the roles (apiserver/pkg/endpoints/filters/authorization.go)."""

from engine.apiserver.authorization import nodes
from engine.apiserver.authorization.attributes import Attributes, of_path, of_route, refusal
from engine.apiserver.authorization.impersonation import impersonated
from engine.apiserver.authorization.resolver import Objects, RuleResolver
from engine.apiserver.routing import Route
from engine.base.api import Request, User
from engine.base.objects import Obj
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry

MASTERS = "system:masters"
NODES = "system:nodes"
NODE_PREFIX = "system:node:"

OF_OBJECTS = frozenset({"/ktui/v1/history", "/ktui/v1/why"})
"""Paths that tell of the object in their query, who is to be allowed to get it as well."""


class Authorizer:
    """Decides over the store; its rules change as roles and bindings do."""

    def __init__(self, objects: Objects) -> None:
        self.resolver = RuleResolver(objects)
        self._objects = objects

    def decide(self, user: User, attributes: Attributes) -> tuple[bool, str]:
        """Whether it is allowed, and the reason where there is one."""
        if MASTERS in user.groups:
            return True, ""
        if NODES in user.groups and user.name.startswith(NODE_PREFIX):
            node = user.name.removeprefix(NODE_PREFIX)
            if nodes.allows(node, attributes, self._objects):
                return True, ""
        return self.resolver.allowed(user, attributes)

    def demand(self, user: User, attributes: Attributes) -> None:
        """Refuse what is not allowed.

        Raises:
            StatusError: 403.
        """
        allowed, reason = self.decide(user, attributes)
        if not allowed:
            raise refusal(user, attributes, reason)

    def admit(self, request: Request, route: Route | None, kinds: Registry) -> Request:
        """The request, by the user whom it impersonates if any, if it is allowed.

        Raises:
            StatusError: 403, or what is wrong with its impersonation.
        """
        if request.headers:
            request = impersonated(request, self.demand)
        user = request.user
        if MASTERS in user.groups:
            return request
        if route is not None:
            self.demand(user, of_route(request, route))
            return request
        self.demand(user, of_path(request))
        if request.path in OF_OBJECTS and (kind := kinds.by_resource.get(request.query.get("resource", ""))):
            self.demand(user, _of_object(kind, request.query.get("namespace", ""), request.query.get("name", "")))
        return request

    def demand_create(self, user: User, kind: Kind, namespace: str, name: str) -> None:
        """What an update or an apply needs that is to create its object (endpoints/handlers/update.go withAuthorization).

        Raises:
            StatusError: 403.
        """
        if MASTERS not in user.groups:
            self.demand(user, Attributes("create", kind.group, kind.plural, "", namespace, name))


def _of_object(kind: Kind, namespace: str, name: str) -> Attributes:
    return Attributes("get", kind.group, kind.plural, "", name if kind.resource == "namespaces" else namespace, name)


def of_review(spec: Obj) -> Attributes:
    """What an access review asks about (pkg/registry/authorization/util/helpers.go); a missing version or name stands for any."""
    asked = spec.get("resourceAttributes")
    if asked is None:
        other = spec.get("nonResourceAttributes") or {}
        return Attributes(other.get("verb") or "", path=other.get("path") or "")
    fields = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(*(asked.get(field) or "" for field in fields))
