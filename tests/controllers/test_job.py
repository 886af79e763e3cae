"""Jobs: how many pods run, how they are counted, when a Job ends and why."""

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from engine.base import errors
from engine.base.clock import parse_time, rfc3339
from engine.base.objects import Obj, controller_of, drop, frozen, name_of, put, uid_of
from engine.control.actions import Actions, Create, Delete, Emit, Failure, Key, Parallel, Patch, Remember, RequeueAfter, Update
from engine.control.intervals import Intervals
from engine.control.job_accounting import UNCOUNTED_MAX
from engine.control.job_pods import FAILURE_COUNT, FINALIZER, IGNORED_FAILURE_COUNT, INDEX, Backoff
from engine.control.read import Read
from engine.controllers import garbage_collector, service_account, ttl_after_finished
from engine.controllers.job import CONTROLLER, PODS_PER_SYNC_MAX, reconcile
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, ago, pod, template
from tests.converged import State, differences, replay

KEY = Key("ns", "j")


def job(status: Any = None, **spec: Any) -> Obj:
    """A Job with Kubernetes' defaults; `indexed=3` stands for Indexed with 3 completions, `deleting` for its deletion."""
    metadata: dict[str, Any] = {"name": "j", "namespace": "ns", "uid": "uid-j", "resourceVersion": "5", "generation": 1}
    if spec.pop("deleting", False):
        metadata["deletionTimestamp"] = ago(1)
    if "indexed" in spec:
        spec = {**spec, "completionMode": "Indexed", "completions": spec.pop("indexed")}
    made_template = template()
    made_template = {**made_template, "spec": {**made_template["spec"], "restartPolicy": spec.pop("restart", "Never")}}
    defaults: dict[str, Any] = {"parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False}
    if "completions" not in spec and "parallelism" not in spec:
        defaults["completions"] = 1
    body = {**defaults, "selector": {"matchLabels": {"app": "a"}}, "template": made_template, **spec}
    started = {"startTime": ago(60)} if status is None else status
    found: Obj = frozen({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": body, "status": started})
    return found


def worker(owner: Obj, name: str, phase: str = "Running", **more: Any) -> Obj:
    """A pod of the Job; `more`: those of `pod`, and `index`, `failures`, `ignored`, `code`, `ended_ago`, `condition`, `counted`."""
    made = pod(name, owner, phase=phase, **{k: v for k, v in more.items() if k in ("deleting", "ready_ago", "created_ago", "node")})
    annotations = {
        key: str(more[field])
        for field, key in (("index", INDEX), ("failures", FAILURE_COUNT), ("ignored", IGNORED_FAILURE_COUNT))
        if field in more
    }
    made = put(made, ("metadata", "annotations"), annotations)
    if not more.get("counted"):
        made = put(made, ("metadata", "finalizers"), [FINALIZER])
    if phase in ("Succeeded", "Failed"):
        ended = {"exitCode": more.get("code", 0 if phase == "Succeeded" else 1), "finishedAt": ago(more.get("ended_ago", 1000))}
        made = put(made, ("status", "containerStatuses"), [{"name": "c", "state": {"terminated": ended}, "restartCount": 0}])
    if "condition" in more:
        made = put(made, ("status", "conditions"), [{"type": more["condition"], "status": "True"}])
    return made


def act(owner: Obj | None, pods: list[Obj], backoff: Backoff | None = None) -> Actions:
    read = Read.of({"jobs.batch": [owner] if owner is not None else [], "pods": pods}, {KEY: backoff} if backoff else None)
    for name, values_of in CONTROLLER.indexes["pods"].items():
        read["pods"].add_index(name, values_of)
    return reconcile(KEY, read, NOW)


def flat(actions: Actions, failing: frozenset[str] = frozenset()) -> Iterator[Any]:
    """What the executor does, in order."""
    for action in actions:
        if not isinstance(action, Parallel):
            yield action
            continue
        failures = [Failure(a, errors.forbidden("pods", "", "no")) for a in action.actions if type(a).__name__ in failing]
        yield from (a for a in action.actions if type(a).__name__ not in failing)
        if action.then is not None:
            yield from flat(action.then(failures), failing)


def created(actions: Actions) -> list[Obj]:
    return [a.obj for a in flat(actions) if isinstance(a, Create)]


def deleted(actions: Actions) -> list[str]:
    return [a.name for a in flat(actions) if isinstance(a, Delete)]


def released(actions: Actions) -> list[str]:
    return [a.name for a in flat(actions) if isinstance(a, Patch)]


def status_of(actions: Actions, failing: frozenset[str] = frozenset()) -> Any:
    (update,) = [a for a in flat(actions, failing) if isinstance(a, Update)]
    return update.obj["status"]


def conditions(actions: Actions) -> list[tuple[str, str]]:
    return [(c["type"], c["reason"]) for c in status_of(actions).get("conditions", ()) if c["status"] == "True"]


def finish(owner: Obj, pods: list[Obj], rounds: int = 10) -> tuple[Obj, list[Obj], list[str]]:
    """Reconcile until nothing more happens, with a server that does everything; (Job, pods, events)."""
    events: list[str] = []
    for _ in range(rounds):
        actions = list(flat(act(owner, pods)))
        if not any(isinstance(a, Update | Patch | Create | Delete) for a in actions):
            return owner, pods, events
        for action in actions:
            owner, pods = apply(action, owner, pods, events)
    raise AssertionError("it never comes to rest")


def apply(action: Any, owner: Obj, pods: list[Obj], events: list[str]) -> tuple[Obj, list[Obj]]:
    if isinstance(action, Update):
        owner = frozen(action.obj)
    elif isinstance(action, Emit):
        events.append(action.reason)
    elif isinstance(action, Patch):
        pods = [drop(p, ("metadata", "finalizers")) if name_of(p) == action.name else p for p in pods]
    elif isinstance(action, Delete):
        pods = [p for p in pods if name_of(p) != action.name]
    elif isinstance(action, Create):
        name = f"made-{len(pods)}"
        made = put(put(action.obj, ("metadata", "name"), name), ("metadata", "uid"), f"uid-{name}")
        pods = [*pods, {**put(made, ("metadata", "creationTimestamp"), ago(0)), "status": {"phase": "Pending"}}]
    return owner, pods


@pytest.mark.parametrize(
    ("spec", "pods", "creates", "deletes"),
    [
        ({}, [], 1, 0),
        ({"completions": 5, "parallelism": 3}, [], 3, 0),
        ({"completions": 5, "parallelism": 3}, ["Running"], 2, 0),
        ({"completions": 3, "parallelism": 3}, ["Succeeded", "Succeeded", "Running"], 0, 0),
        ({"completions": 3, "parallelism": 3}, ["Succeeded", "Succeeded"], 1, 0),
        ({"parallelism": 3}, [], 3, 0),
        ({"parallelism": 3}, ["Succeeded", "Running"], 0, 0),
        ({"completions": 5, "parallelism": 1}, ["Running", "Running", "Pending"], 0, 2),
        ({"completions": 5, "parallelism": 0}, ["Running"], 0, 1),
        ({"completions": 2000, "parallelism": 2000}, [], PODS_PER_SYNC_MAX, 0),
        ({"suspend": True}, [], 0, 0),
        ({"completions": 3, "parallelism": 3, "suspend": True}, ["Running", "Pending"], 0, 2),
    ],
)
def test_as_many_pods_run_as_are_wanted(spec: Any, pods: list[str], creates: int, deletes: int) -> None:
    owner = job(**spec)
    actions = act(owner, [worker(owner, f"p{i}", phase) for i, phase in enumerate(pods)])
    assert (len(created(actions)), len(deleted(actions))) == (creates, deletes)
    active = sum(p in ("Running", "Pending") for p in pods) + creates - deletes
    assert status_of(actions).get("active", 0) == active


def test_pods_have_the_finalizer_and_belong_to_the_job() -> None:
    (made,) = created(act(job(), []))
    owner = controller_of(made)
    assert made["metadata"]["finalizers"] == [FINALIZER] and made["metadata"]["generateName"] == "j-"
    assert owner is not None and owner["kind"] == "Job"


def test_pods_of_an_indexed_job_know_their_index() -> None:
    first, second = created(act(job(indexed=3, parallelism=2), []))
    assert [p["metadata"]["annotations"][INDEX] for p in (first, second)] == ["0", "1"]
    assert second["metadata"]["labels"][INDEX] == "1" and second["metadata"]["generateName"] == "j-1-"
    assert second["spec"]["hostname"] == "j-1"
    (variable,) = second["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{INDEX}']"


def test_indexed_jobs_fill_the_gaps_and_delete_repeated_indexes() -> None:
    owner = job({"startTime": ago(60), "completedIndexes": "0,2", "succeeded": 2}, indexed=6, parallelism=6)
    actions = act(owner, [worker(owner, "p1", index=1), worker(owner, "p4", "Succeeded", index=4)])
    assert [p["metadata"]["annotations"][INDEX] for p in created(actions)] == ["3", "5"]
    assert status_of(actions)["completedIndexes"] == "0,2,4" and status_of(actions)["succeeded"] == 3
    twice = [worker(owner, "a", index=1), worker(owner, "b", index=1, ready_ago=None), worker(owner, "c", index=9), worker(owner, "d")]
    assert sorted(deleted(act(owner, twice))) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "end", "shown", "size"),
    [("", 9, "", 0), ("0-2,4", 9, "0-2,4", 4), ("1,2", 9, "1,2", 2), ("0-99", 5, "0-4", 5), ("x,3", 9, "3", 1), ("3,7-8", 7, "3", 1)],
)
def test_index_texts(text: str, end: int, shown: str, size: int) -> None:
    found = Intervals.parse(text, end)
    assert (str(found), len(found)) == (shown, size)
    assert all((i in found) == (i not in found.missing(end, end)) for i in range(end))


def test_an_ended_pod_is_counted_in_three_steps() -> None:
    owner = job(completions=3)
    pods = [worker(owner, "p0", "Succeeded"), worker(owner, "p1", "Failed")]
    first = act(owner, pods)
    assert status_of(first)["uncountedTerminatedPods"] == {"succeeded": ["uid-p0"], "failed": ["uid-p1"]}
    assert "succeeded" not in status_of(first) and released(first) == ["p0", "p1"]
    owner = put(owner, ("status",), status_of(first))
    assert released(act(owner, pods)) == ["p0", "p1"], "again, where that failed"
    second = status_of(act(owner, [drop(p, ("metadata", "finalizers")) for p in pods]))
    assert (second["succeeded"], second["failed"], second["uncountedTerminatedPods"]) == (1, 1, {})
    third = put(owner, ("status",), second)
    assert released(act(third, [drop(p, ("metadata", "finalizers")) for p in pods])) == []


@pytest.mark.parametrize("indexed", [False, True])
def test_pods_are_counted_once_wherever_the_controller_crashes(indexed: bool) -> None:
    spec: dict[str, Any] = {"indexed": 3} if indexed else {"completions": 3}
    start = job(parallelism=3, **spec)
    begin = [worker(start, f"p{i}", "Succeeded", index=i) for i in range(3)]
    if not indexed:
        begin.append(worker(start, "f", "Failed"))
    for crash in range(8):
        owner, pods, events, left = start, begin, list[str](), crash
        for action in flat(act(owner, pods)):
            if left == 0:
                break
            left -= 1
            owner, pods = apply(action, owner, pods, events)
        ended, pods, _ = finish(owner, pods)
        status = ended["status"]
        assert (status["succeeded"], status.get("failed", 0)) == (3, 0 if indexed else 1), f"after {crash} actions"
        assert [c["type"] for c in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
        assert not any(p["metadata"].get("finalizers") for p in pods)


def test_large_jobs_are_accounted_for_in_portions() -> None:
    owner = job(completions=1200, parallelism=1200)
    pods = [worker(owner, f"p{i}", "Succeeded") for i in range(1200)]
    first = act(owner, pods)
    assert len(status_of(first)["uncountedTerminatedPods"]["succeeded"]) == len(released(first)) == UNCOUNTED_MAX
    ended, _, events = finish(owner, pods)
    assert ended["status"]["succeeded"] == 1200 and events == ["Completed"]


@pytest.mark.parametrize(
    ("spec", "pods", "interim", "final"),
    [
        ({}, [("Succeeded", {})], ("SuccessCriteriaMet", "CompletionsReached"), "Complete"),
        ({"backoffLimit": 0}, [("Failed", {})], ("FailureTarget", "BackoffLimitExceeded"), "Failed"),
        ({"activeDeadlineSeconds": 60}, [("Running", {})], ("FailureTarget", "DeadlineExceeded"), "Failed"),
        (
            {"indexed": 2, "backoffLimitPerIndex": 0, "backoffLimit": 99},
            [("Failed", {"index": 0}), ("Succeeded", {"index": 1})],
            ("FailureTarget", "FailedIndexes"),
            "Failed",
        ),
        (
            {"indexed": 9, "backoffLimitPerIndex": 0, "maxFailedIndexes": 0, "backoffLimit": 99},
            [("Failed", {"index": 0}), ("Running", {"index": 1})],
            ("FailureTarget", "MaxFailedIndexesExceeded"),
            "Failed",
        ),
        (
            {"indexed": 9, "successPolicy": {"rules": [{"succeededIndexes": "2-4", "succeededCount": 1}]}},
            [("Succeeded", {"index": 3}), ("Running", {"index": 1})],
            ("SuccessCriteriaMet", "SuccessPolicy"),
            "Complete",
        ),
    ],
    ids=["completions", "backoff limit", "deadline", "failed indexes", "too many failed indexes", "success policy"],
)
def test_a_job_ends_with_an_interim_and_a_final_condition(spec: Any, pods: Any, interim: tuple[str, str], final: str) -> None:
    owner = job(**spec)
    ended, left, events = finish(owner, [worker(owner, f"p{i}", phase, **more) for i, (phase, more) in enumerate(pods)])
    first, last = ended["status"]["conditions"]
    assert (first["type"], first["reason"]) == interim and (last["type"], last["reason"]) == (final, interim[1])
    assert first["message"] == last["message"]
    assert events == [interim[1] if final == "Failed" else "Completed"]
    assert ("completionTime" in ended["status"]) == (final == "Complete")
    assert all(p["status"]["phase"] in ("Succeeded", "Failed") for p in left), "what ran is deleted"


def test_the_final_condition_waits_for_terminating_pods() -> None:
    owner = job(activeDeadlineSeconds=10)
    running = worker(owner, "p0")
    first = act(owner, [running])
    assert deleted(first) == ["p0"] and released(first) == ["p0"] and conditions(first) == [("FailureTarget", "DeadlineExceeded")]
    assert status_of(first)["terminating"] == 1
    owner = put(owner, ("status",), status_of(first))
    going = worker(owner, "p0", deleting=True, counted=True)
    second = act(owner, [going])
    assert conditions(second) == [("FailureTarget", "DeadlineExceeded")] and status_of(second)["failed"] == 1
    owner = put(owner, ("status",), status_of(second))
    assert conditions(act(owner, [])) == [("FailureTarget", "DeadlineExceeded"), ("Failed", "DeadlineExceeded")]


def test_a_job_does_not_end_while_pods_cannot_be_deleted() -> None:
    owner = job(activeDeadlineSeconds=10)
    status = status_of(act(owner, [worker(owner, "p0")]), frozenset({"Delete"}))
    assert "conditions" not in status and status["active"] == 1


def test_the_deadline_is_waited_for() -> None:
    assert RequeueAfter(40.0) in act(job(activeDeadlineSeconds=100), [])
    suspended = act(job({"startTime": ago(60)}, activeDeadlineSeconds=10, suspend=True), [])
    assert conditions(suspended) == [("Suspended", "JobSuspended")], "no deadline while suspended"


@pytest.mark.parametrize(
    ("failures", "ended_ago", "wait"),
    [(1, 0, 10.0), (1, 4, 6.0), (2, 0, 20.0), (3, 0, 40.0), (7, 0, 600.0), (50, 0, 600.0), (1, 10, 0.0)],
)
def test_failed_pods_are_replaced_after_a_backoff(failures: int, ended_ago: float, wait: float) -> None:
    owner = job(backoffLimit=99)
    actions = act(owner, [worker(owner, "p", "Failed", ended_ago=ended_ago)], Backoff(failures - 1, NOW - 500))
    assert len(created(actions)) == (0 if wait else 1)
    assert [a for a in actions if isinstance(a, RequeueAfter)] == ([RequeueAfter(wait)] if wait else [])
    assert [a.value for a in flat(actions) if isinstance(a, Remember)] == [Backoff(failures, NOW - ended_ago)]


def test_a_success_resets_the_backoff() -> None:
    early, late = (worker(job(), "p", "Failed", ended_ago=ended_ago) for ended_ago in (7, 3))
    succeeded = worker(job(), "s", "Succeeded", ended_ago=5)
    assert Backoff(5, NOW - 9).after([succeeded], []) == Backoff()
    assert Backoff(5, NOW - 9).after([succeeded], [early, late]) == Backoff(1, NOW - 3)


def rule(action: str, **on: Any) -> Any:
    return {"action": action, **on}


EXIT_42 = {"onExitCodes": {"operator": "In", "values": [42]}}
DISRUPTED = {"onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


@pytest.mark.parametrize(
    ("rules", "more", "counted", "reason", "message"),
    [
        (
            [rule("FailJob", **EXIT_42)],
            {"code": 42},
            1,
            "PodFailurePolicy",
            "Container c for pod ns/p failed with exit code 42 matching FailJob rule at index 0",
        ),
        ([rule("FailJob", **EXIT_42)], {"code": 1}, 1, None, ""),
        ([rule("Ignore", **DISRUPTED), rule("FailJob", **EXIT_42)], {"code": 42, "condition": "DisruptionTarget"}, 0, None, ""),
        (
            [rule("FailJob", **DISRUPTED)],
            {"condition": "DisruptionTarget"},
            1,
            "PodFailurePolicy",
            "Pod ns/p has condition DisruptionTarget matching FailJob rule at index 0",
        ),
        ([rule("Count", **EXIT_42), rule("FailJob", **EXIT_42)], {"code": 42}, 1, None, ""),
        (
            [rule("FailJob", onExitCodes={"operator": "NotIn", "values": [1], "containerName": "c"})],
            {"code": 7},
            1,
            "PodFailurePolicy",
            "Container c for pod ns/p failed with exit code 7 matching FailJob rule at index 0",
        ),
        ([rule("FailJob", onExitCodes={"operator": "NotIn", "values": [1], "containerName": "x"})], {"code": 7}, 1, None, ""),
    ],
)
def test_pod_failure_policy(rules: Any, more: Any, counted: int, reason: str | None, message: str) -> None:
    owner = job(podFailurePolicy={"rules": rules})
    actions = act(owner, [worker(owner, "p", "Failed", **more)])
    status = status_of(actions)
    assert len(status["uncountedTerminatedPods"].get("failed", ())) == counted and released(actions) == ["p"]
    assert [(c["reason"], c["message"]) for c in status.get("conditions", ())] == ([(reason, message)] if reason else [])


@pytest.mark.parametrize(("policy", "creates"), [("TerminatingOrFailed", 1), ("Failed", 0)])
def test_pod_replacement_policy(policy: str, creates: int) -> None:
    owner = job(podReplacementPolicy=policy)
    actions = act(owner, [worker(owner, "p", deleting=True)], Backoff(0, 0.0))
    status = status_of(actions)
    assert status["terminating"] == 1 and len(status["uncountedTerminatedPods"].get("failed", ())) == creates
    assert len(created(act(put(owner, ("status",), status), [worker(owner, "p", deleting=True, counted=True)]))) == creates


def test_failures_are_counted_per_index() -> None:
    owner = job(indexed=2, parallelism=2, backoffLimitPerIndex=1, backoffLimit=99)
    failed = worker(owner, "p0", "Failed", index=0, failures=0, ended_ago=100)
    actions = act(owner, [failed, worker(owner, "p1", index=1)])
    (made,) = created(actions)
    assert made["metadata"]["annotations"] == {INDEX: "0", FAILURE_COUNT: "1"}
    assert released(actions) == [], "it stays until its replacement is there"
    again = [failed, worker(owner, "p0b", index=0, failures=1), worker(owner, "p1", index=1)]
    assert released(act(owner, again)) == ["p0"]
    last = [worker(owner, "p0b", "Failed", index=0, failures=1), worker(owner, "p1", index=1)]
    actions = act(owner, last)
    assert status_of(actions)["failedIndexes"] == "0" and created(actions) == [] and released(actions) == ["p0b"]


def test_an_index_backs_off_on_its_own() -> None:
    owner = job(indexed=2, parallelism=2, backoffLimitPerIndex=5, backoffLimit=99)
    failed = worker(owner, "p0", "Failed", index=0, failures=1, ended_ago=5)
    assert RequeueAfter(15.0) in act(owner, [failed, worker(owner, "p1", index=1)])
    assert [p["metadata"]["annotations"][INDEX] for p in created(act(owner, [failed]))] == ["1"]


def test_a_policy_may_fail_or_forgive_an_index() -> None:
    fails = job(indexed=2, backoffLimitPerIndex=5, backoffLimit=99, podFailurePolicy={"rules": [rule("FailIndex", **EXIT_42)]})
    assert status_of(act(fails, [worker(fails, "p", "Failed", index=0, code=42)]))["failedIndexes"] == "0"
    forgives = job(indexed=1, backoffLimitPerIndex=1, backoffLimit=99, podFailurePolicy={"rules": [rule("Ignore", **EXIT_42)]})
    (made,) = created(act(forgives, [worker(forgives, "p", "Failed", index=0, failures=0, code=42)]))
    assert made["metadata"]["annotations"] == {INDEX: "0", FAILURE_COUNT: "0", IGNORED_FAILURE_COUNT: "1"}


def test_restarts_count_towards_the_limit_of_on_failure_jobs() -> None:
    owner = job(restart="OnFailure", backoffLimit=2)
    restarted = put(worker(owner, "p"), ("status", "containerStatuses"), [{"name": "c", "restartCount": 2}])
    assert conditions(act(owner, [restarted])) == [("FailureTarget", "BackoffLimitExceeded")]
    assert "conditions" not in status_of(act(owner, [put(restarted, ("status", "containerStatuses", 0, "restartCount"), 1)]))


def test_suspending_deletes_pods_that_then_do_not_count_and_resuming_starts_the_clock() -> None:
    owner = job(completions=2, parallelism=2, suspend=True)
    actions = act(owner, [worker(owner, "p0"), worker(owner, "p1", "Pending")])
    order = [type(a).__name__ for a in flat(actions)]
    assert order.index("Delete") > order.index("Patch") and sorted(deleted(actions)) == sorted(released(actions)) == ["p0", "p1"]
    status = status_of(actions)
    assert "failed" not in status and status["terminating"] == 2 and status["conditions"][0]["message"] == "Job suspended"
    assert [a.reason for a in flat(actions) if isinstance(a, Emit)] == ["Suspended"]
    resumed = act(job(status, completions=2, parallelism=2), [])
    assert [(c["type"], c["status"], c["reason"]) for c in status_of(resumed)["conditions"]] == [("Suspended", "False", "JobResumed")]
    assert status_of(resumed)["startTime"] == rfc3339(NOW) and len(created(resumed)) == 2
    never_started = act(job({}, suspend=True), [])
    assert "startTime" not in status_of(never_started)


def test_pods_that_cannot_be_created_are_not_active() -> None:
    assert "active" not in status_of(act(job(), []), frozenset({"Create"}))


def test_finalizers_do_not_outlive_the_job() -> None:
    owner = job()
    orphan = put(worker(owner, "o"), ("metadata", "ownerReferences"), [])
    orphan = put(orphan, ("metadata", "labels", "batch.kubernetes.io/job-name"), "j")
    assert released(act(None, [worker(owner, "p"), orphan])) == ["p", "o"]
    former = put(worker(owner, "f"), ("metadata", "ownerReferences", 0, "uid"), "uid-former")
    assert released(act(owner, [former])) == ["f"]
    leaving = job(deleting=True)
    actions = act(leaving, [worker(leaving, "p", deleting=True)])
    assert released(actions) == ["p"] and created(actions) == []


def test_adopted_pods_get_the_finalizer_and_released_ones_lose_it() -> None:
    owner = job(completions=3)
    stray = put(worker(owner, "x"), ("metadata", "labels"), {"app": "b"})
    patches = {a.name: a.patch["metadata"] for a in flat(act(owner, [pod("orphan"), stray])) if isinstance(a, Patch)}
    assert patches["orphan"]["finalizers"] == [FINALIZER]
    assert patches["x"]["$deleteFromPrimitiveList/finalizers"] == [FINALIZER]


@pytest.mark.parametrize("manager", ["kubernetes.io/job-controller", "example.com/other"])
def test_jobs_of_other_managers_are_left_alone(manager: str) -> None:
    assert bool(act(job(managedBy=manager), [])) == (manager == "kubernetes.io/job-controller")


def test_nothing_happens_to_a_settled_or_finished_job() -> None:
    owner = job()
    running = [worker(owner, "p")]
    assert act(put(owner, ("status",), status_of(act(owner, running))), running) == []
    ended, pods, _ = finish(owner, [worker(owner, "p", "Succeeded")])
    assert act(ended, pods) == []


def test_finished_jobs_are_deleted_after_their_time_to_live() -> None:
    ended, _, _ = finish(job(ttlSecondsAfterFinished=30), [worker(job(), "p", "Succeeded")])

    def at(now: float, obj: Obj = ended) -> Actions:
        return ttl_after_finished.reconcile(KEY, Read.of({"jobs.batch": [obj]}), now)

    assert at(NOW) == [RequeueAfter(30.0)]
    delete = at(NOW + 30)[-1]
    assert isinstance(delete, Delete) and delete.uid == uid_of(ended) and delete.propagation == "Foreground"
    assert at(NOW + 30, job(ttlSecondsAfterFinished=30)) == []


def _submitted(name: str, command: str, **spec: Any) -> Obj:
    container = {"name": "c", "image": "busybox", "command": ["sh", "-c", command]}
    pods = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    body = {"template": pods, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "ns"}, "spec": body}


CONTROLLERS = [CONTROLLER, service_account.CONTROLLER, ttl_after_finished.CONTROLLER, garbage_collector.CONTROLLER]


def test_a_failing_job_tries_again_after_10_20_and_40_seconds() -> None:
    async def main(cluster: Cluster) -> tuple[list[float], Obj]:
        await cluster.namespace("ns")
        await asyncio.sleep(1)
        await cluster.client.create("jobs.batch", _submitted("f", "exit 1", backoffLimit=3), "ns")
        await asyncio.sleep(120)
        times = sorted(parse_time(p["metadata"]["creationTimestamp"]) for p in await cluster.items("pods", "ns"))
        (found,) = await cluster.items("jobs.batch", "ns")
        return [b - a for a, b in pairwise(times)], found["status"]

    waits, status = play(main, CONTROLLERS)
    assert [round(wait / 10) * 10 for wait in waits] == [10, 20, 40] and status["failed"] == 4


@pytest.mark.parametrize(("propagation", "left"), [("Background", 0), ("Orphan", 3)])
def test_a_deleted_job_leaves_no_finalizers(propagation: str, left: int) -> None:
    async def main(cluster: Cluster) -> list[Obj]:
        await cluster.namespace("ns")
        await asyncio.sleep(1)
        await cluster.client.create("jobs.batch", _submitted("s", "sleep 999", parallelism=3, completions=3), "ns")
        await asyncio.sleep(3)
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        await cluster.client.call("DELETE", "/apis/batch/v1/namespaces/ns/jobs/s", {}, options)
        await asyncio.sleep(60)
        return await cluster.items("pods", "ns")

    pods = play(main, CONTROLLERS)
    assert len(pods) == left and not any(p["metadata"].get("finalizers") for p in pods)


def test_a_thousand_pods_are_counted_and_deleted_with_their_job() -> None:
    async def main(cluster: Cluster) -> tuple[Any, int]:
        await cluster.namespace("ns")
        await asyncio.sleep(1)
        spec = {"parallelism": 1000, "completions": 1000, "ttlSecondsAfterFinished": 20}
        await cluster.client.create("jobs.batch", _submitted("big", "exit 0", **spec), "ns")
        await asyncio.sleep(10)
        (found,) = await cluster.items("jobs.batch", "ns")
        await asyncio.sleep(30)
        return found["status"], len(await cluster.items("pods", "ns")) + len(await cluster.items("jobs.batch", "ns"))

    status, left = play(main, CONTROLLERS)
    assert status["succeeded"] == 1000 and "failed" not in status and left == 0


def _normalised(state: State) -> State:
    """Without uids, and without two suffixes that the recording kept."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}", "<uid>", json.dumps(state))
    found: State = json.loads(re.sub(r"\b(js|jd)-[a-z0-9]{5}\b", r"\1-<x>", text))
    return found


@pytest.mark.parametrize("step", range(6))
def test_converges_as_upstream(step: int) -> None:
    recorded, ours = replay("jobs", [CONTROLLER, service_account.CONTROLLER], steps=step + 1)
    assert differences(_normalised(recorded[step]), _normalised(ours[step])) == []
