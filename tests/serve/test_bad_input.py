"""Whatever is sent: the answer is a Status or the end of that connection, and the next client is served as before."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.base.api import APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, YAML
from engine.base.errors import StatusError
from engine.base.limits import NESTING_MAX, REQUEST_BODY_BYTES_MAX
from engine.serve import nesting
from engine.serve.protobuf.decode import PROTOBUF, UnknownKindError, decode
from engine.serve.protobuf.wire import WireError
from tests.serve.served import CONFIG_MAPS, Served, config_map, serve

TYPES = (JSON, YAML, PROTOBUF, MERGE_PATCH, JSON_PATCH, STRATEGIC_PATCH, APPLY_PATCH, "text/html", ";;=", "")

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "invalid UTF-8": b'{"kind":"\xff\xfe"}',
    "truncated": b'{"apiVersion":"v1","kind":"Config',
    "null": b"null",
    "number": b"1e999",
    "text": b'"x"',
    "list": b"[1,[2]]",
    "not a number": b'{"data":{"a":NaN}}',
    "huge number": b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n","generation":123456789012345678901234567890}}',
    "lone surrogate": b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"\\ud800"}}}',
    "null character": b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a\\u0000b"}}',
    "wrong types": b'{"apiVersion":1,"kind":[],"metadata":"x"}',
    "deep lists": b"[" * 300_000 + b"]" * 300_000,
    "deep objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "deep and broken": b"[" * 300_000,
    "deep blocks": b"- " * 5_000 + b"a",
    "laughs": b"a: &a [x,x,x,x]\n" + b"".join(b"b%d: &b%d [*a,*a,*a]\n" % (i, i) for i in range(20)),
    "laughs within": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
    "alias of itself": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rec}\ndata: &a {x: *a}\n",
    "python tag": b"!!python/object/apply:os.system [id]",
    "odd keys": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {1: a, null: b, 1.5: c}\n",
    "not a number in YAML": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nan, generation: .nan}\n",
    "protobuf": b"k8s\x00\x0a\xff\xff\xff\xff\x0f",
    "protobuf of nothing": b"k8s\x00",
}


async def _answered(served: Served, method: str, path: str, body: bytes | None, content_type: str) -> int:
    status, answer, _ = await served.ask(method, path, body, Content_Type=content_type)
    assert status < 400 or (isinstance(answer, dict) and answer["kind"] == "Status" and answer["code"] == status), (status, answer)
    assert status not in (500, 503), answer
    return status


def test_damaged_bodies(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        await served.ask("POST", CONFIG_MAPS, config_map("a", x="y"))
        for name, body in BODIES.items():
            for content_type in TYPES:
                method, path = ("PATCH", f"{CONFIG_MAPS}/a?fieldManager=m") if "patch" in content_type else ("POST", CONFIG_MAPS)
                status = await _answered(served, method, path, body, content_type)
                assert status < 500, (name, content_type)
            await _answered(served, "DELETE", f"{CONFIG_MAPS}/nosuch", body, JSON)
        assert (await served.ask("GET", f"{CONFIG_MAPS}/a"))[0] == 200

    serve(tmp_path, test)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/../secrets",
        f"{CONFIG_MAPS}/..%2f..%2fsecrets%2fx",
        f"{CONFIG_MAPS}/%00",
        f"{CONFIG_MAPS}/%ff",
        f"{CONFIG_MAPS}/" + "a" * 5000,
        "/api/v1/pods?limit=x",
        "/api/v1/pods?labelSelector=((",
        "/api/v1/pods?continue=xyz",
        "/api/v1/pods?resourceVersion=abc",
        "/api/v1/pods?watch=maybe",
        "/api/v1/pods?%zz=%",
        "/api/v1/pods?" + "&".join(["a=1"] * 200),
    ],
    ids=lambda path: path[:40],
)
def test_damaged_paths_and_queries(tmp_path: Path, path: str) -> None:
    async def test(served: Served) -> None:
        async with served.raw() as (reader, writer):
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.credentials.token}\r\nConnection: close\r\n\r\n".encode()
            )
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert status < 500
        assert json.loads(body)["kind"] in ("Status", "PodList", "SecretList")

    serve(tmp_path, test)


def test_bodies_that_are_too_large(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        status, body, _ = await served.ask("POST", CONFIG_MAPS, b" " * (REQUEST_BODY_BYTES_MAX + 1))
        assert (status, body["reason"]) == (413, "RequestEntityTooLarge")
        async with served.raw() as (reader, writer):  # chunked, without an end
            writer.write(
                f"POST {CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.credentials.token}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            for _ in range(4):
                writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            assert b" 413 " in await reader.readline()

    serve(tmp_path, test)


NOT_HTTP: dict[str, bytes] = {
    "garbage": b"\x00\x01\x02\xff\r\n\r\n",
    "another protocol": b"SSH-2.0-x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(5_000)) + b"\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "bad chunk": b"POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_no_http(tmp_path: Path, sent: bytes) -> None:
    async def test(served: Served) -> None:
        async with served.raw() as (reader, writer):
            writer.write(sent)
            writer.write_eof() if writer.can_write_eof() else None
            async with asyncio.timeout(5):
                head, _, body = (await reader.readuntil(b"}\n")).partition(b"\r\n\r\n")
        assert head.split()[1] in (b"400", b"401")
        assert json.loads(body)["kind"] == "Status"
        assert (await served.ask("GET", "/readyz"))[0] == 200

    serve(tmp_path, test)


def test_broken_connections_leave_nothing(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        token = served.credentials.token
        for sent in (
            "",
            "GET /api",
            f"POST {CONFIG_MAPS} HTTP/1.1\r\nContent-Length: 100\r\nAuthorization: Bearer {token}\r\n\r\n{{",
            "\r\n",
        ):
            async with served.raw() as (_, writer):
                writer.write(sent.encode())
                await writer.drain()
        for _ in range(20):
            async with served.raw() as (_, writer):
                writer.write(f"GET {CONFIG_MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
                await writer.drain()
        await asyncio.sleep(0.2)
        assert not served.endpoint.streams

    serve(tmp_path, test)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["metadata", "spec", "data", "name", "labels", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_any_json_for_any_resource(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        drawn: list[tuple[str, str, Any]] = []

        @settings(max_examples=150, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from(["pods", "configmaps", "services", "secrets", "replicationcontrollers"]), st.sampled_from(TYPES), _VALUES)
        def draw(resource: str, content_type: str, value: Any) -> None:
            drawn.append((resource, content_type, value))

        draw()
        for resource, content_type, value in drawn:
            path = f"/api/v1/namespaces/default/{resource}"
            method = "PATCH" if "patch" in content_type else "POST"
            target = f"{path}/x?fieldManager=m" if method == "PATCH" else path
            assert await _answered(served, method, target, json.dumps(value).encode(), content_type) < 500

    serve(tmp_path, test)


@settings(max_examples=300, derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_any_bytes_as_protobuf(raw: bytes) -> None:
    for body in (raw, b"k8s\x00" + raw, b"k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod\x12" + bytes([len(raw) & 0x7F]) + raw):
        try:
            assert isinstance(decode(body), dict)
        except (WireError, UnknownKindError) as error:
            assert str(error)


@pytest.mark.parametrize("depth, fits", [(NESTING_MAX - 1, True), (NESTING_MAX + 1, False), (100_000, False)])
def test_depth_of_json(depth: int, fits: bool) -> None:
    for body in (b"[" * depth + b'"]]]"' + b"]" * depth, b'{"a\\"{":' * depth + b"1" + b"}" * depth):
        if fits:
            assert nesting.read(body, JSON) == body
        else:
            with pytest.raises(StatusError) as refused:
                nesting.read(body, JSON)
            assert refused.value.code == 400


def test_json_sent_as_yaml_is_read_as_json() -> None:
    assert nesting.read(b' {"a": [1, "x"]}', APPLY_PATCH) == {"a": [1, "x"]}
    text = b"a: &x {b: 1}\nc: *x\n"
    assert nesting.read(text, YAML) == text
