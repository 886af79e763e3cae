"""Conditions in a status: found, and changed as upstream's workload controllers do, so that nothing changes without a reason."""

from collections.abc import Iterable, Sequence

from engine.base.objects import Obj

Condition = Obj


def find(conditions: Iterable[Condition], type: str) -> Condition | None:
    """The condition of a type."""
    for condition in conditions:
        if condition.get("type") == type:
            return condition
    return None


def condition_of(obj: Obj, type: str) -> Condition | None:
    """The condition of a type in an object's status.conditions."""
    return find((obj.get("status") or {}).get("conditions") or (), type)


def is_true(obj: Obj, type: str) -> bool:
    """Whether the condition of a type in an object's status.conditions is True; one that is not there is not."""
    condition = condition_of(obj, type)
    return condition is not None and condition.get("status") == "True"


def without(conditions: Iterable[Condition], type: str) -> list[Condition]:
    """All but the condition of a type."""
    return [c for c in conditions if c.get("type") != type]


def updated(conditions: Sequence[Condition], new: Condition) -> list[Condition]:
    """`conditions` with `new` in place of (moved to the end) the one of its type: unchanged where status and reason are the same,
    and with the old lastTransitionTime where the status is (SetDeploymentCondition, replicaset SetCondition)."""
    current = find(conditions, new["type"])
    if current is not None and current["status"] == new["status"] and current.get("reason") == new.get("reason"):
        return list(conditions)
    if current is not None and current["status"] == new["status"]:
        new = {**new, "lastTransitionTime": current["lastTransitionTime"]}
    return [*without(conditions, new["type"]), new]
