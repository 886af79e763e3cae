"""EndpointSlices: the pods behind each service with a selector, a hundred to a slice
(pkg/controller/endpointslice, staging/src/k8s.io/endpointslice/reconciler.go)."""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj, is_terminating, labels_of, name_of, namespace_of
from engine.control import slices
from engine.control.actions import Actions, Key, Remember, RequeueAfter
from engine.control.controller import Controller, Watch
from engine.control.endpoints import (
    BY_SELECTOR,
    HEADLESS_LABEL,
    TRIGGER_TIME,
    Progress,
    address_of,
    hostname_for,
    included,
    is_headless,
    pause_s,
    pod_keys,
    port_finder,
    selector_value,
    target_of,
    trigger_time,
)
from engine.control.pods import is_ready
from engine.control.read import Read
from engine.control.selection import map_selector

SERVICES, NODES = "services", "nodes"
CONTROLLER_NAME = "endpointslice-controller.k8s.io"
ZONE = "topology.kubernetes.io/zone"
_RESERVED = frozenset({slices.SERVICE_NAME, slices.MANAGED_BY, HEADLESS_LABEL})


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Write the slices of a service. Those of a service that is gone are left to the garbage collector."""
    service = read.get(SERVICES, key.namespace, key.name)
    if service is None or not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
        return []
    known: Progress | None = read.memory.get(key)
    if wait := pause_s(known, now):
        return [RequeueAfter(wait)]
    pods = read["pods"].select(key.namespace, map_selector(service["spec"]["selector"]))
    time, progress = trigger_time(service, pods, known)
    families = service["spec"].get("ipFamilies") or ["IPv4"]
    frame = slices.Frame(service, key.name, _labels(service), {TRIGGER_TIME: time} if time else {})
    actions = slices.plan(frame, _own(key, read), _wanted(service, pods, families, read), families)
    return [*actions, Remember(progress._replace(written=now) if actions else progress)]


def _own(key: Key, read: Read) -> list[Obj]:
    """The slices of the service that this controller made."""
    found = read[slices.RESOURCE].by_index(slices.BY_SERVICE, f"{key.namespace}/{key.name}")
    return [s for s in found if labels_of(s).get(slices.MANAGED_BY) == CONTROLLER_NAME and not is_terminating(s)]


def _labels(service: Obj) -> Obj:
    """setEndpointSliceLabels: those of the service, and the controller's own."""
    labels = {k: v for k, v in labels_of(service).items() if k not in _RESERVED}
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return {**labels, slices.SERVICE_NAME: name_of(service), slices.MANAGED_BY: CONTROLLER_NAME}


def _wanted(service: Obj, pods: list[Obj], families: Iterable[str], read: Read) -> dict[slices.Group, list[Obj]]:
    ports_of = port_finder(service)
    found: dict[slices.Group, list[Obj]] = {}
    present = [pod for pod in pods if included(pod, terminating=True)]
    for family in families:
        for pod in present:
            ip = address_of(pod, family)
            if ip is not None:
                found.setdefault(slices.Group(family, ports_of(pod)), []).append(_endpoint(ip, pod, service, read))
    return found


def _endpoint(ip: str, pod: Obj, service: Obj, read: Read) -> Obj:
    """podToEndpoint (endpointslice/utils.go): a terminating pod is not ready, unless addresses are published all the same."""
    serving, terminating = is_ready(pod), is_terminating(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    made: dict[str, Any] = {
        "addresses": [ip],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": target_of(pod),
    }
    hostname = hostname_for(pod, service)
    if hostname:
        made["hostname"] = hostname
    name = pod["spec"].get("nodeName")
    node = read.get(NODES, "", name) if name else None
    zone = labels_of(node).get(ZONE) if node is not None else None
    if name:
        made["nodeName"] = name
    if zone:
        made["zone"] = zone
    hints = _hints(service["spec"].get("trafficDistribution"), name, zone) if ready else None
    return {**made, "hints": hints} if hints else made


def _hints(distribution: str | None, node: str | None, zone: str | None) -> Obj | None:
    """Where the endpoint is best used from (endpointslice/trafficdist/trafficdist.go)."""
    if distribution not in ("PreferClose", "PreferSameZone", "PreferSameNode"):
        return None
    hints: dict[str, Any] = {"forZones": [{"name": zone}]} if zone else {}
    if distribution == "PreferSameNode" and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def _node_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """A node that moves to another zone concerns the services of its pods."""
    if kind != "MODIFIED" or old is None or labels_of(old).get(ZONE) == labels_of(new).get(ZONE):
        return ()
    pods = read["pods"].by_index("node", name_of(new))
    return dict.fromkeys(key for pod in pods for key in _services_of(pod, read))


def _services_of(pod: Obj, read: Read) -> Iterable[Key]:
    return pod_keys("ADDED", None, pod, read)


def _slice_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The service of a slice that others changed or deleted."""
    service = labels_of(new).get(slices.SERVICE_NAME)
    if kind == "ADDED" or not service or labels_of(new).get(slices.MANAGED_BY) != CONTROLLER_NAME:
        return ()
    return (Key(namespace_of(new), service),)


CONTROLLER = Controller(
    name="endpointslice-controller",
    resource=SERVICES,
    reconcile=reconcile,
    watches=(Watch("pods", pod_keys), Watch(slices.RESOURCE, _slice_keys), Watch(NODES, _node_keys)),
    indexes={SERVICES: {BY_SELECTOR: selector_value}, slices.RESOURCE: {slices.BY_SERVICE: slices.service_value}},
    component="endpoint-slice-controller",
)
