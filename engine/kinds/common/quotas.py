"""What objects use of a quota (pkg/quota/v1/evaluator/core, apiserver/pkg/quota/v1/generic/evaluator.go): for admission, and for the
controller that counts again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.base import quantity
from engine.base.clock import parse_time
from engine.base.objects import Obj, dig
from engine.base.selectors import requirement_of
from engine.kinds.common.quantities import is_extended, qos_class

Amounts = Mapping[str, str]
"""Quantities by name, in canonical form."""

_COUNTED = frozenset({"configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"})
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_POD_NAMES = frozenset({"pods", "count/pods", *_COMPUTE, *(f"{kind}.{name}" for kind in ("requests", "limits") for name in _COMPUTE)})
_REQUIRED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
"""What every container must state where a quota is on it: a mistake that upstream has to keep."""
_CLASS_SUFFIX = ".storageclass.storage.k8s.io/"
STORAGE_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def measures(resource: str, name: str) -> bool:
    """Whether objects of `resource` may use what a quota calls `name` (MatchingResources)."""
    if name == f"count/{resource}" or (name == resource and resource in _COUNTED):
        return True
    if resource == "pods":
        extended = name.startswith("requests.") and "/" in name and is_extended(name.removeprefix("requests."))
        return name in _POD_NAMES or name.startswith(("hugepages-", "requests.hugepages-")) or extended
    if resource == "services":
        return name in ("services.nodeports", "services.loadbalancers")
    if resource == "persistentvolumeclaims":
        return name == "requests.storage" or name.endswith((f"{_CLASS_SUFFIX}requests.storage", f"{_CLASS_SUFFIX}{resource}"))
    return False


def usage(resource: str, obj: Obj, now: float) -> Amounts:
    """What one object uses."""
    used: dict[str, str] = {f"count/{resource}": "1"}
    if resource in _COUNTED:
        used[resource] = "1"
    if resource == "pods":
        return used if _is_over(obj, now) else {**used, **_pod_usage(obj["spec"])}
    if resource == "services":
        return {**used, **_service_usage(obj.get("spec") or {})}
    return {**used, **_claim_usage(obj)} if resource == "persistentvolumeclaims" else used


def _is_over(pod: Obj, now: float) -> bool:
    """Whether a pod has ended, or should have a while ago (QuotaV1Pod)."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return True
    deleted, grace_s = pod["metadata"].get("deletionTimestamp"), pod["metadata"].get("deletionGracePeriodSeconds")
    return bool(deleted) and grace_s is not None and now > parse_time(deleted) + grace_s


def _pod_usage(spec: Obj) -> Amounts:
    return {"pods": "1", **_resources_usage(_pod_total(spec, "requests"), _pod_total(spec, "limits"))}


def _resources_usage(requests: Amounts, limits: Amounts) -> dict[str, str]:
    """podComputeUsageHelper."""
    used: dict[str, str] = {}
    for name in _COMPUTE:
        if name in requests:
            used[f"requests.{name}"] = requests[name]
            if name != "ephemeral-storage":
                used[name] = requests[name]
        if name in limits:
            used[f"limits.{name}"] = limits[name]
    if "ephemeral-storage" in requests:
        used["ephemeral-storage"] = requests["ephemeral-storage"]
    for name, amount in requests.items():
        if name.startswith("hugepages-"):
            used[name] = used[f"requests.{name}"] = amount
        elif is_extended(name):
            used[f"requests.{name}"] = amount
    return used


def _pod_total(spec: Obj, field: str) -> Amounts:
    """Requests or limits of a pod: its containers and sidecars together, or the biggest step before them, and its overhead
    (component-helpers/resource/helpers.go)."""
    total: Amounts = {}
    for container in spec.get("containers") or ():
        total = added(total, _of(container, field))
    before: Amounts = {}
    sidecars: Amounts = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars = added(sidecars, _of(container, field))
            before = _greatest(before, sidecars)
        else:
            before = _greatest(before, added(sidecars, _of(container, field)))
    total = _greatest(added(total, sidecars), before)
    own = dig(spec, "resources", field)
    if own:
        total = {**total, **own}
    overhead = spec.get("overhead") or {}
    return added(total, overhead if field == "requests" else {name: amount for name, amount in overhead.items() if name in total})


def _of(container: Obj, field: str) -> Amounts:
    return dig(container, "resources", field) or {}


def _greatest(a: Amounts, b: Amounts) -> Amounts:
    return {**a, **{name: amount for name, amount in b.items() if name not in a or quantity.parse(amount) > quantity.parse(a[name])}}


def _service_usage(spec: Obj) -> dict[str, str]:
    ports: Sequence[Obj] = spec.get("ports") or ()
    used = {"services.nodeports": "0", "services.loadbalancers": "0"}
    if spec.get("type") == "NodePort":
        used["services.nodeports"] = str(len(ports))
    elif spec.get("type") == "LoadBalancer":
        allocated = spec.get("allocateLoadBalancerNodePorts", True)
        used["services.nodeports"] = str(len(ports) if allocated else sum(1 for port in ports if port.get("nodePort")))
        used["services.loadbalancers"] = "1"
    return used


def _claim_usage(claim: Obj) -> dict[str, str]:
    spec = claim.get("spec") or {}
    name = dig(claim, "metadata", "annotations", STORAGE_CLASS_ANNOTATION) or spec.get("storageClassName") or ""
    used: dict[str, str] = {}
    if name:
        used[f"{name}{_CLASS_SUFFIX}persistentvolumeclaims"] = "1"
    wanted = dig(spec, "resources", "requests", "storage")
    if wanted:
        used["requests.storage"] = wanted
        if name:
            used[f"{name}{_CLASS_SUFFIX}requests.storage"] = wanted
    return used


def missing(names: Iterable[str], pod: Obj) -> str:
    """Which containers fail to state what a quota on `names` needs; empty where none does (podEvaluator.Constraints)."""
    lacking: dict[str, list[str]] = {}
    required = sorted(_REQUIRED.intersection(names))
    spec = pod["spec"]
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())) if required else ():
        stated = _resources_usage(_of(container, "requests"), _of(container, "limits"))
        for name in required:
            if name not in stated:
                lacking.setdefault(name, []).append(container["name"])
    texts = [f"{name} for: {','.join(sorted(containers))}" for name, containers in sorted(lacking.items())]
    return f"must specify {'; '.join(texts)}" if texts else ""


def concerns(quota: Obj, resource: str, obj: Obj) -> bool:
    """Whether a quota's scopes take in an object; quotas with scopes are on pods alone."""
    spec = quota.get("spec") or {}
    selectors: list[Obj] = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    selectors += dig(spec, "scopeSelector", "matchExpressions") or ()
    return not selectors or (resource == "pods" and all(_in_scope(selector, obj["spec"]) for selector in selectors))


def _in_scope(selector: Obj, spec: Obj) -> bool:
    """podMatchesScopeFunc."""
    scope = selector.get("scopeName")
    if scope in ("Terminating", "NotTerminating"):
        return (spec.get("activeDeadlineSeconds") is None) is (scope == "NotTerminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return (qos_class(spec) != "BestEffort") is (scope == "NotBestEffort")
    if scope == "PriorityClass":
        name = spec.get("priorityClassName")
        if selector.get("operator") == "Exists":
            return bool(name)
        requirement = requirement_of({"key": scope, "operator": selector.get("operator"), "values": selector.get("values") or []})
        return requirement.matches({scope: name} if name else {})
    return scope == "CrossNamespacePodAffinity" and _crosses_namespaces(spec.get("affinity") or {})


def _crosses_namespaces(affinity: Obj) -> bool:
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms: list[Any] = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        terms += [t.get("podAffinityTerm") or {} for t in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ()]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False


def added(a: Amounts, b: Amounts) -> Amounts:
    """The sum, by name."""
    return {**a, **{name: _sum(a[name], amount) if name in a else amount for name, amount in b.items()}}


def _sum(a: str, b: str) -> str:
    """In the notation of `a`, or of `b` where `a` is zero (Quantity.Add)."""
    total = quantity.parse(a) + quantity.parse(b)
    model = b if quantity.parse(a) == 0 else a
    return quantity.in_notation_of(model, total)


def difference(a: str, b: str) -> str:
    """`a` less `b`, in the notation of `a`."""
    return quantity.in_notation_of(a, quantity.parse(a) - quantity.parse(b))


def masked(amounts: Amounts, names: Iterable[str]) -> dict[str, str]:
    """Of the amounts those that are named."""
    return {name: amounts[name] for name in names if name in amounts}


def shown(amounts: Amounts) -> str:
    """`a=1,b=2`, sorted."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))
