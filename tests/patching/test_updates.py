"""Entries of writes that are no apply: names, times, order, how many there may be, and what a client may do to them."""

from typing import Any

import pytest

from engine.apiserver.managedfields.manager import applied, keep_times, manager_name, reset_fields, updated
from engine.base.clock import rfc3339
from engine.base.objects import Obj
from tests.patching.objects import INFO, NOW, entries, thing, writer


def changed(live: Obj, spec: Any, manager: str, seconds: float = 0, **more: Any) -> Obj:
    return updated(live, {**live, "spec": spec}, INFO, writer(manager, **more), NOW + seconds)


def managers(obj: Obj) -> list[tuple[str, str]]:
    return [(entry["manager"], entry["time"]) for entry in obj["metadata"]["managedFields"]]


@pytest.mark.parametrize(
    ("field_manager", "user_agent", "name"),
    [
        ("me", "kubectl/v1.36", "me"),
        ("", "kubectl/v1.36 (linux/amd64)", "kubectl"),
        ("", "plain", "plain"),
        ("", "", ""),
        ("", "a\x00b/1", "ab"),
        ("", "é" * 100, "é" * 64),
    ],
)
def test_a_manager_is_named_by_the_request_or_its_user_agent(field_manager: str, user_agent: str, name: str) -> None:
    assert manager_name(field_manager, user_agent) == name


def test_a_write_without_any_name_is_by_unknown() -> None:
    assert managers(updated(None, thing({"replicas": 1}), INFO, writer(""), NOW)) == [("unknown", rfc3339(NOW))]


def test_an_entry_has_upstreams_fields_in_upstreams_order() -> None:
    made = updated(None, thing({"replicas": 1}), INFO, writer("me", subresource="status"), NOW)
    (entry,) = made["metadata"]["managedFields"]
    assert list(entry.items()) == [
        ("manager", "me"),
        ("operation", "Update"),
        ("apiVersion", "test/v1"),
        ("time", rfc3339(NOW)),
        ("fieldsType", "FieldsV1"),
        ("fieldsV1", {"f:spec": {".": {}, "f:replicas": {}}}),
        ("subresource", "status"),
    ]


def test_only_a_write_of_the_managers_own_touches_its_time() -> None:
    live = updated(None, thing({"replicas": 1, "paused": True}), INFO, writer("one"), NOW)
    live = changed(live, {"replicas": 2, "paused": True}, "two", 10)
    assert managers(live) == [("one", rfc3339(NOW)), ("two", rfc3339(NOW + 10))]
    live = changed(live, {"replicas": 2}, "one", 20)
    assert managers(live) == [("one", rfc3339(NOW)), ("two", rfc3339(NOW + 10))], "removing takes no time"
    live = changed(live, {"replicas": 3}, "two", 30)
    assert managers(live) == [("one", rfc3339(NOW)), ("two", rfc3339(NOW + 30))]


def test_appliers_come_before_updaters_then_the_older_then_by_name() -> None:
    live = updated(None, thing({"replicas": 1, "paused": True, "settings": {"a": "1"}}), INFO, writer("zed"), NOW)
    live = changed(live, {**live["spec"], "replicas": 2}, "abe", 0)
    live = changed(live, {**live["spec"], "paused": False}, "abe", 5, subresource="status")
    live = applied(live, thing({"zones": ["a"]}), INFO, writer("late"), NOW + 60)
    assert [(e["manager"], e["operation"], e.get("subresource", "")) for e in live["metadata"]["managedFields"]] == [
        ("late", "Apply", ""),
        ("abe", "Update", ""),
        ("zed", "Update", ""),
        ("abe", "Update", "status"),
    ]


def test_a_manager_without_fields_is_forgotten() -> None:
    live = applied(None, thing({"zones": ["a"]}), INFO, writer("one"), NOW)
    live = changed(live, {"replicas": 2}, "two")
    assert entries(live) == {"two": {"f:spec": {"f:replicas": {}}}}


def test_of_more_than_ten_updaters_the_oldest_are_merged() -> None:
    fields = {f"k{i:02}": "0" for i in range(13)}
    live = updated(None, thing({"settings": fields}), INFO, writer("m00"), NOW)
    for i in range(1, 13):
        live = changed(live, {"settings": {**live["spec"]["settings"], f"k{i:02}": "1"}}, f"m{i:02}", i)
    assert [name for name, _ in managers(live)] == ["ancient-changes", *(f"m{i:02}" for i in range(4, 13))]
    ancient = entries(live)["ancient-changes"]["f:spec"]["f:settings"]
    assert sorted(ancient) == [".", "f:k00", "f:k01", "f:k02", "f:k03"]
    assert managers(live)[0] == ("ancient-changes", rfc3339(NOW + 3))


@pytest.mark.parametrize("reset", [[], [{}]])
def test_a_client_can_have_all_managers_forgotten(reset: list[Any]) -> None:
    live = updated(None, thing({"replicas": 1}, uid="u"), INFO, writer("one"), NOW)
    sent = {**live, "metadata": {**live["metadata"], "managedFields": reset}}
    made = updated(live, sent, INFO, writer("two"), NOW)
    assert "managedFields" not in made["metadata"]
    assert "managedFields" not in changed(made, {"replicas": 2}, "three")["metadata"], "and untracked it stays"


def test_managers_that_a_client_leaves_out_or_garbles_are_kept() -> None:
    live = updated(None, thing({"replicas": 1}, uid="u"), INFO, writer("one"), NOW)
    for sent in (None, [{"manager": "x"}], [{"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV2"}], "x"):
        given = {**live, "metadata": {**live["metadata"], "managedFields": sent}}
        assert updated(live, given, INFO, writer("two"), NOW)["metadata"] == live["metadata"], sent


def test_a_client_may_edit_managers_but_not_through_a_subresource() -> None:
    live = updated(None, thing({"replicas": 1}, uid="u"), INFO, writer("one"), NOW)
    (entry,) = live["metadata"]["managedFields"]
    sent = {**live, "metadata": {**live["metadata"], "managedFields": [{**entry, "manager": "renamed"}]}}
    assert list(entries(updated(live, sent, INFO, writer("two"), NOW))) == ["renamed"]
    assert list(entries(updated(live, sent, INFO, writer("two", subresource="status"), NOW))) == ["one"]


def test_lists_without_keys_leave_the_managers_as_they_are() -> None:
    live = updated(None, thing({"replicas": 1}, uid="u"), INFO, writer("one"), NOW)
    made = changed(live, {"replicas": 2, "containers": [{"image": "i"}]}, "two")
    assert made["metadata"]["managedFields"] is live["metadata"]["managedFields"]


def test_elements_that_occur_twice_are_one_field() -> None:
    twice = [{"name": "a", "image": "1"}, {"name": "a", "image": "2"}]
    live = updated(None, thing({"containers": twice}, uid="u"), INFO, writer("one"), NOW)
    key = 'k:{"name":"a"}'
    assert entries(live)["one"]["f:spec"]["f:containers"] == {".": {}, key: {}}
    live = changed(live, {"containers": twice[:1]}, "two")
    assert entries(live)["two"] == {"f:spec": {"f:containers": {key: {".": {}, "f:name": {}, "f:image": {}}}}}
    live = changed(live, {"containers": twice}, "three")
    assert entries(live)["three"] == {"f:spec": {"f:containers": {key: {}}}}


def test_a_write_that_changes_times_only_is_none() -> None:
    live = updated(None, thing({"replicas": 1}, uid="u", resourceVersion="7"), INFO, writer("one"), NOW)
    (entry,) = live["metadata"]["managedFields"]
    later = [{**entry, "time": rfc3339(NOW + 60)}]
    new = {**live, "metadata": {**live["metadata"], "managedFields": later, "resourceVersion": ""}}
    assert keep_times(live, new) is live
    other = {**new, "spec": {"replicas": 2}}
    assert keep_times(live, other) is other
    taken = {**new, "metadata": {**new["metadata"], "managedFields": [{**later[0], "manager": "two"}]}}
    assert keep_times(live, taken) is taken


def test_what_a_strategy_resets_is_told_by_subresource() -> None:
    assert reset_fields("", True) == {"f:status": {}}
    assert reset_fields("", False) == {}
    assert reset_fields("status", True) == {"f:spec": {}}
    assert reset_fields("scale", True) == {}
    assert reset_fields("status", True, "pods") == {"f:metadata": {"f:deletionTimestamp": {}, "f:ownerReferences": {}}, "f:spec": {}}
    assert reset_fields("", True) is reset_fields("", True)
