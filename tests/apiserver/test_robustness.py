"""No body, however damaged, makes the server raise: recorded requests with fields lost, emptied, doubled and of other types."""

import json
import re
from typing import Any

import pytest

from engine.base.world import Streams
from engine.sim.loop import run
from tests.apiserver.recordings import answer, load, new_server, replay

_DAMAGE: list[Any] = [{}, [], "", 0, -1, "x", "BAD!", 99_999_999, True, None, [{}], {"a": "b"}]


def _damaged(value: Any, rng: Any) -> Any:
    if isinstance(value, dict):
        made = {}
        for name, inner in value.items():
            luck = rng.random()
            if luck > 0.06:
                made[name] = rng.choice(_DAMAGE) if luck < 0.12 else _damaged(inner, rng)
        return made
    if isinstance(value, list):
        made_list = [_damaged(v, rng) for v in value if rng.random() > 0.05]
        return made_list + made_list[:1] if rng.random() < 0.05 else made_list
    return value if rng.random() > 0.03 else rng.choice(["", "x", -1, 10**9, "9" * 70])


def _requests() -> list[dict[str, Any]]:
    found = []
    for name in ("defaults", "errors", "patches", "apply", "lifecycle"):
        for step in load(name)["steps"]:
            body = step["request"].get("body")
            if isinstance(body, dict | list):
                found.append(step["request"])
            elif body and body.startswith("{") and body.endswith("}"):
                found.append({**step["request"], "body": json.loads(body)})
    return found


@pytest.mark.parametrize("seed", range(4))
def test_damaged_requests_get_an_answer(seed: int) -> None:
    rng = Streams(seed).stream("damage")

    async def main() -> set[int]:
        server = new_server()
        await replay(server, "defaults")
        requests = _requests()
        codes = set()
        for _ in range(400):
            request = rng.choice(requests)
            path = re.sub(r"namespaces/[^/?]+/", "namespaces/golden-c/", request["path"])
            status, body, _ = await answer(server, {**request, "path": path, "body": _damaged(request["body"], rng)})
            assert status < 400 or body["kind"] == "Status"
            codes.add(status)
        return codes

    codes = run(main())
    assert codes >= {200, 400, 422}
