"""The object that a create is compared with: Go's zero value of the kind, in which fields that are structs are there already.

So `spec` and `template` of a new Deployment are not "added" (no `.` in managedFields), what is in them is.
"""

from functools import cache
from typing import Any

from engine.base.objects import Obj
from engine.schema.types import FieldInfo, TypeInfo, named, type_names

_EVERYWHERE = ("metadata", "spec", "status")
"""Structs in every kind that has them."""

_PRESENT: dict[str, tuple[str, ...]] = {
    "apps.v1.DaemonSetSpec": ("template", "updateStrategy"),
    "apps.v1.DeploymentSpec": ("template", "strategy"),
    "apps.v1.ReplicaSetSpec": ("template",),
    "apps.v1.StatefulSetSpec": ("template", "updateStrategy"),
    "batch.v1.JobTemplateSpec": ("metadata", "spec"),
    "core.v1.Event": ("source", "reportingComponent", "reportingInstance"),
    "core.v1.NodeStatus": ("daemonEndpoints", "nodeInfo"),
    "core.v1.NodeDaemonEndpoints": ("kubeletEndpoint",),
    "core.v1.PersistentVolumeClaimSpec": ("resources",),
    "core.v1.PodTemplateSpec": ("metadata", "spec"),
    "core.v1.PodTemplate": ("template",),
    "core.v1.ServiceStatus": ("loadBalancer",),
    "events.v1.Event": ("deprecatedSource", "regarding"),
    "networking.v1.IngressStatus": ("loadBalancer",),
    "networking.v1.NetworkPolicySpec": ("podSelector",),
}
"""Fields that are always written (structs, and some without omitempty) although the schema does not require them."""

_ZERO: dict[str, Any] = {"string": "", "int32": 0, "int64": 0, "double": 0, "bool": False}


@cache
def _struct(type_name: str) -> Obj:
    made: dict[str, Any] = {}
    present = _PRESENT.get(type_name, ())
    for name, field in named(type_name).fields.items():
        if field.required or field.null or name in present:
            made[name] = _zero(field)
    return made


def _zero(field: FieldInfo) -> Any:
    if field.kind == "object":
        return _struct(field.type_name) if field.type_name else None
    return _ZERO.get(field.scalar)


@cache
def _blank(type_name: str) -> Obj:
    made: dict[str, Any] = dict(_struct(type_name))
    for name, field in named(type_name).fields.items():
        if name in _EVERYWHERE and field.kind == "object":
            made[name] = _zero(field)
    return made


def blank_of(info: TypeInfo | None) -> Obj:
    """The zero value of a kind, without apiVersion and kind; empty for kinds without Go types."""
    return _blank(info.name) if info is not None and info.name in type_names() else {}
