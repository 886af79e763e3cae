"""What is told of services, ingresses and endpoint slices: addresses, ports, and who answers."""

from collections.abc import Iterator

from engine.base.objects import Obj, dig
from ktui.model.describe_parts import Related, pairs
from ktui.model.lines import Page, Span


def service(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Addresses, ports, endpoints."""
    spec = obj.get("spec") or {}
    page.blank()
    page.field("Type", spec.get("type"))
    page.field("Selector", pairs(spec.get("selector")) or "<none>")
    page.field("Cluster IP", ", ".join(spec.get("clusterIPs") or ()) or spec.get("clusterIP"))
    page.field("External name", spec.get("externalName"))
    ingress = dig(obj, "status", "loadBalancer", "ingress", default=[])
    page.field("Load balancer", ", ".join(i.get("ip") or i.get("hostname") or "" for i in ingress))
    page.field("Session affinity", spec.get("sessionAffinity") if spec.get("sessionAffinity") != "None" else "")
    page.field(
        "Traffic policy",
        ", ".join(
            f"{n} {spec[k]}" for n, k in (("external", "externalTrafficPolicy"), ("internal", "internalTrafficPolicy")) if spec.get(k)
        ),
    )
    page.fields("Ports", [_port(p) for p in spec.get("ports") or ()])
    slices = related.get("endpointslices.discovery.k8s.io")
    if slices is not None:
        rows = [row for s in slices for row in _endpoint_rows(s)]
        page.section(f"Endpoints ({sum(1 for r in rows if r[1].style == 'ok')} ready of {len(rows)})")
        if rows:
            page.table(("Address", "Ready", "Target", "Node"), rows)
        else:
            page.line(Span("none: no ready pod has the labels of the selector" if spec.get("selector") else "none", "warn"))
        page.end()


def _port(p: Obj) -> str:
    node = f"  node port {p['nodePort']}" if p.get("nodePort") else ""
    return f"{p.get('name') or '<unnamed>'}  {p.get('port')} → {p.get('targetPort')}/{p.get('protocol') or 'TCP'}{node}"


def _endpoint_rows(endpoint_slice: Obj) -> Iterator[tuple[Span, ...]]:
    ports = ",".join(str(p.get("port")) for p in endpoint_slice.get("ports") or ())
    for endpoint in endpoint_slice.get("endpoints") or ():
        ready = dig(endpoint, "conditions", "ready", default=True) is not False
        terminating = bool(dig(endpoint, "conditions", "terminating"))
        target = endpoint.get("targetRef") or {}
        word = "terminating" if terminating else "yes" if ready else "no"
        for address in endpoint.get("addresses") or ():
            yield (
                Span(f"{address}:{ports}" if ports else address),
                Span(word, "ok" if ready and not terminating else "warn"),
                Span(f"{target.get('kind', '')}/{target.get('name', '')}" if target else ""),
                Span(endpoint.get("nodeName") or "", "dim"),
            )


def endpoint_slice(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Its endpoints."""
    page.blank()
    page.field("Address type", obj.get("addressType"))
    page.field("Ports", ", ".join(f"{p.get('name') or ''} {p.get('port')}/{p.get('protocol')}".strip() for p in obj.get("ports") or ()))
    rows = list(_endpoint_rows(obj))
    if rows:
        page.section("Endpoints")
        page.table(("Address", "Ready", "Target", "Node"), rows)
        page.end()


def ingress(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Rules and backends."""
    spec = obj.get("spec") or {}
    page.blank()
    page.field("Class", spec.get("ingressClassName"))
    addresses = dig(obj, "status", "loadBalancer", "ingress", default=[])
    page.field("Address", ", ".join(a.get("ip") or a.get("hostname") or "" for a in addresses))
    page.field("Default backend", _backend(spec["defaultBackend"]) if spec.get("defaultBackend") else "")
    page.fields("TLS", [f"{t.get('secretName', '')} for {', '.join(t.get('hosts') or ())}" for t in spec.get("tls") or ()])
    rows = [
        (
            Span(rule.get("host") or "*"),
            Span(path.get("path") or "/"),
            Span(path.get("pathType") or "", "dim"),
            Span(_backend(path["backend"]), "link"),
        )
        for rule in spec.get("rules") or ()
        for path in dig(rule, "http", "paths", default=[])
    ]
    if rows:
        page.section("Rules")
        page.table(("Host", "Path", "Type", "Backend"), rows)
        page.end()


def _backend(backend: Obj) -> str:
    target = backend.get("service")
    if target:
        return f"{target.get('name')}:{dig(target, 'port', 'number') or dig(target, 'port', 'name')}"
    return f"{dig(backend, 'resource', 'kind')}/{dig(backend, 'resource', 'name')}"
