"""What admission adds to objects, and what it refuses."""

from typing import Any

import pytest

from engine.base.objects import Obj
from tests.apiserver.servers import Rig, refused, serving

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


async def _pod(rig: Rig, **spec: Any) -> Obj:
    spec = {"containers": [{"name": "c", "image": "i"}], **spec}
    return await rig.client.create("pods", {"metadata": {"generateName": "p-"}, "spec": spec}, "shop")


def _mounts(pod: Obj) -> list[str]:
    return [m["mountPath"] for m in pod["spec"]["containers"][0].get("volumeMounts") or ()]


def test_the_token_is_mounted_unless_the_pod_or_the_account_says_no() -> None:
    async def body(rig: Rig) -> None:
        quiet = {"metadata": {"name": "quiet"}, "automountServiceAccountToken": False, "imagePullSecrets": [{"name": "s"}]}
        await rig.client.create("serviceaccounts", quiet, "shop")
        assert _mounts(await _pod(rig)) == [MOUNT]
        assert _mounts(await _pod(rig, automountServiceAccountToken=False)) == []
        silent = await _pod(rig, serviceAccountName="quiet")
        assert _mounts(silent) == []
        assert silent["spec"]["imagePullSecrets"] == [{"name": "s"}]
        assert _mounts(await _pod(rig, serviceAccountName="quiet", automountServiceAccountToken=True)) == [MOUNT]
        own = {"name": "c", "image": "i", "volumeMounts": [{"name": "v", "mountPath": MOUNT}]}
        mine = await _pod(rig, containers=[own], volumes=[{"name": "v", "emptyDir": {}}])
        assert [v["name"] for v in mine["spec"]["volumes"]] == ["v"]

    serving(body)


def test_a_changed_account_changes_the_pods_that_come_after() -> None:
    async def body(rig: Rig) -> None:
        spec = (await _pod(rig))["spec"]
        first = await rig.client.create("pods", {"metadata": {"name": "a"}, "spec": spec}, "shop")
        await rig.client.patch("serviceaccounts", "default", {"imagePullSecrets": [{"name": "s"}]}, "shop")
        second = await rig.client.create("pods", {"metadata": {"name": "b"}, "spec": spec}, "shop")
        assert "imagePullSecrets" not in first["spec"]
        assert second["spec"]["imagePullSecrets"] == [{"name": "s"}]

    serving(body)


def test_priority_comes_from_the_class() -> None:
    async def body(rig: Rig) -> None:
        high = {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"}
        await rig.client.create("priorityclasses.scheduling.k8s.io", high)
        pod = await _pod(rig, priorityClassName="high")
        assert (pod["spec"]["priority"], pod["spec"]["preemptionPolicy"]) == (1000, "Never")
        system = await _pod(rig, priorityClassName="system-node-critical")
        assert system["spec"]["priority"] == 2_000_001_000
        error = await refused(_pod(rig, priorityClassName="high", priority=5))
        assert "the integer value of priority (5) must not be provided in pod spec" in error.message
        await rig.client.create("priorityclasses.scheduling.k8s.io", {"metadata": {"name": "usual"}, "value": 7, "globalDefault": True})
        assert (await _pod(rig))["spec"]["priorityClassName"] == "usual"
        other = {"metadata": {"name": "other"}, "value": 8, "globalDefault": True}
        error = await refused(rig.client.create("priorityclasses.scheduling.k8s.io", other))
        assert (error.code, "Only one default can exist" in error.message) == (403, True)

    serving(body)


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]),
        ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}], ["node.kubernetes.io/unreachable"]),
        ([{"operator": "Exists"}], []),
        ([{"operator": "Exists", "effect": "NoSchedule"}], ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]),
    ],
)
def test_pods_tolerate_failing_nodes_for_five_minutes(given: list[Obj], added: list[str]) -> None:
    async def body(rig: Rig) -> None:
        tolerations = (await _pod(rig, tolerations=given))["spec"].get("tolerations") or []
        assert [(t["key"], t["tolerationSeconds"]) for t in tolerations[len(given) :]] == [(key, 300) for key in added]

    serving(body)


def test_claims_get_the_newest_default_class() -> None:
    async def body(rig: Rig) -> None:
        claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        plain = await rig.client.create("persistentvolumeclaims", {"metadata": {"name": "a"}, **claim}, "shop")
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        for name in ("one", "two"):
            await rig.client.create(
                "storageclasses.storage.k8s.io", {"metadata": {"name": name, "annotations": default}, "provisioner": "p"}
            )
        made = await rig.client.create("persistentvolumeclaims", {"metadata": {"name": "b"}, **claim}, "shop")
        assert "storageClassName" not in plain["spec"]
        assert made["spec"]["storageClassName"] == "one"
        assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]

    serving(body)


@pytest.mark.parametrize(
    ("phase", "expandable", "why"),
    [
        ("Bound", True, ""),
        ("Bound", False, "must support resize"),
        ("Pending", True, "Only bound persistent volume claims can be expanded"),
    ],
)
def test_claims_grow_where_their_class_allows_it(phase: str, expandable: bool, why: str) -> None:
    async def body(rig: Rig) -> None:
        kind = {"metadata": {"name": "disk"}, "provisioner": "p", "allowVolumeExpansion": expandable}
        await rig.client.create("storageclasses.storage.k8s.io", kind)
        size = {"storageClassName": "disk", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        await rig.client.create("persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": {**size, "volumeName": "v"}}, "shop")
        await rig.client.patch("persistentvolumeclaims", "c", {"status": {"phase": phase}}, "shop", "status")
        grow = rig.client.patch("persistentvolumeclaims", "c", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, "shop")
        if why:
            assert why in (await refused(grow)).message
        else:
            assert (await grow)["spec"]["resources"]["requests"] == {"storage": "2Gi"}

    serving(body)


def test_a_new_node_takes_no_pods() -> None:
    async def body(rig: Rig) -> None:
        node = await rig.client.create("nodes", {"metadata": {"name": "n"}})
        assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]

    serving(body)


@pytest.mark.parametrize("namespace", ["default", "kube-system", "kube-public"])
def test_system_namespaces_stay(namespace: str) -> None:
    async def body(rig: Rig) -> None:
        error = await refused(rig.client.delete("namespaces", namespace))
        assert (error.code, error.message) == (403, f'namespaces "{namespace}" is forbidden: this namespace may not be deleted')

    serving(body)
