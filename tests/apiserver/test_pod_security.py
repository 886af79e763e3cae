"""Pod security levels of namespaces, and what kubelets may write."""

from typing import Any

import pytest

from engine.apiserver.pod_security import BASELINE, RESTRICTED, violations
from engine.base.api import DeleteOptions, User
from engine.base.objects import Obj
from tests.apiserver.servers import Rig, refused, serving

GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(context: Obj | None = None, container: Obj | None = None, **spec: Any) -> Obj:
    made = {"name": "c", "image": "i", **({"securityContext": context} if context else {}), **(container or {})}
    return {"metadata": {"name": "p"}, "spec": {"containers": [made], **spec}}


PLAIN = [
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"])',
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
]


@pytest.mark.parametrize(
    ("level", "given", "expected"),
    [
        (RESTRICTED, pod(), PLAIN),
        (RESTRICTED, pod(GOOD), []),
        (RESTRICTED, pod(os={"name": "windows"}), PLAIN[2:3]),
        (
            RESTRICTED,
            pod(GOOD, volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
            ['restricted volume types (volume "v" uses restricted volume type "hostPath")'],
        ),
        (RESTRICTED, pod({**GOOD, "runAsUser": 0}), ['runAsUser=0 (container "c" must not set runAsUser=0)']),
        (
            RESTRICTED,
            pod({**GOOD, "runAsNonRoot": False}),
            ['runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)'],
        ),
        (
            RESTRICTED,
            pod({**GOOD, "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}),
            ['unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)'],
        ),
        (BASELINE, pod(), []),
        (BASELINE, pod(hostNetwork=True, hostPID=True), ["host namespaces (hostNetwork=true, hostPID=true)"]),
        (BASELINE, pod({"privileged": True}), ['privileged (container "c" must not set securityContext.privileged=true)']),
        (
            BASELINE,
            pod({"capabilities": {"add": ["NET_ADMIN", "KILL"]}}),
            ['non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)'],
        ),
        (BASELINE, pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), ['hostPath volumes (volume "v")']),
        (BASELINE, pod(container={"ports": [{"hostPort": 80}, {"hostPort": 81}]}), ['hostPort (container "c" uses hostPorts 80, 81)']),
        (BASELINE, pod({"procMount": "Unmasked"}), ['procMount (container "c" must not set securityContext.procMount to "Unmasked")']),
        (BASELINE, pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}), ["forbidden sysctls (kernel.msgmax)"]),
        (
            BASELINE,
            pod(securityContext={"seLinuxOptions": {"type": "x"}}),
            ['seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x")'],
        ),
        (
            BASELINE,
            pod({"seccompProfile": {"type": "Unconfined"}}),
            ['seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")'],
        ),
    ],
)
def test_violations_are_named_in_order(level: str, given: Obj, expected: list[str]) -> None:
    assert violations(given, level) == expected


async def _level(rig: Rig, **modes: str) -> None:
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in modes.items()}
    await rig.client.patch("namespaces", "shop", {"metadata": {"labels": labels}})


def test_what_violates_the_enforced_level_is_refused() -> None:
    async def body(rig: Rig) -> None:
        await _level(rig, enforce="restricted")
        error = await refused(rig.client.create("pods", pod(), "shop"))
        assert (error.code, error.message) == (403, f'pods "p" is forbidden: violates PodSecurity "restricted:latest": {", ".join(PLAIN)}')
        await rig.client.create("pods", pod(GOOD), "shop")
        await rig.client.patch("pods", "p", {"metadata": {"labels": {"a": "b"}}}, "shop")

    serving(body)


def test_the_level_of_warnings_warns_of_pods_and_of_what_makes_them() -> None:
    async def body(rig: Rig) -> None:
        await _level(rig, enforce="baseline", warn="restricted")
        labels = {"matchLabels": {"a": "b"}}
        template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
        deployment = {"metadata": {"name": "d"}, "spec": {"selector": labels, "template": template}}
        for path, obj in (("/api/v1/namespaces/shop/pods", pod()), ("/apis/apps/v1/namespaces/shop/deployments", deployment)):
            answer = await rig.answer("POST", path, {}, obj)
            assert answer.status == 201
            assert answer.warnings == (f'would violate PodSecurity "restricted:latest": {", ".join(PLAIN)}',)

    serving(body)


KUBELET = User("system:node:n1", ("system:nodes", "system:authenticated"))


@pytest.mark.parametrize(
    ("method", "path", "body_of", "why"),
    [
        ("POST", "/api/v1/namespaces/shop/pods", pod(nodeName="n1"), 'pod does not have "kubernetes.io/config.mirror" annotation'),
        ("DELETE", "/api/v1/namespaces/shop/pods/there", None, "can only delete pods with spec.nodeName set to itself"),
        ("PATCH", "/api/v1/namespaces/shop/pods/there/status", {"status": {"phase": "Failed"}}, "can only update pod status for pods with"),
        ("PATCH", "/api/v1/namespaces/shop/pods/here/status", {"status": {"phase": "Running"}}, ""),
        ("DELETE", "/api/v1/namespaces/shop/pods/here", None, ""),
        ("PATCH", "/api/v1/nodes/n2/status", {"status": {"phase": "x"}}, 'node "n1" is not allowed to modify node "n2"'),
        ("PATCH", "/api/v1/nodes/n1/status", {"status": {"capacity": {"cpu": "1"}}}, ""),
        ("PATCH", "/api/v1/nodes/n1", {"spec": {"taints": []}}, 'node "n1" is not allowed to modify taints'),
        (
            "PATCH",
            "/api/v1/nodes/n1",
            {"metadata": {"labels": {"node-restriction.kubernetes.io/a": "b"}}},
            "is not allowed to modify labels",
        ),
        ("PATCH", "/api/v1/nodes/n1", {"metadata": {"labels": {"kubernetes.io/hostname": "b", "mine": "c"}}}, ""),
    ],
)
def test_a_kubelet_writes_its_own(method: str, path: str, body_of: Obj | None, why: str) -> None:
    async def body(rig: Rig) -> None:
        for node in ("n1", "n2"):
            await rig.client.create("nodes", {"metadata": {"name": node}})
        await rig.pod("here", "n1")
        await rig.pod("there", "n2")
        content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = await rig.answer(method, path, {}, body_of, user=KUBELET, content_type=content_type)
        assert answer.status == (403 if why else 200), answer.body
        assert why in (answer.body.get("message") or "")
        await rig.client.delete("pods", "there", "shop", DeleteOptions(grace_period_s=0))

    serving(body)
