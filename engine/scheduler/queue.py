"""Pods that wait to be scheduled: active, backing off, or unschedulable until something changes (pkg/scheduler/backend/queue)."""

import heapq
import itertools
from dataclasses import dataclass

from engine.scheduler.framework import ClusterEvent
from engine.scheduler.pods import PodInfo

BACKOFF_INITIAL_S = 1.0
BACKOFF_MAX_S = 10.0
UNSCHEDULABLE_MAX_S = 300.0
"""After this long in the unschedulable pool a pod is tried again whatever happened."""
FLUSH_PERIOD_S = 30.0


@dataclass(slots=True, eq=False)
class QueuedPod:
    """A pod that waits, with what happened to it."""

    pod: PodInfo
    added: float
    """When it joined the queue, or joined it again."""
    attempts: int = 0
    tried: float = 0.0
    """When the last attempt ended."""
    rejected_by: frozenset[ClusterEvent] = frozenset()
    """What may make it schedulable."""
    changed: bool = False
    """Whether it was updated while it was being scheduled."""
    place: str = ""
    """active, backoff, unschedulable, gated, or empty while it is being scheduled."""

    @property
    def backoff_s(self) -> float:
        """1 s, doubled with each attempt, up to 10 s."""
        return min(BACKOFF_INITIAL_S * 2.0 ** (self.attempts - 1), BACKOFF_MAX_S) if self.attempts else 0.0


class SchedulingQueue:
    """Highest priority first, then first in first out. All times are epoch seconds given by the caller; nothing waits here."""

    def __init__(self) -> None:
        self._pods: dict[str, QueuedPod] = {}
        self._active: list[tuple[int, float, int, QueuedPod]] = []
        self._backoff: list[tuple[float, int, QueuedPod]] = []
        self._count = itertools.count()
        self._unschedulable: dict[str, QueuedPod] = {}
        self._happened: set[ClusterEvent] = set()
        """What happened since the last pod was taken out."""

    def __len__(self) -> int:
        return len(self._pods)

    def __contains__(self, uid: str) -> bool:
        return uid in self._pods

    def get(self, uid: str) -> QueuedPod | None:
        """A pod that waits or is being scheduled."""
        return self._pods.get(uid)

    def pods(self) -> list[QueuedPod]:
        """All pods that wait, in no particular order of turn."""
        return list(self._pods.values())

    def add(self, pod: PodInfo, now: float) -> None:
        """A pod wants a node: into the active queue, unless gates hold it."""
        queued = self._pods[pod.uid] = QueuedPod(pod, now)
        self._settle(queued)

    def _settle(self, queued: QueuedPod) -> None:
        if queued.pod.spec.get("schedulingGates"):
            queued.place = "gated"
        else:
            self._activate(queued)

    def update(self, pod: PodInfo, changed: bool, now: float) -> None:
        """A waiting pod was updated; where `changed` (more than its status), it is tried anew."""
        queued = self._pods.get(pod.uid)
        if queued is None:
            self.add(pod, now)
            return
        queued.pod = pod
        if not changed:
            return
        if queued.place in ("gated", "unschedulable"):
            self._unschedulable.pop(pod.uid, None)
            self._settle(queued)
        elif not queued.place:
            queued.changed = True

    def remove(self, uid: str) -> None:
        """A pod is bound or gone."""
        queued = self._pods.pop(uid, None)
        if queued is not None:
            queued.place = "gone"
            self._unschedulable.pop(uid, None)

    def pop(self, now: float) -> QueuedPod | None:
        """The next pod to schedule, None while there is none."""
        self._end_backoffs(now)
        while self._active:
            queued = heapq.heappop(self._active)[3]
            if queued.place == "active" and self._pods.get(queued.pod.uid) is queued:
                queued.place = ""
                queued.attempts += 1
                queued.changed = False
                self._happened = set()
                return queued
        return None

    def put_back(self, queued: QueuedPod, waits_for: frozenset[ClusterEvent], now: float) -> None:
        """The pod fits nowhere now; it is tried again when one of `waits_for` happens (or just did, while it was being tried)."""
        if self._pods.get(queued.pod.uid) is not queued:
            return
        queued.tried = queued.added = now
        queued.rejected_by = waits_for
        if not waits_for or queued.changed or not waits_for.isdisjoint(self._happened):
            self._back_off(queued, now)
        else:
            queued.place = "unschedulable"
            self._unschedulable[queued.pod.uid] = queued

    def happened(self, event: ClusterEvent, now: float) -> None:
        """Something changed: pods that waited for it are tried again after their back-off."""
        self._happened.add(event)
        for queued in [queued for queued in self._unschedulable.values() if event in queued.rejected_by]:
            self._back_off(queued, now)

    def flush_leftovers(self, now: float) -> None:
        """Try again what has been unschedulable for too long."""
        for queued in [queued for queued in self._unschedulable.values() if now - queued.tried > UNSCHEDULABLE_MAX_S]:
            self._back_off(queued, now)

    def next_due(self) -> float | None:
        """When the next back-off ends, None where none runs."""
        while self._backoff and self._backoff[0][2].place != "backoff":
            heapq.heappop(self._backoff)
        return self._backoff[0][0] if self._backoff else None

    def _back_off(self, queued: QueuedPod, now: float) -> None:
        self._unschedulable.pop(queued.pod.uid, None)
        due = queued.tried + queued.backoff_s
        if due <= now:
            self._activate(queued)
            return
        queued.place = "backoff"
        heapq.heappush(self._backoff, (due, next(self._count), queued))

    def _end_backoffs(self, now: float) -> None:
        while (due := self.next_due()) is not None and due <= now:
            self._activate(heapq.heappop(self._backoff)[2])

    def _activate(self, queued: QueuedPod) -> None:
        queued.place = "active"
        heapq.heappush(self._active, (-queued.pod.priority, queued.added, next(self._count), queued))
