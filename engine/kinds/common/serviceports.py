"""What a Service keeps and gives up when it changes (pkg/registry/core/service/strategy.go)."""

from collections.abc import Callable
from typing import Any

from engine.base.objects import Obj


def needs_cluster_ip(spec: Obj) -> bool:
    """Every type but ExternalName."""
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def needs_node_port(spec: Obj) -> bool:
    """NodePort, and LoadBalancer unless it says otherwise."""
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False)


def needs_health_check_port(spec: Obj) -> bool:
    """LoadBalancer with externalTrafficPolicy Local."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def node_ports(spec: Obj) -> list[int]:
    """Given node ports, in the order of the ports."""
    return [p["nodePort"] for p in spec.get("ports") or () if p.get("nodePort")]


def keep_allocated(spec: Obj, before: Obj) -> Obj:
    """What was allocated and is not mentioned stays (patchAllocatedValues): a PUT without clusterIP does not lose it."""
    made: dict[str, Any] = {}
    if needs_cluster_ip(before) and needs_cluster_ip(spec):
        if not spec.get("clusterIP"):
            made["clusterIP"] = before.get("clusterIP")
        if not spec.get("clusterIPs") and made.get("clusterIP", spec.get("clusterIP")) == before.get("clusterIP"):
            made["clusterIPs"] = before.get("clusterIPs")
    for name in ("ipFamilies", "ipFamilyPolicy"):
        if needs_cluster_ip(spec) and not spec.get(name) and before.get(name):
            made[name] = before[name]
    if needs_node_port(before) and needs_node_port(spec):
        ports = _keep_node_ports(spec.get("ports") or [], before.get("ports") or [])
        if ports is not spec.get("ports"):
            made["ports"] = ports
    if needs_health_check_port(before) and needs_health_check_port(spec) and not spec.get("healthCheckNodePort"):
        made["healthCheckNodePort"] = before.get("healthCheckNodePort")
    made = {name: value for name, value in made.items() if value is not None and spec.get(name) != value}
    return {**spec, **made} if made else spec


def _keep_node_ports(ports: list[Obj], before: list[Obj]) -> list[Obj]:
    known = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in before if p.get("nodePort")}
    used = {p["nodePort"] for p in ports if p.get("nodePort")}
    made: list[Obj] = []
    for port in ports:
        kept = known.get((port.get("protocol"), port.get("port")))
        made.append({**port, "nodePort": kept} if kept and not port.get("nodePort") and kept not in used else port)
    return ports if all(a is b for a, b in zip(ports, made, strict=True)) else made


def _is_external(spec: Obj) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _is_balanced(spec: Obj) -> bool:
    return spec.get("type") == "LoadBalancer"


_DEPENDENT: tuple[tuple[Callable[[Obj], bool], tuple[str, ...]], ...] = (
    (needs_cluster_ip, ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")),
    (needs_health_check_port, ("healthCheckNodePort",)),
    (_is_balanced, ("allocateLoadBalancerNodePorts", "loadBalancerClass")),
    (_is_external, ("externalTrafficPolicy",)),
)
"""When a service has fields, and which."""


def drop_dependent(spec: Obj, before: Obj) -> Obj:
    """What the new type has no use for goes, where the user left it as it was (dropTypeDependentFields)."""
    gone = {
        name
        for has, names in _DEPENDENT
        if has(before) and not has(spec)
        for name in names
        if name in spec and spec[name] == before.get(name)
    }
    if gone:
        spec = {k: v for k, v in spec.items() if k not in gone}
    if needs_node_port(before) and not needs_node_port(spec) and node_ports(spec) and node_ports(spec) == node_ports(before):
        spec = {**spec, "ports": [{k: v for k, v in p.items() if k != "nodePort"} for p in spec["ports"]]}
    return spec
