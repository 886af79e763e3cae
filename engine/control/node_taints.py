"""The taints that say what is wrong with a node (nodelifecycle/node_lifecycle_controller.go, util/taints)."""

from collections.abc import Sequence
from typing import Any

from engine.base.clock import rfc3339
from engine.base.conditions import condition_of
from engine.base.objects import Obj, name_of, uid_of
from engine.control.actions import Patch

NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"

READY_TAINTS = {"False": NOT_READY, "Unknown": UNREACHABLE}
"""Status of Ready -> taint."""
_BY_CONDITION = {
    "Ready": READY_TAINTS,
    "MemoryPressure": {"True": "node.kubernetes.io/memory-pressure"},
    "DiskPressure": {"True": "node.kubernetes.io/disk-pressure"},
    "NetworkUnavailable": {"True": "node.kubernetes.io/network-unavailable"},
    "PIDPressure": {"True": "node.kubernetes.io/pid-pressure"},
}
_MANAGED = frozenset({key for by_status in _BY_CONDITION.values() for key in by_status.values()} | {UNSCHEDULABLE})


def taints_of(node: Obj) -> Sequence[Obj]:
    """spec.taints."""
    found: Sequence[Obj] = (node.get("spec") or {}).get("taints") or ()
    return found


def has_taint(node: Obj, key: str, effect: str) -> bool:
    """Whether the node has the taint."""
    return any(t["key"] == key and t.get("effect") == effect for t in taints_of(node))


def wanted_no_schedule(node: Obj) -> list[str]:
    """Keys of the NoSchedule taints that the node's conditions, and its being cordoned, ask for."""
    found = []
    for type, by_status in _BY_CONDITION.items():
        condition = condition_of(node, type)
        if condition is not None and condition["status"] in by_status:
            found.append(by_status[condition["status"]])
    return [*found, UNSCHEDULABLE] if (node.get("spec") or {}).get("unschedulable") else found


def no_schedule_patch(node: Obj, now: float) -> Patch | None:
    """What makes the NoSchedule taints those that are wanted; None where they are (doNoScheduleTaintingPass)."""
    return swap(node, NO_SCHEDULE, wanted_no_schedule(node), _MANAGED, now)


def no_execute_patch(node: Obj, wanted: str, now: float) -> Patch | None:
    """What makes `wanted` (or none, where empty) the only NoExecute taint about readiness; None where it is."""
    return swap(node, NO_EXECUTE, [wanted] if wanted else [], frozenset({NOT_READY, UNREACHABLE}), now)


def swap(node: Obj, effect: str, wanted: Sequence[str], managed: frozenset[str], now: float) -> Patch | None:
    """Add and remove taints of an effect, all in one conditional write (controller/util/node SwapNodeControllerTaint)."""
    kept = [t for t in taints_of(node) if t.get("effect") != effect or t["key"] not in managed or t["key"] in wanted]
    there = {t["key"] for t in kept if t.get("effect") == effect}
    added = [{"key": key, "effect": effect, "timeAdded": rfc3339(now)} for key in wanted if key not in there]
    if not added and len(kept) == len(taints_of(node)):
        return None
    metadata: dict[str, Any] = {"uid": uid_of(node), "resourceVersion": node["metadata"]["resourceVersion"]}
    return Patch("nodes", "", name_of(node), {"metadata": metadata, "spec": {"taints": [*kept, *added] or None}}, ignore_missing=True)
