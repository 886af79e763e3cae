"""Discovery documents are those of a real server."""

import json
from typing import Any

import pytest

from engine.kinds.common import discovery
from engine.kinds.common.registry import Registry, load
from engine.kinds.common.served import served
from tests.shared import shared

OURS = "ktui.dev"


def recorded() -> dict[tuple[str, bool], Any]:
    """Bodies by path and whether the aggregated form was asked for."""
    steps = json.loads(shared("golden/discovery.json").read_bytes())["steps"]
    return {(s["request"]["path"], "accept" in s["request"]): s["response"]["body"] for s in steps}


def kubernetes() -> Registry:
    """The registry without groups that Kubernetes does not have."""
    return Registry(kind for kind in load().all() if not kind.group.endswith(OURS))


def document(registry: Registry, path: str, aggregated: bool) -> Any:
    """What the server answers with at a path."""
    if aggregated:
        return discovery.aggregated(registry, core=path == "/api")
    match path.strip("/").split("/"):
        case ["api"]:
            return discovery.core_versions("<address>")
        case ["apis"]:
            return discovery.group_list(registry)
        case ["api", version]:
            return discovery.resource_list(registry, "", version)
        case ["apis", group, version]:
            return discovery.resource_list(registry, group, version)
    raise AssertionError(path)


@pytest.mark.parametrize("registry", [Registry(served()), kubernetes()], ids=["facts", "kinds"])
def test_documents_equal_the_recorded_ones(registry: Registry) -> None:
    compared = 0
    for (path, aggregated), body in recorded().items():
        if path.startswith("/api") and isinstance(body, dict):
            assert document(registry, path, aggregated) == body, path
            compared += 1
    assert compared >= 24


def test_unknown_groups_and_versions_have_no_document() -> None:
    registry = load()
    assert discovery.resource_list(registry, "nosuch", "v1") is None
    assert discovery.resource_list(registry, "apps", "v2") is None
    assert discovery.group(registry, "nosuch") is None


def test_a_group_document_names_its_preferred_version() -> None:
    found = discovery.group(load(), "autoscaling")
    assert found is not None
    assert found["preferredVersion"] == {"groupVersion": "autoscaling/v2", "version": "v2"}
    assert [v["version"] for v in found["versions"]] == ["v2", "v1"]
