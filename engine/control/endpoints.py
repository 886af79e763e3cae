"""Which pods stand behind a service, on which ports: what Endpoints and EndpointSlices are made of
(endpointslice/util, pkg/controller/endpoint, pkg/controller/util/endpoint)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from engine.base.objects import Obj, is_terminating, labels_of, name_of, namespace_of
from engine.control.actions import Key
from engine.control.pods import is_ready, is_terminal
from engine.control.read import Read
from engine.control.selection import map_selector

BATCH_S = 0.1
"""A service is written at most once in this time: the first change at once, those that follow it together."""
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS_LABEL = "service.kubernetes.io/headless"
BY_SELECTOR = "endpoints/selector"
"""Index of services: `namespace/label=value` for the first label of the selector."""


def selector_value(service: Obj) -> Sequence[str]:
    """Index BY_SELECTOR."""
    selector = (service.get("spec") or {}).get("selector")
    if not selector:
        return ()
    label = min(selector)
    return (f"{namespace_of(service)}/{label}={selector[label]}",)


def is_headless(service: Obj) -> bool:
    """Whether the service has no address of its own."""
    return service["spec"].get("clusterIP") in (None, "", "None")


def services_of(pod: Obj, read: Read) -> Iterable[Key]:
    """The services that select a pod."""
    namespace, labels = namespace_of(pod), labels_of(pod)
    services = read["services"]
    for label, value in labels.items():
        for service in services.by_index(BY_SELECTOR, f"{namespace}/{label}={value}"):
            if map_selector(service["spec"]["selector"]).matches(labels):
                yield Key(namespace, name_of(service))


class _Seen(NamedTuple):
    """What of a pod matters to endpoints (podEndpointsChanged)."""

    ips: Any
    ready: bool
    terminal: bool
    terminating: bool
    node: str | None


def _seen(pod: Obj) -> _Seen:
    return _Seen((pod.get("status") or {}).get("podIPs"), is_ready(pod), is_terminal(pod), is_terminating(pod), pod["spec"].get("nodeName"))


def pod_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The services that a change of a pod concerns (endpointslice/util/controller_utils.go GetServicesToUpdateOnPodChange)."""
    before, after = (labels_of(old) if old is not None else None), labels_of(new)
    relabelled = before is not None and before is not after and before != after
    if kind == "MODIFIED" and old is not None and not relabelled and _seen(old) == _seen(new):
        return ()
    if kind != "DELETED" and not relabelled and not (new.get("status") or {}).get("podIPs"):
        return ()
    found = list(services_of(new, read))
    return dict.fromkeys([*found, *services_of(old, read)]) if relabelled and old is not None else found


def included(pod: Obj, terminating: bool) -> bool:
    """ShouldPodBeInEndpoints: it has an address, is not finished, and is not being deleted unless those count too."""
    status = pod.get("status") or {}
    if is_terminal(pod) or not (status.get("podIP") or status.get("podIPs")):
        return False
    return terminating or not is_terminating(pod)


def address_of(pod: Obj, family: str) -> str | None:
    """The pod's address of a family (`IPv4`, `IPv6`)."""
    for entry in (pod.get("status") or {}).get("podIPs") or ():
        ip: str = entry.get("ip") or ""
        if ip and (":" in ip) == (family == "IPv6"):
            return ip
    return None


def find_port(pod: Obj, port: Obj) -> int | None:
    """The number of a service port's target on a pod: a name is looked up in its containers and sidecars (podutil.FindPort)."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    protocol = port.get("protocol") or "TCP"
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*spec["containers"], *sidecars):
        for named in container.get("ports") or ():
            if named.get("name") == target and (named.get("protocol") or "TCP") == protocol:
                found: int = named["containerPort"]
                return found
    return None


def port_finder(service: Obj) -> Callable[[Obj], tuple[tuple[str, int, str, str | None], ...]]:
    """A function from a pod to its ports for a service: (name, number, protocol, appProtocol) each, found once per pod spec."""
    wanted = service["spec"].get("ports") or ()
    named = any(isinstance(port.get("targetPort"), str) for port in wanted)
    known: dict[int, tuple[tuple[str, int, str, str | None], ...]] = {}

    def ports_of(pod: Obj) -> tuple[tuple[str, int, str, str | None], ...]:
        containers = id(pod["spec"]["containers"]) if named else 0
        found = known.get(containers)
        if found is None:
            numbered = [(port, find_port(pod, port)) for port in wanted]
            found = known[containers] = tuple(
                (port.get("name") or "", number, port.get("protocol") or "TCP", port.get("appProtocol"))
                for port, number in numbered
                if number is not None
            )
        return found

    return ports_of


def hostname_for(pod: Obj, service: Obj) -> str | None:
    """The pod's hostname where it is a subdomain of the service (ShouldSetHostname)."""
    spec = pod["spec"]
    hostname: str | None = spec.get("hostname")
    return hostname if hostname and spec.get("subdomain") == name_of(service) else None


def target_of(pod: Obj) -> Obj:
    """The reference to a pod in an endpoint."""
    return {"kind": "Pod", "name": name_of(pod), "namespace": namespace_of(pod), "uid": pod["metadata"].get("uid")}


class Progress(NamedTuple):
    """What is remembered of a service: when it was last written, and the trigger times that were seen."""

    written: float
    service: str
    pods: Mapping[str, str]


def pause_s(known: Progress | None, now: float) -> float:
    """Seconds until the service may be written again; 0 where it may be now. Below a millisecond it is now."""
    wait = known.written + BATCH_S - now if known is not None else 0.0
    return wait if wait > 0.001 else 0.0


def trigger_time(service: Obj, pods: Iterable[Obj], known: Progress | None) -> tuple[str, Progress]:
    """(the oldest change that has not been written yet, RFC 3339 or empty; what to remember of it)
    (endpointslice/util/trigger_time_tracker.go)."""
    created = service["metadata"].get("creationTimestamp") or ""
    times: dict[str, str] = {}
    changed: list[str] = []
    for pod in pods:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition["type"] == "Ready" and condition.get("lastTransitionTime"):
                name, time = name_of(pod), condition["lastTransitionTime"]
                times[name] = time
                if known is not None and time > known.pods.get(name, ""):
                    changed.append(time)
    if known is None:
        return created, Progress(0.0, created, times)
    if created > known.service:
        changed.append(created)
    return min(changed, default=""), Progress(known.written, created, times)
