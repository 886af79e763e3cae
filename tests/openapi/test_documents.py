"""The OpenAPI documents: complete, consistent with discovery, and cheap to ask for again."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from engine.apiserver.openapi.documents import OpenApi
from engine.base.api import Request, Response
from engine.base.errors import StatusError
from engine.kinds.common import discovery, registry

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


@pytest.fixture(scope="module")
def documents() -> OpenApi:
    kinds = registry.load()
    return OpenApi(lambda: kinds, "v1.36.2")


def fetched(documents: OpenApi, path: str, query: Mapping[str, str] | None = None, **more: Any) -> Response:
    answer = documents.answer(Request("GET", path, query or {}, **more))
    assert answer is not None
    return answer


def read(documents: OpenApi, path: str) -> Any:
    return orjson.loads(fetched(documents, path).body)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def all_documents(documents: OpenApi) -> dict[str, Any]:
    listed = read(documents, "/openapi/v3")["paths"]
    return {at: read(documents, f"/openapi/v3/{at}") for at in listed}


def test_the_index_names_every_group_and_version_of_discovery(documents: OpenApi) -> None:
    groups = discovery.group_list(registry.load())["groups"]
    served = {f"apis/{version['groupVersion']}" for group in groups for version in group["versions"]}
    assert set(read(documents, "/openapi/v3")["paths"]) == {"api/v1", *served}


def test_every_reference_leads_to_a_schema(documents: OpenApi) -> None:
    for at, document in all_documents(documents).items():
        schemas = document["components"]["schemas"]
        assert {r.rpartition("/")[2] for r in references(document)} <= set(schemas), at
    swagger = read(documents, "/openapi/v2")
    assert {r.rpartition("/")[2] for r in references(swagger)} <= set(swagger["definitions"])


def test_operation_ids_are_unique(documents: OpenApi) -> None:
    served = read(documents, "/openapi/v2")["paths"].values()
    ids = [operation["operationId"] for path in served for method, operation in path.items() if method != "parameters"]
    assert len(ids) == len(set(ids)) > 500


def test_every_resource_of_discovery_has_its_operations(documents: OpenApi) -> None:
    kinds = registry.load()
    found = all_documents(documents)
    for kind in kinds.all():
        for version in kind.versions:
            at = f"apis/{kind.group}/{version}" if kind.group else f"api/{version}"
            actions = {
                operation["x-kubernetes-action"]
                for path, operations in found[at]["paths"].items()
                if kind.plural in path.split("/")
                for method, operation in operations.items()
                if method != "parameters" and operation["x-kubernetes-group-version-kind"]["kind"] == kind.kind
            }
            expected = {"create": "post", "update": "put"}
            assert {expected.get(verb, verb) for verb in kind.verbs if verb != "watch"} <= actions, kind.resource


FIELDS = [
    ("core.v1.PodSpec", "containers", {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "type": "array"}),
    ("core.v1.PodSpec", "containers", {"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"}),
    ("core.v1.Container", "ports", {"x-kubernetes-list-map-keys": ["containerPort", "protocol"]}),
    ("core.v1.PodSpec", "nodeSelector", {"x-kubernetes-map-type": "atomic", "type": "object"}),
    ("core.v1.ContainerPort", "containerPort", {"type": "integer", "format": "int32"}),
    ("core.v1.ContainerPort", "protocol", {"type": "string", "default": "TCP"}),
    ("core.v1.Secret", "data", {"additionalProperties": {"type": "string", "format": "byte"}}),
]


@pytest.mark.parametrize(("name", "field", "expected"), FIELDS)
def test_fields_say_what_patches_and_apply_need(documents: OpenApi, name: str, field: str, expected: Mapping[str, Any]) -> None:
    schema = read(documents, "/openapi/v3/api/v1")["components"]["schemas"][f"io.k8s.api.{name}"]
    assert expected.items() <= schema["properties"][field].items()


def test_scalars_of_several_json_types_have_a_schema_of_their_own(documents: OpenApi) -> None:
    schemas = read(documents, "/openapi/v3/api/v1")["components"]["schemas"]
    assert schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["oneOf"] == [{"type": "integer"}, {"type": "string"}]
    definitions = read(documents, "/openapi/v2")["definitions"]
    expected = {"type": "string", "format": "int-or-string"}
    assert definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] == expected


def test_a_kind_is_found_by_its_group_version_kind(documents: OpenApi) -> None:
    schema = read(documents, "/openapi/v3/apis/apps/v1")["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert schema["x-kubernetes-group-version-kind"] == [{"group": "apps", "version": "v1", "kind": "Deployment"}]


def test_a_patch_tells_that_it_takes_dry_runs_and_field_validation(documents: OpenApi) -> None:
    path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    for document in (read(documents, "/openapi/v3/apis/apps/v1"), read(documents, "/openapi/v2")):
        assert {"dryRun", "fieldValidation", "fieldManager", "force"} <= {p["name"] for p in document["paths"][path]["patch"]["parameters"]}


def test_the_scale_of_a_resource_is_of_its_own_kind(documents: OpenApi) -> None:
    scale = read(documents, "/openapi/v3/apis/apps/v1")["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]
    assert scale["get"]["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def test_a_document_that_a_client_has_is_not_sent_again(documents: OpenApi) -> None:
    first = fetched(documents, "/openapi/v3/apis/apps/v1")
    again = fetched(documents, "/openapi/v3/apis/apps/v1", headers={"if-none-match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_hash_of_the_index_makes_a_document_cacheable_and_a_stale_one_is_redirected(documents: OpenApi) -> None:
    url = read(documents, "/openapi/v3")["paths"]["apis/apps/v1"]["serverRelativeURL"]
    path, _, digest = url.partition("?hash=")
    assert fetched(documents, path, {"hash": digest}).headers["Cache-Control"] == "public, immutable"
    stale = fetched(documents, path, {"hash": "0"})
    assert (stale.status, stale.headers["Location"]) == (301, url)


def test_version_3_in_protobuf_is_refused(documents: OpenApi) -> None:
    protobuf = PROTOBUF.replace("v2", "v3")
    with pytest.raises(StatusError) as refused:
        fetched(documents, "/openapi/v3/api/v1", accept=protobuf)
    assert refused.value.code == 406
    assert fetched(documents, "/openapi/v3/api/v1", accept=f"{protobuf}, */*").status == 200


def test_version_2_is_there_in_protobuf(documents: OpenApi) -> None:
    answer = fetched(documents, "/openapi/v2", accept=PROTOBUF)
    assert answer.content_type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert answer.body.startswith(b"\x0a\x032.0")
    assert b"io.k8s.api.apps.v1.Deployment" in answer.body


def test_unknown_versions_have_no_document(documents: OpenApi) -> None:
    assert documents.answer(Request("GET", "/openapi/v3/apis/apps/v2")) is None


def test_an_unchanged_version_is_built_once(documents: OpenApi) -> None:
    assert documents.document("apps", "v1") is documents.document("apps", "v1")
    assert documents.swagger() is documents.swagger()
