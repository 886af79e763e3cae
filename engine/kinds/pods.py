"""Pod (pkg/apis/core/v1/defaults.go SetDefaults_Pod, pkg/registry/core/pod/strategy.go, ValidatePod)."""

import difflib
from collections.abc import Mapping, Sequence, Set
from fractions import Fraction
from typing import Any

import orjson

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of, dig, each
from engine.kinds.common import names, podrows
from engine.kinds.common.lifecycle import keep_status, text_at
from engine.kinds.common.memo import stable
from engine.kinds.common.metadata import IMMUTABLE, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podrules import validate_pod_spec, validate_tolerations
from engine.kinds.common.podspec import change_at, each_at, spec_defaults
from engine.kinds.common.podwarnings import pod_warnings
from engine.kinds.common.quantities import canonical_at, qos_class

MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_MUTABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")
_INT32_MAX = 2_147_483_647


def _requests_from_limits(container: Obj) -> Obj:
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits"), resources.get("requests") or {}
    missing = {name: amount for name, amount in (limits or {}).items() if name not in requests}
    if not missing:
        return container
    return {**container, "resources": {**resources, "requests": {**requests, **missing}}}


def _host_port(port: Obj) -> Obj:
    return port if port.get("hostPort") else {**port, "hostPort": port.get("containerPort")}


_with_requests = stable(lambda items: each(items, _requests_from_limits))
_with_host_ports = stable(lambda items: each(items, lambda c: each_at(c, "ports", _host_port)))


def _pod_requests(spec: Obj) -> Obj:
    """Pod-level requests follow from the containers' requests, else from the pod's limits (defaultPodRequests)."""
    resources = canonical_at(spec["resources"], "limits", "requests")
    limits: Mapping[str, Any] = resources.get("limits") or {}
    requests = dict(resources.get("requests") or {})
    sums: dict[str, Fraction] = {}
    for container in spec.get("containers") or ():
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            sums[name] = sums.get(name, Fraction(0)) + quantity.parse(amount)
    for name in ("cpu", "memory") if limits else ():
        if name in requests:
            continue
        if name in sums:
            milli = quantity.from_milli(int(sums[name] * 1000))
            requests[name] = milli if name == "cpu" else quantity.from_whole(int(sums[name]), binary=True)
        elif name in limits:
            requests[name] = limits[name]
    if requests != (resources.get("requests") or {}):
        resources = {**resources, "requests": requests}
    return spec if resources is spec["resources"] else {**spec, "resources": resources}


def _pod_spec(spec: Obj) -> Obj:
    spec = spec_defaults(spec)
    for key in ("containers", "initContainers"):
        spec = change_at(spec, key, _with_requests)
        if spec.get("hostNetwork"):
            spec = change_at(spec, key, _with_host_ports)
    if spec.get("enableServiceLinks") is None:
        spec = {**spec, "enableServiceLinks": True}
    return _pod_requests(spec) if spec.get("resources") else spec


_spec_of_template = stable(_pod_spec, remember_same=False)


def _defaults(pod: Obj) -> Obj:
    spec = pod.get("spec") or {}
    defaulted = _spec_of_template(spec)
    return pod if defaulted is pod.get("spec") else {**pod, "spec": defaulted}


def _prepare_create(pod: Obj) -> Obj:
    status: dict[str, Any] = {"phase": "Pending", "qosClass": qos_class(pod["spec"])}
    if dig(pod, "spec", "schedulingGates"):
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": None,
            "lastTransitionTime": dig(pod, "metadata", "creationTimestamp"),
        }
        status["conditions"] = [condition]
    return {**pod, "status": status}


def _rules(pod: Obj, old: Obj | None) -> Sequence[FieldError]:
    spec = pod.get("spec") or {}
    if old is not None and spec is old.get("spec"):
        return ()
    found = _annotations(pod)
    if old is None:
        return [*found, *validate_pod_spec(spec, "spec", in_pod=True)]
    before = old.get("spec") or {}
    # What is the very same object was validated when it came in.
    changed = {k for k in spec.keys() | before.keys() if spec.get(k) is not before.get(k) and spec.get(k) != before.get(k)}
    if changed - {"nodeName", *_MUTABLE}:
        found += validate_pod_spec(spec, "spec", in_pod=True)
    elif "tolerations" in changed:
        found += validate_tolerations(spec.get("tolerations") or (), "spec.tolerations")
    return found + (_update(spec, before) if changed else [])


def _annotations(pod: Obj) -> list[FieldError]:
    cost = annotations_of(pod).get("controller.kubernetes.io/pod-deletion-cost")
    if cost is None:
        return []
    digits = cost.removeprefix("-")
    if digits.isascii() and digits.isdigit() and str(int(cost)) == cost and -_INT32_MAX - 1 <= int(cost) <= _INT32_MAX:
        return []
    path = "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]"
    return [fields.invalid(path, cost, "must be a 32bit integer")]


def _update(spec: Obj, before: Obj) -> list[FieldError]:
    """ValidatePodUpdate: everything but a few fields stays."""
    found: list[FieldError] = []
    for key in ("containers", "initContainers"):
        new_list, old_list = spec.get(key) or [], before.get(key) or []
        if len(new_list) != len(old_list):
            return [fields.forbidden(f"spec.{key}", "pod updates may not add or remove containers")]
        for i, container in enumerate(new_list):
            if not container.get("image"):
                found.append(fields.required(f"spec.{key}[{i}].image"))
    found += _deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    found += _tolerations(spec.get("tolerations") or (), before.get("tolerations") or ())
    found += _gates(spec.get("schedulingGates") or (), before.get("schedulingGates") or ())
    munged = {**spec, **{key: before[key] for key in _MUTABLE if key in before}}
    munged = {k: v for k, v in munged.items() if k in before or k not in _MUTABLE}
    for key in ("containers", "initContainers"):
        if spec.get(key):
            munged[key] = [{**c, "image": o.get("image")} for c, o in zip(spec[key], before[key], strict=True)]
    grace_s, old_grace_s = spec.get("terminationGracePeriodSeconds"), before.get("terminationGracePeriodSeconds")
    if grace_s != old_grace_s and not ((old_grace_s or 0) < 0 and grace_s == 1):
        munged["terminationGracePeriodSeconds"] = grace_s
    if before.get("schedulingGates") and not before.get("nodeName"):
        munged["nodeSelector"], munged["affinity"] = before.get("nodeSelector"), before.get("affinity")
        munged = {k: v for k, v in munged.items() if v is not None or k in before}
    if munged != before:
        found.append(fields.forbidden("spec", f"{MAY_CHANGE}\n{_difference(before, munged)}"))
    return found


def _deadline(new: int | None, old: int | None) -> list[FieldError]:
    path = "spec.activeDeadlineSeconds"
    if new == old:
        return []
    if new is None:
        return [fields.invalid(path, new, "must not update from a positive integer to nil value")]
    if not 0 <= new <= _INT32_MAX:
        return [fields.invalid(path, new, names.not_in_range(0, _INT32_MAX))]
    if old is not None and new > old:
        return [fields.invalid(path, new, "must be less than or equal to previous value")]
    return []


def _tolerations(new: Sequence[Obj], old: Sequence[Obj]) -> list[FieldError]:
    def without_time(toleration: Obj) -> Obj:
        return {k: v for k, v in toleration.items() if k != "tolerationSeconds"}

    kept = [without_time(t) for t in new]
    if all(without_time(t) in kept for t in old):
        return []
    return [fields.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]


def _gates(new: Sequence[Obj], old: Sequence[Obj]) -> list[FieldError]:
    known = {g.get("name") for g in old}
    return [
        fields.forbidden(f"spec.schedulingGates[{i}].name", f"only deletion is allowed, but found new scheduling gate '{g.get('name')}'")
        for i, g in enumerate(new)
        if g.get("name") not in known
    ]


def _status_rules(pod: Obj, old: Obj | None) -> list[FieldError]:
    """ValidatePodStatusUpdate: the node and the quality of service stay, ended containers that may not restart stay ended."""
    if old is None:
        return []
    status, before, spec = pod.get("status") or {}, old.get("status") or {}, old.get("spec") or {}
    found: list[FieldError] = []
    if status.get("qosClass") != before.get("qosClass") and before.get("qosClass"):
        found.append(fields.invalid("status.qosClass", status.get("qosClass") or "", IMMUTABLE))
    policy = spec.get("restartPolicy")
    sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    if policy != "Always":
        found += _resurrected(status, before, "containerStatuses", policy, frozenset())
        found += _resurrected(status, before, "initContainerStatuses", policy, sidecars)
    return found


def _resurrected(status: Obj, before: Obj, field: str, policy: str | None, exempt: Set[str | None]) -> list[FieldError]:
    new, old = status.get(field) or (), before.get(field) or ()
    if new is old:
        return []
    alive = {c.get("name") for c in new if (c.get("state") or {}).get("terminated") is None}
    found: list[FieldError] = []
    for i, container in enumerate(old):
        ended = (container.get("state") or {}).get("terminated")
        restarts = ended is None or (policy == "OnFailure" and ended.get("exitCode"))
        if not restarts and container.get("name") in alive - exempt:
            found.append(fields.forbidden(f"status.{field}[{i}].state", "may not be transitioned to non-terminated state"))
    return found


def _difference(before: Obj, after: Obj) -> str:
    """What changed, as a diff of indented JSON."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    old, new = (orjson.dumps(spec, option=options).decode().splitlines() for spec in (before, after))
    return "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]) + "\n"


def _grace_s(pod: Obj) -> int:
    """CheckGracefulDelete: pods that no kubelet runs, or that have ended, go at once (pkg/registry/core/pod/strategy.go)."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    grace_s = spec.get("terminationGracePeriodSeconds")
    if grace_s is None:
        return 30
    return 1 if grace_s < 0 else grace_s


KIND = Kind(
    group="",
    versions=("v1",),
    kind="Pod",
    plural="pods",
    namespaced=True,
    short_names=("po",),
    categories=("all",),
    status=True,
    subresources=("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize"),
    has_generation=True,
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=keep_status,
    validate=validating(True, names.dns_subdomain, _rules),
    validate_status=_status_rules,
    warnings=pod_warnings,
    columns=podrows.COLUMNS,
    cells=podrows.cells,
    row_conditions=podrows.row_conditions,
    field_values={
        "spec.nodeName": text_at("spec", "nodeName"),
        "spec.restartPolicy": text_at("spec", "restartPolicy"),
        "spec.schedulerName": text_at("spec", "schedulerName"),
        "spec.serviceAccountName": text_at("spec", "serviceAccountName"),
        "spec.hostNetwork": lambda pod: "true" if (pod.get("spec") or {}).get("hostNetwork") else "false",
        "status.phase": text_at("status", "phase"),
        "status.podIP": text_at("status", "podIP"),
        "status.nominatedNodeName": text_at("status", "nominatedNodeName"),
    },
    default_grace_s=_grace_s,
)
