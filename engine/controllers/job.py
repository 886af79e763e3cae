"""Jobs: pods until enough of them have succeeded or too many have failed (pkg/controller/job/job_controller.go)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.base.api import STRATEGIC_PATCH
from engine.base.clock import parse_time, rfc3339
from engine.base.conditions import Condition, find
from engine.base.objects import Obj, controller_of, is_terminating, labels_of, name_of, namespace_of, put, uid_of
from engine.base.selectors import Selector
from engine.control import job_accounting as accounting
from engine.control.actions import Action, Actions, Create, Delete, Emit, Failure, Key, Parallel, Patch, Remember, RequeueAfter, Update
from engine.control.batches import settling, succeeded
from engine.control.controller import Controller, Watch, owned_or_selected
from engine.control.intervals import Intervals
from engine.control.job_accounting import FAILURE_TARGET, SUCCESS_CRITERIA_MET, Account, End
from engine.control.job_pods import (
    FINALIZER,
    Backoff,
    PodMaker,
    all_index_failures,
    finished_at,
    has_failed,
    has_limit_per_index,
    index_backoff,
    index_has_failed,
    index_of,
    is_indexed,
    is_tracked,
    judge,
    only_replaces_failed,
    restarts_exceed,
)
from engine.control.pods import by_deletion, is_active, is_ready, phase_of
from engine.control.pods import is_terminating as is_terminating_pod
from engine.control.read import Read
from engine.control.refs import claim
from engine.control.selection import selector_of

RESOURCE = "jobs.batch"
MANAGER = "kubernetes.io/job-controller"
PODS_PER_SYNC_MAX = 500
"""Pods that one reconcile creates or deletes at most (MaxPodCreateDeletePerSync)."""
NAME_LABEL = "batch.kubernetes.io/job-name"
_TRACKED = "job-tracked"


def _tracked_by(pod: Obj) -> Sequence[str]:
    """Index: pods with the finalizer under `<namespace>/<job>`, by owner or, where that is gone, by label."""
    if not is_tracked(pod):
        return ()
    owner = controller_of(pod)
    name = owner["name"] if owner is not None else labels_of(pod).get(NAME_LABEL) or ""
    return (f"{namespace_of(pod)}/{name}",)


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Create and delete pods, account for those that ended, find out whether the Job has (syncJob)."""
    job = read.get(RESOURCE, key.namespace, key.name)
    tracked = read["pods"].by_index(_TRACKED, str(key))
    if job is None:
        return [_released(pod) for pod in tracked]
    if job["spec"].get("managedBy") not in (None, MANAGER):
        return []
    if accounting.is_finished(job):
        return [_released(pod) for pod in tracked]
    selector, uid = selector_of(job), uid_of(job)
    strays = [_released(pod) for pod in tracked if not _belongs(pod, uid, selector)]
    claimed = claim(job, RESOURCE, selector, "pods", [*read["pods"].owned_by(uid), *read["pods"].orphans(key.namespace)])
    pods = [_adopted(pod) if controller_of(pod) is None else pod for pod in claimed.objects]
    sync = _Sync(job, pods, now, read.memory.get(key, Backoff()))
    return [*strays, *map(_with_finalizer, claimed.actions), *sync.run()]


def _belongs(pod: Obj, uid: str, selector: Selector) -> bool:
    owner = controller_of(pod)
    return owner["uid"] == uid if owner is not None else selector.matches(labels_of(pod))


def _released(pod: Obj) -> Patch:
    """Without the finalizer."""
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER], "uid": uid_of(pod)}}
    return Patch("pods", namespace_of(pod), name_of(pod), patch, content_type=STRATEGIC_PATCH, ignore_missing=True)


def _adopted(pod: Obj) -> Obj:
    return pod if is_tracked(pod) else put(pod, ("metadata", "finalizers"), [*(pod["metadata"].get("finalizers") or ()), FINALIZER])


def _with_finalizer(action: Action) -> Action:
    """An adoption that adds the finalizer, a release that takes it away."""
    if not isinstance(action, Patch):
        return action
    metadata = action.patch["metadata"]
    leaves = any("$patch" in ref for ref in metadata["ownerReferences"])
    return replace(
        action, patch={"metadata": {**metadata, ("$deleteFromPrimitiveList/finalizers" if leaves else "finalizers"): [FINALIZER]}}
    )


class _Sync:
    """One reconcile of a Job that is not finished. `pods` are those that belong to it."""

    def __init__(self, job: Obj, pods: Sequence[Obj], now: float, backoff: Backoff) -> None:
        self.job, self.spec, self.now = job, job["spec"], now
        self.status: Obj = job.get("status") or {}
        self.pods = pods
        self.active = [pod for pod in pods if is_active(pod)]
        self.ready = sum(is_ready(pod) for pod in self.active)
        self.terminating = sum(is_terminating_pod(pod) for pod in pods)
        self.tracked = [pod for pod in pods if is_tracked(pod)]
        self.waits: list[float] = []
        self.indexed = is_indexed(job)
        self.completions: int | None = self.spec.get("completions")
        self.suspended = bool(self.spec.get("suspend"))
        self.start = self.status.get("startTime") or (None if self.suspended else rfc3339(now))
        self.failed_indexes: Intervals | None = None
        self.delayed: dict[int, Obj] = {}
        self._count(backoff)

    def _count(self, backoff: Backoff) -> None:
        """Pods that ended since the last status, and what is counted with them."""
        in_succeeded, in_failed = accounting.uncounted(self.job)
        known_succeeded, known_failed = set(in_succeeded), set(in_failed)
        valid = [pod for pod in self.tracked if not self.indexed or 0 <= index_of(pod) < (self.completions or 0)]
        won = [pod for pod in valid if phase_of(pod) == "Succeeded" and uid_of(pod) not in known_succeeded]
        lost = [pod for pod in valid if has_failed(pod, self.job) and uid_of(pod) not in known_failed]
        self.backoff_before, self.backoff = backoff, backoff.after(won, lost)
        counted = sum(judge(self.job, pod).counts for pod in lost)
        self.failed = int(self.status.get("failed") or 0) + counted + len(in_failed)
        self.succeeded = int(self.status.get("succeeded") or 0) + len(won) + len(in_succeeded)
        if self.indexed:
            self._count_indexes(valid)

    def _count_indexes(self, valid: Sequence[Obj]) -> None:
        end = self.completions or 0
        before = Intervals.parse(self.status.get("completedIndexes") or "", end)
        self.succeeded_indexes = before.union((i, i) for i in (index_of(pod) for pod in valid if phase_of(pod) == "Succeeded"))
        self.succeeded = len(self.succeeded_indexes)
        if not has_limit_per_index(self.job):
            return
        failed_before = Intervals.parse(self.status.get("failedIndexes") or "", end)
        self.failed_indexes = failed_before.union((i, i) for i in (index_of(p) for p in valid if index_has_failed(self.job, p)))
        running = {index_of(pod) for pod in self.active}
        for pod in valid:
            index = index_of(pod)
            if not has_failed(pod, self.job) or index in running or index in self.succeeded_indexes or index in self.failed_indexes:
                continue
            other = self.delayed.get(index)
            if other is None or (all_index_failures(other) <= all_index_failures(pod) and finished_at(pod) >= finished_at(other)):
                self.delayed[index] = pod

    def run(self) -> Actions:
        """The actions of this reconcile."""
        end = self._end()
        if end is not None:
            actions = self._delete(self.active, end)
        elif is_terminating(self.job):
            actions = self._managed(len(self.active), self.ready, self.terminating, managed=False)
        else:
            actions = self._manage()
        return [RequeueAfter(min(self.waits)), *actions] if self.waits else actions

    def _end(self) -> End | None:
        """Whether and how the Job ends now."""
        announced = accounting.decided(self.job)
        if announced is not None:
            return announced
        for pod in self.pods if self.spec.get("podFailurePolicy") is not None else ():
            message = judge(self.job, pod).message if has_failed(pod, self.job) else ""
            if message:
                return End(FAILURE_TARGET, "PodFailurePolicy", message)
        if self.failed > self.spec["backoffLimit"] or restarts_exceed(self.job, self.pods):
            return End(FAILURE_TARGET, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        if self._past_deadline():
            return End(FAILURE_TARGET, "DeadlineExceeded", "Job was active longer than specified deadline")
        return self._end_by_indexes() if self.indexed else None

    def _past_deadline(self) -> bool:
        deadline = self.spec.get("activeDeadlineSeconds")
        if deadline is None or self.suspended or self.start is None:
            return False
        left = parse_time(self.start) + float(deadline) - self.now
        if left > 0:
            self.waits.append(left)
        return left <= 0

    def _end_by_indexes(self) -> End | None:
        if self.failed_indexes is not None:
            most, count = self.spec.get("maxFailedIndexes"), len(self.failed_indexes)
            if most is not None and count > most:
                return End(FAILURE_TARGET, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
            if count and count + len(self.succeeded_indexes) >= (self.completions or 0):
                return End(FAILURE_TARGET, "FailedIndexes", "Job has failed indexes")
        for at, rule in enumerate((self.spec.get("successPolicy") or {}).get("rules") or ()):
            if self.succeeded and self._satisfies(rule):
                return End(SUCCESS_CRITERIA_MET, "SuccessPolicy", f"Matched rules at index {at}")
        return None

    def _satisfies(self, rule: Obj) -> bool:
        """matchSuccessPolicy: a number of the named indexes, or of any."""
        wanted = rule.get("succeededCount")
        if rule.get("succeededIndexes") is None:
            return wanted is not None and self.succeeded >= wanted
        named = Intervals.parse(rule["succeededIndexes"], self.completions or 0)
        common = named.common(self.succeeded_indexes)
        return len(named) > 0 and (common == len(named) or (wanted is not None and common >= wanted))

    def _delete(self, pods: Sequence[Obj], end: End) -> Actions:
        """Delete active pods of a Job that ends; their finalizers stay until they are accounted for."""

        def deleted(failures: Sequence[Failure]) -> Actions:
            left = len(failures)
            gone = len(pods) - left
            ready = self.ready if left else 0
            return self._account(left, ready, self.terminating + gone, end if not left else None, self._conditions())

        if not pods:
            return deleted(())
        return [Parallel(tuple(Delete.of("pods", pod) for pod in pods), about=self.job, slow_start=False, then=deleted)]

    def _manage(self) -> Actions:
        """manageJob: pods that are too many, or missing."""
        active = len(self.active)
        if self.suspended:
            return self._remove(self._surplus(active)) if active else self._managed(0, 0, self.terminating)
        parallelism = self.spec.get("parallelism", 1)
        if self.completions is None:
            wanted = active if self.succeeded else parallelism
        else:
            wanted = max(0, min(self.completions - self.succeeded, parallelism))
        doomed = self._surplus(max(0, active - wanted))[:PODS_PER_SYNC_MAX]
        if doomed:
            return self._remove(doomed)
        missing = wanted - active - (self.terminating if only_replaces_failed(self.job) else 0)
        creates = self._creates(min(missing, PODS_PER_SYNC_MAX)) if missing > 0 else ()
        if not creates:
            return self._managed(active, self.ready, self.terminating)

        def created(failures: Sequence[Failure]) -> Actions:
            return self._managed(active + len(succeeded(creates, failures)), self.ready, self.terminating)

        return [Parallel(creates, about=self.job, then=created)]

    def _surplus(self, at_least: int) -> list[Obj]:
        """activePodsForRemoval: pods without a valid index or with one that another has, then those that are the least far."""
        left, doomed = list(self.active), []
        if self.indexed:
            by_index: dict[int, list[Obj]] = {}
            for pod in left:
                by_index.setdefault(index_of(pod), []).append(pod)
            left = []
            for index in sorted(by_index):
                pods = by_index[index]
                if not 0 <= index < (self.completions or 0):
                    doomed += pods
                    continue
                ordered = by_deletion(pods, (), self.now) if len(pods) > 1 else pods
                doomed += ordered[:-1]
                left.append(ordered[-1])
        more = at_least - len(doomed)
        return [*doomed, *by_deletion(left, (), self.now)[:more]] if more > 0 else doomed

    def _remove(self, pods: Sequence[Obj]) -> Actions:
        """Delete pods that do not count: first without their finalizer (deleteJobPods)."""
        releases = {name_of(pod): _released(pod) for pod in pods if is_tracked(pod)}

        def released(failures: Sequence[Failure]) -> Actions:
            kept = {f.action.name for f in failures if isinstance(f.action, Patch)}
            free = [pod for pod in pods if name_of(pod) not in kept]
            deletes = tuple(Delete.of("pods", pod) for pod in free)
            return [Parallel(deletes, about=self.job, slow_start=False, then=deleted(free))] if free else []

        def deleted(free: Sequence[Obj]) -> Callable[[Sequence[Failure]], Actions]:
            def then(failures: Sequence[Failure]) -> Actions:
                left = {f.action.name for f in failures if isinstance(f.action, Delete)}
                gone = [pod for pod in free if name_of(pod) not in left]
                ready = self.ready - sum(is_ready(pod) for pod in gone)
                return self._managed(len(self.active) - len(gone), ready, self.terminating + len(gone))

            return then

        return [Parallel(tuple(releases.values()), slow_start=False, then=released)] if releases else released(())

    def _creates(self, count: int) -> tuple[Create, ...]:
        """Pods to create, at most `count`; none while failures are backed off."""
        per_index = has_limit_per_index(self.job)
        wait = 0.0 if per_index else self.backoff.remaining(self.now)
        if wait > 0:
            self.waits.append(wait)
            return ()
        maker = PodMaker(self.job)
        if not self.indexed:
            return tuple(Create("pods", maker.pod) for _ in range(count))
        taken = self.succeeded_indexes.union(Intervals.of(index_of(pod) for pod in self.active if index_of(pod) >= 0))
        if only_replaces_failed(self.job):
            taken = taken.union(Intervals.of(index_of(pod) for pod in self.pods if is_terminating_pod(pod) and index_of(pod) >= 0))
        if self.failed_indexes is not None:
            taken = taken.union(self.failed_indexes)
        waits = {index: index_backoff(self.delayed.get(index), self.now) for index in taken.missing(self.completions or 0, count)}
        due = [index for index, left in waits.items() if left <= 0]
        if waits and not due:
            self.waits.append(min(waits.values()))
        return tuple(Create("pods", maker.indexed(index, self.delayed.get(index))) for index in due)

    def _managed(self, active: int, ready: int, terminating: int, managed: bool = True) -> Actions:
        """After the pods: whether the Job is complete, else whether it is suspended, then the status."""
        enough = self.succeeded > 0 if self.completions is None else self.succeeded >= self.completions
        if enough and not active:
            end = End(SUCCESS_CRITERIA_MET, "CompletionsReached", "Reached expected number of succeeded pods")
            return self._account(active, ready, terminating, end, self._conditions())
        conditions = self._conditions()
        events: list[Action] = []
        if managed:
            about = ("True", "JobSuspended", "Job suspended") if self.suspended else ("False", "JobResumed", "Job resumed")
            changed = self._ensured(conditions, "Suspended", *about)
            if changed is not conditions:
                conditions = changed
                events = [Emit(self.job, "Normal", "Suspended" if self.suspended else "Resumed", about[2])]
                self.start = self.start if self.suspended else rfc3339(self.now)
        return self._account(active, ready, terminating, None, conditions, events)

    def _conditions(self) -> list[Condition]:
        return self.status.get("conditions") or []

    def _condition(self, type: str, status: str, reason: str, message: str) -> Condition:
        moment = rfc3339(self.now)
        stamps = {"lastProbeTime": moment, "lastTransitionTime": moment}
        return {"type": type, "status": status, **stamps, "reason": reason, "message": message}

    def _ensured(self, conditions: list[Condition], type: str, status: str, reason: str, message: str) -> list[Condition]:
        """ensureJobConditionStatus: changed in place, appended unless False; the same list where nothing changes."""
        current = find(conditions, type)
        if current is None:
            return [*conditions, self._condition(type, status, reason, message)] if status != "False" else conditions
        if (current["status"], current.get("reason"), current.get("message")) == (status, reason, message):
            return conditions
        return [self._condition(type, status, reason, message) if c is current else c for c in conditions]

    def _account(
        self, active: int, ready: int, terminating: int, end: End | None, conditions: list[Condition], events: Sequence[Action] = ()
    ) -> Actions:
        """Write the status, then remove the finalizers of pods that are in it; when all are counted, the final condition."""
        account = accounting.settle(self.job, self.tracked, end, self.delayed)
        status = self._status(account, {"active": active, "ready": ready, "terminating": terminating})
        closing: list[Action] = list(events)
        if end is not None:
            announced = find(self._conditions(), end.interim) is not None
            conditions = conditions if announced else [*conditions, self._condition(end.interim, "True", end.reason, end.message)]
            if announced and account.settled and not terminating and not active:
                conditions = self._ensured(conditions, end.final, "True", end.reason, end.message)
                if end.final == accounting.COMPLETE:
                    status["completionTime"] = rfc3339(self.now)
                closing += self._farewell(end, status)
        if conditions:
            status["conditions"] = conditions
        actions: list[Action] = []
        if status != self.status:
            actions.append(Update(RESOURCE, put(self.job, ("status",), status), "status"))
        if self.backoff != self.backoff_before:
            actions.append(Remember(self.backoff))
        if account.release:
            actions.append(Parallel(tuple(map(_released, account.release)), slow_start=False))
        return [*actions, *closing]

    def _status(self, account: Account, numbers: Mapping[str, int]) -> dict[str, Any]:
        status = accounting.with_uncounted(self.status, account)
        if self.start is not None:
            status["startTime"] = self.start
        status.update(ready=numbers["ready"], terminating=numbers["terminating"], active=numbers["active"])
        if self.indexed:
            status["completedIndexes"] = str(self.succeeded_indexes)
            status["succeeded"] = len(self.succeeded_indexes)
            if self.failed_indexes is not None:
                status["failedIndexes"] = str(self.failed_indexes)
        optional = ("active", "succeeded", "completedIndexes")
        return {k: v for k, v in status.items() if v or k not in optional}

    def _farewell(self, end: End, status: Mapping[str, Any]) -> list[Action]:
        """recordJobFinished."""
        if end.final == accounting.FAILED:
            return [Emit(self.job, "Warning", end.reason, end.message)]
        events: list[Action] = [Emit(self.job, "Normal", "Completed", "Job completed")]
        if self.completions is not None and status.get("succeeded", 0) > self.completions:
            message = "Too many succeeded pods running after completion count reached"
            events.insert(0, Emit(self.job, "Warning", "TooManySucceededPods", message))
        return events


CONTROLLER = Controller(
    name="job-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(
        Watch(
            "pods",
            owned_or_selected("batch", "Job", RESOURCE),
            settling(RESOURCE, lambda obj, read: obj["spec"].get("parallelism") or 0),
        ),
    ),
    indexes={"pods": {_TRACKED: _tracked_by}},
)
