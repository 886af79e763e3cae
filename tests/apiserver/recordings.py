"""Replays recorded conversations with a real API server in process, and says what differs.

The normalisation and comparison are those of golden/replay.py.
"""

import asyncio
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.apiserver.server import ApiServer
from engine.base.api import JSON, Request, Response, User
from engine.base.world import simulated_world
from engine.kinds.common import registry
from engine.kinds.common.registry import Registry
from engine.store.store import Store
from tests.differences import differences
from tests.shared import shared

RECORDER = User("admin", ("system:masters", "system:authenticated"), "admin")
"""Who made the recorded requests."""

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AGE = re.compile(r"^(\d+[smhdy]){1,2}$")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def normalise(value: Any, key: str | None = None) -> Any:
    """A JSON value with placeholders for what differs from run to run."""
    if isinstance(value, dict):
        if "columnDefinitions" in value:
            columns = [{k: v for k, v in c.items() if k != "description"} for c in value["columnDefinitions"]]
            value = {**value, "columnDefinitions": columns}
        return {k: normalise(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [normalise(v, key) for v in value]
    if key in ("nodePort", "healthCheckNodePort") and isinstance(value, int) and value:
        return "<port>"
    if key == "serverAddress":
        return "<address>"
    return _normalise_text(value, key) if isinstance(value, str) else value


def _normalise_text(value: str, key: str | None) -> str:
    if key == "cells" and _AGE.match(value):
        return "<age>"
    if key == "cells" and re.match(r"10\.\d+\.\d+\.\d+$", value):
        return "<ip>"
    if key == "cells" and ":3" in value:
        return re.sub(r":3\d{4}/", ":<port>/", value)
    if key == "continue" and value:
        return "<continue>"
    if key == "resourceVersion" and value not in ("", "0"):
        return "<rv>"
    if key in ("clusterIP", "clusterIPs") and re.match(r"\d+\.\d+\.\d+\.\d+$", value):
        return "<ip>"
    value = re.sub(r"(resourceVersion\W+)\d+", r"\1<rv>", _TIME.sub("<time>", _UID.sub("<uid>", value)))
    return re.sub(r"^gen-\w{5}$", "gen-<x>", re.sub(r"kube-api-access-\w{5}", "kube-api-access-<x>", value))


def request_of(recorded: dict[str, Any]) -> Request:
    """A recorded request as the HTTP server would hand it over."""
    url = urlsplit(recorded["path"])
    body = recorded.get("body")
    if body is not None:
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Request(
        recorded["method"],
        url.path,
        dict(parse_qsl(url.query, keep_blank_values=True)),
        body,
        content_type=recorded.get("contentType", ""),
        accept=recorded.get("accept", JSON),
        headers=recorded.get("headers", {}),
        user=RECORDER,
    )


async def answer(server: ApiServer, recorded: dict[str, Any]) -> tuple[int, Any, bool]:
    """Status, body as JSON values, and whether there are warnings."""
    response = await server.handle(request_of(recorded))
    await asyncio.sleep(0)  # what the server does by itself after a commit, it has done before the next request
    if not isinstance(response, Response):
        events = []
        while batch := await response.batch():
            events += batch
        return 200, "\n".join(json.dumps({"type": e.type, "object": e.object}) for e in events), False
    body = response.body
    if isinstance(body, bytes):
        return response.status, body.decode(), bool(response.warnings)
    return response.status, json.loads(json.dumps(body)), bool(response.warnings)


def new_server() -> ApiServer:
    """An empty cluster without controllers, and without our own kinds, on the running loop."""
    world = simulated_world(asyncio.get_running_loop())
    kinds = Registry(kind for kind in registry.load().all() if not kind.group.endswith("ktui.dev"))
    return ApiServer(Store(world.clock), world, kinds)


def load(name: str) -> dict[str, Any]:
    """A recording."""
    recording: dict[str, Any] = json.loads(shared(f"golden/{name}.json").read_text())
    return recording


async def replay(server: ApiServer, name: str) -> dict[int, list[str]]:
    """What differs, by the number of the step (from 1)."""
    recording = load(name)
    for prepared in recording.get("prepare", []):
        await answer(server, {"contentType": JSON, **prepared})
    found: dict[int, list[str]] = {}
    for number, step in enumerate(recording["steps"], 1):
        want = step["response"]
        status, body, warned = await answer(server, step["request"])
        if status != want["status"]:
            lines = [f"status: want {want['status']} got {status}: {json.dumps(body)[:300]}"]
        else:
            lines = list(differences(normalise(want["body"]), normalise(body)))
            if bool(want.get("warning")) != warned:
                lines.append(f"warning: want {want.get('warning')!r}, got {warned}")
        if lines:
            found[number] = lines
    return found
