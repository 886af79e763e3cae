"""Lists: pages, revisions, selectors."""

import base64
import json

import pytest

from engine.base.api import ListQuery, pages
from engine.base.objects import Obj
from tests.apiserver.servers import Rig, refused, serving


def _names(listed: object) -> list[str]:
    assert isinstance(listed, dict)
    return [item["metadata"]["name"] for item in listed["items"]]


def test_pages_are_of_one_revision() -> None:
    async def body(rig: Rig) -> None:
        for i in range(5):
            await rig.config(f"c{i}")
        first = await rig.client.list("configmaps", ListQuery("shop", limit=2))
        assert first["metadata"]["remainingItemCount"] == 3
        await rig.client.delete("configmaps", "c3", "shop")
        await rig.config("c2a")
        rest = await rig.client.list("configmaps", ListQuery("shop", limit=9, continue_token=first["metadata"]["continue"]))
        assert _names(first) + _names(rest) == ["c0", "c1", "c2", "c3", "c4"]
        assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        assert "continue" not in rest["metadata"]

    serving(body)


def test_pages_go_on_across_namespaces() -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("namespaces", {"metadata": {"name": "annex"}})
        for name in ("a", "b"):
            await rig.config(name)
            await rig.client.create("configmaps", {"metadata": {"name": name}}, "annex")
        found = [(o["metadata"]["namespace"], o["metadata"]["name"]) async for o in pages(rig.client, "configmaps", ListQuery(), 1)]
        assert found == [("annex", "a"), ("annex", "b"), ("shop", "a"), ("shop", "b")]

    serving(body)


@pytest.mark.parametrize("namespace", ["", "shop"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_pages_say_how_many_objects_follow(size: int, namespace: str) -> None:
    async def body(rig: Rig) -> None:
        for where in ("default", "shop", "kube-public"):
            for name in ("a", "b", "c"):
                await rig.client.create("configmaps", {"metadata": {"name": name}}, where)
        whole = (await rig.client.list("configmaps", ListQuery(namespace)))["items"]
        seen: list[Obj] = []
        token = ""
        while True:
            page = await rig.client.list("configmaps", ListQuery(namespace, limit=size, continue_token=token))
            seen += page["items"]
            assert page["metadata"].get("remainingItemCount", 0) == len(whole) - len(seen)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        assert seen == whole

    serving(body)


def test_a_continue_token_is_what_kubernetes_writes() -> None:
    async def body(rig: Rig) -> None:
        for i in range(2):
            await rig.config(f"c{i}")
        page = await rig.client.list("configmaps", ListQuery("shop", limit=1))
        token = page["metadata"]["continue"]
        decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        assert decoded == {"v": "meta.k8s.io/v1", "rv": rig.store.revision, "start": "c0\0"}

    serving(body)


def test_an_expired_token_comes_with_one_that_continues_inconsistently() -> None:
    async def body(rig: Rig) -> None:
        for i in range(3):
            await rig.config(f"c{i}")
        page = await rig.client.list("configmaps", ListQuery("shop", limit=1))
        await rig.config("b")
        await rig.config("c1a")
        rig.store.compact(rig.store.revision)
        expired = await rig.answer("GET", "/api/v1/namespaces/shop/configmaps", {"continue": page["metadata"]["continue"], "limit": "9"})
        assert (expired.status, expired.body["reason"]) == (410, "Expired")
        token = expired.body["metadata"]["continue"]
        rest = await rig.client.list("configmaps", ListQuery("shop", continue_token=token))
        assert _names(rest) == ["c1", "c1a", "c2"]

    serving(body)


def test_a_past_revision_can_be_listed_exactly() -> None:
    async def body(rig: Rig) -> None:
        then = (await rig.config("one"))["metadata"]["resourceVersion"]
        await rig.config("two")
        await rig.client.delete("configmaps", "one", "shop")
        listed = await rig.client.list("configmaps", ListQuery("shop", resource_version=then, resource_version_match="Exact"))
        assert _names(listed) == ["one"]
        assert listed["metadata"]["resourceVersion"] == then
        newer = await rig.client.list("configmaps", ListQuery("shop", resource_version=then, resource_version_match="NotOlderThan"))
        assert _names(newer) == ["two"]
        query = {"resourceVersion": then, "resourceVersionMatch": "Exact"}
        one = await rig.answer("GET", "/api/v1/namespaces/shop/configmaps/one", query)
        assert one.body["metadata"]["name"] == "one"

    serving(body)


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ({"resourceVersion": "{future}"}, 504, "Timeout"),
        ({"resourceVersion": "{past}", "resourceVersionMatch": "Exact"}, 410, "Expired"),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422, "Invalid"),
        ({"resourceVersion": "1", "resourceVersionMatch": "Nearly"}, 422, "Invalid"),
        ({"continue": "x", "resourceVersion": "7"}, 400, "BadRequest"),
        ({"sendInitialEvents": "true"}, 422, "Invalid"),
    ],
)
def test_revisions_that_cannot_be_listed_are_refused(query: dict[str, str], code: int, reason: str) -> None:
    async def body(rig: Rig) -> None:
        past = str(rig.store.revision)
        await rig.config("one")
        rig.store.compact(rig.store.revision)
        filled = {k: v.format(future=rig.store.revision + 5, past=past) for k, v in query.items()}
        answer = await rig.answer("GET", "/api/v1/namespaces/shop/configmaps", filled)
        assert (answer.status, answer.body["reason"]) == (code, reason)

    serving(body)


def test_pods_are_selected_by_fields_of_their_kind() -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("a", "n1")
        await rig.pod("b")
        assert _names(await rig.client.list("pods", ListQuery("shop", field_selector="spec.nodeName=n1"))) == ["a"]
        assert _names(await rig.client.list("pods", ListQuery(field_selector="spec.nodeName!=n1"))) == ["b"]
        error = await refused(rig.client.list("configmaps", ListQuery(field_selector="spec.nodeName=n1")))
        assert error.message == "field label not supported: spec.nodeName"

    serving(body)


def test_items_carry_their_kind_only_in_process() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        here = await rig.client.list("configmaps", ListQuery("shop"))
        assert here["items"][0] is rig.store.get("configmaps", "shop", "one")
        outside = await rig.answer("GET", "/api/v1/namespaces/shop/configmaps")
        assert "kind" not in outside.body["items"][0]

    serving(body)
