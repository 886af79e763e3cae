"""RFC 7386 and RFC 6902, by their own examples and by the property that a difference applied gives what it was made of."""

from typing import Any

import jsonpatch
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.apiserver.patching.merge import apply_merge
from engine.apiserver.patching.patch import apply_patch
from engine.base.api import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from engine.base.errors import StatusError
from engine.base.limits import JSON_PATCH_OPERATIONS_MAX
from engine.base.objects import Obj, frozen
from tests.patching.objects import INFO, thing, things

_scalars = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "x"])
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3))
objects = st.dictionaries(st.sampled_from("abc"), _values, max_size=3)


@pytest.mark.parametrize(
    ("current", "patch", "want"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": [1]}, {"a": [True]}, {"a": [True]}),
        ({}, {"a": [None, {"b": None}]}, {"a": [None, {}]}),
    ],
)
def test_merge_patch_follows_rfc_7386(current: Obj, patch: Obj, want: Obj) -> None:
    made = apply_patch(frozen(current), frozen(patch), MERGE_PATCH, None)
    assert made == want
    assert repr(made) == repr(want)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


@given(objects, objects)
def test_a_merge_patch_applied_twice_is_applied_once(current: dict[str, Any], patch: dict[str, Any]) -> None:
    once = apply_merge(frozen(current), frozen(patch))
    assert apply_merge(once, frozen(patch)) is once
    assert apply_merge(frozen({}), frozen(patch)) == _without_nulls(patch)


def test_a_merge_patch_shares_what_it_does_not_touch() -> None:
    current = frozen({"a": {"b": {"c": 1}, "d": [1]}, "e": {}})
    assert apply_merge(current, {"a": {"d": [1]}, "e": {}, "x": None}) is current
    made = apply_merge(current, {"a": {"d": [2]}})
    assert made["a"]["b"] is current["a"]["b"] and made["e"] is current["e"]


@given(things, things)
def test_a_difference_applied_as_json_patch_gives_the_new_object(a: Obj, b: Obj) -> None:
    made = apply_patch(a, frozen(jsonpatch.make_patch(*orjson.loads(orjson.dumps([a, b]))).patch), JSON_PATCH, None)
    assert made == b
    assert (made is a) is (a == b)


def test_a_json_patch_shares_what_it_does_not_touch_and_changes_no_argument() -> None:
    entries = [{"manager": "m"}]
    current = frozen({"metadata": {"managedFields": entries, "labels": {"a": "1"}}, "spec": {"x": [1]}, "status": {}})
    value = {"inner": {}}
    patch = frozen([{"op": "add", "path": "/metadata/labels/b", "value": "2"}, {"op": "add", "path": "/data", "value": value}])
    more = frozen([*patch, {"op": "add", "path": "/data/inner/late", "value": 1}])
    made = apply_patch(current, more, JSON_PATCH, None)
    assert made == {**current, "metadata": {"managedFields": entries, "labels": {"a": "1", "b": "2"}}, "data": {"inner": {"late": 1}}}
    assert made["spec"] is current["spec"]
    assert made["metadata"]["managedFields"] is current["metadata"]["managedFields"]
    assert value == {"inner": {}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "remove", "path": "/spec/no"},
        {"op": "move", "from": "/no", "path": "/spec/x"},
        {"op": "replace", "path": "/spec/no", "value": 1},
        {"op": "add", "path": "/no/such", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "add", "path": "/spec/zones/9", "value": "x"},
        {"op": "add", "path": "/spec/zones/x", "value": "x"},
        {"op": "add", "path": "/spec/replicas/x", "value": "x"},
        {"op": "add", "path": "/spec/x"},
        {"op": "frob", "path": "/spec"},
        {"path": "/spec"},
        {"op": "replace", "path": "", "value": 3},
        {"op": "remove", "path": ""},
        {"op": "move", "from": "/spec", "path": "/spec/inner"},
        {"op": "add", "path": 7, "value": 1},
        7,
    ],
    ids=str,
)
def test_an_operation_that_fails_is_422_and_nothing_more(operation: Any) -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(thing({"replicas": 1, "zones": ["a"]}), [operation], JSON_PATCH, None)
    assert (caught.value.code, caught.value.reason, caught.value.details) == (422, "Invalid", {})
    assert caught.value.message == "the server rejected our request due to an error in our request"


def test_a_json_patch_has_a_maximum_of_operations() -> None:
    operation = {"op": "test", "path": "/kind", "value": "Thing"}
    assert apply_patch(thing(), [operation] * 3, JSON_PATCH, None) == thing()
    with pytest.raises(StatusError) as caught:
        apply_patch(thing(), [operation] * (JSON_PATCH_OPERATIONS_MAX + 1), JSON_PATCH, None)
    assert caught.value.code == 413
    assert caught.value.message == "The allowed maximum operations in a JSON patch is 10000, got 10001"


@pytest.mark.parametrize(
    ("patch", "content_type", "code", "message"),
    [
        ({}, JSON_PATCH, 400, "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        ([], MERGE_PATCH, 400, "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("x", STRATEGIC_PATCH, 400, "json: cannot unmarshal string into Go value of type map[string]interface {}"),
        ({}, "text/plain", 415, "415: Unsupported Media Type"),
    ],
)
def test_what_is_no_patch_is_refused(patch: Any, content_type: str, code: int, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(thing(), patch, content_type, INFO)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_kind_without_schema_takes_no_strategic_merge_patch() -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch(thing(), {}, STRATEGIC_PATCH, None)
    assert (caught.value.code, caught.value.reason) == (415, "UnsupportedMediaType")
