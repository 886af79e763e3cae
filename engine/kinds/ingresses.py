"""Ingress (pkg/apis/networking/validation/validation.go ValidateIngress, printIngress)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import checked, unsupported

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    rules, default = spec.get("rules") or [], spec.get("defaultBackend")
    found: list[FieldError] = []
    if not rules and default is None:
        found.append(fields.invalid("spec", rules, "either `defaultBackend` or `rules` must be specified"))
    if default is not None:
        found += _backend(default, "spec.defaultBackend")
    for i, rule in enumerate(rules):
        found += _rule(rule, f"spec.rules[{i}]")
    for i, tls in enumerate(spec.get("tls") or ()):
        for j, host in enumerate(tls.get("hosts") or ()):
            found += _host_name(host, f"spec.tls[{i}].hosts[{j}]")
    found += checked(spec.get("ingressClassName"), "spec.ingressClassName", names.dns_subdomain)
    annotation = annotations_of(obj).get(CLASS_ANNOTATION)
    if old is None and annotation is not None and spec.get("ingressClassName") and spec["ingressClassName"] != annotation:
        path = f"annotations[{CLASS_ANNOTATION}]"
        found.append(fields.invalid(path, annotation, "must match `ingressClassName` when both are specified"))
    return found


def _host_name(host: str, path: str) -> list[FieldError]:
    check = names.wildcard_subdomain if "*" in host else names.dns_subdomain
    return [fields.invalid(path, host, e) for e in check(host)]


def _rule(rule: Obj, path: str) -> list[FieldError]:
    host = rule.get("host")
    found: list[FieldError] = []
    if host:
        if names.is_ip(host):
            found.append(fields.invalid(f"{path}.host", host, "must be a DNS name, not an IP address"))
        found += _host_name(host, f"{path}.host")
    http = rule.get("http")
    if http is None:
        return found
    if not http.get("paths"):
        return [*found, fields.required(f"{path}.http.paths")]
    for i, entry in enumerate(http["paths"]):
        found += _path(entry, f"{path}.http.paths[{i}]")
    return found


def _path(entry: Obj, path: str) -> list[FieldError]:
    kind, text = entry.get("pathType"), entry.get("path") or ""
    if not kind:
        return [fields.required(f"{path}.pathType", "pathType must be specified")]
    found: list[FieldError] = []
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            found.append(fields.invalid(f"{path}.path", text, "must be an absolute path"))
        if text:
            for part in ("//", "/./", "/../", "%2f", "%2F"):
                if part in text:
                    found.append(fields.invalid(f"{path}.path", text, f"must not contain '{part}'"))
            for part in ("/..", "/."):
                if text.endswith(part):
                    found.append(fields.invalid(f"{path}.path", text, f"cannot end with '{part}'"))
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            found.append(fields.invalid(f"{path}.path", text, "must be an absolute path"))
    else:
        found.append(unsupported(kind, f"{path}.pathType", PATH_TYPES))
    return found + _backend(entry.get("backend") or {}, f"{path}.backend")


def _backend(backend: Obj, path: str) -> list[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        return [fields.invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return [fields.required(f"{path}.resource.{n}") for n in ("kind", "name") if not resource.get(n)]
    if service is None:
        return [fields.invalid(path, "", "resource or service backend is required")]
    name, port = service.get("name"), service.get("port") or {}
    found = [fields.invalid(f"{path}.service.name", name, e) for e in names.dns_1035_label(name)] if name else []
    found += [] if name else [fields.required(f"{path}.service.name")]
    if port.get("name") and port.get("number"):
        found.append(fields.invalid(path, "", "cannot set both port name & port number"))
    elif port.get("name"):
        found += [fields.invalid(f"{path}.service.port.name", port["name"], e) for e in names.port_name(port["name"])]
    elif port.get("number"):
        found += [fields.invalid(f"{path}.service.port.number", port["number"], e) for e in names.port_number(port["number"])]
    else:
        found.append(fields.required(path, "port name or number is required"))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    hosts = list(dict.fromkeys(r["host"] for r in spec.get("rules") or () if r.get("host")))
    addresses = [i.get("ip") or i.get("hostname") or "" for i in (status.get("loadBalancer") or {}).get("ingress") or ()]
    return [
        name_of(obj),
        spec.get("ingressClassName") or annotations_of(obj).get(CLASS_ANNOTATION) or tables.NONE,
        tables.more(hosts) if hosts else "*",
        ",".join(dict.fromkeys(addresses)),
        "80, 443" if spec.get("tls") else "80",
        tables.age(obj, now),
    ]


KIND = Kind(
    group="networking.k8s.io",
    versions=("v1",),
    kind="Ingress",
    plural="ingresses",
    namespaced=True,
    short_names=("ing",),
    status=True,
    has_generation=True,
    prepare_create=fresh_status({"loadBalancer": {}}),
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(tables.NAME, *(tables.text(n) for n in ("Class", "Hosts", "Address", "Ports")), tables.AGE),
    cells=_cells,
)
