"""Quotas and limit ranges: what they add, count and refuse."""

from typing import Any

import pytest

from engine.base.objects import Obj
from engine.kinds.common import quotas
from tests.apiserver.servers import Rig, refused, serving


def container(requests: Obj | None = None, limits: Obj | None = None, **more: Any) -> Obj:
    resources = {name: amounts for name, amounts in (("requests", requests), ("limits", limits)) if amounts}
    return {"name": "c", "image": "i", "resources": resources, **more}


async def _pod(rig: Rig, *containers: Obj, **spec: Any) -> Obj:
    return await rig.client.create("pods", {"metadata": {"generateName": "p-"}, "spec": {"containers": list(containers), **spec}}, "shop")


async def _quota(rig: Rig, hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> None:
    await rig.client.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}}, "shop")
    status = {"hard": hard, "used": dict.fromkeys(hard, "0") if used is None else used}
    await rig.client.patch("resourcequotas", "q", {"status": status}, "shop", "status")


async def _used(rig: Rig) -> Any:
    return (await rig.client.get("resourcequotas", "q", "shop"))["status"]["used"]


def test_what_fits_is_counted_at_once_and_what_does_not_is_refused() -> None:
    async def body(rig: Rig) -> None:
        await _quota(rig, {"pods": "2", "requests.cpu": "1", "limits.memory": "1Gi", "count/pods": "9"})
        c = container({"cpu": "400m"}, {"memory": "256Mi"})
        await _pod(rig, c)
        await _pod(rig, c)
        assert await _used(rig) == {"pods": "2", "requests.cpu": "800m", "limits.memory": "512Mi", "count/pods": "2"}
        error = await refused(_pod(rig, c))
        assert error.code == 403
        expected = "exceeded quota: q, requested: pods=1,requests.cpu=400m, used: pods=2,requests.cpu=800m, limited: pods=2,requests.cpu=1"
        assert error.message.partition("is forbidden: ")[2] == expected
        assert (await _used(rig))["count/pods"] == "2"

    serving(body)


def test_what_a_quota_is_on_must_be_stated() -> None:
    async def body(rig: Rig) -> None:
        await _quota(rig, {"requests.cpu": "1", "limits.memory": "1Gi"})
        error = await refused(_pod(rig, container({"cpu": "1m"}), {**container(), "name": "d"}))
        assert error.message.endswith("failed quota: q: must specify limits.memory for: c,d; requests.cpu for: d")

    serving(body)


def test_a_quota_that_is_not_counted_yet_lets_nothing_through() -> None:
    async def body(rig: Rig) -> None:
        await _quota(rig, {"pods": "1"}, {})
        assert (await refused(_pod(rig, container()))).message.endswith("status unknown for quota: q, resources: pods")

    serving(body)


def test_a_dry_run_is_judged_and_not_counted() -> None:
    async def body(rig: Rig) -> None:
        await _quota(rig, {"configmaps": "1"})
        made = {"metadata": {"name": "c"}}
        await rig.client.create("configmaps", made, "shop", dry_run=True)
        assert await _used(rig) == {"configmaps": "0"}
        await rig.client.create("configmaps", made, "shop")
        assert (
            "exceeded quota" in (await refused(rig.client.create("configmaps", {"metadata": {"name": "d"}}, "shop", dry_run=True))).message
        )

    serving(body)


@pytest.mark.parametrize(
    ("scope", "spec", "counted"),
    [
        ({"scopes": ["BestEffort"]}, {}, True),
        ({"scopes": ["NotBestEffort"]}, {}, False),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["NotTerminating"]}, {"activeDeadlineSeconds": 5}, False),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}]}},
            {"priorityClassName": "system-node-critical"},
            True,
        ),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}, {}, False),
    ],
)
def test_scopes_choose_the_pods_that_count(scope: Obj, spec: Obj, counted: bool) -> None:
    async def body(rig: Rig) -> None:
        await _quota(rig, {"pods": "5"}, **scope)
        await _pod(rig, container(), **spec)
        assert await _used(rig) == {"pods": "1" if counted else "0"}

    serving(body)


def test_an_update_is_charged_for_what_it_adds() -> None:
    async def body(rig: Rig) -> None:
        await _quota(rig, {"services": "1", "services.nodeports": "1"})
        await rig.client.create("services", {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, "shop")
        await rig.client.patch("services", "s", {"spec": {"type": "NodePort"}}, "shop")
        assert await _used(rig) == {"services": "1", "services.nodeports": "1"}
        more = {"spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}}
        assert "services.nodeports=1" in (await refused(rig.client.patch("services", "s", more, "shop"))).message

    serving(body)


@pytest.mark.parametrize(
    ("resource", "obj", "expected"),
    [
        ("deployments.apps", {}, {"count/deployments.apps": "1"}),
        ("secrets", {}, {"count/secrets": "1", "secrets": "1"}),
        (
            "persistentvolumeclaims",
            {"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}},
            {
                "count/persistentvolumeclaims": "1",
                "persistentvolumeclaims": "1",
                "requests.storage": "1Gi",
                "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
            },
        ),
        ("pods", {"metadata": {}, "spec": {"containers": []}, "status": {"phase": "Failed"}}, {"count/pods": "1"}),
        (
            "pods",
            {
                "metadata": {},
                "spec": {
                    "containers": [container({"cpu": "1", "acme.io/gpu": "2"}), container({"cpu": "500m"})],
                    "initContainers": [container({"cpu": "2", "memory": "1Gi"}), container({"cpu": "100m"}, restartPolicy="Always")],
                },
            },
            {"count/pods": "1", "pods": "1", "cpu": "2", "requests.cpu": "2", "memory": "1Gi", "requests.memory": "1Gi"}
            | {"requests.acme.io/gpu": "2"},
        ),
    ],
)
def test_use_is_measured(resource: str, obj: Obj, expected: Obj) -> None:
    assert quotas.usage(resource, obj, 0.0) == expected
    assert all(quotas.measures(resource, name) for name in expected)


def test_limit_ranges_fill_in_and_say_so() -> None:
    async def body(rig: Rig) -> None:
        item = {"type": "Container", "default": {"cpu": "200m", "memory": "128Mi"}, "defaultRequest": {"cpu": "100m"}}
        await rig.client.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [item]}}, "shop")
        pod = await _pod(rig, container({"cpu": "150m"}))
        requests, limits = {"cpu": "150m", "memory": "128Mi"}, {"cpu": "200m", "memory": "128Mi"}
        assert pod["spec"]["containers"][0]["resources"] == {"requests": requests, "limits": limits}
        note = "LimitRanger plugin set: memory request for container c; cpu, memory limit for container c"
        assert pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == note

    serving(body)


@pytest.mark.parametrize(
    ("item", "given", "why"),
    [
        ({"min": {"cpu": "10m"}}, container({"cpu": "1m"}), "minimum cpu usage per Container is 10m, but request is 1m"),
        ({"max": {"cpu": "1"}}, container({"cpu": "1"}, {"cpu": "2"}), "maximum cpu usage per Container is 1, but limit is 2"),
        (
            {"maxLimitRequestRatio": {"cpu": "2"}},
            container({"cpu": "1"}, {"cpu": "5"}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000",
        ),
        ({"type": "Pod", "max": {"cpu": "1"}}, container(), "maximum cpu usage per Pod is 1.  No limit is specified"),
        ({"type": "Pod", "min": {"memory": "1Gi"}}, container(), "minimum memory usage per Pod is 1Gi.  No request is specified"),
    ],
)
def test_limit_ranges_refuse_what_is_out_of_bounds(item: Obj, given: Obj, why: str) -> None:
    async def body(rig: Rig) -> None:
        limits = [{"type": "Container", **item}]
        await rig.client.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": limits}}, "shop")
        error = await refused(_pod(rig, given))
        assert (error.code, error.message.partition("is forbidden: ")[2]) == (403, why)

    serving(body)


def test_limit_ranges_hold_claims_to_sizes() -> None:
    async def body(rig: Rig) -> None:
        item = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}
        await rig.client.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [item]}}, "shop")
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}}
        error = await refused(rig.client.create("persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": spec}, "shop"))
        expected = 'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi'
        assert error.message == expected

    serving(body)
