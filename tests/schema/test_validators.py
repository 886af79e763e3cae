"""Decoding objects into their types: what fits, what is changed, what is unknown, what is an error."""

from typing import Any

import pytest

from engine.base.objects import frozen
from engine.schema.decoding import Decoder
from engine.schema.types import FieldInfo, TypeInfo, type_of
from engine.schema.validators import SchemaResult, Validator, validate
from tests.schema.golden import FILES, body_of, gvk, objects, real, steps


def pod(**fields: Any) -> dict[str, Any]:
    """A Pod with one container, and `fields` of its spec."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **fields}}


def container(**fields: Any) -> dict[str, Any]:
    """A Pod whose container has `fields`."""
    return pod(containers=[{"name": "c", "image": "i", **fields}])


def decode(obj: Any) -> SchemaResult:
    """What comes of an object, which must not be changed on the way."""
    return validate(*gvk(obj), frozen(obj))


def recorded_objects() -> list[Any]:
    """All objects in answers of the real server, except those whose placeholder for a port or a time stands where it does not fit."""
    found = [real(o) for name in FILES for step in steps(name) for o in objects(step["response"]["body"])]
    return [o for o in found if "apiVersion" in o and type_of(*gvk(o)) and "<port>" not in str(o) and o["apiVersion"] != "events.k8s.io/v1"]


def test_what_a_real_server_answers_fits_and_stays_the_same_object() -> None:
    found = recorded_objects()
    assert len(found) > 400
    for obj in found:
        result = validate(*gvk(obj), obj)
        assert result == SchemaResult(obj), gvk(obj)
        assert result.obj is obj


def test_both_ways_of_decoding_agree_on_what_a_real_server_answers() -> None:
    for obj in recorded_objects():
        info = type_of(*gvk(obj))
        assert info is not None
        decoder = Decoder()
        assert decoder.decode(info, obj) is obj
        assert (decoder.error, decoder.unknown) == ("", [])


def accepted(name: str) -> list[tuple[Any, Any]]:
    """Bodies of requests that create or replace an object, with the object that the server made of it."""
    found = []
    for step in steps(name):
        request, response = step["request"], step["response"]
        body, answer = body_of(request), response["body"]
        if request["method"] in ("POST", "PUT") and response["status"] < 300 and isinstance(body, dict) and "apiVersion" in answer:
            found.append((body, answer))
    return found


@pytest.mark.parametrize("name", FILES)
def test_what_a_real_server_accepts_fits(name: str) -> None:
    for body, answer in accepted(name):
        kind = (*gvk(answer)[:2], body.get("kind", answer["kind"]))
        if type_of(*kind):
            result = validate(*kind, body)
            assert result.errors == (), body
            assert result.unknown in ((), ("junk",)), body


def missing(body: Any, answer: Any, path: str = "") -> list[str]:
    """Paths that are in `body` and not in `answer`."""
    if isinstance(body, dict) and isinstance(answer, dict):
        return [p for k, v in body.items() for p in (missing(v, answer[k], f"{path}.{k}") if k in answer else [f"{path}.{k}"])]
    if isinstance(body, list) and isinstance(answer, list):
        return [p for i, (a, b) in enumerate(zip(body, answer, strict=False)) for p in missing(a, b, f"{path}[{i}]")]
    return []


def test_what_the_server_drops_is_dropped() -> None:
    compared = 0
    for name in FILES:
        for body, answer in accepted(name):
            if body.get("kind", answer["kind"]) == answer["kind"] and type_of(*gvk(answer)):
                compared += 1
                kept = missing(validate(*gvk(answer), body).obj, answer)
                assert kept in ([], [".stringData"]), (gvk(answer), kept)
    assert compared > 150


MESSAGES = " cannot be handled as a "


def rejected() -> list[tuple[str, Any, str]]:
    """Kind, body and Go's message of each request that the real server could not decode."""
    found = []
    for step in steps("errors"):
        request, answer = step["request"], step["response"]["body"]
        body = body_of(request)
        if step["response"]["status"] == 400 and MESSAGES in answer["message"] and isinstance(body, dict):
            kind = answer["message"].partition(MESSAGES)[2].partition(":")[0]
            if body.get("kind", kind) == kind:
                found.append((kind, body, answer["message"].partition(": ")[2]))
    return found


def test_what_a_real_server_cannot_decode_has_its_message() -> None:
    found = rejected()
    assert len(found) >= 5
    for kind, body, message in found:
        result = validate("apps" if kind == "Deployment" else "", "v1", kind, body)
        if result.unknown:
            assert f'unknown field "{result.unknown[0]}"' in message
        else:
            assert result.errors == (message,)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (pod(nodeName=1), "json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string"),
        (pod(hostNetwork="yes"), "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"),
        (pod(nodeName=["a"]), "json: cannot unmarshal array into Go struct field PodSpec.spec.nodeName of type string"),
        (pod(priority=True), "json: cannot unmarshal bool into Go struct field PodSpec.spec.priority of type int32"),
        (pod(priority=1.5), "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32"),
        (pod(priority=2**31), "json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32"),
        (pod(nodeSelector=[]), "json: cannot unmarshal array into Go struct field PodSpec.spec.nodeSelector of type map[string]string"),
        (pod(affinity="x"), "json: cannot unmarshal string into Go struct field PodSpec.spec.affinity of type v1.Affinity"),
        (container(image=1), "json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string"),
        (container(command="x"), "json: cannot unmarshal string into Go struct field Container.spec.containers.command of type []string"),
        (
            container(livenessProbe={"httpGet": {"port": True}}),
            "json: cannot unmarshal bool into Go struct field HTTPGetAction.spec.containers.livenessProbe.httpGet.port of type int32",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "soon"}},
            'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
        ),
        ({"apiVersion": "v1", "kind": "Secret", "data": {"a": "*"}}, "illegal base64 data at input byte 0"),
        ({"apiVersion": "v1", "kind": "Secret", "data": {"a": "YWJ"}}, "illegal base64 data at input byte 0"),
        ({"apiVersion": "v1", "kind": "Pod", "spec": 1}, "json: cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec"),
    ],
)
def test_values_of_the_wrong_type(obj: Any, message: str) -> None:
    assert decode(obj).errors == (message,)


def test_the_first_of_several_mismatches_is_reported() -> None:
    assert "PodSpec.spec.nodeName" in decode(pod(nodeName=1, hostname=2)).errors[0]


def test_an_unreadable_quantity_is_reported_before_any_mismatch() -> None:
    errors = decode(pod(nodeName=1, overhead={"cpu": "x"})).errors
    assert errors[0].startswith("quantities must match the regular expression")


def test_unknown_fields_are_listed_with_their_paths_and_pruned() -> None:
    obj = {**pod(containers=[{"name": "c", "imag": "x"}, {"name": "d"}], foo={"bar": 1}), "junk": 1}
    result = decode(obj)
    assert result.unknown == ("spec.containers[0].imag", "spec.foo", "junk")
    assert result.obj == pod(containers=[{"name": "c"}, {"name": "d"}])


def test_untouched_parts_are_shared() -> None:
    obj = {**pod(), "junk": 1}
    assert decode(obj).obj["spec"] == obj["spec"]
    assert validate(*gvk(obj), obj).obj["spec"] is obj["spec"]


def test_field_names_are_case_sensitive() -> None:
    assert decode(pod(NodeName="n")).unknown == ("spec.NodeName",)


def test_everything_is_kept_in_free_form_objects() -> None:
    obj = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": {"a": [1, None, {"b": 2.5}]}, "revision": 1}
    assert decode(obj) == SchemaResult(obj)


def test_nothing_is_required() -> None:
    assert decode({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{}]}}).errors == ()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (pod(nodeName=None), pod()),
        (pod(nodeName=""), pod()),
        (pod(hostNetwork=False), pod()),
        (pod(hostNetwork=True), pod(hostNetwork=True)),
        (pod(automountServiceAccountToken=False), pod(automountServiceAccountToken=False)),
        (pod(priority=0), pod(priority=0)),
        (pod(priority=3.0), pod(priority=3)),
        (pod(priority=-5), pod(priority=-5)),
        (pod(nodeSelector={}), pod()),
        (pod(nodeSelector={"a": None}), pod(nodeSelector={"a": ""})),
        (pod(tolerations=[]), pod()),
        (pod(tolerations=[None]), pod(tolerations=[{}])),
        (pod(securityContext={}), pod(securityContext={})),
        (container(command=["a", None]), container(command=["a", ""])),
        (container(resources={"limits": {"cpu": "1000m"}}), container(resources={"limits": {"cpu": "1"}})),
        (container(resources={"limits": {"cpu": 0.5}}), container(resources={"limits": {"cpu": "500m"}})),
        (container(resources={"limits": {"memory": 1024}}), container(resources={"limits": {"memory": "1024"}})),
        (container(resources={"limits": {"memory": None}}), container(resources={"limits": {"memory": "0"}})),
        (container(livenessProbe={"initialDelaySeconds": 0}), container(livenessProbe={})),
        (container(ports=[{"containerPort": 80.0}]), container(ports=[{"containerPort": 80}])),
    ],
)
def test_values_are_kept_in_the_form_in_which_the_server_prints_them(given: Any, kept: Any) -> None:
    result = decode(given)
    assert result == SchemaResult(kept)
    assert decode(result.obj).obj == kept


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("renewTime", "2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05.000000Z"),
        ("renewTime", "2026-01-02T05:04:05.123456+02:00", "2026-01-02T03:04:05.123456Z"),
    ],
)
def test_times_with_microseconds(field: str, given: str, kept: str) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    assert decode({**lease, "spec": {field: given}}).obj == {**lease, "spec": {field: kept}}


@pytest.mark.parametrize("given", ["2026-01-02T03:04:05Z", "2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05.9Z"])
def test_times_are_kept_in_seconds_and_utc(given: str) -> None:
    result = decode({"apiVersion": "v1", "kind": "Pod", "metadata": {"deletionTimestamp": given}})
    assert result.obj["metadata"] == {"deletionTimestamp": "2026-01-02T03:04:05Z"}


def test_unset_times_and_lists_without_omitempty_are_kept_as_null() -> None:
    event = {"apiVersion": "v1", "kind": "Event", "firstTimestamp": None, "reportingComponent": ""}
    assert decode(event) == SchemaResult(event)
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": None}
    assert decode(role) == SchemaResult(role)


def test_numbers_that_are_dropped_when_zero_may_be_negative() -> None:
    obj = pod(containers=[{"name": "c", "livenessProbe": {"periodSeconds": -1}}])
    assert decode(obj) == SchemaResult(obj)


def test_recursive_types() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"properties": {"spec": schema}}}}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"versions": [version]}}
    assert decode(crd) == SchemaResult(crd)
    schema["properties"]["a"]["nosuch"] = 1
    assert decode(crd).unknown == ("spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.a.nosuch",)


def test_types_that_are_not_in_the_table_can_be_validated() -> None:
    spec = TypeInfo("example.v1.CronTabSpec", {"cron": FieldInfo(scalar="string"), "replicas": FieldInfo(scalar="int64")})
    validator = Validator(TypeInfo("example.v1.CronTab", {"spec": FieldInfo(kind="object", own_type=spec)}))
    assert validator({"spec": {"cron": "* * * * *", "replicas": 1}}).errors == ()
    assert validator({"spec": {"cron": 1}}).errors == (
        "json: cannot unmarshal number into Go struct field CronTabSpec.spec.cron of type string",
    )
    assert validator({"spec": {"x": 1}}).unknown == ("spec.x",)


def test_kinds_that_kubernetes_does_not_have_are_refused() -> None:
    with pytest.raises(KeyError):
        validate("stable.example.com", "v1", "CronTab", {})
