"""What the status of a Deployment says: counts, availability, progress, its deadline (pkg/controller/deployment/progress.go, sync.go)."""

from collections.abc import Sequence
from typing import Any

from engine.base.clock import parse_time, rfc3339
from engine.base.conditions import Condition, find, updated, without
from engine.base.objects import Obj, name_of
from engine.control.rollouts import counted, has_progressed, is_complete, max_unavailable, replicas_of, total

AVAILABLE, PROGRESSING, REPLICA_FAILURE = "Available", "Progressing", "ReplicaFailure"
NEW_AVAILABLE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"


def condition(type: str, status: str, reason: str, message: str, now: float) -> Condition:
    """A DeploymentCondition that begins now."""
    moment = rfc3339(now)
    return {"type": type, "status": status, "lastUpdateTime": moment, "lastTransitionTime": moment, "reason": reason, "message": message}


def conditions_of(status: Obj) -> list[Condition]:
    """status.conditions."""
    return status.get("conditions") or []


def with_condition(status: Obj, new: Condition) -> Obj:
    """A status with a condition set (SetDeploymentCondition)."""
    return {**status, "conditions": updated(conditions_of(status), new)}


def _without_condition(status: Obj, type: str) -> Obj:
    return {**status, "conditions": without(conditions_of(status), type)}


def progressing(status: Obj) -> Condition | None:
    """Condition Progressing."""
    return find(conditions_of(status), PROGRESSING)


def has_deadline(deployment: Obj) -> bool:
    """Whether progressDeadlineSeconds is set."""
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, 2**31 - 1)


def pause_condition(deployment: Obj, status: Obj, now: float) -> Obj:
    """The status with Progressing following spec.paused, unless the deadline has passed (checkPausedConditions)."""
    current = progressing(status)
    reason = (current or {}).get("reason")
    if not has_deadline(deployment) or reason == TIMED_OUT:
        return status
    if deployment["spec"].get("paused") and reason != PAUSED:
        return with_condition(status, condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now))
    if not deployment["spec"].get("paused") and reason == PAUSED:
        return with_condition(status, condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now))
    return status


def counts(deployment: Obj, status: Obj, replica_sets: Sequence[Obj], new: Obj | None, now: float) -> Obj:
    """The status with counts and condition Available as they are now (calculateStatus)."""
    available = counted(replica_sets, "availableReplicas")
    numbers: dict[str, Any] = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": counted(replica_sets, "replicas"),
        "updatedReplicas": counted([new], "replicas") if new is not None else 0,
        "readyReplicas": counted(replica_sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total(replica_sets) - available),
    }
    numbers = {name: number for name, number in numbers.items() if number}
    if all("terminatingReplicas" in (rs.get("status") or {}) for rs in replica_sets):
        numbers["terminatingReplicas"] = counted(replica_sets, "terminatingReplicas")
    if "collisionCount" in status:
        numbers["collisionCount"] = status["collisionCount"]
    result: Obj = {**numbers, "conditions": conditions_of(status)}
    if available >= replicas_of(deployment) - max_unavailable(deployment):
        about = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        about = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return with_condition(result, condition(AVAILABLE, *about, now))


def progress(deployment: Obj, before: Obj, after: Obj, new: Obj | None, now: float) -> Obj:
    """The status `after` with condition Progressing: complete, progressing since `before`, or past its deadline (syncRolloutStatus)."""
    if not has_deadline(deployment):
        return _without_condition(after, PROGRESSING)
    current = progressing(before)
    if current is not None and current.get("reason") == NEW_AVAILABLE and after.get("replicas", 0) == after.get("updatedReplicas", 0):
        return after
    subject = f'ReplicaSet "{name_of(new)}"' if new is not None else f'Deployment "{name_of(deployment)}"'
    if is_complete(deployment, after):
        return with_condition(after, condition(PROGRESSING, "True", NEW_AVAILABLE, f"{subject} has successfully progressed.", now))
    if has_progressed(before, after):
        made = condition(PROGRESSING, "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        if current is not None and current["status"] == "True":
            made = {**made, "lastTransitionTime": current["lastTransitionTime"]}
        return with_condition(_without_condition(after, PROGRESSING), made)
    if _timed_out(deployment, progressing(after), now):
        return with_condition(after, condition(PROGRESSING, "False", TIMED_OUT, f"{subject} has timed out progressing.", now))
    return after


def _deadline(deployment: Obj, current: Condition) -> float:
    """Epoch seconds until which the next progress is expected."""
    return parse_time(current["lastUpdateTime"]) + float(deployment["spec"]["progressDeadlineSeconds"])


def _timed_out(deployment: Obj, current: Condition | None, now: float) -> bool:
    if current is None or current.get("reason") == NEW_AVAILABLE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    return _deadline(deployment, current) < now


def deadline_in(deployment: Obj, status: Obj, now: float) -> float | None:
    """Seconds after which to look whether the deadline has passed; None where there is nothing to wait for (requeueStuckDeployment)."""
    current = progressing(status)
    if not has_deadline(deployment) or current is None or current.get("reason") == TIMED_OUT or is_complete(deployment, status):
        return None
    return max(0.0, _deadline(deployment, current) - now) + 1.0


def replica_failure(status: Obj, replica_sets: Sequence[Obj], new: Obj | None) -> Obj:
    """The status with the ReplicaSets' condition ReplicaFailure, the new one's first."""
    for rs in [*([new] if new is not None else []), *replica_sets]:
        found = find((rs.get("status") or {}).get("conditions") or (), REPLICA_FAILURE)
        if found is not None:
            moment = found["lastTransitionTime"]
            failure = condition(REPLICA_FAILURE, found["status"], found["reason"], found["message"], 0.0)
            return with_condition(status, {**failure, "lastTransitionTime": moment, "lastUpdateTime": moment})
    return _without_condition(status, REPLICA_FAILURE)
