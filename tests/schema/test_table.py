"""The table of types: where it comes from, and what it says of fields."""

import json

import pytest

from engine.kinds.common.registry import Registry
from engine.kinds.common.served import served
from engine.schema import generate, presence
from engine.schema.types import TABLE, FieldInfo, field_at, kinds_of, named, openapi_name, type_names, type_of


def test_generating_the_table_again_gives_the_committed_one() -> None:
    source = generate.source()
    if source is None or not source.exists():
        pytest.skip("the package kubernetes-validate, the table's source, is not installed")
    assert generate.generate(json.loads(source.read_bytes())["$defs"]) == TABLE.read_text(encoding="utf-8")


def test_every_type_can_be_read_and_refers_to_types_that_exist() -> None:
    for name in type_names():
        for field in named(name).fields.values():
            inner: FieldInfo | None = field
            while inner is not None:
                assert inner.kind != "object" or inner.type is not None
                inner = inner.element


def test_facts_about_presence_are_about_fields_of_the_table() -> None:
    facts = presence.DROPPED_NUMBERS | presence.KEPT_STRINGS | presence.KEPT_LISTS | presence.POINTER_TIMES
    assert sorted((name, field) for name, field in facts if field not in named(name).fields) == []


def test_every_served_kind_and_its_list_have_a_type() -> None:
    for kind in Registry(served()).all():
        for version in kind.versions:
            assert type_of(kind.group, version, kind.kind), kind
            if "list" in kind.verbs:
                assert type_of(kind.group, version, kind.list_kind), kind
    assert type_of("autoscaling", "v1", "Scale")
    assert type_of("policy", "v1", "Eviction")
    assert type_of("authentication.k8s.io", "v1", "TokenRequest")


def test_kinds_of_every_group_are_known_in_each() -> None:
    assert type_of("apps", "v1", "DeleteOptions") is type_of("", "v1", "DeleteOptions") is not None


def test_unknown_kinds_have_no_type() -> None:
    assert type_of("apps", "v1", "Pod") is None
    assert type_of("stable.example.com", "v1", "CronTab") is None


def test_kinds_of_a_version() -> None:
    assert "Deployment" in kinds_of("apps", "v1")
    assert "HorizontalPodAutoscaler" in kinds_of("autoscaling", "v2")
    assert kinds_of("apps", "v2") == []


@pytest.mark.parametrize(
    ("name", "openapi"),
    [
        ("core.v1.Pod", "io.k8s.api.core.v1.Pod"),
        ("meta.v1.ObjectMeta", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
        ("runtime.RawExtension", "io.k8s.apimachinery.pkg.runtime.RawExtension"),
        ("apiextensions.v1.CustomResourceDefinition", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"),
        ("apiregistration.v1.APIService", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService"),
    ],
)
def test_openapi_names(name: str, openapi: str) -> None:
    assert openapi_name(name) == openapi
    assert generate.short_name(openapi) == name


POD = ("", "v1", "Pod")
MERGED_BY = [
    (POD, "spec.containers", ("name",), "merge", "name"),
    (POD, "spec.containers.0.ports", ("containerPort", "protocol"), "merge", "containerPort"),
    (POD, "spec.containers.0.env", ("name",), "merge", "name"),
    (POD, "spec.containers.0.volumeMounts", ("mountPath",), "merge", "mountPath"),
    (POD, "spec.volumes", ("name",), "merge,retainKeys", "name"),
    (POD, "spec.imagePullSecrets", ("name",), "merge", "name"),
    (POD, "spec.hostAliases", ("ip",), "merge", "ip"),
    (POD, "spec.topologySpreadConstraints", ("topologyKey", "whenUnsatisfiable"), "merge", "topologyKey"),
    (POD, "status.conditions", ("type",), "merge", "type"),
    (POD, "status.podIPs", ("ip",), "merge", "ip"),
    (POD, "metadata.ownerReferences", ("uid",), "merge", "uid"),
    (("", "v1", "Service"), "spec.ports", ("port", "protocol"), "merge", "port"),
    (("", "v1", "ServiceAccount"), "secrets", ("name",), "merge", "name"),
]


@pytest.mark.parametrize(("gvk", "path", "keys", "strategy", "merge_key"), MERGED_BY, ids=[row[1] for row in MERGED_BY])
def test_lists_that_are_merged_by_key(gvk: tuple[str, str, str], path: str, keys: tuple[str, ...], strategy: str, merge_key: str) -> None:
    info = type_of(*gvk)
    assert info is not None
    field = field_at(info, path.split("."))
    assert field is not None
    assert (field.list_type, field.list_map_keys, field.patch_strategy, field.patch_merge_key) == ("map", keys, strategy, merge_key)


@pytest.mark.parametrize(
    ("path", "list_type", "map_type", "strategy"),
    [
        ("metadata.finalizers", "set", "granular", "merge"),
        ("spec.tolerations", "atomic", "granular", ""),
        ("spec.nodeSelector", "atomic", "atomic", ""),
        ("spec.containers.0.command", "atomic", "granular", ""),
        ("spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.labelSelector", "atomic", "atomic", ""),
        ("metadata.labels", "atomic", "granular", ""),
    ],
)
def test_how_other_fields_are_merged(path: str, list_type: str, map_type: str, strategy: str) -> None:
    info = type_of(*POD)
    assert info is not None
    field = field_at(info, path.split("."))
    assert field is not None
    assert (field.list_type, field.map_type, field.patch_strategy) == (list_type, map_type, strategy)


def test_the_strategy_of_a_deployment_retains_keys() -> None:
    field = named("apps.v1.DeploymentSpec").fields["strategy"]
    assert (field.kind, field.patch_strategy) == ("object", "retainKeys")


def test_a_field_can_be_merged_in_parts_although_its_type_is_atomic() -> None:
    assert named("core.v1.PersistentVolumeSpec").fields["claimRef"].map_type == "granular"
    assert named("core.v1.ObjectReference").map_type == "atomic"


def test_keys_of_ports_have_a_default() -> None:
    assert named("core.v1.ContainerPort").fields["protocol"].default == "TCP"


def test_free_form_objects_are_preserved() -> None:
    data = named("apps.v1.ControllerRevision").fields["data"]
    assert data.type is not None
    assert data.type.preserve


def test_paths_that_lead_nowhere() -> None:
    info = named("core.v1.Pod")
    assert field_at(info, ["spec", "nosuch"]) is None
    assert field_at(info, ["spec", "nodeName", "x"]) is None
    assert field_at(info, ["spec", 0]) is None
