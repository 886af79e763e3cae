"""Whether nodes live, and how many of a zone do (nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth, ComputeZoneState)."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from engine.base.clock import parse_time, rfc3339
from engine.base.conditions import condition_of
from engine.base.objects import Obj, labels_of, uid_of

GRACE_S = 50.0
"""--node-monitor-grace-period."""
STARTUP_GRACE_S = 60.0
"""--node-startup-grace-period: for a node that never posted a status."""
EVICTIONS_PER_S = 0.1
SECONDARY_EVICTIONS_PER_S = 0.01
LARGE_ZONE_NODES = 50
"""--node-eviction-rate, --secondary-node-eviction-rate, --large-cluster-size-threshold (a zone of up to that many nodes: no evictions)."""
UNHEALTHY_SHARE = 0.55
"""--unhealthy-zone-threshold."""
UNHEALTHY_NODES_MIN = 3

_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_NEVER = ("NodeStatusNeverUpdated", "Kubelet never posted node status.")
_STOPPED = ("NodeStatusUnknown", "Kubelet stopped posting node status.")


class Health(NamedTuple):
    """What was seen of a node: `probe` is when it last gave a sign of life (epoch seconds), `ready` the status of its condition,
    empty where it has none. What follows from the node is kept until another version of it comes."""

    node: Obj
    probe: float
    renewed: str
    heartbeat: str
    ready: str
    zone: str

    def at(self, probe: float) -> "Health":
        """With another time of the last sign of life."""
        return Health(self.node, probe, self.renewed, self.heartbeat, self.ready, self.zone)


def observe(node: Obj, lease: Obj | None, known: Health | None, now: float) -> Health:
    """The health after a look at the node's status and lease: a changed heartbeat or a later renewal is a sign of life."""
    renewed: str = ((lease or {}).get("spec") or {}).get("renewTime") or ""
    if known is not None and known.node is node:
        return known if renewed <= known.renewed else Health(node, now, renewed, known.heartbeat, known.ready, known.zone)
    ready = condition_of(node, "Ready")
    heartbeat, status = (ready.get("lastHeartbeatTime") or "", ready["status"]) if ready is not None else ("", "")
    if known is None or uid_of(known.node) != uid_of(node):
        created = node["metadata"].get("creationTimestamp")
        probe = parse_time(created) if ready is None and created else now
    else:
        probe = now if heartbeat != known.heartbeat or renewed > known.renewed else known.probe
    return Health(node, probe, renewed, heartbeat, status, zone_of(node))


def is_silent(health: Health, now: float) -> bool:
    """Whether the node has given no sign of life for too long."""
    return now > health.probe + (GRACE_S if health.ready else STARTUP_GRACE_S)


def unknown_conditions(node: Obj, now: float) -> list[Obj]:
    """The conditions of a silent node that have to change: to Unknown, each with why."""
    stamp = rfc3339(now)
    found: list[Obj] = []
    for type in _CONDITIONS:
        condition = condition_of(node, type)
        if condition is None:
            reason, message = _NEVER
            made: dict[str, Any] = {"type": type, "lastHeartbeatTime": node["metadata"].get("creationTimestamp")}
        elif condition["status"] != "Unknown":
            reason, message = _STOPPED
            made = dict(condition)
        else:
            continue
        found.append({**made, "status": "Unknown", "reason": reason, "message": message, "lastTransitionTime": stamp})
    return found


class Zone(Enum):
    """How a zone is."""

    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


def zone_of(node: Obj) -> str:
    """The key of a node's zone: region and zone (component-helpers/node/topology GetZoneKey)."""
    labels = labels_of(node)
    region, zone = (labels.get(f"topology.kubernetes.io/{name}", "") for name in ("region", "zone"))
    return f"{region}:{zone}" if region or zone else ""


def zone_state(ready: Sequence[str]) -> Zone:
    """The state of a zone by the statuses of its nodes' Ready conditions."""
    down = sum(status != "True" for status in ready)
    if down and down == len(ready):
        return Zone.FULL
    if down >= UNHEALTHY_NODES_MIN and down / len(ready) >= UNHEALTHY_SHARE:
        return Zone.PARTIAL
    return Zone.NORMAL


def evictions_per_s(state: Zone, nodes: int) -> float:
    """How many nodes of a zone may be tainted per second (HealthyQPSFunc, ReducedQPSFunc)."""
    if state is not Zone.PARTIAL:
        return EVICTIONS_PER_S
    return SECONDARY_EVICTIONS_PER_S if nodes > LARGE_ZONE_NODES else 0.0


class Bucket(NamedTuple):
    """A token bucket of burst 1."""

    tokens: float
    time: float

    def refilled(self, per_s: float, now: float) -> "Bucket":
        """The bucket at `now`."""
        return Bucket(min(1.0, self.tokens + per_s * max(0.0, now - self.time)), now)

    @property
    def ready(self) -> bool:
        """Whether a token can be taken."""
        return self.tokens > 1.0 - 1e-6
