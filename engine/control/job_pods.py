"""Pods of Jobs: what they are made of, how they end, what the policies say of that (pkg/controller/job)."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.base.clock import parse_time
from engine.base.conditions import condition_of
from engine.base.objects import Obj, annotations_of, each, name_of, namespace_of
from engine.control.pods import phase_of
from engine.control.templates import pod_from_template

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURE_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEX_ENV = "JOB_COMPLETION_INDEX"
BACKOFF_BASE_S, BACKOFF_MAX_S = 10.0, 600.0
GENERATED_NAME_CHARS_MAX = 58


def is_indexed(job: Obj) -> bool:
    """Whether completionMode is Indexed."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def has_limit_per_index(job: Obj) -> bool:
    """Whether failures are counted per index."""
    return job["spec"].get("backoffLimitPerIndex") is not None


def only_replaces_failed(job: Obj) -> bool:
    """Whether a terminating pod is replaced only when it has failed."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def is_tracked(pod: Obj) -> bool:
    """Whether the pod is not accounted for yet: it has the finalizer."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def has_failed(pod: Obj, job: Obj) -> bool:
    """isPodFailed: a pod that is being deleted counts as failed, unless only failed ones are replaced."""
    phase = phase_of(pod)
    if phase == "Failed":
        return True
    return phase != "Succeeded" and bool(pod["metadata"].get("deletionTimestamp")) and not only_replaces_failed(job)


def index_of(pod: Obj) -> int:
    """The completion index, -1 where the pod has none."""
    text = annotations_of(pod).get(INDEX) or ""
    return int(text) if text.isdecimal() else -1


def _count(pod: Obj, annotation: str) -> int:
    text = annotations_of(pod).get(annotation) or ""
    return int(text) if text.isdecimal() and int(text) < 2**31 else 0


def index_failures(pod: Obj) -> int:
    """Failures of the pod's index before it that count."""
    return _count(pod, FAILURE_COUNT)


def all_index_failures(pod: Obj) -> int:
    """Failures of the pod's index before it, ignored ones as well."""
    return _count(pod, FAILURE_COUNT) + _count(pod, IGNORED_FAILURE_COUNT)


def finished_at(pod: Obj) -> float:
    """When a pod ended: its last container, or when it was no longer ready, was deleted, or (none of these) created (getFinishedTime)."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ends = [((s.get("state") or {}).get("terminated") or {}).get("finishedAt") for s in statuses]
    known = [end for end in ends if end]
    if known and len(known) == len(ends):
        return max(parse_time(end) for end in known)
    ready = condition_of(pod, "Ready")
    if ready is not None and ready["status"] == "False" and ready.get("lastTransitionTime"):
        return parse_time(ready["lastTransitionTime"])
    metadata = pod["metadata"]
    if metadata.get("deletionTimestamp"):
        return parse_time(metadata["deletionTimestamp"]) - float(metadata.get("deletionGracePeriodSeconds") or 0)
    return parse_time(metadata["creationTimestamp"])


class Backoff(NamedTuple):
    """Failures since the last success, and when the last one was."""

    failures: int = 0
    last: float = 0.0

    def after(self, succeeded: Sequence[Obj], failed: Sequence[Obj]) -> "Backoff":
        """This backoff with pods that have ended since (newBackoffRecord)."""
        if not succeeded:
            return Backoff(self.failures + len(failed), max(map(finished_at, failed))) if failed else self
        since = max(map(finished_at, succeeded))
        later = [end for end in map(finished_at, failed) if end > since]
        return Backoff(len(later), max(later)) if later else Backoff()

    def remaining(self, now: float) -> float:
        """Seconds until the next pod may be created: 10 s after the first failure, doubled with each up to 10 minutes."""
        if not self.failures:
            return 0.0
        backoff = min(BACKOFF_BASE_S * 2.0 ** min(self.failures - 1, 16), BACKOFF_MAX_S)
        return max(0.0, self.last + backoff - now)


def index_backoff(last_failed: Obj | None, now: float) -> float:
    """Likewise for an index, by the annotations of its last failed pod."""
    return 0.0 if last_failed is None else Backoff(all_index_failures(last_failed) + 1, finished_at(last_failed)).remaining(now)


class Verdict(NamedTuple):
    """What podFailurePolicy says of a failed pod: the action of the first rule that matches, and why the Job fails where it does."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        """Whether the failure counts towards the limits."""
        return self.action != "Ignore"


def judge(job: Obj, pod: Obj) -> Verdict:
    """matchPodFailurePolicy."""
    for at, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        action = rule["action"]
        where = f"{namespace_of(pod)}/{name_of(pod)}"
        if rule.get("onExitCodes") is not None:
            status = _with_exit_code(pod, rule["onExitCodes"])
            if status is not None:
                code = status["state"]["terminated"]["exitCode"]
                about = f"Container {status['name']} for pod {where} failed with exit code {code} matching {action} rule at index {at}"
                return Verdict(action, about if action == "FailJob" else "")
        else:
            type = _with_condition(pod, rule.get("onPodConditions") or ())
            if type is not None:
                about = f"Pod {where} has condition {type} matching {action} rule at index {at}"
                return Verdict(action, about if action == "FailJob" else "")
    return Verdict()


def _with_exit_code(pod: Obj, wanted: Obj) -> Obj | None:
    status = pod.get("status") or {}
    for container in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        ended = (container.get("state") or {}).get("terminated")
        if ended is None or not ended.get("exitCode") or wanted.get("containerName") not in (None, container["name"]):
            continue
        if (ended["exitCode"] in wanted["values"]) == (wanted["operator"] == "In"):
            found: Obj = container
            return found
    return None


def _with_condition(pod: Obj, patterns: Sequence[Obj]) -> str | None:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if any(condition["type"] == p["type"] and condition["status"] == (p.get("status") or "True") for p in patterns):
            return str(condition["type"])
    return None


def index_has_failed(job: Obj, pod: Obj) -> bool:
    """Whether this pod's failure fails its index (isIndexFailed)."""
    if not has_failed(pod, job):
        return False
    verdict = judge(job, pod)
    return verdict.action == "FailIndex" or (verdict.counts and index_failures(pod) >= job["spec"]["backoffLimitPerIndex"])


def restarts_exceed(job: Obj, pods: Iterable[Obj]) -> bool:
    """Whether containers of an OnFailure Job were restarted too often (pastBackoffLimitOnFailure)."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    total = 0
    for pod in pods:
        status = pod.get("status") or {}
        if status.get("phase") in ("Running", "Pending"):
            statuses = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
            total += sum(c.get("restartCount") or 0 for c in statuses)
    limit = job["spec"]["backoffLimit"]
    return bool(total > 0 if limit == 0 else total >= limit)


def _with_index_env(container: Obj) -> Obj:
    env = container.get("env") or []
    if any(variable["name"] == INDEX_ENV for variable in env):
        return container
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    return {**container, "env": [*env, {"name": INDEX_ENV, "valueFrom": source}]}


class PodMaker:
    """Makes pods of a Job; what they share is made once."""

    def __init__(self, job: Obj) -> None:
        self.job = job
        pod = pod_from_template(job["spec"]["template"], job)
        finalizers = [*(f for f in pod["metadata"].get("finalizers") or () if f != FINALIZER), FINALIZER]
        self.pod: Obj = {**pod, "metadata": {**pod["metadata"], "finalizers": finalizers}}
        spec: dict[str, Any] = dict(pod["spec"])
        for field in ("containers", "initContainers"):
            if is_indexed(job) and spec.get(field):
                spec[field] = each(spec[field], _with_index_env)
        self.spec: Obj = spec

    def indexed(self, index: int, replaced: Obj | None) -> Obj:
        """The pod of an index; `replaced` is the failed one before it, where failures are counted per index."""
        metadata = self.pod["metadata"]
        annotations = {**(metadata.get("annotations") or {}), INDEX: str(index)}
        if has_limit_per_index(self.job):
            annotations.update(self._failures(replaced))
        name, tail = name_of(self.job), f"-{index}-"
        made = {
            **metadata,
            "generateName": name[: GENERATED_NAME_CHARS_MAX - len(tail)] + tail,
            "labels": {**(metadata.get("labels") or {}), INDEX: str(index)},
            "annotations": annotations,
        }
        return {**self.pod, "metadata": made, "spec": {**self.spec, "hostname": f"{name}-{index}"}}

    def _failures(self, replaced: Obj | None) -> dict[str, str]:
        if replaced is None:
            return {FAILURE_COUNT: "0"}
        counted = judge(self.job, replaced).counts
        ignored = _count(replaced, IGNORED_FAILURE_COUNT) + (not counted)
        counts = {FAILURE_COUNT: str(index_failures(replaced) + counted)}
        return {**counts, IGNORED_FAILURE_COUNT: str(ignored)} if ignored else counts
