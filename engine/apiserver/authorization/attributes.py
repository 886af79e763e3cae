"""What a request asks for, as authorization sees it (apiserver/pkg/endpoints/request/requestinfo.go), and how it is refused."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from engine.apiserver.options import boolean
from engine.apiserver.patching.gotext import show_string
from engine.apiserver.routing import NAMESPACE_SUBRESOURCES, Route
from engine.base.api import Request, User
from engine.base.errors import StatusError
from engine.base.selectors import SelectorError, parse_fields

VERBS: Mapping[str, str] = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_COLLECTIONS = {"get": "list", "delete": "deletecollection"}


class Attributes(NamedTuple):
    """Either a resource (`path` is empty; `resource` is its plural) or another path."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def of_route(request: Request, route: Route) -> Attributes:
    """What a request on a resource asks for. A namespace itself lies in itself, so that its roles may allow to get it."""
    kind, name, namespace = route.kind, route.name, route.namespace
    if kind.plural == "namespaces" and not kind.group:
        namespace = name
    verb, selected = _verb(request, name, route.subresource)
    return Attributes(verb, kind.group, kind.plural, route.subresource, namespace, name or selected)


def _verb(request: Request, name: str, subresource: str) -> tuple[str, str]:
    """The verb, and the one name that a list or watch is restricted to by its field selector."""
    verb = VERBS.get(request.method, request.method.lower())
    if request.query and verb == "get" and not subresource and boolean(request.query, "watch"):
        return "watch", _selected_name(request.query)
    if name:
        return verb, ""
    verb = _OF_COLLECTIONS.get(verb, verb)
    return verb, _selected_name(request.query) if verb == "list" else ""


def _selected_name(query: Mapping[str, str]) -> str:
    selector = query.get("fieldSelector")
    if not selector or "metadata.name" not in selector:
        return ""
    try:
        terms = parse_fields(selector)
    except SelectorError:
        return ""
    return next((term.value for term in terms if term.path == "metadata.name" and term.equal), "")


def of_path(request: Request) -> Attributes:
    """What a request asks for whose path leads to no resource that is served: it may look like one all the same."""
    path = unquote(request.path) if "%" in request.path else request.path
    parts = path.strip("/").split("/")
    method = VERBS.get(request.method, request.method.lower())
    if parts[0] == "api" and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return Attributes(request.method.lower(), path=path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and not (len(rest) == 3 and rest[2] in NAMESPACE_SUBRESOURCES):
            rest = rest[2:]
    resource, name, subresource = [*rest, "", ""][:3]
    return Attributes(method if name else _OF_COLLECTIONS.get(method, method), group, resource, subresource, namespace, name)


def refusal(user: User, attributes: Attributes, reason: str = "") -> StatusError:
    """403 in upstream's words (apiserver/pkg/endpoints/handlers/responsewriters/errors.go)."""
    who = f"User {show_string(user.name)} cannot {attributes.verb}"
    if attributes.path:
        what = f"{who} path {show_string(attributes.path)}"
        return StatusError(403, "Forbidden", f"forbidden: {what}" + (f": {reason}" if reason else ""), {})
    resource = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    where = f"in the namespace {show_string(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    what = f"{who} resource {show_string(resource)} in API group {show_string(attributes.group)} {where}"
    shown = f"{attributes.resource}.{attributes.group}" if attributes.group else attributes.resource
    prefix = f'{shown} "{attributes.name}"' if attributes.name else shown
    details = {"name": attributes.name, "group": attributes.group, "kind": attributes.resource}
    message = f"{prefix} is forbidden: {what}" + (f": {reason}" if reason else "")
    return StatusError(403, "Forbidden", message, {k: v for k, v in details.items() if v})
