"""Strategic merge patch: lists by key, order, directives, and what upstream answers to patches of a wrong form."""

from typing import Any

import pytest
from hypothesis import given

from engine.apiserver.patching.patch import apply_patch
from engine.base.api import STRATEGIC_PATCH
from engine.base.errors import StatusError
from engine.base.objects import Obj, frozen
from engine.schema.types import named, type_of
from tests.patching.objects import INFO, thing, things


def patched(spec: Any, patch: Any) -> Any:
    """The spec that comes of a patch of it."""
    return apply_patch(thing(spec), frozen({"spec": patch}), STRATEGIC_PATCH, INFO)["spec"]


def containers(*items: Any) -> dict[str, Any]:
    return {"containers": [{"name": item} if isinstance(item, str) else item for item in items]}


A, B, C = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}, {"name": "c", "image": "1"}


@pytest.mark.parametrize(
    ("spec", "patch", "want"),
    [
        pytest.param({"replicas": 1}, {"replicas": 2, "paused": True}, {"replicas": 2, "paused": True}, id="fields"),
        pytest.param({"replicas": 1, "paused": True}, {"replicas": None, "selector": None}, {"paused": True}, id="null removes"),
        pytest.param({"settings": {"a": "1"}}, {"settings": {"b": "2"}}, {"settings": {"a": "1", "b": "2"}}, id="maps are merged"),
        pytest.param({"selector": {"a": "1"}}, {"selector": {"b": "2"}}, {"selector": {"a": "1", "b": "2"}}, id="atomic only for apply"),
        pytest.param(containers(A), containers({"name": "a", "image": "2"}), containers({**A, "image": "2"}), id="by key"),
        pytest.param(containers(A, B), containers(C), containers(C, A, B), id="new ones in front"),
        pytest.param(
            containers(A, B, C),
            containers({**C, "image": "2"}, {**A, "image": "2"}),
            containers(B, {**C, "image": "2"}, {**A, "image": "2"}),
            id="order of the patch",
        ),
        pytest.param({"rules": [{"port": 1}]}, {"rules": [{"port": 2}]}, {"rules": [{"port": 2}]}, id="lists without strategy"),
        pytest.param({"zones": ["a", "b"]}, {"zones": ["c", "a"]}, {"zones": ["c", "a", "b"]}, id="lists of scalars are united"),
        pytest.param({}, containers({**A, "image": None}), containers("a"), id="nulls of what is new"),
        pytest.param({"settings": {"a": "1"}}, {"settings": {"$patch": "replace", "b": "2"}}, {"settings": {"b": "2"}}, id="replace"),
        pytest.param({"settings": {"a": "1"}}, {"settings": {"$patch": "delete"}}, {"settings": {}}, id="delete a map"),
        pytest.param(containers(A, B), containers({"name": "a", "$patch": "delete"}), containers(B), id="delete an element"),
        pytest.param(containers(A, B), containers({"$patch": "replace"}, C), containers(C), id="replace a list"),
        pytest.param(containers(A), containers({"$patch": "replace"}), {"containers": []}, id="replace by nothing"),
        pytest.param(
            containers(A), containers({"name": "a", "$patch": "replace", "image": "2"}), {"containers": []}, id="replace has no content"
        ),
        pytest.param({}, containers({"name": "a", "$patch": "delete"}, B), containers(B), id="directives in what is new"),
        pytest.param({"replicas": 1}, {"replicas": {"$patch": "delete"}}, {}, id="a directive instead of a scalar"),
        pytest.param({"zones": ["a", "b"]}, {"$deleteFromPrimitiveList/zones": ["a", "x"]}, {"zones": ["b"]}, id="from a list of scalars"),
        pytest.param(
            {"zones": ["a", "b"]},
            {"$deleteFromPrimitiveList/zones": ["a"], "zones": ["c"]},
            {"zones": ["c", "b"]},
            id="from a list, and to it",
        ),
        pytest.param({}, {"$deleteFromPrimitiveList/zones": ["a"]}, {}, id="from a list that is not there"),
        pytest.param(
            containers(A, B, C), {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}, containers(B, C, A), id="order alone"
        ),
        pytest.param(
            containers(A, B),
            {"$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}], **containers(C)},
            containers(B, C, A),
            id="order of what is merged",
        ),
        pytest.param(
            containers(A, B),
            {"$setElementOrder/containers": [{"name": "b"}], **containers({"name": "a", "$patch": "delete"})},
            containers(B),
            id="order and deletion",
        ),
        pytest.param(
            {"zones": ["a", "b", "c"]},
            {"$setElementOrder/zones": ["c", "d", "a"], "zones": ["d"]},
            {"zones": ["b", "c", "d", "a"]},
            id="order of scalars",
        ),
        pytest.param({}, {"$setElementOrder/containers": [{"name": "a"}]}, {}, id="order of nothing"),
        pytest.param(
            {},
            {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], **containers(B, A)},
            containers(B, A),
            id="order of what is new",
        ),
        pytest.param({"replicas": 1, "paused": True}, {"$retainKeys": ["replicas"], "replicas": 2}, {"replicas": 2}, id="retainKeys"),
        pytest.param(
            {"replicas": 1, "settings": {"a": "1"}},
            {"$retainKeys": ["settings"], "paused": None},
            {"settings": {"a": "1"}},
            id="retain and null",
        ),
    ],
)
def test_a_strategic_merge_patch_makes_of_a_spec(spec: Any, patch: Any, want: Any) -> None:
    assert patched(spec, patch) == want


MIXED = "list element types are not identical: [[map[image:1 name:a]] [a map[name:b]]]"
ORDER = "The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n"


@pytest.mark.parametrize(
    ("spec", "patch", "code", "message"),
    [
        ({}, {"$patch": "frob"}, 500, "unknown patch type: frob in map: map[$patch:frob]"),
        (containers(A), containers({"image": "1"}), 500, "map: map[image:1] does not contain declared merge key: name"),
        (containers(A), containers({"$patch": "delete"}), 500, "map: map[$patch:delete] does not contain declared merge key: name"),
        (containers(A), containers({"$patch": "merge"}), 500, "merging lists cannot yet be specified in the patch"),
        (containers(A), {"containers": ["a", {"name": "b"}]}, 500, MIXED),
        (containers(A), {"containers": [[]]}, 422, "the server rejected our request due to an error in our request"),
        ({"paused": True}, {"$retainKeys": "x"}, 400, "invalid patch format of retainKeys"),
        ({"paused": True}, {"$retainKeys": ["paused"], "replicas": 1}, 400, "invalid patch format of retainKeys"),
        ({"zones": ["a"]}, {"$deleteFromPrimitiveList": ["a"]}, 400, "invalid patch format of primitive list"),
        ({"zones": ["a"]}, {"$setElementOrder": ["a"]}, 400, "invalid patch format of setElementOrder list"),
        ({"zones": ["a"]}, {"$setElementOrder/zones": "a"}, 500, "expected a []interface {}, but received a string"),
        ({}, {"$setElementOrder/no": ["a"]}, 500, 'unable to find api field in struct Spec for the json field "no"'),
        (containers(A, B), {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}], **containers("b", "a")}, 500, ORDER),
    ],
)
def test_a_patch_of_a_wrong_form_is_refused(spec: Any, patch: Any, code: int, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        patched(spec, patch)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.reason == {400: "BadRequest", 422: "Invalid"}.get(code, "")


def _has_distinct_ports(obj: Obj) -> bool:
    """Strategic merge finds ports by number alone: of two with the same number upstream merges both into the first."""
    ports = [[port["port"] for port in c.get("ports", ())] for c in obj["spec"].get("containers", ())]
    return all(len(set(numbers)) == len(numbers) for numbers in ports)


distinct = things.filter(_has_distinct_ports)


@given(distinct, distinct)
def test_a_patch_applied_twice_is_applied_once(a: Obj, b: Obj) -> None:
    once = apply_patch(a, b, STRATEGIC_PATCH, INFO)
    assert apply_patch(once, b, STRATEGIC_PATCH, INFO) is once
    assert apply_patch(a, a, STRATEGIC_PATCH, INFO) is a


@given(distinct, distinct)
def test_a_patch_shares_what_it_does_not_touch(a: Obj, b: Obj) -> None:
    made = apply_patch(a, b, STRATEGIC_PATCH, INFO)
    assert made["metadata"] is a["metadata"]
    for name, value in a["spec"].items():
        assert name in b["spec"] or made["spec"][name] is value


def test_the_merge_keys_are_those_of_kubernetes() -> None:
    info = type_of("", "v1", "Pod")
    assert info is not None and named("core.v1.Container").fields["ports"].patch_merge_key == "containerPort"
    pod = frozen({"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80, "name": "old"}]}], "tolerations": [{"key": "a"}]}})
    patch = {"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80, "name": "new"}]}], "tolerations": [{"key": "b"}]}}
    made = apply_patch(pod, frozen(patch), STRATEGIC_PATCH, info)
    assert made == patch
    volumes = {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]}}
    pod = frozen({"spec": {"volumes": [{"name": "v", "configMap": {"name": "x"}}]}})
    assert apply_patch(pod, frozen(volumes), STRATEGIC_PATCH, info) == {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
