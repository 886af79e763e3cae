"""What a real API server made of objects, against the kinds' own functions: defaults, first status, errors, rows."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from engine.base.clock import parse_time
from engine.base.errors import invalid
from engine.base.objects import Obj, dig, put
from engine.kinds.common.model import Kind
from tests.differences import differences
from tests.kinds import golden
from tests.kinds.golden import Step

NOW = parse_time(golden.TIME) + 30

# What a request gets from admission and allocation, which are the API server's.
_ADMITTED_POD = (
    "spec.serviceAccount",
    "spec.serviceAccountName",
    "spec.priority",
    "spec.preemptionPolicy",
    "spec.tolerations",
    "spec.volumes",
    "spec.containers[0].volumeMounts",
    "spec.initContainers[0].volumeMounts",
    "spec.initContainers[1].volumeMounts",
)
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "Pod": _ADMITTED_POD,
    "Service": ("spec.clusterIP", "spec.clusterIPs", "spec.healthCheckNodePort", "spec.ports[0].nodePort", "spec.ports[1].nodePort"),
    "Node": ("spec.taints",),
    "PersistentVolume": ("metadata.finalizers",),
    "PersistentVolumeClaim": ("metadata.finalizers",),
    "CertificateSigningRequest": ("spec.username", "spec.uid", "spec.groups"),
}
CREATED_AT = [
    {"name": "Name", "type": "string", "format": "name", "priority": 0},
    {"name": "Created At", "type": "date", "format": "", "priority": 0},
]


def _created(step: Step) -> tuple[Kind, str, Obj]:
    kind, version, namespace = golden.kind_at(step.path)
    assert kind is not None, step.path
    obj = golden.as_stored(kind, version, namespace, step.body)
    return kind, version, kind.prepare_create(kind.defaults(obj))


def _creations(recording: str) -> Iterator[Step]:
    return (s for s in golden.steps(recording) if s.method == "POST" and s.status == 201)


@pytest.mark.parametrize("recording", ["defaults", "corpus-defaults"])
def test_new_objects_are_what_the_real_server_makes_of_them(recording: str) -> None:
    found = []
    for step in _creations(recording):
        kind, version, obj = _created(step)
        assert not kind.validate(obj, None), (kind.kind, step.note)
        assert [f'299 - "{text}"' for text in kind.warnings(obj, None)] == ([step.warning] if step.warning else [])
        served = golden.as_served(kind, version, obj)
        for line in differences(golden.comparable(step.answer), golden.comparable(served)):
            if line.partition(": ")[0] not in ELSEWHERE.get(kind.kind, ()):
                found.append(f"{recording} {step.number} {kind.kind}: {line}")
    assert found == []


@pytest.mark.parametrize("recording", ["defaults", "corpus-defaults"])
def test_defaults_applied_twice_return_the_same_object(recording: str) -> None:
    for step in _creations(recording):
        kind, version, namespace = golden.kind_at(step.path)
        assert kind is not None
        once = kind.defaults(golden.as_stored(kind, version, namespace, step.body))
        assert kind.defaults(once) is once, (kind.kind, step.number)


def _invalid_creations() -> list[Step]:
    steps = (s for s in golden.steps("errors") if s.method == "POST" and s.status == 422)
    return [s for s in steps if isinstance(s.body, dict) and not dig(s.answer, "details", "kind").endswith("Options")]


def test_errors_are_the_real_servers_to_the_letter() -> None:
    # Steps 53 and 54 fail to allocate a cluster IP and a node port: the API server's part.
    found = []
    for step in _invalid_creations():
        kind, version, namespace = golden.kind_at(step.path)
        assert kind is not None
        obj = golden.as_stored(kind, version, namespace, step.body)
        obj = put(obj, ("metadata", "name"), dig(step.body, "metadata", "name", default=""))
        new = kind.prepare_create(kind.defaults(obj))
        errors = kind.validate(new, None)
        name = new["metadata"]["name"]
        got = invalid(kind.kind, kind.group, name, errors).status() if errors else None
        if got != step.answer and step.number not in (53, 54):
            found.append((step.number, step.answer["message"], got and got["message"]))
    assert found == []


@lru_cache(maxsize=1)
def _objects() -> dict[tuple[str, str], Obj]:
    """The objects of defaults.json in the storage version, with what the server allocated."""
    made: dict[tuple[str, str], Obj] = {}
    for step in _creations("defaults"):
        kind, _, obj = _created(step)
        if kind.kind in ("Service", "CertificateSigningRequest"):
            obj = {**obj, "spec": step.answer["spec"]}
        made[(kind.stored_as or kind.resource, obj["metadata"]["name"])] = obj
    return made


def _shown(cell: Any) -> Any:
    if isinstance(cell, str) and re.fullmatch(r"(\d+[smhdy]){1,2}", cell):
        return "<age>"
    return re.sub(r":(3\d{4}|<port>)/", ":<port>/", golden.comparable(cell)) if isinstance(cell, str) else cell


def test_columns_are_the_real_servers() -> None:
    for step in golden.steps("tables"):
        if not isinstance(step.answer, dict) or step.answer.get("kind") != "Table":
            continue
        kind, _, _ = golden.kind_at(step.path)
        assert kind is not None, step.path
        want = [{k: v for k, v in c.items() if k != "description"} for c in step.answer["columnDefinitions"]]
        got = [{"name": c.name, "type": c.type, "format": c.format, "priority": c.priority} for c in kind.columns]
        assert (got or CREATED_AT) == want, kind.kind


def test_rows_are_the_real_servers() -> None:
    compared = 0
    for step in golden.steps("tables"):
        kind, _, _ = golden.kind_at(step.path)
        if not isinstance(step.answer, dict) or step.answer.get("kind") != "Table" or kind is None or kind.cells is None:
            continue
        for row in step.answer["rows"]:
            name = dig(row, "object", "metadata", "name", default="default").replace("<x>", "bcdfg")
            if name == "default":  # prepared by the recording, or without its object
                continue
            cells = kind.cells(_objects()[(kind.stored_as or kind.resource, name)], NOW)
            assert [_shown(c) for c in cells] == [_shown(c) for c in row["cells"]], (kind.kind, name)
            compared += 1
    assert compared >= 45
