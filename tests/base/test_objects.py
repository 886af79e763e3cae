"""Path-copying shares what it does not touch; frozen objects refuse writes."""

import pytest

from engine.base import objects

POD = {"metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"containers": [{"name": "c"}, {"name": "d"}]}}


def test_put_copies_the_path_and_shares_the_rest() -> None:
    changed = objects.put(POD, ("spec", "containers", 1, "image"), "nginx")
    assert changed["spec"]["containers"][1] == {"name": "d", "image": "nginx"}
    assert POD["spec"]["containers"][1] == {"name": "d"}
    assert changed["metadata"] is POD["metadata"]
    assert changed["spec"]["containers"][0] is POD["spec"]["containers"][0]


def test_put_creates_missing_parents() -> None:
    assert objects.put({}, ("status", "phase"), "Running") == {"status": {"phase": "Running"}}


def test_drop_removes_fields_and_items_and_keeps_identity_without_change() -> None:
    assert objects.drop(POD, ("metadata", "labels", "x"))["metadata"] == {"name": "a", "labels": {}}
    assert objects.drop(POD, ("spec", "containers", 0))["spec"] == {"containers": [{"name": "d"}]}
    assert objects.drop(POD, ("metadata", "labels", "nosuch")) is POD
    assert objects.drop(POD, ("status",)) is POD
    assert "spec" not in objects.drop(POD, ("spec",))


def test_merge_and_each_keep_identity_without_change() -> None:
    assert objects.merge(POD, spec=POD["spec"]) is POD
    items = [1, 2]
    assert objects.each(items, lambda i: i) is items
    assert objects.each(items, lambda i: i + 1) == [2, 3]


def test_dig_stops_at_missing_steps() -> None:
    assert objects.dig(POD, "spec", "containers", 1, "name") == "d"
    assert objects.dig(POD, "spec", "containers", 7, "name", default="-") == "-"
    assert objects.dig(POD, "metadata", "name", "deeper") is None


def test_frozen_objects_refuse_every_write() -> None:
    pod = objects.frozen(POD)
    assert pod == POD
    with pytest.raises(objects.MutationError):
        pod["metadata"]["name"] = "b"
    with pytest.raises(objects.MutationError):
        pod["spec"]["containers"].append({})
    with pytest.raises(objects.MutationError):
        pod["spec"].update(x=1)


def test_controller_is_the_reference_marked_so() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "uid": "u"}}
    ref = objects.controller_ref(owner)
    pod = objects.put(POD, ("metadata", "ownerReferences"), [{"kind": "X", "uid": "v"}, ref])
    assert objects.controller_of(pod) is ref
    assert objects.controller_of(POD) is None
