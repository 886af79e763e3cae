"""Node (pkg/apis/core/v1/defaults.go SetDefaults_NodeStatus, ValidateNode, printNode)."""

from typing import Any

from engine.base import fields
from engine.base.conditions import condition_of
from engine.base.fields import FieldError
from engine.base.objects import Obj, labels_of, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import flag_at, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podrules import TAINT_EFFECTS
from engine.kinds.common.podspec import change_at, compact, fill
from engine.kinds.common.quantities import canonical_at
from engine.kinds.common.rules import one_of

_ROLE_PREFIX, _ROLE_LABEL = "node-role.kubernetes.io/", "kubernetes.io/role"
_INFO_FIELDS = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)
_EMPTY_INFO = dict.fromkeys(_INFO_FIELDS, "")
_EMPTY_PORTS = {"kubeletEndpoint": {"Port": 0}}
_MAY_CHANGE = (
    "node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)"
)


def _defaults(obj: Obj) -> Obj:
    status = obj.get("status") or {}
    filled = canonical_at(status, "capacity", "allocatable")
    filled = fill(filled, {"daemonEndpoints": _EMPTY_PORTS, "nodeInfo": _EMPTY_INFO})
    filled = change_at(filled, "nodeInfo", lambda info: fill(info, _EMPTY_INFO))
    if filled.get("capacity") and not filled.get("allocatable"):
        filled = {**filled, "allocatable": filled["capacity"]}
    spec = obj.get("spec")
    obj = {**obj, "spec": {}} if spec is None else change_at(obj, "spec", _spec)
    return obj if filled is obj.get("status") else {**obj, "status": filled}


def _spec(spec: Obj) -> Obj:
    return {k: v for k, v in spec.items() if k != "unschedulable"} if spec.get("unschedulable") is False else compact(spec)


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found = _taints(spec.get("taints") or [], "spec.taints")
    for i, block in enumerate(spec.get("podCIDRs") or ()):
        found += [fields.invalid(f"spec.podCIDRs[{i}]", block, e) for e in names.cidr(block)]
    return found if old is None else found + _update(spec, old.get("spec") or {})


def _taints(taints: list[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for i, taint in enumerate(taints):
        here = f"{path}[{i}]"
        key, value, effect = taint.get("key") or "", taint.get("value") or "", taint.get("effect") or ""
        found += [fields.invalid(f"{here}.key", key, e) for e in names.qualified_name(key)]
        wrong = names.label_value(value)
        if wrong:
            found.append(fields.invalid(f"{here}.value", value, ";".join(wrong)))
        found += one_of(effect, f"{here}.effect", TAINT_EFFECTS)
        if (key, effect) in seen:
            duplicated = fields.duplicate(here, taint)
            message = f"{duplicated.message}: taints must be unique by key and effect pair"
            found.append(FieldError(duplicated.reason, duplicated.field, message))
        seen.add((key, effect))
    return found


def _update(spec: Obj, before: Obj) -> list[FieldError]:
    """ValidateNodeUpdate: addresses and provider are given once, everything else of spec but taints and cordon stays."""
    found: list[FieldError] = []
    old_blocks = before.get("podCIDRs") or []
    if old_blocks and spec.get("podCIDRs") != old_blocks:
        found.append(fields.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'))
    provider = before.get("providerID")
    if provider and spec.get("providerID") != provider:
        found.append(fields.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'))
    free = {"taints", "unschedulable", "podCIDR", "podCIDRs", "providerID", "configSource"}
    if any(spec.get(k) != before.get(k) for k in (spec.keys() | before.keys()) - free):
        found.append(fields.forbidden("", _MAY_CHANGE))
    return found


def roles(node: Obj) -> list[str]:
    """Roles of a node, sorted (findNodeRoles)."""
    found = set()
    for label, value in labels_of(node).items():
        if label.startswith(_ROLE_PREFIX) and label != _ROLE_PREFIX:
            found.add(label.removeprefix(_ROLE_PREFIX))
        elif label == _ROLE_LABEL and value:
            found.add(value)
    return sorted(found)


def node_status(node: Obj) -> str:
    """The text of the Status column."""
    ready = condition_of(node, "Ready")
    shown = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{shown},SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else shown


def _address(status: Obj, kind: str) -> str:
    return next((a.get("address") or "" for a in status.get("addresses") or () if a.get("type") == kind), tables.NONE)


def _cells(node: Obj, now: float) -> list[Any]:
    status = node.get("status") or {}
    info = status.get("nodeInfo") or {}
    return [
        name_of(node),
        node_status(node),
        ",".join(roles(node)) or tables.NONE,
        tables.age(node, now),
        info.get("kubeletVersion") or "",
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or tables.UNKNOWN,
        info.get("kernelVersion") or tables.UNKNOWN,
        info.get("containerRuntimeVersion") or tables.UNKNOWN,
    ]


KIND = Kind(
    group="",
    versions=("v1",),
    kind="Node",
    plural="nodes",
    namespaced=False,
    short_names=("no",),
    status=True,
    subresources=("proxy",),
    defaults=_defaults,
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        tables.text("Status"),
        tables.text("Roles"),
        tables.AGE,
        tables.text("Version"),
        *tables.wide("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime"),
    ),
    cells=_cells,
    field_values={"spec.unschedulable": flag_at("spec", "unschedulable")},
)
