"""LimitRanger: defaults and bounds of resources from the namespace's LimitRanges (plugin/pkg/admission/limitranger/admission.go)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from engine.apiserver.admission_chain import CREATE, UPDATE, Attributes, Objects
from engine.base import quantity
from engine.base.errors import forbidden
from engine.base.objects import Obj, annotations_of, dig, each, name_of
from engine.kinds.common.memo import Memo
from engine.kinds.common.quotas import added

ANNOTATION = "kubernetes.io/limit-ranger"
_SOURCES = (("default", "limits"), ("defaultRequest", "requests"))

Amounts = Mapping[str, str]
Constraint = Callable[[str, str, str, Amounts, Amounts], str]


class LimitRanger:
    """Fills containers of new pods, and refuses pods and claims outside the bounds."""

    name = "LimitRanger"
    operations = frozenset({CREATE, UPDATE})
    resources = frozenset({"pods", "persistentvolumeclaims"})
    subresources = False

    def __init__(self) -> None:
        self._filled: Memo[Memo[tuple[Obj, str]]] = Memo(lambda limit_range: Memo(lambda spec: _filled(spec, limit_range)))

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The pod with the defaults that its containers lack, and an annotation that says which."""
        obj = write.obj
        if write.kind.resource != "pods" or write.operation != CREATE:
            return obj
        for limit_range in objects.list("limitranges", write.namespace):
            spec, note = self._filled(limit_range)(obj["spec"])
            if note:
                annotations = {**annotations_of(obj), ANNOTATION: f"LimitRanger plugin set: {note}"}
                obj = {**obj, "metadata": {**obj["metadata"], "annotations": annotations}, "spec": spec}
        return obj

    def validate(self, write: Attributes, objects: Objects) -> None:
        """Hold the object to the bounds.

        Raises:
            StatusError: 403, with all that is out of bounds by the first LimitRange that something is out of.
        """
        if write.kind.resource == "pods" and write.operation != CREATE:
            return
        for limit_range in objects.list("limitranges", write.namespace):
            check = _pod_errors if write.kind.resource == "pods" else _claim_errors
            errors = list(dict.fromkeys(check(write.obj, (limit_range.get("spec") or {}).get("limits") or ())))
            if errors:
                why = errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
                raise forbidden(write.kind.resource, name_of(write.obj), why)


def _filled(spec: Obj, limit_range: Obj) -> tuple[Obj, str]:
    """mergePodResourceRequirements: the spec, and what was set in it."""
    defaults: dict[str, dict[str, str]] = {"limits": {}, "requests": {}}
    for item in dig(limit_range, "spec", "limits") or ():
        if item.get("type") == "Container":
            for source, field in _SOURCES:
                defaults[field] |= item.get(source) or {}
    notes: list[str] = []
    made = dict(spec)
    for field, label in (("containers", "container"), ("initContainers", "init container")):
        if spec.get(field):
            made[field] = each(spec[field], partial(_with_defaults, label=label, defaults=defaults, notes=notes))
    return (made, "; ".join(notes)) if notes else (spec, "")


def _with_defaults(container: Obj, label: str, defaults: Mapping[str, Amounts], notes: list[str]) -> Obj:
    resources: dict[str, Any] = dict(container.get("resources") or {})
    for field, what in (("requests", "request"), ("limits", "limit")):
        have = resources.get(field) or {}
        lacking = {name: amount for name, amount in defaults[field].items() if name not in have}
        if lacking:
            resources[field] = {**have, **lacking}
            notes.append(f"{', '.join(sorted(lacking))} {what} for {label} {container.get('name')}")
    return {**container, "resources": resources} if resources != (container.get("resources") or {}) else container


def _pod_errors(pod: Obj, items: Sequence[Obj]) -> Iterator[str]:
    """PodValidateLimitFunc."""
    spec = pod["spec"]
    for item in items:
        if item.get("type") == "Container":
            for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
                resources = container.get("resources") or {}
                yield from _errors(item, resources.get("requests") or {}, resources.get("limits") or {})
        elif item.get("type") == "Pod":
            yield from _errors(item, _total(spec, "requests"), _total(spec, "limits"))


def _errors(item: Obj, requests: Amounts, limits: Amounts) -> Iterator[str]:
    checks: tuple[tuple[str, Constraint], ...] = (("min", _minimum), ("max", _maximum), ("maxLimitRequestRatio", _ratio))
    for field, check in checks:
        for name, bound in sorted((item.get(field) or {}).items()):
            error = check(name, item["type"], bound, requests, limits)
            if error:
                yield error


def _total(spec: Obj, field: str) -> Amounts:
    """The sum over containers of what all of them state, or what an init container takes where that is more."""
    lists: list[Amounts] = [dig(c, "resources", field) or {} for c in spec.get("containers") or ()]
    total: Amounts = {}
    for amounts in lists:
        total = added(total, amounts)
    made = {name: amount for name, amount in total.items() if all(name in amounts for amounts in lists)}
    for container in spec.get("initContainers") or ():
        for name, amount in (dig(container, "resources", field) or {}).items():
            if name not in made or quantity.parse(amount) > quantity.parse(made[name]):
                made[name] = amount
    return made


def _minimum(name: str, kind: str, bound: str, requests: Amounts, limits: Amounts) -> str:
    text = f"minimum {name} usage per {kind} is {bound}"
    if name not in requests:
        return f"{text}.  No request is specified"
    if quantity.parse(requests[name]) < quantity.parse(bound):
        return f"{text}, but request is {requests[name]}"
    if name in limits and quantity.parse(limits[name]) < quantity.parse(bound):
        return f"{text}, but limit is {limits[name]}"
    return ""


def _maximum(name: str, kind: str, bound: str, requests: Amounts, limits: Amounts) -> str:
    text = f"maximum {name} usage per {kind} is {bound}"
    if name not in limits:
        return f"{text}.  No limit is specified"
    if quantity.parse(limits[name]) > quantity.parse(bound):
        return f"{text}, but limit is {limits[name]}"
    if name in requests and quantity.parse(requests[name]) > quantity.parse(bound):
        return f"{text}, but request is {requests[name]}"
    return ""


def _ratio(name: str, kind: str, bound: str, requests: Amounts, limits: Amounts) -> str:
    text = f"{name} max limit to request ratio per {kind} is {bound}"
    if quantity.parse(requests.get(name, "0")) == 0:
        return f"{text}, but no request is specified or request is 0"
    if quantity.parse(limits.get(name, "0")) == 0:
        return f"{text}, but no limit is specified or limit is 0"
    ratio = quantity.parse(limits[name]) / quantity.parse(requests[name])
    return f"{text}, but provided ratio is {float(ratio):f}" if ratio > quantity.parse(bound) else ""


def _claim_errors(claim: Obj, items: Iterable[Obj]) -> Iterator[str]:
    """PersistentVolumeClaimValidateLimitFunc."""
    requests: Amounts = dig(claim, "spec", "resources", "requests") or {}
    for item in items:
        if item.get("type") != "PersistentVolumeClaim":
            continue
        for name, bound in sorted((item.get("min") or {}).items()):
            error = _minimum(name, item["type"], bound, requests, {})
            if error:
                yield error
        for name, bound in sorted((item.get("max") or {}).items()):
            text = f"maximum {name} usage per {item['type']} is {bound}"
            if name not in requests:
                yield f"{text}.  No request is specified"
            elif quantity.parse(requests[name]) > quantity.parse(bound):
                yield f"{text}, but request is {requests[name]}"


PLUGIN = LimitRanger()
