"""What controllers ask of a pod, and which ones go first (pkg/api/v1/pod/util.go, pkg/controller/controller_utils.go)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cmp_to_key
from typing import NamedTuple

from engine.base.clock import parse_time
from engine.base.conditions import condition_of, is_true
from engine.base.objects import Obj, annotations_of

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


def phase_of(pod: Obj) -> str:
    """status.phase, empty while nothing has set it."""
    return (pod.get("status") or {}).get("phase") or ""


def is_terminal(pod: Obj) -> bool:
    """Whether it has succeeded or failed."""
    return phase_of(pod) in ("Succeeded", "Failed")


def is_active(pod: Obj) -> bool:
    """IsPodActive: neither finished nor being deleted."""
    return not pod["metadata"].get("deletionTimestamp") and phase_of(pod) not in ("Succeeded", "Failed")


def is_terminating(pod: Obj) -> bool:
    """IsPodTerminating: being deleted and not finished."""
    return bool(pod["metadata"].get("deletionTimestamp")) and not is_terminal(pod)


def is_ready(pod: Obj) -> bool:
    """Whether condition Ready is True."""
    return is_true(pod, "Ready")


def ready_since(pod: Obj) -> float | None:
    """Epoch seconds at which the pod became ready; None where it is not."""
    ready = condition_of(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    since = ready.get("lastTransitionTime")
    return parse_time(since) if since else 0.0


def available_in(pod: Obj, min_ready_s: int, now: float) -> float | None:
    """Seconds until a ready pod counts as available; 0 where it does, None where it is not ready (IsPodAvailable)."""
    if not min_ready_s:
        return 0.0 if is_ready(pod) else None
    since = ready_since(pod)
    if since is None:
        return None
    return max(0.0, since + min_ready_s - now) if since else float(min_ready_s)


def is_available(pod: Obj, min_ready_s: int, now: float) -> bool:
    """Whether the pod has been ready for `min_ready_s`."""
    return available_in(pod, min_ready_s, now) == 0.0


def deletion_cost(pod: Obj) -> int:
    """The annotation pod-deletion-cost; 0 where it is none or no 32-bit number (apis/core/helper GetDeletionCostFromPodAnnotations)."""
    text = annotations_of(pod).get(DELETION_COST)
    if not text or text.startswith("+") or (text[0] == "0" and text != "0") or not text.removeprefix("-").isdigit():
        return 0
    cost = int(text)
    return cost if -(2**31) <= cost < 2**31 else 0


class _Rank(NamedTuple):
    order: tuple[int, int, int, int, int]
    ready: float | None
    restarts: tuple[int, int]
    created: float
    uid: str


def _restarts(pod: Obj) -> tuple[int, int]:
    """Highest restart counts of (containers, sidecars)."""
    status = pod.get("status") or {}
    sidecars = {c["name"] for c in (pod.get("spec") or {}).get("initContainers") or () if c.get("restartPolicy") == "Always"}
    regular = max((c.get("restartCount") or 0 for c in status.get("containerStatuses") or ()), default=0)
    sidecar = max((c.get("restartCount") or 0 for c in status.get("initContainerStatuses") or () if c["name"] in sidecars), default=0)
    return regular, sidecar


def _bucket(since: float, now: float) -> int:
    """logarithmicRankDiff: times that are as many powers of two of a nanosecond ago are alike."""
    age_ns = (now - since) * 1e9
    return int(math.log2(age_ns)) if age_ns > 0 else -1


def _later_first(a: float, b: float, a_uid: str, b_uid: str, now: float) -> int:
    if not a or not b:
        return -1 if not a else 1
    by_bucket = _bucket(a, now) - _bucket(b, now)
    return by_bucket or (-1 if a_uid < b_uid else 1)


def by_deletion(pods: Sequence[Obj], related: Iterable[Obj], now: float) -> list[Obj]:
    """`pods` in the order in which they are deleted on scale-down (ActivePodsWithRanks).

    Unassigned before assigned; Pending, Unknown, Running; not ready before ready; lower deletion cost; more of the active `related`
    pods on the same node; ready for a shorter time (by powers of two, then uid); more restarts; younger.
    """
    on_node = Counter((p.get("spec") or {}).get("nodeName") or "" for p in related if is_active(p))
    ranked = [(_rank(pod, on_node), pod) for pod in pods]

    def compare(a: tuple[_Rank, Obj], b: tuple[_Rank, Obj]) -> int:
        x, y = a[0], b[0]
        if x.order != y.order:
            return -1 if x.order < y.order else 1
        if x.ready is not None and y.ready is not None and x.ready != y.ready:
            return _later_first(x.ready, y.ready, x.uid, y.uid, now)
        if x.restarts != y.restarts:
            return -1 if x.restarts > y.restarts else 1
        return _later_first(x.created, y.created, x.uid, y.uid, now) if x.created != y.created else 0

    return [pod for _, pod in sorted(ranked, key=cmp_to_key(compare))]


def _rank(pod: Obj, on_node: Mapping[str, int]) -> _Rank:
    metadata = pod["metadata"]
    node = (pod.get("spec") or {}).get("nodeName") or ""
    ready = ready_since(pod)
    order = (1 if node else 0, _PHASE_RANK.get(phase_of(pod), 0), 0 if ready is None else 1, deletion_cost(pod), -on_node.get(node, 0))
    created = metadata.get("creationTimestamp")
    return _Rank(order, ready, _restarts(pod), parse_time(created) if created else 0.0, metadata.get("uid") or "")
