"""Custom objects: what of them is refused, defaulted and pruned, in the words of a real server."""

import asyncio
from typing import Any

import pytest

from engine.apiserver.definitions.structural import prune, with_defaults
from engine.apiserver.definitions.values import errors
from engine.base.objects import Obj
from tests.apiserver.servers import Rig, refused, serving
from tests.definitions.builders import CRDS, SPEC, TABS, define, definition, tab, version

WRONG: list[tuple[Obj, Any, list[str]]] = [
    ({"type": "string"}, 1, ['a: Invalid value: "integer": a in body must be of type string: "integer"']),
    ({"type": "integer"}, "x", ['a: Invalid value: "string": a in body must be of type integer: "string"']),
    ({"type": "integer"}, 1.5, ['a: Invalid value: "number": a in body must be of type integer: "number"']),
    ({"type": "object"}, None, ['a: Invalid value: "null": a in body must be of type object: "null"']),
    ({"type": "string", "nullable": True}, None, []),
    ({"type": "number"}, 1, []),
    ({"type": "boolean"}, True, []),
    ({"x-kubernetes-int-or-string": True}, "80%", []),
    ({"x-kubernetes-int-or-string": True}, True, ['a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"']),
    ({"type": "string", "enum": ["b", "c"]}, "x", ['a: Unsupported value: "x": supported values: "b", "c"']),
    ({"type": "string", "pattern": "^b+$"}, "x", ["a: Invalid value: \"x\": a in body should match '^b+$'"]),
    ({"type": "string", "minLength": 2}, "x", ['a: Invalid value: "x": a in body should be at least 2 chars long']),
    ({"type": "string", "maxLength": 2}, "xyz", ["a: Too long: may not be more than 2 bytes"]),
    ({"type": "integer", "minimum": 2}, 1, ["a: Invalid value: 1: a in body should be greater than or equal to 2"]),
    ({"type": "integer", "maximum": 2}, 3, ["a: Invalid value: 3: a in body should be less than or equal to 2"]),
    ({"type": "integer", "maximum": 2, "exclusiveMaximum": True}, 2, ["a: Invalid value: 2: a in body should be less than 2"]),
    ({"type": "number", "multipleOf": 0.1}, 0.3, []),
    ({"type": "integer", "multipleOf": 5}, 3, ["a: Invalid value: 3: a in body should be a multiple of 5"]),
    ({"type": "array", "minItems": 1}, [], ["a: Invalid value: 0: a in body should have at least 1 items"]),
    ({"type": "array", "maxItems": 1}, [1, 2], ["a: Too many: 2: must have at most 1 items"]),
    ({"type": "array", "x-kubernetes-list-type": "set"}, ["b", "b"], ['a[1]: Duplicate value: "b"']),
    (
        {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"], "items": {"type": "object"}},
        [{"n": "b", "v": 1}, {"n": "b", "v": 2}],
        ['a[1]: Duplicate value: {"n":"b"}'],
    ),
    ({"type": "object", "required": ["b"]}, {}, ["a.b: Required value"]),
    ({"type": "object", "maxProperties": 1}, {"b": 1, "c": 2}, ["a: Too many: 2: must have at most 1 items"]),
    (
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"b": 1},
        ['a.b: Invalid value: "integer": a.b in body must be of type string: "integer"'],
    ),
    ({"type": "string", "format": "ipv4"}, "x", ['a: Invalid value: "x": a in body must be of type ipv4: "x"']),
    ({"type": "string", "format": "date-time"}, "2026-01-01T00:00:00Z", []),
    ({"type": "string", "format": "duration"}, "1h30m", []),
    ({"type": "string", "format": "something"}, "x", []),
    (
        {"oneOf": [{"required": ["b"]}, {"required": ["c"]}]},
        {"b": 1, "c": 1},
        ['<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ),
    (
        {"anyOf": [{"required": ["b"]}, {"required": ["c"]}]},
        {},
        ['<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)'],
    ),
    ({"not": {"required": ["b"]}}, {"b": 1}, ['<nil>: Invalid value: "": "a" must not validate the schema (not)']),
    (
        {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        {"kind": "Pod"},
        ["a.apiVersion: Required value: must not be empty"],
    ),
]


@pytest.mark.parametrize(("schema", "value", "expected"), WRONG)
def test_values_are_checked_by_their_schema(schema: Obj, value: Any, expected: list[str]) -> None:
    assert [str(error) for error in errors(schema, value, "a")] == expected


PRUNED: list[tuple[Obj, Any, Any, list[str]]] = [
    ({"type": "object", "properties": {"b": {"type": "string"}}}, {"b": "1", "c": 2}, {"b": "1"}, ["c"]),
    ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"c": 2}, {"c": 2}, []),
    ({"type": "object", "additionalProperties": {"type": "object"}}, {"k": {"c": 2}}, {"k": {}}, ["k.c"]),
    (
        {"type": "object", "properties": {"l": {"type": "array", "items": {"type": "object"}}}},
        {"l": [{"c": 1}]},
        {"l": [{}]},
        ["l[0].c"],
    ),
    (
        {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"b": {"type": "object", "properties": {"d": {"type": "string"}}}},
        },
        {"b": {"c": 1}, "x": 1},
        {"b": {}, "x": 1},
        ["b.c"],
    ),
]


@pytest.mark.parametrize(("schema", "value", "left", "unknown"), PRUNED)
def test_what_the_schema_does_not_specify_is_pruned(schema: Obj, value: Any, left: Any, unknown: list[str]) -> None:
    found: list[str] = []
    assert prune(schema, value, "", found) == left
    assert found == unknown


def test_what_needs_no_change_comes_back_itself() -> None:
    value = {"cronSpec": "x", "image": "i", "replicas": 1, "env": [{"name": "a"}]}
    assert prune(SPEC, value, "", []) is value
    assert with_defaults(SPEC, value) is value


def test_defaults_are_filled_in_deeply() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "object", "default": {}, "properties": {"b": {"type": "integer", "default": 3}}},
            "l": {"type": "array", "items": {"type": "object", "properties": {"c": {"default": "x"}}}},
            "n": {"type": "string", "nullable": True, "default": "y"},
            "m": {"type": "string", "default": "z"},
        },
    }
    made = with_defaults(schema, {"l": [{}, {"c": "d"}], "n": None, "m": None})
    assert made == {"a": {"b": 3}, "l": [{"c": "x"}, {"c": "d"}], "n": None, "m": "z"}


def test_an_object_is_created_with_defaults_and_without_unknown_fields() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        return await rig.client.create(TABS, tab(foo=1, free={"any": "thing"}, port=80), "shop")

    made = serving(body)
    assert made["spec"] == {"cronSpec": "* * * * */5", "image": "busybox", "replicas": 1, "free": {"any": "thing"}, "port": 80}
    assert made["metadata"]["generation"] == 1


def test_unknown_fields_warn_or_fail_as_the_client_wishes() -> None:
    async def body(rig: Rig) -> tuple[tuple[str, ...], str]:
        await define(rig)
        path = "/apis/stable.example.com/v1/namespaces/shop/crontabs"
        warned = await rig.answer("POST", path, {"fieldValidation": "Warn"}, tab(foo=1))
        strict = await rig.answer("POST", path, {"fieldValidation": "Strict"}, tab("other", foo=1))
        return warned.warnings, strict.body["message"]

    warnings, message = serving(body)
    assert warnings == ('unknown field "spec.foo"',)
    assert message.endswith('strict decoding error: unknown field "spec.foo"')


def test_an_object_whose_schema_has_no_spec_loses_it() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig, version(schema={"openAPIV3Schema": {"type": "object"}}))
        return await rig.client.create(TABS, tab(), "shop")

    assert "spec" not in serving(body)


def test_numbers_of_more_than_64_bits_are_read_from_yaml_as_from_json() -> None:
    async def body(rig: Rig) -> Any:
        await define(rig)
        text = "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: my}\n"
        text += f"spec: {{cronSpec: '* * * * *', free: {{n: {2**70}, m: 5}}}}\n"
        path = "/apis/stable.example.com/v1/namespaces/shop/crontabs"
        return (await rig.answer("POST", path, body=text.encode(), content_type="application/yaml")).body

    assert serving(body)["spec"]["free"] == {"n": float(2**70), "m": 5}


@pytest.mark.parametrize("digits", [400, 5_000])
def test_numbers_that_no_float_can_hold_are_refused(digits: int) -> None:
    async def body(rig: Rig) -> int:
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: my, generation: {'9' * digits}}}\n"
        path = "/api/v1/namespaces/shop/configmaps"
        return (await rig.answer("POST", path, body=text.encode(), content_type="application/yaml")).status

    assert serving(body) == 400


def test_a_refusal_lists_all_causes() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        error = await refused(rig.client.create(TABS, tab(cronSpec="x", replicas=20, policy="No"), "shop"))
        return error.status()

    status = serving(body)
    assert (status["code"], status["details"]["kind"], status["details"]["group"]) == (422, "CronTab", "stable.example.com")
    assert [cause["field"] for cause in status["details"]["causes"]] == ["spec.cronSpec", "spec.replicas", "spec.policy"]


def test_finalizers_of_custom_objects_need_no_domain() -> None:
    async def body(rig: Rig) -> Obj:
        await define(rig)
        made = tab()
        return await rig.client.create(TABS, {**made, "metadata": {"name": "my", "finalizers": ["hold"]}}, "shop")

    assert serving(body)["metadata"]["finalizers"] == ["hold"]


def test_rules_that_are_not_evaluated_yet_warn() -> None:
    async def body(rig: Rig) -> tuple[str, ...]:
        spec = {**SPEC, "x-kubernetes-validations": [{"rule": "self.replicas < 5"}]}
        schema = {"type": "object", "properties": {"spec": spec}}
        made = definition(version(schema={"openAPIV3Schema": schema}))
        answer = await rig.answer("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body=made)
        await asyncio.sleep(0)
        return answer.warnings

    assert serving(body) == (
        "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations: validation rules are not evaluated yet",
    )


REFUSED: list[tuple[Obj, str]] = [
    ({"additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".a[?(x"}]}, "is an invalid json path"),
    ({"additionalPrinterColumns": [{"name": "A", "type": "text", "jsonPath": ".a"}]}, "must be one of boolean,date,integer,number,string"),
    ({"additionalPrinterColumns": [{"name": "A", "type": "string"}]}, "spec.additionalPrinterColumns[0].jsonPath: Required value"),
    ({"subresources": {"scale": {}}}, "spec.subresources.scale.specReplicasPath: Required value"),
    (
        {"subresources": {"scale": {"specReplicasPath": ".a.b", "statusReplicasPath": ".status.r"}}},
        "should be a json path under .spec",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), REFUSED)
def test_columns_and_scale_need_paths(fields: Obj, expected: str) -> None:
    async def body(rig: Rig) -> str:
        return (await refused(rig.client.create(CRDS, definition(version(**fields))))).message

    assert expected in serving(body)


def test_a_pattern_ends_where_the_text_does() -> None:
    assert errors({"type": "string", "pattern": "^a+$"}, "a\n", "a")
    assert errors({"type": "string", "pattern": r"^\d$"}, "\u0663", "a")


def test_a_pattern_that_only_go_has_is_warned_of() -> None:
    async def body(rig: Rig) -> tuple[str, ...]:
        schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": r"^\p{L}$"}}}
        made = definition(version(schema={"openAPIV3Schema": schema}))
        return (await rig.answer("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body=made)).warnings

    assert "properties[a].pattern: the pattern is not evaluated" in serving(body)[0]


NOT_STRUCTURAL: list[tuple[Obj, str]] = [
    ({"properties": {"a": {}}}, "properties[a].type: Required value: must not be empty for specified object fields"),
    (
        {"properties": {"a": {"type": "array", "items": {}}}},
        "properties[a].items.type: Required value: must not be empty for specified array items",
    ),
    ({"properties": {"a": {"type": "array", "items": {"type": 5}}}}, "properties[a].items: Invalid value"),
    ({"properties": {"a": {"type": "array", "items": [{"type": "string"}]}}}, "properties[a].items: Forbidden"),
    (
        {"properties": {"a": {"type": "array", "items": {"type": "object", "properties": {"b": None}}}}},
        "properties[a].items.properties[b].type: Required value",
    ),
    ({"properties": {"a": {"type": "array"}}}, "properties[a].items: Required value: must be specified"),
    ({"properties": {"a": {"type": "text"}}}, 'properties[a].type: Unsupported value: "text"'),
    (
        {"properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}, "properties": {"b": {"type": "string"}}}}},
        "properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
    ),
    ({"properties": {"a": {"type": "object", "additionalProperties": False}}}, "properties[a].additionalProperties: Forbidden"),
    ({"properties": {"a": {"type": "string", "pattern": "("}}}, 'properties[a].pattern: Invalid value: "("'),
]


@pytest.mark.parametrize(("schema", "expected"), NOT_STRUCTURAL)
def test_schemas_that_are_not_structural_are_refused(schema: Obj, expected: str) -> None:
    async def body(rig: Rig) -> str:
        made = definition(version(schema={"openAPIV3Schema": {"type": "object", **schema}}))
        return (await refused(rig.client.create(CRDS, made))).message

    assert f"spec.validation.openAPIV3Schema.{expected}" in serving(body)
