"""The Kubernetes API over HTTPS: forms of answers, streams, who may call, limits."""

import asyncio
import gzip
import json
from pathlib import Path

import aiohttp
import pytest
import yaml

from engine.base.errors import StatusError
from engine.serve.certificates import ensure_credentials
from engine.serve.inflight import InFlight
from engine.serve.upgrades import refuse_upgrades
from tests.serve.served import CONFIG_MAPS, Served, config_map, serve


def test_objects_come_as_json_yaml_tables_and_metadata(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        status, made, headers = await served.ask("POST", CONFIG_MAPS, config_map("a", x="이름"))
        assert (status, made["data"], headers["Content-Type"]) == (201, {"x": "이름"}, "application/json")
        assert headers["Cache-Control"] == "no-cache, private"
        assert len(headers["Audit-Id"]) == 36
        _, text, headers = await served.ask("GET", f"{CONFIG_MAPS}/a", Accept="application/yaml")
        assert (yaml.safe_load(text), headers["Content-Type"]) == (made, "application/yaml")
        table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
        assert (await served.ask("GET", CONFIG_MAPS, Accept=table))[1]["rows"][0]["cells"][:2] == ["a", 1]
        partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        assert "data" not in (await served.ask("GET", f"{CONFIG_MAPS}/a", Accept=partial))[1]

    serve(tmp_path, test)


def test_protobuf_is_not_acceptable_alone_but_json_is_beside_it(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        protobuf = "application/vnd.kubernetes.protobuf"
        for path in (CONFIG_MAPS, "/api", "/apis/apps/v1"):
            status, body, _ = await served.ask("GET", path, Accept=protobuf)
            assert (status, body["reason"]) == (406, "NotAcceptable")
            assert (await served.ask("GET", path, Accept=f"{protobuf},application/json"))[0] == 200

    serve(tmp_path, test)


def test_aggregated_discovery_names_its_media_type(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        status, body, headers = await served.ask("GET", "/apis", Accept=accept)
        assert (status, body["kind"]) == (200, "APIGroupDiscoveryList")
        assert headers["Content-Type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    serve(tmp_path, test)


def test_people_get_indented_json(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        for query, agent, indented in (("?pretty=true", "x", True), ("", "curl/8", True), ("?pretty=0", "curl/8", False), ("", "x", False)):
            async with served.session.get(f"/version{query}", headers={"User-Agent": agent}) as response:
                assert (b'\n  "major"' in await response.read()) is indented

    serve(tmp_path, test)


def test_large_lists_are_compressed_on_request(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        await asyncio.gather(*(served.ask("POST", CONFIG_MAPS, config_map(f"c{i}", v="x" * 2000)) for i in range(100)))
        _, body, headers = await served.ask("GET", CONFIG_MAPS, Accept_Encoding="gzip")
        assert headers["Content-Encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(body))["items"]) == 100
        assert "Content-Encoding" not in (await served.ask("GET", f"{CONFIG_MAPS}/c1", Accept_Encoding="gzip"))[2]

    serve(tmp_path, test)


def test_warnings_are_headers(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        _, _, headers = await served.ask("POST", f"{CONFIG_MAPS}?fieldValidation=Warn", {**config_map("a"), 'od"d': 1})
        assert headers.getall("Warning") == ['299 - "unknown field \\"od\\"d\\""']

    serve(tmp_path, test)


def test_a_watch_is_one_event_a_line_and_ends_with_the_client(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        async with served.session.get(f"{CONFIG_MAPS}?watch=1") as response:
            assert response.headers["Transfer-Encoding"] == "chunked"
            await served.ask("POST", CONFIG_MAPS, config_map("a"))
            await served.ask("DELETE", f"{CONFIG_MAPS}/a")
            lines = [json.loads(await response.content.readline()) for _ in range(2)]
            assert [(line["type"], line["object"]["metadata"]["name"]) for line in lines] == [("ADDED", "a"), ("DELETED", "a")]
        await asyncio.sleep(0.05)
        assert not served.endpoint.streams

    serve(tmp_path, test)


def test_a_watch_ends_after_its_timeout_and_with_the_server(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        async with served.session.get(f"{CONFIG_MAPS}?watch=1&timeoutSeconds=1") as response:
            assert await response.read() == b""
        async with served.session.get(f"{CONFIG_MAPS}?watch=1") as response:
            reading = asyncio.ensure_future(response.read())
            await asyncio.sleep(0.05)
            await served.endpoint.stop()
            assert await reading == b""

    serve(tmp_path, test)


def test_nothing_is_shown_before_it_is_durable(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        gate = asyncio.Event()
        real = served.store.durable

        async def durable(revision: int) -> None:
            await gate.wait()
            await real(revision)

        async with served.session.get(f"{CONFIG_MAPS}?watch=1") as response:
            served.store.durable = durable  # type: ignore[method-assign]  # a disk that has not answered yet
            creating = asyncio.ensure_future(served.ask("POST", CONFIG_MAPS, config_map("a")))
            watching = asyncio.ensure_future(response.content.readline())
            reading = asyncio.ensure_future(served.ask("GET", f"{CONFIG_MAPS}/a"))
            await asyncio.sleep(0.1)
            assert not (creating.done() or watching.done() or reading.done())
            gate.set()
            assert (await creating)[0] == 201
            assert json.loads(await watching)["type"] == "ADDED"
            await reading

    serve(tmp_path, test)


def test_a_watcher_that_does_not_read_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.serve.https.STREAM_WRITE_TIMEOUT_S", 0.2)

    async def test(served: Served) -> None:
        token = served.credentials.token
        async with served.raw() as (reader, writer):
            writer.write(f"GET {CONFIG_MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that can read
            for i in range(40):
                assert (await served.ask("POST", CONFIG_MAPS, config_map(f"c{i}", v="x" * 500_000)))[0] == 201
            await asyncio.sleep(0.5)
            assert not served.endpoint.streams

    serve(tmp_path, test)


def test_only_health_is_answered_to_strangers(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
            async with served.client(headers) as stranger:
                for path in ("/api/v1/secrets", "/version", "/apis", "/metrics", "/readyzz", "/healthz/../api/v1/secrets"):
                    async with stranger.get(path) as response:
                        assert response.status == 401
                        status = await response.json()
                        assert (status["kind"], status["reason"], status["message"]) == ("Status", "Unauthorized", "Unauthorized")
                async with stranger.get("/readyz") as response:
                    assert response.status == (401 if headers else 200)

    serve(tmp_path, test)


def test_a_client_certificate_names_the_user(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        tls = served.tls()
        tls.load_cert_chain(served.credentials.admin.certificate_file, served.credentials.admin.key_file)
        async with served.client({}, tls) as admin:
            body = config_map("by-certificate")
            async with admin.post(CONFIG_MAPS, json=body) as response:
                assert response.status == 201
        made = served.store.get("configmaps", "default", "by-certificate")
        assert made is not None
        assert served.store.history("configmaps", "default", "by-certificate")[0].cause.actor == "kubernetes-admin"

    serve(tmp_path, test)


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        other = ensure_credentials(tmp_path / "other", served.world)
        tls = served.tls()
        tls.load_cert_chain(other.admin.certificate_file, other.admin.key_file)
        async with served.client({}, tls) as stranger:
            with pytest.raises(aiohttp.ClientError):
                await stranger.get("/api/v1/secrets")
        assert (await served.ask("GET", "/readyz"))[0] == 200

    serve(tmp_path, test)


def test_more_than_so_many_in_flight_are_told_to_come_again() -> None:
    flights = InFlight(reading_max=1, changing_max=1)
    with flights.admitted("GET"), flights.admitted("POST"):
        for method in ("HEAD", "PATCH"):
            with pytest.raises(StatusError) as refused, flights.admitted(method):
                pass
            assert (refused.value.code, refused.value.retry_after_s) == (429, 1)
    with flights.admitted("GET"):
        pass


def test_upgrades_that_no_runtime_can_are_501(tmp_path: Path) -> None:
    async def test(served: Served) -> None:
        refuse_upgrades(served.api)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        pods = "/api/v1/namespaces/default/pods"
        assert (await served.ask("POST", pods, pod))[0] == 403  # no service account yet
        await served.ask("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
        assert (await served.ask("POST", pods, pod))[0] == 201
        status, body, _ = await served.ask("POST", f"{pods}/p/exec?command=ls&command=-l", Upgrade="SPDY/3.1", Connection="Upgrade")
        assert (status, body["kind"], body["reason"]) == (501, "Status", "NotImplemented")
        assert (await served.ask("POST", f"{pods}/nosuch/exec"))[0] == 404

    serve(tmp_path, test)
