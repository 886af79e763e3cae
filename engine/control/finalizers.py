"""Finalizers that controllers put on objects and take away."""

from typing import Any

from engine.base.objects import Obj, name_of, namespace_of, uid_of
from engine.control.actions import Patch


def has_finalizer(obj: Obj, finalizer: str) -> bool:
    """Whether the object has it."""
    return finalizer in (obj["metadata"].get("finalizers") or ())


def added(resource: str, obj: Obj, finalizer: str) -> list[Patch]:
    """What gives the object the finalizer; nothing where it has it."""
    return [] if has_finalizer(obj, finalizer) else [_patch(resource, obj, [*(obj["metadata"].get("finalizers") or ()), finalizer])]


def removed(resource: str, obj: Obj, finalizer: str) -> list[Patch]:
    """What takes the finalizer away; nothing where it has none."""
    return [_patch(resource, obj, [f for f in obj["metadata"]["finalizers"] if f != finalizer])] if has_finalizer(obj, finalizer) else []


def _patch(resource: str, obj: Obj, finalizers: list[str]) -> Patch:
    metadata: dict[str, Any] = {"uid": uid_of(obj), "resourceVersion": obj["metadata"]["resourceVersion"], "finalizers": finalizers or None}
    return Patch(resource, namespace_of(obj), name_of(obj), {"metadata": metadata}, ignore_missing=True)
