"""What holds for every hand-written kind."""

import json
from typing import Any

import pytest

from engine.base.objects import frozen
from engine.kinds.common.model import Kind
from tests.kinds import golden
from tests.shared import shared

KINDS = golden.hand_written()


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.resource)
def test_a_row_has_a_cell_for_each_column_even_of_an_empty_object(kind: Kind) -> None:
    if kind.cells is None:
        assert kind.columns == ()
        return
    cells = kind.cells(frozen({"metadata": {"name": "x"}}), 0.0)
    assert len(cells) == len(kind.columns)
    assert "x" in cells


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.resource)
def test_functions_take_objects_without_content(kind: Kind) -> None:
    meta: dict[str, Any] = {"name": "x", "uid": golden.UID, "creationTimestamp": golden.TIME}
    if kind.namespaced:
        meta["namespace"] = "default"
    obj = kind.defaults(frozen({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": meta, "spec": {}}))
    made = kind.prepare_create(obj)
    kind.validate(made, None)
    again = kind.prepare_update(made, made) if kind.prepare_update else made
    assert again == made
    kind.validate(again, made)
    for read in kind.field_values.values():
        assert isinstance(read(made), str)


def test_resources_names_and_verbs_are_those_of_discovery() -> None:
    recording = json.loads(shared("golden/discovery.json").read_text())
    lists = [s["response"]["body"] for s in recording["steps"]]
    want: dict[tuple[str, str], Any] = {}
    subresources: dict[tuple[str, str], set[str]] = {}
    for listed in lists:
        if not isinstance(listed, dict) or listed.get("kind") != "APIResourceList":
            continue
        group = listed["groupVersion"].rpartition("/")[0]
        for resource in listed["resources"]:
            plural, _, sub = resource["name"].partition("/")
            if sub:
                subresources.setdefault((group, plural), set()).add(sub)
            else:
                want[(group, plural)] = resource
    for kind in KINDS:
        if kind.group == "ktui.dev":
            continue
        resource = want[(kind.group, kind.plural)]
        assert kind.kind == resource["kind"]
        assert kind.namespaced == resource["namespaced"]
        assert list(kind.short_names) == resource.get("shortNames", [])
        assert list(kind.categories) == resource.get("categories", [])
        assert (kind.singular or kind.kind.lower()) == resource["singularName"]
        assert sorted(kind.verbs) == sorted(resource["verbs"])
        has = {*kind.subresources, *(["status"] if kind.status else []), *(["scale"] if kind.scale else [])}
        assert has == subresources.get((kind.group, kind.plural), set()), kind.resource
