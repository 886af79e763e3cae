"""Services: what a new version keeps of what was allocated, and gives up with its type."""

from typing import Any

from engine.base.objects import Obj, frozen
from engine.kinds.services import KIND, external_ip

META = {"name": "s", "namespace": "default", "resourceVersion": "5"}
ALLOCATED = {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"]}


def _service(**spec: Any) -> Obj:
    return KIND.prepare_create(KIND.defaults(frozen({"metadata": META, "spec": {"ports": [{"port": 80}], **spec}})))


def _replace(old: Obj, **spec: Any) -> Obj:
    assert KIND.prepare_update is not None
    new = KIND.defaults(frozen({"metadata": META, "spec": {"ports": [{"port": 80}], **spec}}))
    updated = KIND.prepare_update(new, old)
    assert [str(e) for e in KIND.validate(updated, old)] == []
    return updated


def test_an_update_that_does_not_mention_the_cluster_ip_keeps_it() -> None:
    old = _service(**ALLOCATED)
    assert _replace(old, selector={"a": "b"})["spec"]["clusterIPs"] == ["10.0.0.7"]


def test_node_ports_stay_with_their_ports() -> None:
    old = _service(type="NodePort", ports=[{"port": 80, "nodePort": 30_001}], **ALLOCATED)
    new = _replace(old, type="LoadBalancer", ports=[{"port": 443, "name": "b"}, {"port": 80, "name": "a"}])
    assert [p.get("nodePort") for p in new["spec"]["ports"]] == [None, 30_001]


def test_the_cluster_ip_may_not_change() -> None:
    old = _service(**ALLOCATED)
    new = {**old, "spec": {**old["spec"], "clusterIP": "10.0.0.8", "clusterIPs": ["10.0.0.8"]}}
    assert [str(e) for e in KIND.validate(new, old)] == ['spec.clusterIPs[0]: Invalid value: "10.0.0.8": may not change once set']


def test_a_type_without_node_ports_gives_them_up() -> None:
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30_001}]
    old = _service(type="NodePort", ports=ports, **ALLOCATED)
    new = _replace(old, **{**old["spec"], "type": "ClusterIP"})
    assert "nodePort" not in new["spec"]["ports"][0]
    assert "externalTrafficPolicy" not in new["spec"]


def test_an_external_name_gives_up_its_address() -> None:
    old = _service(**ALLOCATED)
    new = _replace(old, **{**old["spec"], "type": "ExternalName", "externalName": "example.com", "internalTrafficPolicy": None})
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & new["spec"].keys()


def test_external_ip_column() -> None:
    balanced = _service(type="LoadBalancer")
    assert external_ip(balanced) == "<pending>"
    ready = {**balanced, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}]}}}
    assert external_ip(ready) == "192.0.2.1,lb.example.com"
    assert external_ip(_service(externalIPs=["192.0.2.9"])) == "192.0.2.9"
