"""Annotations by which a Deployment numbers and sizes its ReplicaSets (pkg/controller/deployment/util/deployment_util.go)."""

from collections.abc import Iterable

from engine.base.objects import Obj, annotations_of, put

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
HISTORY_CHARS_MAX = 2_000
"""maxRevHistoryLengthInChars."""

NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        "deprecated.deployment.rollback.to",
    }
)


def _number(text: str | None) -> int | None:
    """A decimal annotation; 0 where it is missing, None where it is no number."""
    if not text:
        return 0
    return int(text) if text.removeprefix("-").isdigit() else None


def revision(rs: Obj) -> int:
    """The revision of a ReplicaSet; 0 where it has none."""
    return _number(annotations_of(rs).get(REVISION)) or 0


def max_revision(replica_sets: Iterable[Obj]) -> int:
    """The highest revision."""
    return max((revision(rs) for rs in replica_sets), default=0)


def desired_replicas(rs: Obj) -> int | None:
    """What the Deployment asked for when it last sized this ReplicaSet; None where that is not written down."""
    text = annotations_of(rs).get(DESIRED_REPLICAS)
    return _number(text) if text else None


def max_replicas(rs: Obj) -> int | None:
    """Likewise the most pods that the Deployment might have had then."""
    text = annotations_of(rs).get(MAX_REPLICAS)
    return _number(text) if text else None


def with_replicas(rs: Obj, desired: int, most: int) -> Obj:
    """The ReplicaSet with both sizes written down (SetReplicasAnnotations); itself where they are."""
    return _annotated(rs, {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(most)})


def _annotated(rs: Obj, wanted: dict[str, str]) -> Obj:
    known = annotations_of(rs)
    if all(known.get(k) == v for k, v in wanted.items()):
        return rs
    return put(rs, ("metadata", "annotations"), {**known, **wanted})


def numbered(deployment: Obj, rs: Obj, new_revision: int) -> Obj:
    """The new ReplicaSet with the Deployment's annotations and the newest revision (SetNewReplicaSetAnnotations).

    A revision that it had before, as on a rollback, goes into revision-history, of which at most 2,000 characters are kept.
    Itself where nothing changes.
    """
    known = annotations_of(rs)
    wanted = {k: v for k, v in annotations_of(deployment).items() if k not in NOT_COPIED}
    had = known.get(REVISION)
    number = _number(had)
    if number is not None and number < new_revision:
        wanted[REVISION] = str(new_revision)
        if had is not None:
            history = _history(known.get(REVISION_HISTORY) or "", had)
            if history:
                wanted[REVISION_HISTORY] = history
    return _annotated(rs, wanted)


def _history(history: str, revision: str) -> str:
    """`history` with `revision` appended, the oldest dropped until it fits; empty where it does not."""
    if not history:
        return revision
    parts = history.split(",")
    total = len(history) + len(revision) + 1
    start = 0
    while total > HISTORY_CHARS_MAX and start < len(parts):
        total -= len(parts[start]) + 1
        start += 1
    return ",".join([*parts[start:], revision]) if total <= HISTORY_CHARS_MAX else ""
