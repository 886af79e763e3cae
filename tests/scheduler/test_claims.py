"""Pods with claims: bound where the pod goes, or the pod goes where the volume is."""

from typing import Any

from engine.base.objects import Obj, annotations_of, dig
from tests.scheduler.clusters import Site, play

WITHOUT_BINDER = "*,-persistentvolume-binder-controller"


def mounts(claim: str) -> dict[str, Any]:
    return {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]}


async def claim(site: Site, name: str, storage_class: str | None = None) -> None:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    obj = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
    await site.client.create("persistentvolumeclaims", obj, "default")


async def local_class(site: Site) -> None:
    obj = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local"},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    await site.client.create("storageclasses.storage.k8s.io", obj)


async def local_volume(site: Site, name: str, node: str) -> None:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    spec = {
        "capacity": {"storage": "2Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "local",
        "local": {"path": "/disk"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
    }
    await site.client.create(
        "persistentvolumes", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    )


def stored(site: Site, name: str) -> Obj:
    found = site.cluster.store.get("persistentvolumeclaims", "default", name)
    assert found is not None
    return found


def test_a_claim_is_bound_where_its_first_consumer_goes() -> None:
    async def test(site: Site) -> None:
        await claim(site, "data")
        await site.wait()
        assert dig(stored(site, "data"), "status", "phase") == "Pending"
        await site.pod("p", **mounts("data"))
        await site.wait(10)
        assert dig(stored(site, "data"), "status", "phase") == "Bound"
        assert annotations_of(stored(site, "data"))["volume.kubernetes.io/selected-node"] == site.host("p")
        assert dig(site.get("p"), "status", "phase") == "Running"

    play(test)


def test_a_pod_waits_for_a_claim_that_is_not_there_yet() -> None:
    async def test(site: Site) -> None:
        await site.pod("p", **mounts("data"))
        await site.wait()
        assert site.condition("p")["message"] == '0/3 nodes are available: persistentvolumeclaim "data" not found. not found'
        await claim(site, "data")
        await site.wait(20)
        assert dig(site.get("p"), "status", "phase") == "Running"

    play(test)


def test_a_pod_goes_where_a_local_volume_is() -> None:
    async def test(site: Site) -> None:
        await local_class(site)
        await claim(site, "data", "local")
        await site.pod("p", **mounts("data"))
        await site.wait()
        none = "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind. "
        assert site.condition("p")["message"].startswith(none)
        await local_volume(site, "disk", "node-3")
        await site.wait(30)
        assert site.host("p") == "node-3"
        assert stored(site, "data")["spec"]["volumeName"] == "disk"
        await site.client.delete("pods", "p", "default")
        await site.wait(40)
        await site.patch_node("node-3", unschedulable=True)
        await site.pod("again", **mounts("data"))
        await site.wait()
        reasons = "1 node(s) were unschedulable, 2 node(s) didn't match PersistentVolume's node affinity. "
        assert site.condition("again")["message"].startswith(f"0/3 nodes are available: {reasons}")

    play(test)


def test_a_pod_deleted_while_its_claim_is_bound_is_forgotten() -> None:
    async def test(site: Site) -> None:
        await claim(site, "data")
        await site.pod("p", cpu="7", nodeSelector={"kubernetes.io/hostname": "node-1"}, **mounts("data"))
        await site.wait()
        assert annotations_of(stored(site, "data"))["volume.kubernetes.io/selected-node"] == "node-1"
        await site.pod("next", cpu="7", nodeSelector={"kubernetes.io/hostname": "node-1"})
        await site.wait()
        assert site.host("p") == site.host("next") == ""
        await site.client.delete("pods", "p", "default")
        await site.wait(15)
        assert site.host("next") == "node-1"

    play(test, controllers=WITHOUT_BINDER)


def test_a_claim_that_is_not_bound_in_time_is_reported_and_tried_again() -> None:
    async def test(site: Site) -> None:
        await claim(site, "data")
        await site.pod("p", **mounts("data"))
        await site.wait(595)
        assert site.events("p", "FailedScheduling") == []
        await site.wait(10)
        late = 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
        assert [event["message"] for event in site.events("p", "FailedScheduling")] == [late]
        assert (site.condition("p")["reason"], site.condition("p")["message"]) == ("SchedulerError", late)
        await site.wait(605)
        assert site.events("p", "FailedScheduling")[0]["series"]["count"] == 2

    play(test, controllers=WITHOUT_BINDER)
