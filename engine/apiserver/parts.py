"""Subresources that write one part of an object: which part, and what is checked of it (pkg/registry/*/*/strategy.go)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common.metadata import validate_update
from engine.kinds.common.model import Kind
from engine.kinds.common.quantities import qos_class

Part = Callable[[Obj, Obj], Obj]
"""(what was sent, the object) -> the object with the part replaced."""


def _status(obj: Obj, old: Obj) -> Obj:
    if obj.get("status") is old.get("status"):
        return old
    if "status" in obj:
        return {**old, "status": obj["status"]}
    return {name: value for name, value in old.items() if name != "status"}


def _finalize(obj: Obj, old: Obj) -> Obj:
    """Of a namespace, the finalizers of its spec."""
    finalizers = (obj.get("spec") or {}).get("finalizers")
    return {**old, "spec": {"finalizers": finalizers} if finalizers else {}}


def _approval(obj: Obj, old: Obj) -> Obj:
    """Of a signing request, the conditions."""
    conditions = (obj.get("status") or {}).get("conditions")
    status = {name: value for name, value in (old.get("status") or {}).items() if name != "conditions"}
    return {**old, "status": {**status, "conditions": conditions} if conditions else status}


def _ephemeral_containers(obj: Obj, old: Obj) -> Obj:
    containers = (obj.get("spec") or {}).get("ephemeralContainers")
    return {**old, "spec": {**old["spec"], "ephemeralContainers": containers}} if containers else old


def _resize(obj: Obj, old: Obj) -> Obj:
    """Of a pod, the resources of its containers."""
    spec: Obj = old["spec"]
    for field in ("containers", "initContainers"):
        sent = {c.get("name"): c for c in (obj.get("spec") or {}).get(field) or ()}
        if spec.get(field):
            spec = {**spec, field: [_resized(c, sent.get(c["name"], c)) for c in spec[field]]}
    return old if spec == old["spec"] else {**old, "spec": spec}


def _resized(container: Obj, sent: Obj) -> Obj:
    names = ("resources", "resizePolicy")
    kept = {name: value for name, value in container.items() if name not in names}
    return {**kept, **{name: sent[name] for name in names if name in sent}}


PARTS: Mapping[str, Part] = {
    "status": _status,
    "finalize": _finalize,
    "approval": _approval,
    "ephemeralcontainers": _ephemeral_containers,
    "resize": _resize,
}


def part_errors(kind: Kind, subresource: str, obj: Obj, old: Obj) -> Sequence[FieldError]:
    """What is wrong with an object of which a part was written."""
    errors: list[FieldError] = validate_update(obj, old)
    if subresource == "status":
        errors += kind.validate_status(obj, old)
    elif subresource == "ephemeralcontainers":
        errors += _ephemeral_errors(obj, old) or kind.validate(obj, None)
    elif subresource == "resize":
        errors += kind.validate(obj, None)
        if qos_class(obj["spec"]) != qos_class(old["spec"]):
            detail = "Pod QOS Class may not change as a result of resizing"
            errors.append(fields.invalid("spec", qos_class(old["spec"]), detail))
    return errors


def _ephemeral_errors(obj: Obj, old: Obj) -> list[FieldError]:
    """ValidatePodEphemeralContainersUpdate: they are added, never changed or removed."""
    now: dict[Any, Obj] = {c.get("name"): c for c in obj["spec"].get("ephemeralContainers") or ()}
    at = "spec.ephemeralContainers"
    errors = []
    for before in old["spec"].get("ephemeralContainers") or ():
        after = now.get(before.get("name"))
        if after is None:
            errors.append(fields.forbidden(at, f'existing ephemeral containers "{before.get("name")}" may not be removed\n'))
        elif after != before:
            errors.append(fields.forbidden(at, f'existing ephemeral containers "{before.get("name")}" may not be changed\n'))
    return errors
