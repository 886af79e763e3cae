"""The Status, Ready and Restarts columns of pods."""

from typing import Any

import pytest

from engine.base.clock import parse_time
from engine.base.objects import Obj, frozen
from engine.kinds.pods import KIND

NOW = parse_time("2026-01-01T01:00:00Z")
TWO = [{"name": "a"}, {"name": "b"}]
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}


def _pod(spec: Obj, status: Obj, **meta: Any) -> Obj:
    metadata = {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z", **meta}
    return frozen({"metadata": metadata, "spec": {"containers": [{"name": "a"}], **spec}, "status": {"phase": "Running", **status}})


def _container(name: str, state: Obj, **more: Any) -> Obj:
    return {"name": name, "state": state, **more}


ONE_UP = [_container("a", RUNNING, ready=True)]
INIT = {"initContainers": [{"name": "i"}, {"name": "j"}]}
SIDECAR = {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}

STATUSES = {
    "no status yet": ({}, {"phase": "Pending"}, "0/1", "Pending", "0"),
    "running": ({}, {"containerStatuses": ONE_UP}, "1/1", "Running", "0"),
    "waiting reason": (
        {},
        {"containerStatuses": [_container("a", {"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=2)]},
        "0/1",
        "CrashLoopBackOff",
        "2",
    ),
    "restarts with time": (
        {},
        {
            "containerStatuses": [
                _container("a", RUNNING, ready=True, restartCount=3, lastState={"terminated": {"finishedAt": "2026-01-01T00:55:00Z"}})
            ]
        },
        "1/1",
        "Running",
        "3 (5m ago)",
    ),
    "completed": ({}, {"phase": "Succeeded", "containerStatuses": [_container("a", DONE)]}, "0/1", "Completed", "0"),
    "error": (
        {},
        {"phase": "Failed", "containerStatuses": [_container("a", {"terminated": {"exitCode": 1, "reason": "Error"}})]},
        "0/1",
        "Error",
        "0",
    ),
    "exit code without a reason": (
        {},
        {"containerStatuses": [_container("a", {"terminated": {"exitCode": 3}})]},
        "0/1",
        "ExitCode:3",
        "0",
    ),
    "signal without a reason": (
        {},
        {"containerStatuses": [_container("a", {"terminated": {"exitCode": 137, "signal": 9}})]},
        "0/1",
        "Signal:9",
        "0",
    ),
    "one completed, one running, not ready": (
        {"containers": TWO},
        {"containerStatuses": [_container("a", DONE), _container("b", RUNNING, ready=True)]},
        "1/2",
        "NotReady",
        "0",
    ),
    "one completed, one running, ready": (
        {"containers": TWO},
        {
            "containerStatuses": [_container("a", DONE), _container("b", RUNNING, ready=True)],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
        "1/2",
        "Running",
        "0",
    ),
    "first init container runs": (
        INIT,
        {
            "phase": "Pending",
            "initContainerStatuses": [_container("i", RUNNING), _container("j", {"waiting": {"reason": "PodInitializing"}})],
        },
        "0/1",
        "Init:0/2",
        "0",
    ),
    "second init container waits for its turn": (
        INIT,
        {"phase": "Pending", "initContainerStatuses": [_container("i", DONE), _container("j", {"waiting": {"reason": "PodInitializing"}})]},
        "0/1",
        "Init:1/2",
        "0",
    ),
    "init container crashes": (
        INIT,
        {"phase": "Pending", "initContainerStatuses": [_container("i", {"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=4)]},
        "0/1",
        "Init:CrashLoopBackOff",
        "4",
    ),
    "init container failed": (
        INIT,
        {"phase": "Pending", "initContainerStatuses": [_container("i", {"terminated": {"exitCode": 2}})]},
        "0/1",
        "Init:ExitCode:2",
        "0",
    ),
    "sidecar counts as a container": (
        SIDECAR,
        {"initContainerStatuses": [_container("s", RUNNING, ready=True, started=True, restartCount=1)], "containerStatuses": ONE_UP},
        "2/2",
        "Running",
        "1",
    ),
    "reason of the pod": ({}, {"phase": "Failed", "reason": "Evicted"}, "0/1", "Evicted", "0"),
    "scheduling gate": (
        {},
        {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
        "0/1",
        "SchedulingGated",
        "0",
    ),
}


@pytest.mark.parametrize(("spec", "status", "ready", "shown", "restarts"), STATUSES.values(), ids=STATUSES)
def test_status_column(spec: Obj, status: Obj, ready: str, shown: str, restarts: str) -> None:
    assert KIND.cells is not None
    assert KIND.cells(_pod(spec, status), NOW)[:5] == ["p", ready, shown, restarts, "60m"]


@pytest.mark.parametrize(
    ("phase", "reason", "shown"),
    [("Running", "", "Terminating"), ("Running", "NodeLost", "Unknown"), ("Succeeded", "", "Completed"), ("Pending", "", "Terminating")],
)
def test_a_pod_that_is_being_deleted(phase: str, reason: str, shown: str) -> None:
    state = DONE if phase == "Succeeded" else RUNNING
    status = {"phase": phase, "containerStatuses": [_container("a", state)], **({"reason": reason} if reason else {})}
    assert KIND.cells is not None
    assert KIND.cells(_pod({}, status, deletionTimestamp="2026-01-01T00:59:00Z"), NOW)[2] == shown


def test_wide_columns() -> None:
    spec = {"nodeName": "n1", "readinessGates": [{"conditionType": "example.com/a"}, {"conditionType": "example.com/b"}]}
    status = {
        "podIP": "10.0.0.1",
        "podIPs": [{"ip": "10.0.0.1"}],
        "nominatedNodeName": "n2",
        "conditions": [{"type": "example.com/a", "status": "True"}],
    }
    assert KIND.cells is not None
    assert KIND.cells(_pod(spec, status), NOW)[5:] == ["10.0.0.1", "n1", "n2", "1/2"]


def test_ended_pods_carry_a_row_condition() -> None:
    assert KIND.row_conditions is not None
    assert KIND.row_conditions(_pod({}, {"phase": "Running"})) == []
    assert KIND.row_conditions(_pod({}, {"phase": "Failed"}))[0]["reason"] == "Failed"
    succeeded = KIND.row_conditions(_pod({}, {"phase": "Succeeded"}))
    assert succeeded == [{"type": "Completed", "status": "True", "reason": "Succeeded", "message": "The pod has completed successfully."}]
