"""Definitions come, are served at once, change, and go with their objects."""

import asyncio
from typing import Any

import orjson

from engine.apiserver.server import ApiServer
from engine.base.api import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, TABLE, ListQuery
from engine.base.objects import Obj
from tests.apiserver.servers import Rig, refused, serving
from tests.definitions.builders import CRDS, SPEC, TABS, define, definition, tab, version

BASE = "/apis/stable.example.com/v1"
SUBRESOURCES: Obj = {
    "status": {},
    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"},
}


def conditions(crd: Obj) -> dict[str, tuple[str, str, str]]:
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in crd["status"]["conditions"]}


def test_names_are_accepted_and_the_definition_is_established() -> None:
    crd = serving(define)
    assert conditions(crd) == {
        "NamesAccepted": ("True", "NoConflicts", "no conflicts found"),
        "Established": ("True", "InitialNamesAccepted", "the initial names have been accepted"),
    }
    assert crd["status"]["acceptedNames"] == {**crd["spec"]["names"]}
    assert crd["status"]["storedVersions"] == ["v1"]


def test_the_answer_to_the_creation_has_no_conditions_yet() -> None:
    async def body(rig: Rig) -> Obj:
        return await rig.client.create(CRDS, definition())

    assert serving(body)["status"] == {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v1"]}


def test_names_in_use_are_not_accepted_until_they_are_free() -> None:
    async def body(rig: Rig) -> tuple[Obj, Obj]:
        await define(rig)
        second = await define(rig, plural="others", singular="other", kind="CronTab", listKind="OtherList", shortNames=["ct"])
        await rig.client.delete(CRDS, TABS)
        await asyncio.sleep(1)
        return second, await rig.client.get(CRDS, "others.stable.example.com")

    before, after = serving(body)
    assert conditions(before) == {
        "NamesAccepted": ("False", "KindConflict", '"CronTab" is already in use'),
        "Established": ("False", "NotAccepted", "not all names are accepted"),
    }
    assert conditions(after)["Established"][0] == "True"


def test_the_kind_is_in_discovery_and_openapi_at_once_and_leaves_with_its_definition() -> None:
    async def body(rig: Rig) -> tuple[list[str], list[str]]:
        async def told() -> list[str]:
            listed = await rig.answer("GET", "/apis/stable.example.com/v1")
            document = await rig.answer("GET", "/openapi/v3/apis/stable.example.com/v1")
            names = [r["name"] for r in listed.body["resources"]] if listed.status == 200 else []
            schemas = orjson.loads(document.body)["components"]["schemas"] if document.status == 200 else {}
            return [*names, *(name for name in schemas if name.startswith("com.example"))]

        await define(rig, version(subresources=SUBRESOURCES))
        there = await told()
        await rig.client.delete(CRDS, TABS)
        await asyncio.sleep(1)
        return there, await told()

    there, gone = serving(body)
    assert there == [
        "crontabs",
        "crontabs/scale",
        "crontabs/status",
        "com.example.stable.v1.CronTab",
        "com.example.stable.v1.CronTabList",
    ]
    assert gone == []


def test_objects_are_deleted_with_their_definition_finalizers_first() -> None:
    async def body(rig: Rig) -> tuple[Obj, list[Obj], list[Obj]]:
        await define(rig)
        await rig.client.create(TABS, tab("free"), "shop")
        held = tab("held")
        await rig.client.create(TABS, {**held, "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}, "shop")
        await rig.client.delete(CRDS, TABS)
        await asyncio.sleep(1)
        waiting = await rig.client.get(CRDS, TABS)
        left = (await rig.client.list(TABS))["items"]
        await rig.client.patch(TABS, "held", {"metadata": {"finalizers": None}}, "shop")
        await asyncio.sleep(1)
        return waiting, left, (await rig.client.list(CRDS))["items"]

    waiting, left, definitions = serving(body)
    assert waiting["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert conditions(waiting)["Terminating"] == ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
    assert [o["metadata"]["name"] for o in left] == ["held"]
    assert definitions == []


def test_objects_of_a_definition_that_serves_no_version_any_more_go_with_it() -> None:
    async def body(rig: Rig) -> tuple[int, Obj | None]:
        await define(rig)
        await rig.client.create(TABS, tab(), "shop")
        await rig.client.patch(CRDS, TABS, {"spec": {"versions": [version(served=False)]}})
        await asyncio.sleep(0)
        unserved = await rig.answer("GET", f"{BASE}/crontabs")
        await rig.client.delete(CRDS, TABS)
        await asyncio.sleep(1)
        return unserved.status, rig.store.get(TABS, "shop", "my")

    assert serving(body) == (404, None)


def test_nothing_is_created_while_the_definition_is_terminating() -> None:
    async def body(rig: Rig) -> int:
        await define(rig)
        await rig.client.create(TABS, {**tab("held"), "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}, "shop")
        await rig.client.delete(CRDS, TABS)
        await asyncio.sleep(1)
        return (await refused(rig.client.create(TABS, tab("late"), "shop"))).code

    assert serving(body) == 405


def test_definitions_of_a_store_that_was_opened_again_are_served() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        await rig.client.create(TABS, tab(), "shop")
        rig.server = ApiServer(rig.store, rig.world)
        return (await rig.answer("GET", f"{BASE}/namespaces/shop/crontabs/my")).body  # type: ignore[no-any-return]

    assert serving(body)["spec"]["replicas"] == 1


def test_rows_have_the_columns_of_the_definition() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        await rig.client.create(TABS, tab(), "shop")
        return await rig.client.list(TABS, ListQuery(namespace="shop"), accept=TABLE)

    table = serving(body)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Spec", "Replicas", "Age"]
    assert [row["cells"] for row in table["rows"]] == [["my", "* * * * */5", 1, "0s"]]


def test_without_columns_rows_have_an_age() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig, version(additionalPrinterColumns=[]))
        return await rig.client.list(TABS, accept=TABLE)

    assert [c["name"] for c in serving(body)["columnDefinitions"]] == ["Name", "Age"]


def test_the_status_is_written_through_its_subresource_alone() -> None:
    async def body(rig: Rig) -> tuple[Obj, Obj, Obj]:
        await define(rig, version(subresources=SUBRESOURCES))
        made = await rig.client.create(TABS, tab(status={"replicas": 7}), "shop")
        await rig.client.patch(TABS, "my", {"status": {"replicas": 3}, "spec": {"replicas": 4}}, "shop", "status")
        written = await rig.client.get(TABS, "my", "shop")
        return made, written, await rig.client.patch(TABS, "my", {"status": {"replicas": 9}, "spec": {"replicas": 4}}, "shop")

    made, written, changed = serving(body)
    assert "status" not in made
    assert (written["status"], written["spec"]["replicas"], written["metadata"]["generation"]) == ({"replicas": 3}, 1, 1)
    assert (changed["status"], changed["spec"]["replicas"], changed["metadata"]["generation"]) == ({"replicas": 3}, 4, 2)


def test_without_a_status_subresource_the_status_is_a_field_like_others() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        await rig.client.create(TABS, tab(status={"replicas": 7}), "shop")
        return await rig.client.patch(TABS, "my", {"status": {"replicas": 8}}, "shop")

    changed = serving(body)
    assert (changed["status"], changed["metadata"]["generation"]) == ({"replicas": 8}, 2)


def test_scale_reads_and_writes_where_the_definition_says() -> None:
    async def body(rig: Rig) -> tuple[Obj, Obj]:
        await define(rig, version(subresources=SUBRESOURCES))
        await rig.client.create(TABS, tab(), "shop")
        await rig.client.patch(TABS, "my", {"status": {"replicas": 1, "selector": "app=tab"}}, "shop", "status")
        await rig.client.patch(TABS, "my", {"spec": {"replicas": 5}}, "shop", "scale")
        return await rig.client.get(TABS, "my", "shop", "scale"), await rig.client.get(TABS, "my", "shop")

    scale, obj = serving(body)
    assert (scale["spec"], scale["status"]) == ({"replicas": 5}, {"replicas": 1, "selector": "app=tab"})
    assert obj["spec"]["replicas"] == 5


def test_versions_are_the_same_object_under_another_name() -> None:
    async def body(rig: Rig) -> tuple[Obj, Obj, list[str]]:
        old = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"cronSpec": {"type": "string"}}}}}
        await define(rig, version("v1"), version("v1beta1", schema={"openAPIV3Schema": old}))
        path = "/apis/stable.example.com/{}/namespaces/shop/crontabs"
        await rig.answer("POST", path.format("v1beta1"), body=tab(api_version="v1beta1"))
        shown = [(await rig.answer("GET", path.format(v) + "/my")).body for v in ("v1", "v1beta1")]
        group = (await rig.answer("GET", "/apis/stable.example.com")).body
        return shown[0], shown[1], [v["version"] for v in group["versions"]]

    new, old, versions = serving(body)
    assert versions == ["v1", "v1beta1"]
    assert (new["apiVersion"], old["apiVersion"]) == ("stable.example.com/v1", "stable.example.com/v1beta1")
    assert old["spec"] == {"cronSpec": "* * * * */5"}


def test_objects_follow_when_another_version_becomes_the_stored_one() -> None:
    async def body(rig: Rig) -> tuple[Obj | None, list[str], list[str]]:
        await define(rig, version("v1"), version("v2", storage=False))
        await rig.answer("POST", f"{BASE}/namespaces/shop/crontabs", body=tab())
        versions = [version("v1", storage=False), version("v2", storage=True)]
        await rig.client.patch(CRDS, TABS, {"spec": {"versions": versions}})
        await asyncio.sleep(0)
        crd = await rig.client.get(CRDS, TABS)
        listed = await rig.answer("GET", "/apis/stable.example.com/v2/crontabs")
        return rig.store.get(TABS, "shop", "my"), crd["status"]["storedVersions"], [i["apiVersion"] for i in listed.body["items"]]

    stored, versions, listed = serving(body)
    assert stored is not None
    assert stored["apiVersion"] == "stable.example.com/v2"
    assert (versions, listed) == (["v1", "v2"], ["stable.example.com/v2"])


def test_fields_that_the_definition_names_can_be_selected() -> None:
    async def body(rig: Rig) -> tuple[list[str], int]:
        await define(rig, version(selectableFields=[{"jsonPath": ".spec.policy"}]))
        for name, policy in (("a", "Allow"), ("b", "Forbid")):
            await rig.client.create(TABS, tab(name, policy=policy), "shop")
        found = await rig.client.list(TABS, ListQuery(field_selector="spec.policy=Forbid"))
        other = await refused(rig.client.list(TABS, ListQuery(field_selector="spec.image=x")))
        return [o["metadata"]["name"] for o in found["items"]], other.code

    assert serving(body) == (["b"], 400)


def test_owners_keep_their_fields_in_whatever_version_they_apply() -> None:
    async def body(rig: Rig) -> tuple[Any, Any]:
        await define(rig, version("v1"), version("v1beta1", storage=False))
        path = "/apis/stable.example.com/{}/namespaces/shop/crontabs/my"
        for manager, api in (("a", "v1"), ("b", "v1beta1")):
            applied = tab(api_version=api, env=[{"name": manager, "value": "1"}])
            assert (await rig.answer("PATCH", path.format(api), {"fieldManager": manager}, applied, content_type=APPLY_PATCH)).status < 300
        both = (await rig.answer("GET", path.format("v1"))).body
        gone = await rig.answer("PATCH", path.format("v1"), {"fieldManager": "b"}, tab(), content_type=APPLY_PATCH)
        return both, gone.body

    both, gone = serving(body)
    assert [e["name"] for e in both["spec"]["env"]] == ["a", "b"]
    assert {e["manager"]: e["apiVersion"].rpartition("/")[2] for e in both["metadata"]["managedFields"]} == {"a": "v1", "b": "v1beta1"}
    assert [e["name"] for e in gone["spec"]["env"]] == ["a"]


def test_a_protected_group_needs_an_approval() -> None:
    async def body(rig: Rig) -> tuple[str, Any]:
        crd = definition()
        protected = {**crd, "metadata": {"name": "crontabs.x.k8s.io"}, "spec": {**crd["spec"], "group": "x.k8s.io"}}
        error = await refused(rig.client.create(CRDS, protected))
        about = {
            "name": "crontabs.x.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes/kubernetes/pull/1"},
        }
        await rig.client.create(CRDS, {**protected, "metadata": about})
        await asyncio.sleep(0)
        return error.message, await rig.client.get(CRDS, "crontabs.x.k8s.io")

    message, crd = serving(body)
    assert "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation" in message
    approved = "approved in https://github.com/kubernetes/kubernetes/pull/1"
    assert conditions(crd)["KubernetesAPIApprovalPolicyConformant"] == ("True", "ApprovedAnnotation", approved)


def test_defaults_that_are_added_later_are_in_objects_that_were_there() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        await rig.client.create(TABS, tab(), "shop")
        spec = {**SPEC, "properties": {**SPEC["properties"], "zone": {"type": "string", "default": "a"}}}
        schema = {"type": "object", "properties": {"spec": spec}}
        await rig.client.patch(CRDS, TABS, {"spec": {"versions": [version(schema={"openAPIV3Schema": schema})]}})
        await asyncio.sleep(0)
        return await rig.client.get(TABS, "my", "shop")

    assert serving(body)["spec"]["zone"] == "a"


def test_a_deprecated_version_warns() -> None:
    async def body(rig: Rig) -> tuple[str, ...]:
        await define(rig, version("v1", deprecated=True))
        return (await rig.answer("GET", f"{BASE}/crontabs")).warnings

    assert serving(body) == ("stable.example.com/v1 CronTab is deprecated",)


def test_a_changed_schema_holds_for_what_is_written_next() -> None:
    async def body(rig: Rig) -> str:
        await define(rig)
        strict = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"cronSpec": {"type": "integer"}}}}}
        await rig.client.patch(CRDS, TABS, {"spec": {"versions": [version(schema={"openAPIV3Schema": strict})]}})
        await asyncio.sleep(0)
        return (await refused(rig.client.create(TABS, tab(), "shop"))).message

    assert "spec.cronSpec in body must be of type integer" in serving(body)


def test_apply_merges_lists_by_the_keys_of_the_schema() -> None:
    async def body(rig: Rig) -> Any:
        await define(rig)
        path = f"{BASE}/namespaces/shop/crontabs/my"
        for manager in ("a", "b"):
            applied = tab(env=[{"name": manager, "value": "1"}])
            answer = await rig.answer("PATCH", path, {"fieldManager": manager}, applied, content_type=APPLY_PATCH)
            assert answer.status < 300, answer.body
        return answer.body

    obj = serving(body)
    assert [e["name"] for e in obj["spec"]["env"]] == ["a", "b"]
    entries = {e["manager"]: e["fieldsV1"]["f:spec"] for e in obj["metadata"]["managedFields"]}
    assert 'k:{"name":"b"}' in entries["b"]["f:env"]
    assert "f:image" not in entries["a"]


def test_strategic_merge_patches_are_refused_as_the_document_says() -> None:
    async def body(rig: Rig) -> tuple[int, int, list[str]]:
        await define(rig)
        await rig.client.create(TABS, tab(), "shop")
        path = f"{BASE}/namespaces/shop/crontabs/my"
        patch = {"spec": {"replicas": 2}}
        answers = [await rig.answer("PATCH", path, body=patch, content_type=kind) for kind in (STRATEGIC_PATCH, MERGE_PATCH)]
        document = orjson.loads((await rig.answer("GET", "/openapi/v3/apis/stable.example.com/v1")).body)
        operation = document["paths"]["/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}"]["patch"]
        return answers[0].status, answers[1].status, [*operation["requestBody"]["content"]]

    assert serving(body) == (415, 200, [APPLY_PATCH, JSON_PATCH, MERGE_PATCH])


def test_an_update_must_name_its_revision() -> None:
    async def body(rig: Rig) -> str:
        await define(rig)
        await rig.client.create(TABS, tab(), "shop")
        return (await refused(rig.client.update(TABS, {**tab(), "metadata": {"name": "my", "namespace": "shop"}}))).message

    assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in serving(body)


def test_built_in_resources_cannot_be_redefined() -> None:
    async def body(rig: Rig) -> Any:
        crd = definition()
        names = {"plural": "ingresses", "singular": "ingress", "kind": "Ingress"}
        spec = {**crd["spec"], "group": "networking.k8s.io", "names": names}
        about = {"name": "ingresses.networking.k8s.io", "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}}
        await rig.client.create(CRDS, {**crd, "metadata": about, "spec": spec})
        await asyncio.sleep(0)
        listed = await rig.answer("GET", "/apis/networking.k8s.io/v1")
        return next(r["kind"] + str(r.get("shortNames")) for r in listed.body["resources"] if r["name"] == "ingresses")

    assert serving(body) == "Ingress['ing']"
