"""Endpoints: the ready and not ready addresses behind each service with a selector (pkg/controller/endpoint/endpoints_controller.go)."""

from collections.abc import Iterable
from typing import Any

from engine.base.objects import Obj, annotations_of, labels_of, name_of, namespace_of, uid_of
from engine.control.actions import Actions, Create, Delete, Key, Remember, RequeueAfter, Update
from engine.control.controller import Controller, Watch, own_key
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
from engine.control.mappers import when
from engine.control.pods import is_ready
from engine.control.read import Read
from engine.control.selection import map_selector

SERVICES, RESOURCE = "services", "endpoints"
ADDRESSES_MAX = 1_000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Write the Endpoints of a service; delete those of a service that is gone."""
    service = read.get(SERVICES, key.namespace, key.name)
    current = read.get(RESOURCE, key.namespace, key.name)
    if service is None:
        return [Delete(RESOURCE, key.namespace, key.name, uid_of(current))] if current is not None else []
    selector = service["spec"].get("selector")
    if not selector or service["spec"].get("type") == "ExternalName":
        return []
    known: Progress | None = read.memory.get(key)
    if wait := pause_s(known, now):
        return [RequeueAfter(wait)]
    pods = read["pods"].select(key.namespace, map_selector(selector))
    time, progress = trigger_time(service, pods, known)
    found = _subsets(service, pods)
    total = sum(len(s.get("addresses", ())) + len(s.get("notReadyAddresses", ())) for s in found)
    subsets = _truncated(found) if total > ADDRESSES_MAX else found
    labels = _labels(service)
    annotated = annotations_of(current) if current is not None else {}
    over = total > ADDRESSES_MAX
    same = current is not None and (current.get("subsets") or []) == subsets and labels_of(current) == labels
    if same and (OVER_CAPACITY in annotated) == over:
        return [Remember(progress)]
    annotations = {k: v for k, v in annotated.items() if k not in (TRIGGER_TIME, OVER_CAPACITY)}
    if time:
        annotations[TRIGGER_TIME] = time
    if over:
        annotations[OVER_CAPACITY] = "truncated"
    write = _write(service, current, {"labels": labels, "annotations": annotations}, subsets)
    return [write, Remember(progress._replace(written=now))]


def _write(service: Obj, current: Obj | None, metadata: Obj, subsets: list[Obj]) -> Create | Update:
    if current is None:
        meta = {"name": name_of(service), "namespace": namespace_of(service), **metadata}
        return Create(RESOURCE, {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": subsets})
    return Update(RESOURCE, {**current, "metadata": {**current["metadata"], **metadata}, "subsets": subsets})


def _labels(service: Obj) -> dict[str, str]:
    """Those of the service, and what marks a headless one."""
    labels = {**labels_of(service), **MANAGED_BY}
    labels.pop(HEADLESS_LABEL, None)
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    return labels


def _subsets(service: Obj, pods: Iterable[Obj]) -> list[Obj]:
    """Addresses grouped by their ports, in order of address (pkg/api/v1/endpoints/util.go RepackSubsets)."""
    spec = service["spec"]
    all_ready = bool(spec.get("publishNotReadyAddresses"))
    family = (spec.get("ipFamilies") or ["IPv4"])[0]
    portless = not spec.get("ports")
    if portless and spec.get("clusterIP") != "None":
        return []
    ports_of = port_finder(service)
    groups: dict[Any, tuple[list[Obj], list[Obj]]] = {}
    for pod in pods:
        ip = address_of(pod, family) if included(pod, all_ready) else None
        if ip is None:
            continue
        ports = ports_of(pod)
        if ports or portless:
            ready, not_ready = groups.setdefault(ports, ([], []))
            (ready if all_ready or is_ready(pod) else not_ready).append(_address(ip, pod, service))
    return [_subset(ports, *groups[ports]) for ports in sorted(groups, key=repr)]


def _address(ip: str, pod: Obj, service: Obj) -> Obj:
    address: dict[str, Any] = {"ip": ip, "targetRef": target_of(pod)}
    if pod["spec"].get("nodeName"):
        address["nodeName"] = pod["spec"]["nodeName"]
    hostname = hostname_for(pod, service)
    return {**address, "hostname": hostname} if hostname else address


def _subset(ports: Iterable[tuple[str, int, str, str | None]], ready: list[Obj], not_ready: list[Obj]) -> Obj:
    made: dict[str, Any] = {}
    for field, addresses in (("addresses", ready), ("notReadyAddresses", not_ready)):
        if addresses:
            made[field] = sorted(addresses, key=lambda a: (a["ip"], a["targetRef"]["uid"]))
    listed = []
    for name, number, protocol, app_protocol in ports:
        port = {"name": name, "port": number, "protocol": protocol, "appProtocol": app_protocol}
        listed.append({k: v for k, v in port.items() if v})
    return {**made, "ports": listed} if listed else made


def _truncated(subsets: list[Obj]) -> list[Obj]:
    """At most 1,000 addresses, ready ones first, in proportion over the subsets (truncateEndpoints)."""
    ready = sum(len(s.get("addresses", ())) for s in subsets)
    not_ready = sum(len(s.get("notReadyAddresses", ())) for s in subsets)
    field, total, room = (
        ("addresses", ready, ADDRESSES_MAX) if ready > ADDRESSES_MAX else ("notReadyAddresses", not_ready, ADDRESSES_MAX - ready)
    )
    left = room
    made: list[Obj] = []
    for subset in subsets:
        addresses = subset.get(field, [])
        kept = addresses[: min(left, -(-len(addresses) * room // total))]
        left -= len(kept)
        rest = {k: v for k, v in subset.items() if k != "notReadyAddresses" and k != field}
        changed = {**({field: kept} if kept else {}), **rest}
        if "addresses" in changed or "notReadyAddresses" in changed:
            made.append(changed)
    return made


CONTROLLER = Controller(
    name="endpoints-controller",
    resource=SERVICES,
    reconcile=reconcile,
    watches=(Watch("pods", pod_keys), Watch(RESOURCE, when(own_key, "DELETED"))),
    indexes={SERVICES: {BY_SELECTOR: selector_value}},
    component="endpoint-controller",
)
