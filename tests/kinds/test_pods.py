"""Pods: defaults beyond templates, sharing, updates, deletion grace."""

from typing import Any

import pytest

from engine.base.objects import Obj, frozen, put
from engine.kinds.deployments import KIND as DEPLOYMENT
from engine.kinds.pods import KIND

META = {"name": "p", "namespace": "default", "resourceVersion": "7"}


def _pod(**spec: Any) -> Obj:
    return KIND.defaults(frozen({"metadata": META, "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec}}))


def _errors(new: Obj, old: Obj) -> list[str]:
    return [str(e) for e in KIND.validate(new, old)]


def test_pods_of_one_template_share_their_spec() -> None:
    template = frozen({"containers": [{"name": "c", "image": "nginx"}]})
    first, second = (KIND.defaults({"metadata": {"name": n}, "spec": template}) for n in "ab")
    assert first["spec"] is second["spec"]
    assert first["spec"]["enableServiceLinks"] is True


def test_a_defaulted_template_changes_no_more_in_its_pods() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    deployed = DEPLOYMENT.defaults(frozen({"metadata": {"name": "d"}, "spec": spec}))["spec"]["template"]
    pod = KIND.defaults({"metadata": {"name": "p"}, "spec": deployed["spec"]})
    assert pod["spec"]["containers"] is deployed["spec"]["containers"]
    assert DEPLOYMENT.defaults({"metadata": {}, "spec": {**spec, "template": deployed}})["spec"]["template"] is deployed
    assert {k: v for k, v in pod["spec"].items() if k != "enableServiceLinks"} == deployed["spec"]


def test_limits_become_requests_in_pods_but_not_in_templates() -> None:
    container = {"name": "c", "image": "i", "resources": {"limits": {"cpu": 1, "memory": "0.5Gi"}, "requests": {"memory": "1Mi"}}}
    resources = _pod(containers=[container])["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"memory": "1Mi", "cpu": "1"}}
    spec = {"template": {"spec": {"containers": [container]}}}
    made = DEPLOYMENT.defaults(frozen({"metadata": {}, "spec": spec}))["spec"]["template"]["spec"]["containers"][0]
    assert made["resources"]["requests"] == {"memory": "1Mi"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("localhost:5000/nginx:2", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
    ],
)
def test_the_tag_decides_when_an_image_is_pulled(image: str, policy: str) -> None:
    assert _pod(containers=[{"name": "c", "image": image}])["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_quality_of_service(resources: Obj, qos: str) -> None:
    pod = KIND.prepare_create(_pod(containers=[{"name": "c", "image": "i", "resources": resources}]))
    assert pod["status"] == {"phase": "Pending", "qosClass": qos}


def test_a_gated_pod_starts_with_a_condition() -> None:
    pod = KIND.prepare_create(_pod(schedulingGates=[{"name": "example.com/wait"}]))
    assert pod["status"]["conditions"][0]["reason"] == "SchedulingGated"


@pytest.mark.parametrize(
    ("spec", "phase", "grace_s"),
    [
        ({}, "Pending", 0),
        ({"nodeName": "n"}, "Running", 30),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 5}, "Running", 5),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 0}, "Running", 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": -1}, "Running", 1),
        ({"nodeName": "n"}, "Succeeded", 0),
        ({"nodeName": "n"}, "Failed", 0),
    ],
)
def test_grace_of_a_deletion(spec: Obj, phase: str, grace_s: int) -> None:
    assert KIND.default_grace_s is not None
    assert KIND.default_grace_s({**_pod(**spec), "status": {"phase": phase}}) == grace_s


def test_the_image_may_change() -> None:
    old = _pod()
    assert _errors(put(old, ("spec", "containers", 0, "image"), "j:1"), old) == []


def test_other_fields_may_not_change() -> None:
    old = _pod()
    error = _errors(put(old, ("spec", "hostNetwork"), True), old)
    assert len(error) == 1
    assert error[0].startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,")
    assert '+  "hostNetwork": true' in error[0]


UPDATES = {
    "a container is added": (
        {},
        {"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "i"}]},
        "spec.containers: Forbidden: pod updates may not add or remove containers",
    ),
    "a toleration is removed": (
        {"tolerations": [{"key": "a", "operator": "Exists"}]},
        {},
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ),
    "a deadline grows": (
        {"activeDeadlineSeconds": 5},
        {"activeDeadlineSeconds": 6},
        "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value",
    ),
    "a gate is added": (
        {},
        {"schedulingGates": [{"name": "example.com/g"}]},
        "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/g'",
    ),
}


@pytest.mark.parametrize(("before", "after", "error"), UPDATES.values(), ids=UPDATES)
def test_forbidden_updates(before: Obj, after: Obj, error: str) -> None:
    assert _errors(_pod(**after), _pod(**before)) == [error]


def test_allowed_updates() -> None:
    gated = _pod(schedulingGates=[{"name": "example.com/g"}])
    assert _errors(_pod(), gated) == []
    tolerant = _pod(tolerations=[{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}])
    assert _errors(tolerant, _pod()) == []
    assert _errors(_pod(activeDeadlineSeconds=5), _pod(activeDeadlineSeconds=6)) == []


def test_an_ended_container_of_a_pod_that_never_restarts_stays_ended() -> None:
    ended = {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 0}}}], "qosClass": "BestEffort"}
    alive = {"containerStatuses": [{"name": "c", "state": {"running": {}}}], "qosClass": "BestEffort"}
    old = {**_pod(restartPolicy="Never"), "status": ended}
    errors = KIND.validate_status({**old, "status": alive}, old)
    assert [str(e) for e in errors] == ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]
    restarting = {**_pod(), "status": ended}
    assert KIND.validate_status({**restarting, "status": alive}, restarting) == []
