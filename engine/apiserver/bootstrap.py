"""What every cluster has from the start (pkg/controlplane): system namespaces, priority classes, the kubernetes Service."""

from collections.abc import Mapping
from typing import Any

from engine.apiserver.context import Call, Context
from engine.apiserver.creation import create_object
from engine.apiserver.options import WriteOptions
from engine.base.api import Request, User
from engine.base.causes import Cause
from engine.base.objects import Obj, name_of, namespace_of
from engine.kinds.common.priorities import CLUSTER_CRITICAL, NODE_CRITICAL, SYSTEM_CLASSES

ACTOR = "kube-apiserver"
USER = User("system:apiserver", ("system:masters", "system:authenticated"))

HOST, PORT = "172.18.0.1", 6443
"""Where pods reach this server: the address of the simulated host."""

SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

PRIORITY_CLASSES: Mapping[str, str] = {
    NODE_CRITICAL: "Used for system critical pods that must not be moved from their current node.",
    CLUSTER_CRITICAL: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
}
"""Their descriptions."""


def _objects() -> list[tuple[str, dict[str, Any]]]:
    namespaces = [("namespaces", {"metadata": {"name": name}}) for name in SYSTEM_NAMESPACES]
    classes = [
        ("priorityclasses.scheduling.k8s.io", {"metadata": {"name": name}, "value": SYSTEM_CLASSES[name], "description": text})
        for name, text in PRIORITY_CLASSES.items()
    ]
    return [*namespaces, *classes, *_service()]


def _service() -> list[tuple[str, dict[str, Any]]]:
    """The Service `kubernetes`, whose endpoints the server writes itself (pkg/controlplane/reconcilers/endpointsadapter.go)."""
    service = {
        "metadata": _metadata({"component": "apiserver", "provider": "kubernetes"}),
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": PORT}]},
    }
    ports = [{"name": "https", "port": PORT, "protocol": "TCP"}]
    endpoints = {
        "metadata": _metadata({"endpointslice.kubernetes.io/skip-mirror": "true"}),
        "subsets": [{"addresses": [{"ip": HOST}], "ports": ports}],
    }
    endpoint_slice = {
        "metadata": _metadata({"kubernetes.io/service-name": "kubernetes"}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [HOST], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return [("services", service), ("endpoints", endpoints), ("endpointslices.discovery.k8s.io", endpoint_slice)]


def _metadata(labels: Obj) -> Obj:
    return {"name": "kubernetes", "namespace": "default", "labels": labels}


def bootstrap(ctx: Context) -> None:
    """Create what is missing: an empty store gets all of it, one that was opened again what somebody deleted."""
    for resource, fields in _objects():
        kind = ctx.kinds.by_resource[resource]
        obj: Obj = {"apiVersion": kind.api_version(), "kind": kind.kind, **fields}
        namespace, name = namespace_of(obj), name_of(obj)
        if ctx.storage.get(kind, namespace, name) is None:
            request = Request("POST", "", user=USER, cause=Cause(ACTOR), user_agent=ACTOR)
            call = Call(request, kind, kind.storage, namespace, "", "")
            create_object(ctx, call, obj, WriteOptions(ACTOR))
