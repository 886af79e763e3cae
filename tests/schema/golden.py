"""The recorded requests and answers, as tests of the schema need them."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from tests.shared import shared

FILES = ("defaults", "corpus-defaults", "patches", "apply", "lifecycle", "errors", "rbac")
PLACEHOLDERS = {"<time>": "2026-01-02T03:04:05Z"}


def steps(name: str) -> list[Any]:
    """All steps of a recording that have an answer."""
    recording = json.loads(shared(f"golden/{name}.json").read_bytes())
    return [step for step in [*recording["prepare"], *recording["steps"]] if "response" in step]


def body_of(request: Any) -> Any:
    """The body of a request, read from YAML or JSON text where it is that; None where it is unreadable on purpose."""
    body = request.get("body")
    try:
        return yaml.safe_load(body) if isinstance(body, str) else body
    except yaml.YAMLError:
        return None


def real(value: Any) -> Any:
    """A recorded value with its placeholders replaced by something that fits."""
    if isinstance(value, dict):
        return {k: real(v) for k, v in value.items()}
    if isinstance(value, list):
        return [real(v) for v in value]
    return PLACEHOLDERS.get(value, value) if isinstance(value, str) else value


def objects(value: Any) -> Iterator[Any]:
    """The API objects in an answer: itself, or the items of a list with apiVersion and kind filled in."""
    if not isinstance(value, dict) or "kind" not in value:
        return
    if value["kind"].endswith("List") and "items" in value:
        for item in value["items"]:
            yield {"apiVersion": value["apiVersion"], "kind": value["kind"].removesuffix("List"), **item}
    else:
        yield value


def gvk(obj: Any) -> tuple[str, str, str]:
    """Group, version and kind."""
    group, _, version = obj["apiVersion"].rpartition("/")
    return group, version, obj["kind"]
