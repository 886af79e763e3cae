"""What a node refuses, what a pod refers to, which quality of service it gets."""

import pytest

from engine.kinds.common.quantities import qos_class
from engine.kubelet.admission import Used, admit
from engine.kubelet.network import Addresses, NoAddressError, node_ip, pod_cidr
from engine.kubelet.plan import plan_of
from engine.kubelet.references import resolve
from tests.kubelet.driving import pod

NODE = {
    "metadata": {"name": "node-1", "labels": {"disk": "ssd"}},
    "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3"}},
}


def requests(**amounts):
    return {"resources": {"requests": amounts}}


def needs(key, operator, *values, field="matchExpressions"):
    term = {field: [{"key": key, "operator": operator, "values": [*values]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


@pytest.mark.parametrize(
    ("container", "spec", "used", "reason"),
    [
        ({}, {}, Used(), ""),
        ({}, {}, Used(pods=3), "OutOfpods"),
        (requests(cpu="2"), {}, Used(), ""),
        (requests(cpu="2"), {}, Used(cpu_milli=1), "OutOfcpu"),
        (requests(memory="2Gi"), {}, Used(), "OutOfmemory"),
        ({}, {}, Used(cpu_milli=5000), ""),
        (requests(cpu="1900m"), {"overhead": {"cpu": "200m"}}, Used(), "OutOfcpu"),
        ({}, {"nodeSelector": {"disk": "ssd"}}, Used(), ""),
        ({}, {"nodeSelector": {"disk": "hdd"}}, Used(), "NodeAffinity"),
        ({}, {"affinity": needs("disk", "In", "ssd", "nvme")}, Used(), ""),
        ({}, {"affinity": needs("disk", "NotIn", "ssd")}, Used(), "NodeAffinity"),
        ({}, {"affinity": needs("metadata.name", "In", "node-1", field="matchFields")}, Used(), ""),
        ({}, {"affinity": needs("metadata.name", "In", "node-2", field="matchFields")}, Used(), "NodeAffinity"),
    ],
)
def test_admission(container, spec, used, reason):
    obj = pod(container, **spec)
    found = admit(obj, plan_of(obj), NODE, used)
    assert (found.reason if found else "") == reason


def test_init_containers_count_by_their_peak_and_sidecars_always():
    sidecar = {"name": "s", "restartPolicy": "Always", **requests(cpu="100m")}
    obj = pod(requests(cpu="300m"), init=(sidecar, {"name": "i", **requests(cpu="500m")}))
    assert plan_of(obj).cpu_milli == 600
    assert plan_of(pod(requests(cpu="900m"), init=(sidecar,))).cpu_milli == 1000


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_quality_of_service(resources, qos):
    assert qos_class({"containers": [{"name": "c", "resources": resources}]}) == qos


def test_pods_of_one_template_share_their_plan():
    first = pod({})
    second = {**first, "metadata": {**first["metadata"], "name": "q"}, "spec": {**first["spec"], "nodeName": "node-2"}}
    assert plan_of(first) is plan_of(second)
    assert plan_of({**second, "spec": {**second["spec"], "restartPolicy": "Never"}}) is not plan_of(first)


OBJECTS = {
    ("configmaps", "settings"): {"data": {"x": "1"}},
    ("secrets", "token"): {"data": {}},
    ("persistentvolumeclaims", "disk"): {"status": {"phase": "Pending"}},
}


@pytest.mark.parametrize(
    ("container", "volumes", "said"),
    [
        ({"envFrom": [{"configMapRef": {"name": "settings"}}]}, [], []),
        ({"envFrom": [{"secretRef": {"name": "gone"}}]}, [], ['secret "gone" not found']),
        ({"envFrom": [{"secretRef": {"name": "gone", "optional": True}}]}, [], []),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "y"}}}]},
            [],
            ["couldn't find key y in ConfigMap ns/settings"],
        ),
        ({}, [{"name": "v", "configMap": {"name": "gone"}}], ['configmap "gone" not found']),
        (
            {},
            [{"name": "v", "secret": {"secretName": "token", "items": [{"key": "k", "path": "k"}]}}],
            ["references non-existent secret key: k"],
        ),
        ({}, [{"name": "v", "persistentVolumeClaim": {"claimName": "disk"}}], ['PVC ns/disk has phase "Pending", not Bound']),
        ({}, [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {}}, {"configMap": {"name": "kube-root-ca.crt"}}]}}], []),
    ],
)
def test_references(container, volumes, said):
    plan = plan_of(pod(container, volumes=volumes))
    found = resolve(plan.references, "ns", lambda resource, name: OBJECTS.get((resource, name)))
    assert [p.message for p in found] == said


def test_addresses_are_bounded_kept_and_not_reused_at_once():
    addresses = Addresses("10.244.7.0/24")
    addresses.keep("old", "10.244.7.3")
    assert [addresses.take(uid) for uid in ("a", "b", "a")] == ["10.244.7.2", "10.244.7.4", "10.244.7.2"]
    addresses.free("a")
    assert addresses.take("c") == "10.244.7.5"
    for i in range(250):
        addresses.take(f"more-{i}")
    with pytest.raises(NoAddressError):
        addresses.take("one too many")
    addresses.free("b")
    assert addresses.take("again") == "10.244.7.4"


def test_five_thousand_nodes_have_their_own_ranges():
    assert len({pod_cidr(i) for i in range(5_000)}) == len({node_ip(i) for i in range(5_000)}) == 5_000
    assert not any(96 <= int(pod_cidr(i).split(".")[1]) < 112 for i in range(5_000))
