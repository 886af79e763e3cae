"""Objects for tables: as short as the case allows, as complete as the controllers need."""

from typing import Any

from engine.base.clock import rfc3339
from engine.base.objects import Obj, controller_ref, frozen

NOW = 1_767_225_600.0
"""The moment at which reconciles of tables happen."""


def ago(seconds: float) -> str:
    """The RFC 3339 text of a moment before NOW."""
    return rfc3339(NOW - seconds)


def template(image: str = "nginx:1", **labels: str) -> Obj:
    """A pod template with one container."""
    return {"metadata": {"labels": labels or {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def replica_set(name: str = "rs", replicas: int = 3, owner: Obj | None = None, **more: Any) -> Obj:
    """A ReplicaSet; `more`: `image`, `available` and `pods` (status), `created_ago`, `annotations`, `min_ready_s`, `generation`."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "ns",
        "uid": f"uid-{name}",
        "labels": {"app": "a"},
        "resourceVersion": "10",
        "generation": more.get("generation", 1),
        "creationTimestamp": ago(more.get("created_ago", 100)),
        "annotations": more.get("annotations", {}),
    }
    if owner is not None:
        metadata["ownerReferences"] = [controller_ref(owner)]
    available = more.get("available", replicas)
    status = {"replicas": more.get("pods", replicas), "availableReplicas": available, "readyReplicas": available, "terminatingReplicas": 0}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "a"}}, "template": template(more.get("image", "nginx:1"))}
    if "min_ready_s" in more:
        spec["minReadySeconds"] = more["min_ready_s"]
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": spec,
        "status": {**status, "observedGeneration": 1},
    }
    found: Obj = frozen(made)
    return found


def deployment(replicas: int = 10, surge: int | str = "25%", unavailable: int | str = "25%", **more: Any) -> Obj:
    """A Deployment; `more`: `strategy`, `image`, `paused`, `status`, `history`, `deadline_s`, `annotations`."""
    strategy: dict[str, Any] = {"type": more.get("strategy", "RollingUpdate")}
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "a"}},
        "template": template(more.get("image", "nginx:1")),
        "strategy": strategy,
        "revisionHistoryLimit": more.get("history", 10),
        "progressDeadlineSeconds": more.get("deadline_s", 600),
    }
    if more.get("paused"):
        spec["paused"] = True
    metadata = {"name": "d", "namespace": "ns", "uid": "uid-d", "resourceVersion": "5", "generation": 1}
    metadata["annotations"] = more.get("annotations", {})
    made: Obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": more.get("status", {})}
    found: Obj = frozen(made)
    return found


def pod(name: str, owner: Obj | None = None, **more: Any) -> Obj:
    """A pod; `more`: `phase`, `ready_ago` (None: not ready), `node`, `created_ago`, `labels`, `restarts`, `cost`, `deleting`, `uid`."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "ns",
        "uid": more.get("uid", f"uid-{name}"),
        "resourceVersion": "20",
        "labels": more.get("labels", {"app": "a"}),
        "creationTimestamp": ago(more.get("created_ago", 100)),
    }
    if owner is not None:
        metadata["ownerReferences"] = [controller_ref(owner)]
    if more.get("deleting"):
        metadata["deletionTimestamp"] = ago(0)
    if "cost" in more:
        metadata["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": more["cost"]}
    status: dict[str, Any] = {"phase": more.get("phase", "Running")}
    ready_ago = more.get("ready_ago", 50)
    if ready_ago is not None and status["phase"] == "Running":
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": ago(ready_ago)}]
    if "restarts" in more:
        status["containerStatuses"] = [{"name": "c", "restartCount": more["restarts"]}]
    spec = {"containers": [{"name": "c", "image": "nginx:1"}], "nodeName": more.get("node", "node-0")}
    made: Obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
    found: Obj = frozen(made)
    return found
