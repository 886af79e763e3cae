"""Paths that are no resources: discovery, version, health."""

from engine.base.api import AGGREGATED_DISCOVERY, JSON, Request, Response
from engine.base.errors import StatusError
from engine.base.objects import Obj
from engine.kinds.common import discovery
from engine.kinds.common.registry import Registry

VERSION: Obj = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}
"""The Kubernetes whose behaviour this is."""

HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
NOT_FOUND = "404 page not found\n"


def answer(kinds: Registry, request: Request, address: str) -> Response | None:
    """The document at a path; None where there is none of these. `address` is that of the server, for clients."""
    path = request.path.rstrip("/")
    if path in HEALTH:
        text = f"[+]ping ok\n{path[1:]} check passed\n" if "verbose" in request.query else "ok"
        return Response(200, text.encode(), content_type="text/plain; charset=utf-8")
    if path == "/version":
        return Response(200, VERSION)
    parts = path.strip("/").split("/")
    if parts[0] not in ("api", "apis"):
        return None
    aggregated = _takes_aggregated(request.accept)
    found: Obj | None = None
    if parts == ["api"]:
        found = discovery.aggregated(kinds, True) if aggregated else discovery.core_versions(address)
    elif parts == ["apis"]:
        found = discovery.aggregated(kinds, False) if aggregated else discovery.group_list(kinds)
    elif parts[0] == "api" and len(parts) == 2:
        found = discovery.resource_list(kinds, "", parts[1])
    elif parts[0] == "apis" and len(parts) == 2:
        found = discovery.group(kinds, parts[1])
    elif parts[0] == "apis" and len(parts) == 3:
        found = discovery.resource_list(kinds, parts[1], parts[2])
    if found is None:
        return None
    if request.method != "GET":
        raise StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
    return Response(200, found, content_type=AGGREGATED_DISCOVERY if aggregated and len(parts) == 1 else JSON)


def _takes_aggregated(accept: str) -> bool:
    """Whether a client reads version 2 of aggregated discovery; those that know v2beta1 alone (client-go to 1.29) get the old documents."""
    clauses = ({part.strip() for part in clause.split(";")} for clause in accept.split(","))
    return any({"as=APIGroupDiscoveryList", "v=v2"} <= parts for parts in clauses)


def not_found() -> Response:
    """What a path that leads nowhere is answered with."""
    return Response(404, NOT_FOUND.encode(), content_type="text/plain; charset=utf-8")
