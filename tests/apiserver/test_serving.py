"""Paths, connectors, and what our own documents tell."""

import pytest

from engine.base.api import JSON, PARTIAL, TABLE, Request, Response, Stream
from engine.base.causes import Cause
from engine.base.objects import Obj
from tests.apiserver.servers import Rig, serving


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/readyz/", 200),
        ("GET", "/version", 200),
        ("GET", "/apis/apps", 200),
        ("POST", "/apis/apps", 405),
        ("GET", "/apis/nosuch", 404),
        ("GET", "/", 404),
        ("GET", "/api/v1/pods", 200),
        ("GET", "/api/v1/pods/x", 404),
        ("POST", "/api/v1/pods", 405),
        ("GET", "/api/v1/namespaces/shop", 200),
        ("GET", "/api/v1/namespaces/shop/status", 200),
        ("GET", "/api/v1/namespaces/shop/nodes", 404),
        ("GET", "/api/v1/namespaces/shop/configmaps/x/status", 404),
        ("GET", "/api/v1/namespaces/shop/pods/x/log", 404),
        ("DELETE", "/api/v1/namespaces", 405),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 400),
        ("GET", "/ktui/v1/nosuch", 404),
    ],
)
def test_paths_lead_somewhere(method: str, path: str, status: int) -> None:
    async def body(rig: Rig) -> None:
        answer = await rig.answer(method, path)
        assert answer.status == status

    serving(body)


def test_a_subresource_that_lives_elsewhere_is_connected() -> None:
    async def body(rig: Rig) -> None:
        async def log(request: Request, pod: Obj) -> Response | Stream:
            return Response(200, f"{pod['metadata']['name']} {request.query['container']}".encode())

        rig.server.connect("pods", "log", log)
        await rig.pod("p")
        answer = await rig.answer("GET", "/api/v1/namespaces/shop/pods/p/log", {"container": "c"})
        missing = await rig.answer("GET", "/api/v1/namespaces/shop/pods/q/log", {"container": "c"})
        assert (answer.body, missing.status) == (b"p c", 404)

    serving(body)


@pytest.mark.parametrize(
    ("accept", "kind", "status"),
    [
        (JSON, "ConfigMap", 200),
        ("*/*", "ConfigMap", 200),
        (f"application/x-nope, {JSON}", "ConfigMap", 200),
        (f"{TABLE},{JSON}", "Table", 200),
        (PARTIAL, "PartialObjectMetadata", 200),
        ("application/json;as=Table;v=v2;g=meta.k8s.io", "Status", 406),
        ("text/html", "Status", 406),
    ],
)
def test_the_form_of_an_answer_is_negotiated(accept: str, kind: str, status: int) -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        answer = await rig.answer("GET", "/api/v1/namespaces/shop/configmaps/one", accept=accept)
        assert (answer.status, answer.body["kind"]) == (status, kind)

    serving(body)


def test_the_chain_of_causes_leads_back_to_the_file() -> None:
    async def body(rig: Rig) -> None:
        source = await rig.client.create(
            "configmaps", {"metadata": {"name": "a"}}, "shop", cause=Cause("ktui-gitops", 0, "shop/web.yaml:12")
        )
        made = Cause("some-controller", int(source["metadata"]["resourceVersion"]))
        await rig.client.create("configmaps", {"metadata": {"name": "b"}}, "shop", cause=made)
        query = {"resource": "configmaps", "namespace": "shop", "name": "b"}
        why = await rig.answer("GET", "/ktui/v1/why", query)
        history = await rig.answer("GET", "/ktui/v1/history", query)
        assert [(link["name"], link["cause"]["actor"], link["cause"]["source"]) for link in why.body["items"]] == [
            ("b", "some-controller", ""),
            ("a", "ktui-gitops", "shop/web.yaml:12"),
        ]
        assert [item["object"]["metadata"]["name"] for item in history.body["items"]] == ["b"]

    serving(body)


def test_a_pod_is_bound_through_the_collection_of_bindings_too() -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("p")
        sent = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
        answer = await rig.answer("POST", "/api/v1/namespaces/shop/bindings", {}, sent)
        assert answer.status == 201
        pod = rig.store.get("pods", "shop", "p")
        assert pod is not None
        assert pod["spec"]["nodeName"] == "n1"
        assert rig.store.count("bindings") == 0

    serving(body)


def test_our_own_kind_is_decoded_too() -> None:
    async def body(rig: Rig) -> None:
        path = "/apis/ktui.dev/v1/folders"
        bad = await rig.answer("POST", path, {}, {"metadata": {"name": "f"}, "spec": "x"})
        good = await rig.answer("POST", path, {}, {"metadata": {"name": "f"}, "spec": {"path": "/m"}})
        assert (bad.status, good.status) == (400, 201)

    serving(body)
