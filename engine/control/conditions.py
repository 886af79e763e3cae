"""Conditions in a status: set and removed as upstream's workload controllers do, so that nothing changes without a reason."""

from collections.abc import Mapping, Sequence
from typing import Any

Condition = Mapping[str, Any]


def find(conditions: Sequence[Condition], type: str) -> Condition | None:
    """The condition of a type."""
    return next((c for c in conditions if c["type"] == type), None)


def without(conditions: Sequence[Condition], type: str) -> list[Condition]:
    """All but the condition of a type."""
    return [c for c in conditions if c["type"] != type]


def updated(conditions: Sequence[Condition], new: Condition) -> list[Condition]:
    """`conditions` with `new` in place of (moved to the end) the one of its type: unchanged where status and reason are the same,
    and with the old lastTransitionTime where the status is (SetDeploymentCondition, replicaset SetCondition)."""
    current = find(conditions, new["type"])
    if current is not None and current["status"] == new["status"] and current.get("reason") == new.get("reason"):
        return list(conditions)
    if current is not None and current["status"] == new["status"]:
        new = {**new, "lastTransitionTime": current["lastTransitionTime"]}
    return [*without(conditions, new["type"]), new]
