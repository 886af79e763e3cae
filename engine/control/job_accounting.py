"""How ended pods get into a Job's status, each exactly once (job_controller.go trackJobStatusAndRemoveFinalizers).

A pod's uid is written to status.uncountedTerminatedPods, then its finalizer is removed, then it is counted and its uid dropped: three
steps of which each finds out from the cluster whether the one before happened. Of an indexed Job, succeeded indexes are a set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.base.conditions import find
from engine.base.objects import Obj, is_terminating, uid_of
from engine.control.intervals import Intervals
from engine.control.job_pods import has_failed, index_of, is_indexed, judge
from engine.control.pods import phase_of

UNCOUNTED_MAX = 500
"""Pods that are accounted for at a time, so that the status stays small and large Jobs do not starve others."""
FAILURE_TARGET, SUCCESS_CRITERIA_MET, FAILED, COMPLETE = "FailureTarget", "SuccessCriteriaMet", "Failed", "Complete"


class End(NamedTuple):
    """How a Job ends: `interim` is what becomes true before its pods are accounted for, FailureTarget or SuccessCriteriaMet."""

    interim: str
    reason: str
    message: str

    @property
    def final(self) -> str:
        """What becomes true when they are."""
        return COMPLETE if self.interim == SUCCESS_CRITERIA_MET else FAILED


@dataclass(slots=True)
class Account:
    """What one round made of the tracked pods: the counts and uids that the status gets, and whose finalizers go."""

    succeeded: int
    failed: int
    uncounted_succeeded: list[str]
    uncounted_failed: list[str]
    release: list[Obj] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    full: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing is left to count or release."""
        return not (self.full or self.release or self.uncounted_succeeded or self.uncounted_failed)


def is_finished(job: Obj) -> bool:
    """Whether the Job is Complete or Failed."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in (COMPLETE, FAILED) and c["status"] == "True" for c in conditions)


def decided(job: Obj) -> End | None:
    """The end that the status already announces."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    for type in (SUCCESS_CRITERIA_MET, FAILURE_TARGET):
        found = find(conditions, type)
        if found is not None and found["status"] == "True":
            return End(type, found.get("reason") or "", found.get("message") or "")
    return None


def uncounted(job: Obj) -> tuple[list[str], list[str]]:
    """uids of (succeeded, failed) pods in the status."""
    found = (job.get("status") or {}).get("uncountedTerminatedPods") or {}
    return found.get("succeeded") or [], found.get("failed") or []


def settle(job: Obj, tracked: Sequence[Obj], end: End | None, delayed: Mapping[int, Obj]) -> Account:
    """Account for `tracked` pods, those that have the finalizer.

    `delayed` are failed pods by index that stay until they are replaced, as their annotations count the failures of the index.
    """
    status = job.get("status") or {}
    uids = {uid_of(pod) for pod in tracked}
    in_succeeded, in_failed = uncounted(job)
    left_succeeded, left_failed = [u for u in in_succeeded if u in uids], [u for u in in_failed if u in uids]
    account = Account(
        int(status.get("succeeded") or 0) + len(in_succeeded) - len(left_succeeded),
        int(status.get("failed") or 0) + len(in_failed) - len(left_failed),
        left_succeeded,
        left_failed,
    )
    known = _Known(set(in_succeeded), set(in_failed), _succeeded_before(job))
    ordered: Iterable[Obj] = sorted(tracked, key=index_of) if is_indexed(job) else tracked
    for pod in ordered:
        failed = has_failed(pod, job)
        if not (end is not None or is_terminating(job) or phase_of(pod) == "Succeeded" or (failed and not _is_delayed(pod, delayed))):
            continue
        account.release.append(pod)
        _enter(account, job, pod, failed or (end is not None and end.interim == FAILURE_TARGET), known)
        if len(account.indexes) + len(account.uncounted_succeeded) + len(account.uncounted_failed) >= UNCOUNTED_MAX:
            account.full = True
            break
    return account


class _Known(NamedTuple):
    succeeded: set[str]
    failed: set[str]
    indexes: Intervals


def _succeeded_before(job: Obj) -> Intervals:
    if not is_indexed(job):
        return Intervals()
    return Intervals.parse((job.get("status") or {}).get("completedIndexes") or "", job["spec"]["completions"])


def _is_delayed(pod: Obj, delayed: Mapping[int, Obj]) -> bool:
    kept = delayed.get(index_of(pod)) if delayed else None
    return kept is not None and uid_of(kept) == uid_of(pod)


def _enter(account: Account, job: Obj, pod: Obj, failed: bool, known: _Known) -> None:
    """Put a pod whose finalizer goes into the account, unless it is there."""
    uid, indexed, index = uid_of(pod), is_indexed(job), index_of(pod)
    valid = not indexed or 0 <= index < job["spec"]["completions"]
    if phase_of(pod) == "Succeeded" and uid not in known.failed:
        if indexed:
            if valid and index not in known.indexes:
                account.indexes.append(index)
        elif uid not in known.succeeded:
            account.uncounted_succeeded.append(uid)
    elif failed and valid and uid not in known.failed and judge(job, pod).counts:
        account.uncounted_failed.append(uid)


def with_uncounted(status: Obj, account: Account) -> dict[str, Any]:
    """A status with the account's counts and uids; the counts of an indexed Job's successes are the caller's."""
    lists = {"succeeded": account.uncounted_succeeded, "failed": account.uncounted_failed}
    numbers = {"succeeded": account.succeeded, "failed": account.failed}
    kept = {k: v for k, v in status.items() if k not in numbers}
    return {
        **kept,
        **{k: v for k, v in numbers.items() if v},
        "uncountedTerminatedPods": {name: uids for name, uids in lists.items() if uids},
    }
