"""Drift: objects of the folder that somebody else changed. When to heal, when to give up. Pure."""

from dataclasses import dataclass, field

from engine.base.clock import parse_time
from engine.base.objects import Obj, annotations_of, labels_of

HEAL_BACKOFF_S = 2.0
HEAL_BACKOFF_FACTOR = 3.0
HEAL_BACKOFF_MAX_S = 300.0
"""Argo CD's self-heal back-off (argocd_application_controller.go)."""
FLAPS_MAX = 5
FLAP_WINDOW_S = 60.0
CALM_S = 600.0
"""After this long without drift the back-off starts from the beginning."""

OWN_PARTS = frozenset(("apiVersion", "kind", "metadata", "status"))


def may_have_drifted(old: Obj, new: Obj) -> bool:
    """Whether an update touched anything a manifest can say: not status, not bookkeeping. Parts that are shared are not compared."""
    if labels_of(old) != labels_of(new) or annotations_of(old) != annotations_of(new):
        return True
    parts = (old.keys() | new.keys()) - OWN_PARTS
    return any(old.get(part) is not new.get(part) and old.get(part) != new.get(part) for part in parts)


def last_manager(obj: Obj, ours: str) -> tuple[str, float]:
    """The field manager other than `ours` that wrote last, and when (epoch seconds); empty where nobody else did."""
    latest = ("", 0.0)
    for entry in obj["metadata"].get("managedFields") or ():
        if entry.get("manager") == ours or entry.get("subresource") == "status" or not entry.get("time"):
            continue
        at = parse_time(entry["time"])
        if at >= latest[1]:
            latest = (entry.get("manager") or "unknown", at)
    return latest


@dataclass(slots=True)
class Healing:
    """The history of one object's drift: `due` is when to heal next, `suspended` names whom we no longer fight."""

    heals: list[float] = field(default_factory=list)
    due: float = 0.0
    suspended: str = ""
    _backoff_s: float = 0.0

    def drifted(self, opponent: str, now: float) -> None:
        """Drift was found at `now`: plan the next healing, or give up after FLAPS_MAX of them within FLAP_WINDOW_S."""
        recent = [at for at in self.heals if now - at <= FLAP_WINDOW_S]
        if len(recent) >= FLAPS_MAX:
            self.suspended = opponent or "unknown"
            return
        if self.heals and now - self.heals[-1] > CALM_S:
            self._backoff_s = 0.0
        if self.due <= now:
            self.due = now + self._backoff_s

    def healed(self, now: float) -> None:
        """The object was put right at `now`."""
        self.heals = [at for at in self.heals if now - at <= CALM_S] + [now]
        if len(self.heals) >= FLAPS_MAX:
            self._backoff_s = min(self._backoff_s * HEAL_BACKOFF_FACTOR or HEAL_BACKOFF_S, HEAL_BACKOFF_MAX_S)
