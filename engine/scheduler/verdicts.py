"""What the scheduler found for each pending pod, node by node: the answer to "why is it pending"."""

from dataclasses import dataclass

from engine.base.clock import rfc3339
from engine.base.objects import Obj
from engine.scheduler.cycle import Decision

VERDICTS_MAX = 10_000
"""Pending pods whose verdict is kept; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The last cycle of one pod; `message` is what the event says."""

    time: float
    attempts: int
    message: str
    decision: Decision

    def to_object(self) -> Obj:
        """As JSON: nodes grouped by plugin and reasons, in the order of nodes."""
        groups: dict[tuple[str, tuple[str, ...], bool], list[str]] = {}
        for node, rejection in self.decision.rejections.items():
            groups.setdefault((rejection.plugin, rejection.reasons, rejection.unresolvable), []).append(node)
        return {
            "apiVersion": "ktui.dev/v1",
            "kind": "SchedulingVerdict",
            "time": rfc3339(self.time),
            "attempts": self.attempts,
            "node": self.decision.node,
            "message": self.message,
            "rejections": [
                {"plugin": plugin, "reasons": list(reasons), "unresolvable": unresolvable, "nodes": nodes}
                for (plugin, reasons, unresolvable), nodes in groups.items()
            ],
        }


class Verdicts:
    """Verdicts by pod uid; a pod that is scheduled or gone has none."""

    def __init__(self) -> None:
        self._known: dict[str, Verdict] = {}

    def keep(self, uid: str, verdict: Verdict) -> None:
        """Remember the newest verdict of a pod."""
        self._known.pop(uid, None)
        while len(self._known) >= VERDICTS_MAX:
            del self._known[next(iter(self._known))]
        self._known[uid] = verdict

    def forget(self, uid: str) -> None:
        """The pod is scheduled or gone."""
        self._known.pop(uid, None)

    def get(self, uid: str) -> Verdict | None:
        """The verdict of a pending pod that was tried."""
        return self._known.get(uid)
