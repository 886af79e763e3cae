"""Schedules, names, quantities: what is wrong with a text, in upstream's words."""

import pytest

from engine.base.objects import Obj
from engine.kinds.common import cron, names, tables
from engine.kinds.common.quantities import canonical_list, validate_requirements
from engine.kinds.nodes import node_status, roles
from engine.kinds.persistentvolumes import KIND as VOLUME

SCHEDULES = {
    "*/5 * * * *": "",
    "0 9-17 * jan,feb mon-fri": "",
    "@hourly": "",
    "@every 1h30m": "",
    "bad": "expected exactly 5 fields, found 1: [bad]",
    "60 * * * *": "end of range (60) above maximum (59): 60",
    "* * 0 * *": "beginning of range (0) below minimum (1): 0",
    "5-1 * * * *": "beginning of range (5) beyond end of range (1): 5-1",
    "*/0 * * * *": "step of range should be a positive number: */0",
    "x * * * *": 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax',
    "1/2/3 * * * *": "too many slashes: 1/2/3",
    "@often": "unrecognized descriptor: @often",
}


@pytest.mark.parametrize(("schedule", "wrong"), SCHEDULES.items())
def test_schedules(schedule: str, wrong: str) -> None:
    assert cron.wrong_with(schedule) == wrong


@pytest.mark.parametrize(
    ("check", "text", "wrong"),
    [
        (names.dns_label, "a-1", ()),
        (names.dns_label, "a.b", ("must not contain dots",)),
        (names.dns_label, "A", (names.LABEL_FORM,)),
        (names.dns_label, "a" * 64, ("must be no more than 63 characters",)),
        (names.dns_subdomain, "a.b-c", ()),
        (names.dns_1035_label, "1a", (names.LABEL_1035_FORM,)),
        (names.port_name, "http", ()),
        (names.port_name, "80", ("must contain at least one letter (a-z)",)),
        (names.port_name, "a--b-", ("must not contain consecutive hyphens", "must not begin or end with a hyphen")),
        (names.qualified_name, "example.com/a", ()),
        (names.qualified_name, "/a", ("prefix part must be non-empty",)),
        (names.label_value, "", ()),
        (names.config_key, "..a", ("must not start with '..'",)),
        (names.path_segment, "a/b", ("may not contain '/'",)),
        (names.env_name, "A=B", ("a valid environment variable name must consist only of printable ASCII characters other than '='",)),
    ],
)
def test_names(check: names.Check, text: str, wrong: tuple[str, ...]) -> None:
    assert check(text) == wrong


def test_resource_lists_become_canonical_and_stay_themselves() -> None:
    once = canonical_list({"cpu": 0.5, "memory": "1024Ki", "pods": 3})
    assert once == {"cpu": "500m", "memory": "1Mi", "pods": "3"}
    assert canonical_list(once) is once


@pytest.mark.parametrize(
    ("resources", "error"),
    [
        (
            {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
            'r.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
        ),
        ({"requests": {"cpu": "-1"}}, 'r.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'),
        ({"limits": {"example.com/gpu": "0.5"}}, 'r.limits[example.com/gpu]: Invalid value: "500m": must be an integer'),
        ({"requests": {"example.com/gpu": "1"}}, "r.limits: Required value: Limit must be set for non overcommitable resources"),
        ({"limits": {"gpu": "1"}}, 'r.limits: Invalid value: "gpu": must be a standard resource type or fully qualified'),
    ],
)
def test_resources(resources: Obj, error: str) -> None:
    canonical = {key: canonical_list(amounts) for key, amounts in resources.items()}
    assert error in [str(e) for e in validate_requirements(canonical, "r")]


@pytest.mark.parametrize(
    ("conditions", "spec", "shown"),
    [
        ([], {}, "Unknown"),
        ([{"type": "Ready", "status": "True"}], {}, "Ready"),
        ([{"type": "Ready", "status": "Unknown"}], {}, "NotReady"),
        ([{"type": "Ready", "status": "True"}], {"unschedulable": True}, "Ready,SchedulingDisabled"),
    ],
)
def test_status_of_nodes(conditions: list[Obj], spec: Obj, shown: str) -> None:
    assert node_status({"metadata": {}, "spec": spec, "status": {"conditions": conditions}}) == shown


def test_roles_of_nodes() -> None:
    labels = {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "edge", "a": "b"}
    assert roles({"metadata": {"labels": labels}}) == ["control-plane", "edge", "worker"]


def test_access_modes_are_abbreviated_in_order() -> None:
    assert tables.access_modes(["ReadWriteMany", "ReadWriteOnce", "ReadWriteOnce"]) == "RWO,RWX"


def test_long_lists_are_cut() -> None:
    assert tables.more(["a", "b", "c", "d", "e"]) == "a,b,c + 2 more..."


def test_a_volume_has_exactly_one_source() -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": "/a"},
        "nfs": {"server": "s", "path": "/"},
    }
    meta = {"metadata": {"name": "v"}}
    assert [str(e) for e in VOLUME.validate(VOLUME.defaults({**meta, "spec": spec}), None)] == [
        "spec.nfs: Forbidden: may not specify more than 1 volume type"
    ]
    bare = {k: v for k, v in spec.items() if k not in ("nfs", "hostPath")}
    assert [str(e) for e in VOLUME.validate(VOLUME.defaults({**meta, "spec": bare}), None)] == [
        "spec: Required value: must specify a volume type"
    ]
