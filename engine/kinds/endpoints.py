"""Endpoints (pkg/apis/core/v1/defaults.go SetDefaults_EndpointPort, ValidateEndpoints, formatEndpoints)."""

from collections.abc import Sequence
from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, each, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.containers import PROTOCOLS
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import each_at, fill
from engine.kinds.common.rules import one_of, port

DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


def _subset(subset: Obj) -> Obj:
    return each_at(subset, "ports", lambda p: fill(p, {"protocol": "TCP"}))


def _defaults(obj: Obj) -> Obj:
    subsets = obj.get("subsets")
    if subsets is None:
        return {k: v for k, v in obj.items() if k != "subsets"} if "subsets" in obj else obj
    changed = each(subsets, _subset)
    return obj if changed is subsets else {**obj, "subsets": changed}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    found: list[FieldError] = []
    for i, subset in enumerate(obj.get("subsets") or ()):
        path = f"subsets[{i}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.append(fields.required(path, "must specify `addresses` or `notReadyAddresses`"))
        for kind in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(kind) or ()):
                here, ip = f"{path}.{kind}[{j}]", address.get("ip") or ""
                found += [fields.invalid(f"{here}.ip", ip, e) for e in names.ip(ip)]
        ports = subset.get("ports") or ()
        for j, entry in enumerate(ports):
            found += _port(entry, len(ports) > 1, f"{path}.ports[{j}]")
    return found


def _port(entry: Obj, name_required: bool, path: str) -> list[FieldError]:
    name = entry.get("name")
    found: list[FieldError] = []
    if not name and name_required:
        found.append(fields.required(f"{path}.name"))
    elif name:
        found += [fields.invalid(f"{path}.name", name, e) for e in names.dns_label(name)]
    return found + port(entry.get("port"), f"{path}.port") + one_of(entry.get("protocol"), f"{path}.protocol", PROTOCOLS)


def _warnings(obj: Obj, old: Obj | None) -> Sequence[str]:
    return (DEPRECATED,)


def _shown(obj: Obj) -> str:
    items: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = [a.get("ip") or "" for a in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            items += addresses
        items += [f"[{ip}]:{p.get('port')}" if ":" in ip else f"{ip}:{p.get('port')}" for p in ports for ip in addresses]
    return tables.more(items)


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), _shown(obj), tables.age(obj, now)]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="Endpoints",
    plural="endpoints",
    namespaced=True,
    singular="endpoints",
    list_kind="EndpointsList",
    short_names=("ep",),
    defaults=_defaults,
    validate=validating(True, names.dns_subdomain, _rules),
    warnings=_warnings,
    columns=(tables.NAME, tables.text("Endpoints"), tables.AGE),
    cells=_cells,
)
