"""EndpointSlices of services without a selector, mirrored from Endpoints that somebody wrote (pkg/controller/endpointslicemirroring)."""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj, annotations_of, is_terminating, labels_of, namespace_of
from engine.control import slices
from engine.control.actions import Actions, Delete, Key
from engine.control.controller import Controller, Watch, own_key
from engine.control.endpoints import TRIGGER_TIME
from engine.control.read import Read

RESOURCE, SERVICES = "endpoints", "services"
CONTROLLER_NAME = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ENDPOINTS_PER_SUBSET_MAX = 1_000
"""--mirroring-max-endpoints-per-subset."""


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Mirror Endpoints, or delete the mirror where they are not to be mirrored."""
    found = read[slices.RESOURCE].by_index(slices.BY_SERVICE, f"{key.namespace}/{key.name}")
    own = [s for s in found if labels_of(s).get(slices.MANAGED_BY) == CONTROLLER_NAME and not is_terminating(s)]
    endpoints, service = read.get(RESOURCE, key.namespace, key.name), read.get(SERVICES, key.namespace, key.name)
    if endpoints is None or service is None or service["spec"].get("selector") or not _mirrored(endpoints):
        return [Delete.of(slices.RESOURCE, s) for s in own]
    annotations = {k: v for k, v in annotations_of(endpoints).items() if k not in (LAST_APPLIED, TRIGGER_TIME)}
    labels = {**labels_of(endpoints), slices.SERVICE_NAME: key.name, slices.MANAGED_BY: CONTROLLER_NAME}
    return slices.plan(slices.Frame(endpoints, key.name, labels, annotations), own, _wanted(endpoints), ())


def _mirrored(endpoints: Obj) -> bool:
    return labels_of(endpoints).get(SKIP_MIRROR) != "true" and LEADER not in annotations_of(endpoints) and not is_terminating(endpoints)


def _wanted(endpoints: Obj) -> dict[slices.Group, list[Obj]]:
    found: dict[slices.Group, list[Obj]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = tuple((p.get("name") or "", p["port"], p.get("protocol") or "TCP", p.get("appProtocol")) for p in subset.get("ports") or ())
        listed = [(a, True) for a in subset.get("addresses") or ()] + [(a, False) for a in subset.get("notReadyAddresses") or ()]
        for address, ready in listed[:ENDPOINTS_PER_SUBSET_MAX]:
            family = "IPv6" if ":" in address["ip"] else "IPv4"
            found.setdefault(slices.Group(family, ports), []).append(_endpoint(address, ready))
    return found


def _endpoint(address: Obj, ready: bool) -> Obj:
    """addressToEndpoint (endpointslicemirroring/utils.go)."""
    made: dict[str, Any] = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for field in ("hostname", "nodeName", "targetRef"):
        if address.get(field):
            made[field] = address[field]
    return made


def _slice_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    service = labels_of(new).get(slices.SERVICE_NAME)
    if kind == "ADDED" or not service or labels_of(new).get(slices.MANAGED_BY) != CONTROLLER_NAME:
        return ()
    return (Key(namespace_of(new), service),)


def _service_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """A service that appears, goes, or gets or loses its selector."""
    if kind == "MODIFIED" and old is not None and bool(old["spec"].get("selector")) == bool(new["spec"].get("selector")):
        return ()
    return own_key(kind, old, new, read)


CONTROLLER = Controller(
    name="endpointslice-mirroring-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(Watch(SERVICES, _service_keys), Watch(slices.RESOURCE, _slice_keys)),
    indexes={slices.RESOURCE: {slices.BY_SERVICE: slices.service_value}},
    component="endpoint-slice-mirroring-controller",
)
