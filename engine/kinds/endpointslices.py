"""EndpointSlice (pkg/apis/discovery/v1/defaults.go, pkg/apis/discovery/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.containers import PROTOCOLS
from engine.kinds.common.memo import Memo
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import each_at, fill
from engine.kinds.common.rules import one_of

ENDPOINTS_MAX = 1_000
ADDRESSES_MAX = 100
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")


def _defaults(obj: Obj) -> Obj:
    obj = each_at(obj, "endpoints", lambda endpoint: fill(endpoint, {"conditions": {}}))
    obj = each_at(obj, "ports", lambda port: fill(port, {"name": "", "protocol": "TCP"}))
    missing = {name: None for name in ("endpoints", "ports") if name not in obj}
    return {**obj, **missing} if missing else obj


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    kind, endpoints, ports = obj.get("addressType") or "", obj.get("endpoints") or [], obj.get("ports") or []
    found = one_of(kind, "addressType", ADDRESS_TYPES)
    if old is not None and endpoints is old.get("endpoints") and ports is old.get("ports"):
        return found
    if len(endpoints) > ENDPOINTS_MAX:
        found.append(FieldError(fields.TOO_MANY, "endpoints", f"Too many: {len(endpoints)}: must have at most {ENDPOINTS_MAX} items"))
        return found
    fine = _FINE.get(kind, _FINE["FQDN"])
    for i, endpoint in enumerate(endpoints):
        if not fine(endpoint):
            found += _endpoint(endpoint, kind, f"endpoints[{i}]")
    seen: set[str] = set()
    for i, port in enumerate(ports):
        found += _port(port, seen, f"ports[{i}]")
    return found


def _endpoint(endpoint: Obj, kind: str, path: str) -> list[FieldError]:
    addresses = endpoint.get("addresses") or []
    found: list[FieldError] = []
    if not addresses:
        found.append(fields.required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(addresses) > ADDRESSES_MAX:
        why = f"Too many: {len(addresses)}: must have at most {ADDRESSES_MAX} items"
        found.append(FieldError(fields.TOO_MANY, f"{path}.addresses", why))
    for i, address in enumerate(addresses):
        here = f"{path}.addresses[{i}]"
        if kind == "FQDN":
            found += [fields.invalid(here, address, e) for e in names.dns_subdomain(address)]
        elif not names.is_ip(address) or (":" in address) != (kind == "IPv6"):
            found.append(fields.invalid(here, address, f"must be an {kind} address"))
    if endpoint.get("nodeName"):
        found += [fields.invalid(f"{path}.nodeName", endpoint["nodeName"], e) for e in names.dns_subdomain(endpoint["nodeName"])]
    if endpoint.get("hostname"):
        found += [fields.invalid(f"{path}.hostname", endpoint["hostname"], e) for e in names.dns_label(endpoint["hostname"])]
    return found


def _fine_of(kind: str) -> Memo[bool]:
    return Memo(lambda endpoint: not _endpoint(endpoint, kind, ""))


_FINE = {kind: _fine_of(kind) for kind in ADDRESS_TYPES}
"""Whether nothing is wrong with an endpoint: most stay the very same objects when their slice changes."""


def _port(port: Obj, seen: set[str], path: str) -> list[FieldError]:
    name = port.get("name") or ""
    found = [fields.invalid(f"{path}.name", name, e) for e in names.dns_label(name)] if name else []
    if name in seen:
        found.append(fields.duplicate(f"{path}.name", name))
    seen.add(name)
    return found + one_of(port.get("protocol"), f"{path}.protocol", PROTOCOLS)


def _cells(obj: Obj, now: float) -> list[Any]:
    ports = [str(p["port"]) if p.get("port") is not None else "*" for p in obj.get("ports") or ()]
    addresses = [address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return [
        name_of(obj),
        obj.get("addressType") or "",
        tables.more(ports) if ports else tables.UNSET,
        tables.more(addresses) if addresses else tables.UNSET,
        tables.age(obj, now),
    ]


KIND = Kind(
    group="discovery.k8s.io",
    versions=("v1",),
    kind="EndpointSlice",
    plural="endpointslices",
    namespaced=True,
    has_generation=True,
    defaults=_defaults,
    validate=validating(True, names.dns_subdomain, _rules, once_set(("addressType",))),
    columns=(tables.NAME, tables.text("AddressType"), tables.text("Ports"), tables.text("Endpoints"), tables.AGE),
    cells=_cells,
)
