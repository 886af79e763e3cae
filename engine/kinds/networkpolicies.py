"""NetworkPolicy (pkg/apis/networking/v1/defaults.go, ValidateNetworkPolicy)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.containers import PROTOCOLS
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import change_at, compact, each_at, fill
from engine.kinds.common.rules import label_selector, port, unsupported


def _rule_defaults(rule: Obj) -> Obj:
    return each_at(rule, "ports", lambda p: fill(p, {"protocol": "TCP"}))


def _spec(spec: Obj) -> Obj:
    types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    spec = fill(compact(spec), {"podSelector": {}})
    spec = spec if spec.get("policyTypes") else {**spec, "policyTypes": types}
    return each_at(each_at(spec, "ingress", _rule_defaults), "egress", _rule_defaults)


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found = label_selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for i, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{i}]"
            for j, entry in enumerate(rule.get("ports") or ()):
                found += _port(entry, f"{path}.ports[{j}]")
            for j, peer in enumerate(rule.get(peers) or ()):
                found += _peer(peer, f"{path}.{peers}[{j}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        found.append(fields.invalid("spec.policyTypes", types, "may not specify more than two policyTypes"))
    for i, kind in enumerate(types):
        if kind not in ("Ingress", "Egress"):
            found.append(unsupported(kind, f"spec.policyTypes[{i}]", ("Egress", "Ingress")))
    return found


def _port(entry: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if entry.get("protocol") not in (None, *PROTOCOLS):
        found.append(unsupported(entry["protocol"], f"{path}.protocol", PROTOCOLS))
    number, end = entry.get("port"), entry.get("endPort")
    if number is None:
        return [*found, fields.required(f"{path}.port", "must be specified when `endPort` is specified")] if end is not None else found
    found += port(number, f"{path}.port")
    if end is not None:
        if isinstance(number, str):
            found.append(fields.invalid(f"{path}.endPort", end, "may not be specified when `port` is non-numeric"))
        elif end < number:
            found.append(fields.invalid(f"{path}.endPort", end, "must be greater than or equal to `port`"))
    return found


def _peer(peer: Obj, path: str) -> list[FieldError]:
    block, selectors = peer.get("ipBlock"), [s for s in ("podSelector", "namespaceSelector") if peer.get(s) is not None]
    found = [e for s in selectors for e in label_selector(peer[s], f"{path}.{s}")]
    if block is not None:
        found += _block(block, f"{path}.ipBlock")
    if not selectors and block is None:
        found.append(fields.required(path, "must specify a peer"))
    elif selectors and block is not None:
        found.append(fields.forbidden(path, "may not specify both ipBlock and another peer"))
    return found


def _block(block: Obj, path: str) -> list[FieldError]:
    text = block.get("cidr") or ""
    if not text:
        return [fields.required(f"{path}.cidr")]
    wrong = [fields.invalid(f"{path}.cidr", text, e) for e in names.cidr(text)]
    return wrong + [fields.invalid(f"{path}.except[{i}]", e, w) for i, e in enumerate(block.get("except") or ()) for w in names.cidr(e)]


def _cells(obj: Obj, now: float) -> list[Any]:
    return [name_of(obj), tables.selector((obj.get("spec") or {}).get("podSelector")), tables.age(obj, now)]


KIND = Kind(
    group="networking.k8s.io",
    versions=("v1",),
    kind="NetworkPolicy",
    plural="networkpolicies",
    namespaced=True,
    short_names=("netpol",),
    has_generation=True,
    defaults=lambda obj: change_at(fill(obj, {"spec": {}}), "spec", _spec),
    validate=validating(True, names.dns_subdomain, _rules),
    columns=(tables.NAME, tables.text("Pod-Selector"), tables.AGE),
    cells=_cells,
)
