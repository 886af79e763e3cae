"""Nodes that fall silent: conditions, taints, their pods not ready (pkg/controller/nodelifecycle/node_lifecycle_controller.go).

The key MONITOR looks at all leases and statuses every 5 s; the keys of nodes keep the NoSchedule taints of what changed at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.base.api import STRATEGIC_PATCH
from engine.base.clock import rfc3339
from engine.base.conditions import condition_of
from engine.base.objects import Obj, name_of, uid_of
from engine.control.actions import Action, Actions, Emit, Key, Parallel, Patch, Remember, RequeueAfter
from engine.control.controller import Controller
from engine.control.node_health import (
    Bucket,
    Health,
    Zone,
    evictions_per_s,
    is_silent,
    observe,
    unknown_conditions,
    zone_state,
)
from engine.control.node_taints import (
    NO_EXECUTE,
    NOT_READY,
    READY_TAINTS,
    UNREACHABLE,
    has_taint,
    no_execute_patch,
    no_schedule_patch,
    taints_of,
)
from engine.control.read import Read

RESOURCE, LEASES = "nodes", "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"
MONITOR = Key("monitor", "")
"""No node's key: those have no namespace."""
MONITOR_PERIOD_S = 5.0
"""--node-monitor-period."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the monitor knows from one look to the next."""

    health: Mapping[str, Health] = field(default_factory=dict)
    buckets: Mapping[str, Bucket] = field(default_factory=dict)
    all_down: bool = False


class Seen(NamedTuple):
    """A node as it is after a look: the status of Ready, with what the look changed."""

    node: Obj
    ready: str
    changes: tuple[Obj, ...]


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """The look at all nodes, or the NoSchedule taints of one."""
    if key == MONITOR:
        return _monitor(read, now)
    node = read.get(RESOURCE, "", key.name)
    patch = no_schedule_patch(node, now) if node is not None else None
    return [patch] if patch is not None else []


def _monitor(read: Read, now: float) -> Actions:
    memory: Memory = read.memory.get(MONITOR) or Memory()
    leases = read[LEASES]
    health: dict[str, Health] = {}
    actions: list[Action] = []
    zones: dict[str, list[Seen]] = {}
    for node in read[RESOURCE]:
        name: str = node["metadata"]["name"]
        known = memory.health.get(name)
        health[name] = current = observe(node, leases.get(LEASE_NAMESPACE, name), known, now)
        if known is None:
            actions.append(_about(name, uid_of(node), "RegisteredNode", f"Registered Node {name} in Controller"))
        entry = _seen(current, now)
        zones.setdefault(current.zone, []).append(entry)
        if entry.ready != "True":
            actions += _status_actions(entry, read, now)
    if len(memory.health) != len(health) or memory.health.keys() != health.keys():
        for name, gone in memory.health.items():
            if name not in health:
                actions.append(_about(name, uid_of(gone.node), "RemovingNode", f"Removing Node {name} from Controller"))
    states = {zone: zone_state([entry.ready for entry in members]) for zone, members in zones.items()}
    all_down = bool(states) and all(state is Zone.FULL for state in states.values())
    if memory.all_down and not all_down:
        health = {name: current.at(now) for name, current in health.items()}
    buckets: dict[str, Bucket] = {}
    for zone, members in zones.items():
        bucket = memory.buckets.get(zone) or Bucket(1.0, now)
        per_s = 0.0 if all_down else evictions_per_s(states[zone], len(members))
        buckets[zone] = bucket.refilled(per_s, now)
        for entry in members:
            if entry.ready == "True" and not taints_of(entry.node):
                continue
            patch, buckets[zone] = _no_execute(entry, all_down, per_s, buckets[zone], now)
            if patch is not None:
                actions.append(_alone(patch))
    return [RequeueAfter(MONITOR_PERIOD_S), Remember(Memory(health, buckets, all_down)), *actions]


def _seen(health: Health, now: float) -> Seen:
    """A node that has no condition Ready yet is taken as ready, as nothing is known against it."""
    if not is_silent(health, now):
        return Seen(health.node, health.ready or "True", ())
    return Seen(health.node, "Unknown", tuple(unknown_conditions(health.node, now)))


def _about(name: str, uid: str, reason: str, what: str) -> Emit:
    """controller/util/node RecordNodeEvent."""
    about = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": uid}}
    return Emit(about, "Normal", reason, f"Node {name} event: {what}")


def _alone(*actions: Patch) -> Parallel:
    """Writes about one node: where they fail the other nodes go on, and these are tried again with the next look."""
    return Parallel(actions, slow_start=False, then=lambda failures: [])


def _status_actions(entry: Seen, read: Read, now: float) -> list[Action]:
    """The conditions of a node that fell silent, and its pods no longer ready (MarkPodsNotReady)."""
    node, name = entry.node, name_of(entry.node)
    found: list[Action] = []
    if entry.changes:
        metadata = {"uid": uid_of(node), "resourceVersion": node["metadata"]["resourceVersion"]}
        patch = {"metadata": metadata, "status": {"conditions": list(entry.changes)}}
        before = condition_of(node, "Ready")
        told = []
        if before is not None and before["status"] == "True":
            told = [Emit(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")]
        write = Patch(RESOURCE, "", name, patch, "status", STRATEGIC_PATCH, ignore_missing=True)
        found.append(Parallel((write,), then=lambda failures: [] if failures else [*told]))
    for pod in read["pods"].by_index("node", name):
        found += _not_ready(pod, now)
    return found


def _not_ready(pod: Obj, now: float) -> list[Action]:
    ready = condition_of(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return []
    condition = {**ready, "status": "False", "lastTransitionTime": rfc3339(now)}
    write = Patch.status("pods", pod, {"conditions": [condition]}, STRATEGIC_PATCH)
    told = Emit(pod, "Warning", "NodeNotReady", "Node is not ready")
    return [Parallel((write,), then=lambda failures: [] if failures else [told])]


def _no_execute(entry: Seen, all_down: bool, per_s: float, bucket: Bucket, now: float) -> tuple[Patch | None, Bucket]:
    """The NoExecute taint of a node, as often as the zone's bucket allows; one that is tainted already changes at once
    (processTaintBaseEviction, doNoExecuteTaintingPass). With all zones down nobody is evicted. What this look changed counts from the
    next one on, as upstream goes by the conditions that it observed."""
    if entry.changes:
        return None, bucket
    wanted = "" if all_down else READY_TAINTS.get(entry.ready, "")
    patch = no_execute_patch(entry.node, wanted, now)
    if patch is None or not wanted or any(has_taint(entry.node, key, NO_EXECUTE) for key in (NOT_READY, UNREACHABLE)):
        return patch, bucket
    if per_s > 0 and bucket.ready:
        return patch, bucket._replace(tokens=bucket.tokens - 1.0)
    return None, bucket


def _keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """A node whose conditions, taints or cordon changed; heartbeats change none of them."""
    if kind == "DELETED":
        return ()
    if old is not None and old.get("spec") == new.get("spec") and _statuses(old) == _statuses(new):
        return ()
    return (Key("", name_of(new)),)


def _statuses(node: Obj) -> list[tuple[str, str]]:
    return [(c["type"], c["status"]) for c in (node.get("status") or {}).get("conditions") or ()]


CONTROLLER = Controller(
    name="node-lifecycle-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    keys=_keys,
    reads=("pods", LEASES),
    initial=(MONITOR,),
    workers=8,
    component="node-controller",
)
