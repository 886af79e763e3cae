"""The numbers of a rollout: how many pods each ReplicaSet of a Deployment gets (pkg/controller/deployment/{rolling,sync}.go,
util/deployment_util.go). Pure functions of objects; sizes come back as {name of the ReplicaSet: replicas}."""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, name_of
from engine.control.revisions import desired_replicas, max_replicas, revision
from engine.control.templates import same_template

Sizes = dict[str, int]


def replicas_of(obj: Obj) -> int:
    """spec.replicas, 1 where it is not set."""
    replicas: int | None = obj["spec"].get("replicas")
    return 1 if replicas is None else replicas


def _status(rs: Obj, field: str) -> int:
    return int((rs.get("status") or {}).get(field) or 0)


def total(replica_sets: Iterable[Obj]) -> int:
    """Pods that the ReplicaSets ask for."""
    return sum(replicas_of(rs) for rs in replica_sets)


def counted(replica_sets: Iterable[Obj], field: str) -> int:
    """The sum of a count in their status: `replicas`, `readyReplicas`, `availableReplicas`."""
    return sum(_status(rs, field) for rs in replica_sets)


def active(replica_sets: Iterable[Obj]) -> list[Obj]:
    """Those that ask for pods."""
    return [rs for rs in replica_sets if replicas_of(rs) > 0]


def oldest_first(replica_sets: Iterable[Obj]) -> list[Obj]:
    """ReplicaSetsByCreationTimestamp: ties by name."""
    return sorted(replica_sets, key=lambda rs: (rs["metadata"].get("creationTimestamp") or "", name_of(rs)))


def newest_first(replica_sets: Iterable[Obj]) -> list[Obj]:
    """The reverse of `oldest_first`."""
    return oldest_first(replica_sets)[::-1]


def find_new(deployment: Obj, replica_sets: Iterable[Obj]) -> Obj | None:
    """The ReplicaSet of the current template: the oldest whose template is equal but for the hash label."""
    template = deployment["spec"]["template"]
    return next((rs for rs in oldest_first(replica_sets) if same_template(rs["spec"]["template"], template)), None)


def is_rolling(deployment: Obj) -> bool:
    """Whether the strategy is RollingUpdate, as it is where none is named."""
    return ((deployment["spec"].get("strategy") or {}).get("type") or "RollingUpdate") == "RollingUpdate"


def resolve_fenceposts(max_surge: int | str, max_unavailable: int | str, desired: int) -> tuple[int, int]:
    """(surge rounded up, unavailable rounded down); both zero would stand still, so then one may be unavailable."""
    surge, unavailable = resolve(max_surge, desired, True), resolve(max_unavailable, desired, False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _fenceposts(deployment: Obj) -> tuple[int, int]:
    rolling: dict[str, Any] = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    return resolve_fenceposts(rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%"), replicas_of(deployment))


def max_surge(deployment: Obj) -> int:
    """Pods above spec.replicas that a rolling update may have."""
    return _fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Obj) -> int:
    """Pods that a rolling update may lack, at most spec.replicas."""
    if not is_rolling(deployment) or not replicas_of(deployment):
        return 0
    return min(_fenceposts(deployment)[1], replicas_of(deployment))


def new_size(deployment: Obj, replica_sets: Sequence[Obj], current: int) -> int:
    """What the new ReplicaSet, at `current`, may grow to (NewRSNewReplicas); `replica_sets` are all, with it where it exists."""
    wanted = replicas_of(deployment)
    if not is_rolling(deployment):
        return wanted
    room = wanted + max_surge(deployment) - total(replica_sets)
    return current + min(room, wanted - current) if room > 0 else current


def scale_down_steps(deployment: Obj, new: Obj, old: Sequence[Obj]) -> list[tuple[str, int]]:
    """What old ReplicaSets shrink to, in order (reconcileOldReplicaSets): first pods that are not available, which cost nothing,
    then as many available ones as maxUnavailable allows; the oldest ReplicaSet first. One may be named twice."""
    old = oldest_first(active(old))
    min_available = replicas_of(deployment) - max_unavailable(deployment)
    new_unavailable = replicas_of(new) - _status(new, "availableReplicas")
    allowed = total([*old, new]) - min_available - new_unavailable
    if not old or allowed <= 0:
        return []
    sizes = {name_of(rs): replicas_of(rs) for rs in old}
    steps = []
    for rs in old:
        unhealthy = min(allowed, sizes[name_of(rs)] - _status(rs, "availableReplicas"))
        if allowed > 0 and unhealthy > 0:
            sizes[name_of(rs)] -= unhealthy
            allowed -= unhealthy
            steps.append((name_of(rs), sizes[name_of(rs)]))
    spare = counted([*old, new], "availableReplicas") - min_available
    for rs in old:
        less = min(sizes[name_of(rs)], spare)
        if less > 0:
            sizes[name_of(rs)] -= less
            spare -= less
            steps.append((name_of(rs), sizes[name_of(rs)]))
    return steps


def active_or_latest(new: Obj | None, old: Sequence[Obj]) -> Obj | None:
    """The only ReplicaSet that asks for pods, the newest where none does, None where several do (FindActiveOrLatest)."""
    known = [*newest_first(old), *([new] if new is not None else [])]
    asking = active(known)
    if len(asking) > 1 or not known:
        return None
    if asking:
        return asking[0]
    return new if new is not None else known[0]


def is_saturated(deployment: Obj, rs: Obj | None) -> bool:
    """Whether the new ReplicaSet has everything that the Deployment asks for (IsSaturated)."""
    wanted = replicas_of(deployment)
    return rs is not None and replicas_of(rs) == desired_replicas(rs) == _status(rs, "availableReplicas") == wanted


def _round(value: float) -> int:
    """integer.RoundToInt32: half away from zero."""
    return int(value - 0.5) if value < 0 else int(value + 0.5)


def _fraction(deployment: Obj, rs: Obj) -> int:
    """By how much a ReplicaSet grows or shrinks to keep its share (getReplicaSetFraction)."""
    size = replicas_of(rs)
    if not replicas_of(deployment):
        return -size
    before = max_replicas(rs) or int((deployment.get("status") or {}).get("replicas") or 0)
    if not before:
        return 0
    return _round(size * (replicas_of(deployment) + max_surge(deployment)) / before) - size


def proportional_sizes(deployment: Obj, replica_sets: Sequence[Obj]) -> Sizes:
    """Sizes of the active ReplicaSets after spec.replicas changed in the middle of a rollout (sync.go scale).

    The difference is shared out in proportion to their sizes, larger first; among equals the newer first when growing, the older
    first when shrinking; what rounding leaves goes to the largest.
    """
    asking = active(replica_sets)
    most = replicas_of(deployment) + max_surge(deployment) if replicas_of(deployment) else 0
    to_add = most - total(asking)
    if to_add > 0:
        asking = sorted(newest_first(asking), key=replicas_of, reverse=True)
    elif to_add < 0:
        asking = sorted(oldest_first(asking), key=replicas_of, reverse=True)
    added = 0
    sizes: Sizes = {}
    for rs in asking:
        share = 0
        if to_add != added:
            share = min(_fraction(deployment, rs), to_add - added) if to_add > 0 else max(_fraction(deployment, rs), to_add - added)
        sizes[name_of(rs)] = replicas_of(rs) + share
        added += share
    if asking and to_add:
        largest = name_of(asking[0])
        sizes[largest] = max(0, sizes[largest] + to_add - added)
    return sizes


def expendable(deployment: Obj, old: Sequence[Obj]) -> list[Obj]:
    """Old ReplicaSets beyond revisionHistoryLimit that have no pods, lowest revision first (cleanupDeployment)."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == 2**31 - 1:
        return []
    known = [rs for rs in oldest_first(old) if not rs["metadata"].get("deletionTimestamp")]
    known.sort(key=revision)
    return [rs for rs in known[: max(0, len(known) - limit)] if not replicas_of(rs) and not _status(rs, "replicas") and _observed(rs)]


def _observed(rs: Obj) -> bool:
    return int(rs["metadata"].get("generation", 0)) <= _status(rs, "observedGeneration")


def is_complete(deployment: Obj, status: Obj) -> bool:
    """Whether all pods are new and available (DeploymentComplete)."""
    wanted = replicas_of(deployment)
    counts = (status.get("updatedReplicas", 0), status.get("replicas", 0), status.get("availableReplicas", 0))
    observed = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 0))
    return counts == (wanted, wanted, wanted) and observed


def has_progressed(before: Obj, after: Obj) -> bool:
    """Whether a status shows progress over the one before: more new, ready or available pods, or fewer old (DeploymentProgressing)."""

    def old_pods(status: Obj) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    grown = any(after.get(f, 0) > before.get(f, 0) for f in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grown or old_pods(after) < old_pods(before)
