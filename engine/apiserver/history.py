"""What no Kubernetes API tells: the versions of an object, and the chain of causes that led to it (decision 7).

`GET /ktui/v1/history?resource=pods&namespace=shop&name=web-1` and `GET /ktui/v1/why?…`; outside discovery.
"""

from typing import Any

from engine.apiserver.context import Context
from engine.apiserver.documents import not_found as no_such_page
from engine.base.api import Request, Response
from engine.base.clock import rfc3339_micro
from engine.base.errors import bad_request, method_not_allowed, not_found
from engine.base.objects import Obj
from engine.store.events import Event

HISTORY, WHY = "/ktui/v1/history", "/ktui/v1/why"
API_VERSION = "ktui.dev/v1"
CHAIN_LINKS_MAX = 64


def answer(ctx: Context, request: Request) -> Response:
    """The history or the causes of an object; 404 for any other path.

    Raises:
        StatusError: 400 for a resource that is not known, 404 for an object of which nothing is known.
    """
    if request.path not in (HISTORY, WHY):
        return no_such_page()
    if request.method != "GET":
        raise method_not_allowed()
    query = request.query
    kind = ctx.kinds.by_resource.get(query.get("resource", ""))
    if kind is None:
        raise bad_request(f'unknown resource "{query.get("resource", "")}"')
    events = ctx.storage.history(kind, query.get("namespace", ""), query.get("name", ""))
    if not events:
        raise not_found(kind.resource, query.get("name", ""))
    if request.path == HISTORY:
        return Response(200, {"kind": "History", "apiVersion": API_VERSION, "items": [_version(e) for e in events]})
    return Response(200, {"kind": "Causes", "apiVersion": API_VERSION, "items": _chain(ctx, events[-1])})


def _version(event: Event) -> Obj:
    return {**_link(event), "object": event.object}


def _link(event: Event) -> dict[str, Any]:
    cause = event.cause
    return {
        "type": event.type,
        "revision": event.revision,
        "time": rfc3339_micro(event.time),
        "resource": event.resource,
        "namespace": event.namespace,
        "name": event.name,
        "cause": {"actor": cause.actor, "revision": cause.revision, "source": cause.source},
    }


def _chain(ctx: Context, event: Event) -> list[Obj]:
    """From a change back through the changes that made it happen, as far as history reaches; each link is a change."""
    links: list[Obj] = []
    found: Event | None = event
    while found is not None and len(links) < CHAIN_LINKS_MAX:
        links.append(_link(found))
        revision = found.cause.revision
        found = ctx.storage.change_at(revision) if 0 < revision < found.revision else None
    return links
