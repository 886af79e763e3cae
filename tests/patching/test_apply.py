"""Server-side apply beyond what is recorded: conflicts, order of lists, kubectl's annotation, versions, kinds without schema."""

from typing import Any

import orjson
import pytest

from engine.apiserver.managedfields.lastapplied import ANNOTATION
from engine.apiserver.managedfields.manager import applied, updated
from engine.base.errors import StatusError
from engine.base.objects import Obj, frozen
from engine.schema.types import FieldInfo, TypeInfo
from tests.patching.objects import INFO, NOW, entries, thing, writer


def containers(*names: str, **fields: Any) -> Obj:
    return thing({"containers": [{"name": name, **fields} for name in names]})


def names_of(obj: Obj) -> list[str]:
    return [container["name"] for container in obj["spec"]["containers"]]


def test_several_conflicts_are_listed_by_manager() -> None:
    live = updated(None, thing({"replicas": 1, "settings": {"a": "1"}}), INFO, writer("upd"), NOW)
    live = applied(live, thing({"zones": ["a"], "selector": {"x": "y"}}), INFO, writer("ssa", subresource="scale"), NOW)
    with pytest.raises(StatusError) as caught:
        applied(live, thing({"replicas": 2, "settings": {"a": "2"}, "selector": {"x": "z"}}), INFO, writer("me"), NOW)
    assert caught.value.code == 409
    assert caught.value.message == (
        'Apply failed with 3 conflicts: conflicts with "ssa" with subresource "scale":\n- .spec.selector\n'
        'conflicts with "upd" using test/v1:\n- .spec.replicas\n- .spec.settings.a'
    )
    causes = (caught.value.details or {})["causes"]
    assert causes[1] == {"reason": "FieldManagerConflict", "message": 'conflict with "upd" using test/v1', "field": ".spec.replicas"}


@pytest.mark.parametrize(
    ("live", "sent", "want"),
    [
        ("abc", "cb", "acb"),
        ("abc", "bd", "abcd"),
        ("abc", "da", "dabc"),
        ("ab", "xy", "abxy"),
        ("ab", "ba", "ba"),
        ("abcd", "dxb", "acdxb"),
        ("a", "", "a"),
    ],
)
def test_lists_by_key_come_in_the_order_that_is_applied_beside_their_neighbours(live: str, sent: str, want: str) -> None:
    made = applied(updated(None, containers(*live), INFO, writer("user"), NOW), containers(*sent), INFO, writer("me"), NOW)
    assert "".join(names_of(made)) == want


def test_an_element_is_found_by_the_default_of_an_absent_key() -> None:
    live = updated(None, containers("a", ports=[{"port": 80, "protocol": "TCP", "name": "web"}]), INFO, writer("user"), NOW)
    made = applied(live, containers("a", ports=[{"port": 80}]), INFO, writer("me"), NOW)
    assert made["spec"]["containers"][0]["ports"] == [{"port": 80, "protocol": "TCP", "name": "web"}]
    key = 'k:{"port":80,"protocol":"TCP"}'
    assert entries(made)["me"]["f:spec"]["f:containers"]['k:{"name":"a"}']["f:ports"] == {key: {".": {}, "f:port": {}}}


def test_the_first_apply_gives_untracked_fields_to_before_first_apply() -> None:
    made = applied(thing({"replicas": 1}, uid="u"), thing({"paused": True}), INFO, writer("me"), NOW)
    assert entries(made) == {"before-first-apply": {"f:spec": {".": {}, "f:replicas": {}}}, "me": {"f:spec": {"f:paused": {}}}}
    with pytest.raises(StatusError, match=r'conflict with "before-first-apply" using test/v1: \.spec\.replicas$'):
        applied(made, thing({"replicas": 2}), INFO, writer("me"), NOW)


def test_fields_that_the_strategy_resets_belong_to_nobody() -> None:
    made = applied(None, thing({"replicas": 1}), INFO, writer("me", reset={"f:spec": {}}), NOW)
    assert entries(made) == {}
    assert made["spec"] == {"replicas": 1}


def test_an_applied_object_must_fit_its_type() -> None:
    spec = {"replicas": "x", "containers": [{"image": "i"}], "zones": ["a", "a"], "settings": "s", "paused": 1, "rules": {}, "no": 1}
    with pytest.raises(StatusError) as caught:
        applied(None, thing(spec), INFO, writer("me"), NOW)
    assert caught.value.code == 500
    assert caught.value.message.splitlines() == [
        "failed to create typed patch object (/t; test/v1, Kind=Thing): errors:",
        "  .spec.replicas: expected numeric (int or float), got string",
        '  .spec.containers: element 0: associative list with keys has an element that omits key field "name" '
        "(and doesn't have default value)",
        '  .spec.zones: duplicate entries for key [="a"]',
        "  .spec.settings: expected map, got &{s}",
        "  .spec.paused: expected boolean, got &{1}",
        "  .spec.rules: expected list, got &{map[]}",
        "  .spec.no: field not declared in schema",
    ]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"apiVersion": "test/v2", "kind": "Thing", "metadata": {"name": "t"}}, "invalid object type: test/v2, Kind=Thing"),
        ({"apiVersion": "test/v1", "kind": "Thong", "metadata": {"name": "t"}}, "invalid object type: test/v1, Kind=Thong"),
        ({"apiVersion": "test/v1", "kind": "Thing", "metadata": {"managedFields": []}}, "metadata.managedFields must be nil"),
    ],
)
def test_other_types_and_managed_fields_are_refused(sent: Obj, message: str) -> None:
    live = updated(None, thing({"replicas": 1}), INFO, writer("user"), NOW)
    with pytest.raises(StatusError) as caught:
        applied(live, frozen(sent), INFO, writer("me"), NOW)
    assert (caught.value.code, caught.value.message) == (400, message)


def client_side_applied(spec: Obj, changed: Obj) -> Obj:
    last = orjson.dumps({"apiVersion": "test/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}).decode()
    live = updated(None, thing(spec, annotations={ANNOTATION: last}), INFO, writer("kubectl-client-side-apply"), NOW)
    return updated(live, {**live, "spec": changed}, INFO, writer("other"), NOW)


def test_kubectl_takes_over_what_it_applied_on_the_clients_side() -> None:
    live = client_side_applied({"replicas": 1, "paused": True}, {"replicas": 1, "paused": True})
    made = applied(live, thing({"replicas": 5}), INFO, writer("kubectl"), NOW)
    assert made["spec"] == {"replicas": 5, "paused": True}
    assert orjson.loads(made["metadata"]["annotations"][ANNOTATION])["spec"] == {"replicas": 5}
    with pytest.raises(StatusError, match="conflict"):
        applied(live, thing({"replicas": 5}), INFO, writer("somebody"), NOW)


def test_kubectl_does_not_take_over_what_was_changed_since() -> None:
    live = client_side_applied({"replicas": 1, "paused": True}, {"replicas": 3, "paused": True})
    with pytest.raises(StatusError) as caught:
        applied(live, thing({"replicas": 5, "paused": False}), INFO, writer("kubectl"), NOW)
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "other" using test/v1: .spec.replicas'


def renamed(obj: Obj, api_version: str) -> Obj | None:
    """v2 calls `replicas` `count`; v0 is not served any more."""
    if api_version == "test/v0":
        return None
    have, want = ("replicas", "count") if api_version == "test/v2" else ("count", "replicas")
    spec = {want if name == have else name: value for name, value in (obj.get("spec") or {}).items()}
    return {**obj, "apiVersion": api_version, "spec": spec}


def test_managers_of_other_versions_are_compared_in_theirs() -> None:
    entry = {"operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1"}
    live = thing(
        {"replicas": 1, "paused": True},
        uid="u",
        managedFields=[
            {**entry, "manager": "gone", "apiVersion": "test/v0", "fieldsV1": {"f:spec": {"f:paused": {}}}},
            {**entry, "manager": "new", "apiVersion": "test/v2", "fieldsV1": {"f:spec": {"f:count": {}, "f:paused": {}}}},
        ],
    )
    made = updated(live, {**live, "spec": {"replicas": 2, "paused": True}}, None, writer("me", convert=renamed), NOW)
    assert entries(made) == {"new": {"f:spec": {"f:paused": {}}}, "me": {"f:spec": {"f:replicas": {}}}}
    with pytest.raises(StatusError, match=r'conflict with "new": \.spec\.count$'):
        applied(live, thing({"replicas": 3}), None, writer("me", convert=renamed), NOW)


def test_a_kind_without_schema_has_granular_maps_and_atomic_lists() -> None:
    live = updated(None, thing({"map": {"a": {"b": 1}}, "list": [{"name": "x"}]}), None, writer("user"), NOW)
    want = {".": {}, "f:list": {}, "f:map": {".": {}, "f:a": {".": {}, "f:b": {}}}}
    assert entries(live)["user"]["f:spec"] == want
    made = applied(live, thing({"map": {"a": {"c": 2}}}), None, writer("me"), NOW)
    assert made["spec"] == {"map": {"a": {"b": 1, "c": 2}}, "list": [{"name": "x"}]}
    assert entries(made)["me"] == {"f:spec": {".": {}, "f:map": {".": {}, "f:a": {".": {}, "f:c": {}}}}}
    with pytest.raises(StatusError, match=r"\.spec\.list$"):
        applied(live, thing({"list": [{"name": "y"}]}), None, writer("me"), NOW)
    kept = applied(made, thing({"map": {"a": "text"}}), None, writer("me"), NOW, force=True)
    assert kept["spec"]["map"] == {"a": "text"}


def test_a_custom_kind_may_preserve_fields_that_it_does_not_name() -> None:
    extra = FieldInfo(kind="object", own_type=TypeInfo("test.Extra", preserve=True))
    spec = TypeInfo("test.OpenSpec", {"replicas": FieldInfo(scalar="int64"), "extra": extra}, preserve=True)
    info = TypeInfo("test.Open", {**INFO.fields, "spec": FieldInfo(kind="object", own_type=spec)})
    live = applied(None, thing({"replicas": 1, "extra": {"a": 1}, "more": {"x": [1]}}), info, writer("one"), NOW)
    assert entries(live)["one"]["f:spec"] == {"f:replicas": {}, "f:extra": {"f:a": {}}, "f:more": {".": {}, "f:x": {}}}
    made = applied(live, thing({"extra": {"b": 2}}), info, writer("two"), NOW)
    assert made["spec"]["extra"] == {"a": 1, "b": 2}
