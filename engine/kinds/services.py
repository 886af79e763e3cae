"""Service (pkg/apis/core/v1/defaults.go SetDefaults_Service, pkg/registry/core/service, ValidateService).

Cluster IPs, node ports and health check ports are allocated by the API server after `prepare_create`.
"""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, drop, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.containers import PROTOCOLS
from engine.kinds.common.lifecycle import fresh_status, keep_status, text_at
from engine.kinds.common.metadata import validate_labels, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import compact, each_at, fill
from engine.kinds.common.rules import checked, one_of, port, unsupported
from engine.kinds.common.serviceports import drop_dependent, keep_allocated, needs_cluster_ip

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_EXTERNAL = ("NodePort", "LoadBalancer")
_NOT_FOR_NAMES = "may not be set for ExternalName services"
_new_status = fresh_status({"loadBalancer": {}})


def _port(entry: Obj) -> Obj:
    entry = fill(compact(entry), {"protocol": "TCP"})
    target = entry.get("targetPort")
    entry = entry if target not in (None, 0, "") else {**entry, "targetPort": entry.get("port")}
    return {k: v for k, v in entry.items() if k != "nodePort"} if entry.get("nodePort") == 0 else entry


def _defaults(obj: Obj) -> Obj:
    spec = compact(obj.get("spec") or {})
    if spec.get("type") == "":
        spec = drop(spec, ("type",))
    wanted: dict[str, Any] = {"type": spec.get("type") or "ClusterIP", "sessionAffinity": spec.get("sessionAffinity") or "None"}
    kind = wanted["type"]
    if kind != "ExternalName":
        wanted["internalTrafficPolicy"] = "Cluster"
    if kind in _EXTERNAL:
        wanted["externalTrafficPolicy"] = "Cluster"
    if kind == "LoadBalancer":
        wanted["allocateLoadBalancerNodePorts"] = True
    affinity = spec.get("sessionAffinityConfig") or {}
    if wanted["sessionAffinity"] == "ClientIP" and not (affinity.get("clientIP") or {}).get("timeoutSeconds"):
        spec = {**spec, "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10_800}}}
    spec = each_at(fill(spec, wanted), "ports", _port)
    if spec.get("publishNotReadyAddresses") is False:
        spec = {k: v for k, v in spec.items() if k != "publishNotReadyAddresses"}
    return obj if spec is obj.get("spec") else {**obj, "spec": spec}


def _with_families(obj: Obj) -> Obj:
    """IP families of a cluster that has IPv4 only, and clusterIPs in step with clusterIP (service/storage/alloc.go)."""
    spec = obj["spec"]
    if not needs_cluster_ip(spec):
        return obj
    wanted: dict[str, Any] = {}
    headless = spec.get("clusterIP") == "None" and not spec.get("selector")
    wanted["ipFamilyPolicy"] = "RequireDualStack" if headless else "SingleStack"
    wanted["ipFamilies"] = ["IPv4", "IPv6"] if (spec.get("ipFamilyPolicy") or wanted["ipFamilyPolicy"]) == "RequireDualStack" else ["IPv4"]
    if spec.get("clusterIP"):
        wanted["clusterIPs"] = [spec["clusterIP"]]
    filled = fill(spec, wanted)
    return obj if filled is spec else {**obj, "spec": filled}


def _prepare_create(obj: Obj) -> Obj:
    return _with_families(_new_status(obj))


def _prepare_update(obj: Obj, old: Obj) -> Obj:
    obj = keep_status(obj, old)
    spec = drop_dependent(keep_allocated(obj["spec"], old["spec"]), old["spec"])
    return _with_families(obj if spec is obj["spec"] else {**obj, "spec": spec})


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    kind, ports = spec.get("type"), spec.get("ports") or []
    headless = spec.get("clusterIP") == "None"
    found: list[FieldError] = []
    if not ports and not headless and kind != "ExternalName":
        found.append(fields.required("spec.ports"))
    found += _by_type(spec, kind, ports, headless)
    seen: set[str] = set()
    for i, entry in enumerate(ports):
        found += _port_rules(entry, len(ports) > 1, seen, f"spec.ports[{i}]")
    found += validate_labels(spec.get("selector") or {}, "spec.selector")
    found += _affinity(spec)
    for i, address in enumerate(spec.get("externalIPs") or ()):
        found += checked(address, f"spec.externalIPs[{i}]", names.ip)
    if kind not in TYPES:
        found.append(fields.required("spec.type") if not kind else fields.not_supported("spec.type", kind, TYPES))
    found += _port_conflicts(kind, ports)
    found += _traffic(spec, kind)
    return found if old is None else found + _update(spec, old.get("spec") or {})


def _by_type(spec: Obj, kind: str | None, ports: list[Obj], headless: bool) -> list[FieldError]:
    found: list[FieldError] = []
    if kind == "LoadBalancer":
        for i, entry in enumerate(ports):
            if entry.get("port") == 10_250:
                why = "may not expose port 10250 externally since it is used by kubelet"
                found.append(fields.invalid(f"spec.ports[{i}]", 10_250, why))
    if kind in _EXTERNAL and headless:
        found.append(fields.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services"))
    if kind == "ExternalName":
        found += [fields.forbidden(f"spec.{n}", _NOT_FOR_NAMES) for n in ("clusterIPs", "ipFamilies", "ipFamilyPolicy") if spec.get(n)]
        name = (spec.get("externalName") or "").removesuffix(".")
        found += [fields.invalid("spec.externalName", name, e) for e in names.dns_subdomain(name)] if name else []
        found += [] if name else [fields.required("spec.externalName")]
    return found


def _port_rules(entry: Obj, name_required: bool, seen: set[str], path: str) -> list[FieldError]:
    name = entry.get("name")
    found: list[FieldError] = []
    if not name and name_required:
        found.append(fields.required(f"{path}.name"))
    elif name:
        found += [fields.invalid(f"{path}.name", name, e) for e in names.dns_label(name)]
        if name in seen:
            found.append(fields.duplicate(f"{path}.name", name))
        seen.add(name)
    found += port(entry.get("port"), f"{path}.port")
    found += one_of(entry.get("protocol"), f"{path}.protocol", PROTOCOLS)
    found += port(entry.get("targetPort"), f"{path}.targetPort")
    return found + checked(entry.get("appProtocol"), f"{path}.appProtocol", names.qualified_name)


def _affinity(spec: Obj) -> list[FieldError]:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    if affinity not in ("ClientIP", "None"):
        return one_of(affinity, "spec.sessionAffinity", ("ClientIP", "None"))
    if affinity == "None":
        why = "must not be set when session affinity is None"
        return [fields.forbidden("spec.sessionAffinityConfig", why)] if config is not None else []
    timeout_s = ((config or {}).get("clientIP") or {}).get("timeoutSeconds") or 0
    if 0 < timeout_s <= 86_400:
        return []
    path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
    return [fields.invalid(path, timeout_s, "must be greater than 0 and less than 86400")]


def _port_conflicts(kind: str | None, ports: list[Obj]) -> list[FieldError]:
    found: list[FieldError] = []
    on_nodes: set[tuple[str, int]] = set()
    seen: set[tuple[str, int]] = set()
    for i, entry in enumerate(ports):
        protocol, node_port = entry.get("protocol") or "", entry.get("nodePort") or 0
        if node_port and kind == "ClusterIP":
            found.append(fields.forbidden(f"spec.ports[{i}].nodePort", "may not be used when `type` is 'ClusterIP'"))
        if node_port and (protocol, node_port) in on_nodes:
            found.append(fields.duplicate(f"spec.ports[{i}].nodePort", node_port))
        on_nodes.add((protocol, node_port))
        key = (protocol, entry.get("port") or 0)
        if key in seen:
            found.append(fields.duplicate(f"spec.ports[{i}]", {"protocol": protocol, "port": key[1]}))
        seen.add(key)
    return found


def _traffic(spec: Obj, kind: str | None) -> list[FieldError]:
    found: list[FieldError] = []
    outer, inner = spec.get("externalTrafficPolicy"), spec.get("internalTrafficPolicy")
    if kind not in _EXTERNAL and outer:
        why = "may only be set for externally-accessible services"
        found.append(fields.invalid("spec.externalTrafficPolicy", outer, why))
    elif outer and outer not in ("Cluster", "Local"):
        found.append(unsupported(outer, "spec.externalTrafficPolicy", ("Cluster", "Local")))
    if spec.get("healthCheckNodePort") and not (kind == "LoadBalancer" and outer == "Local"):
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        found.append(fields.invalid("spec.healthCheckNodePort", spec["healthCheckNodePort"], why))
    if inner and inner not in ("Cluster", "Local"):
        found.append(unsupported(inner, "spec.internalTrafficPolicy", ("Cluster", "Local")))
    if spec.get("loadBalancerSourceRanges") and kind != "LoadBalancer":
        found.append(fields.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"))
    if kind != "LoadBalancer":
        for name in ("loadBalancerClass", "allocateLoadBalancerNodePorts"):
            if spec.get(name) is not None:
                found.append(fields.forbidden(f"spec.{name}", "may only be used when `type` is 'LoadBalancer'"))
    return found


def _update(spec: Obj, before: Obj) -> list[FieldError]:
    """A cluster IP, once given, stays while the type has one."""
    address = (before.get("clusterIPs") or [None])[0]
    new = (spec.get("clusterIPs") or [None])[0]
    if address and needs_cluster_ip(before) and needs_cluster_ip(spec) and new != address:
        return [fields.invalid("spec.clusterIPs[0]", new, "may not change once set")]
    return []


def _balancers(status: Obj) -> list[str]:
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    return [i.get("ip") or i.get("hostname") or "" for i in ingress]


def external_ip(obj: Obj) -> str:
    """The text of the External-IP column (getServiceExternalIP)."""
    spec = obj.get("spec") or {}
    kind, given = spec.get("type"), spec.get("externalIPs") or []
    if kind == "ExternalName":
        name: str = spec.get("externalName") or ""
        return name
    if kind == "LoadBalancer":
        return ",".join([*_balancers(obj.get("status") or {}), *given]) or "<pending>"
    return ",".join(given) or tables.NONE


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    shown = [
        f"{p.get('port')}:{p['nodePort']}/{p.get('protocol')}" if p.get("nodePort") else f"{p.get('port')}/{p.get('protocol')}"
        for p in spec.get("ports") or ()
    ]
    cluster_ip = (spec.get("clusterIPs") or [spec.get("clusterIP")])[0]
    return [
        name_of(obj),
        spec.get("type") or "",
        cluster_ip or tables.NONE,
        external_ip(obj),
        ",".join(shown) or tables.NONE,
        tables.age(obj, now),
        tables.labels(spec.get("selector")),
    ]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="Service",
    plural="services",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    status=True,
    subresources=("proxy",),
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validating(True, names.dns_1035_label, _rules),
    columns=(
        tables.NAME,
        *(tables.text(name) for name in ("Type", "Cluster-IP", "External-IP", "Port(s)")),
        tables.AGE,
        *tables.wide("Selector"),
    ),
    cells=_cells,
    field_values={"spec.clusterIP": text_at("spec", "clusterIP"), "spec.type": text_at("spec", "type")},
)
