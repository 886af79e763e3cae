"""Recorded creations of a real API server, taken apart so that the kinds' own functions can be compared with them."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from engine import kinds
from engine.base.objects import Obj, frozen
from engine.kinds.common.model import Kind
from tests.shared import shared

TIME = "2026-01-01T00:00:00Z"
UID = "00000000-0000-4000-8000-000000000000"
_UIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Step(NamedTuple):
    """One recorded request and its answer."""

    number: int
    note: str
    method: str
    path: str
    body: Any
    status: int
    answer: Any
    warning: str


def steps(name: str) -> Iterator[Step]:
    """The steps of a recording."""
    recording = json.loads(shared(f"golden/{name}.json").read_text())
    for number, step in enumerate(recording["steps"], 1):
        request, response = step["request"], step["response"]
        yield Step(
            number,
            step.get("note", ""),
            request["method"],
            request["path"],
            request.get("body"),
            response["status"],
            response["body"],
            response.get("warning") or "",
        )


@lru_cache(maxsize=1)
def _by_path() -> dict[tuple[str, str], Kind]:
    # The registry belongs to another part; here only the hand-written kinds are looked at.
    return {(k.group, k.plural): k for k in hand_written()}


def hand_written() -> list[Kind]:
    """Every KIND of engine/kinds, in the order of module names."""
    found = []
    for module in sorted(pkgutil.iter_modules(kinds.__path__), key=lambda m: m.name):
        loaded = importlib.import_module(f"engine.kinds.{module.name}") if not module.ispkg else None
        kind = getattr(loaded, "KIND", None)
        if kind is not None:
            found.append(kind)
    return found


def kind_at(path: str) -> tuple[Kind | None, str, str]:
    """The hand-written kind that a path addresses, the version and the namespace."""
    parts = path.partition("?")[0].strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return _by_path().get((group, rest[0])), version, namespace


def as_stored(kind: Kind, version: str, namespace: str, body: Obj) -> Obj:
    """The request's object as the server would hand it to the kind's functions: identified, timed, in the storage version."""
    meta = {**(body.get("metadata") or {}), "uid": UID, "creationTimestamp": TIME}
    if namespace:
        meta["namespace"] = namespace
    if not meta.get("name"):
        meta["name"] = f"{meta.get('generateName', '')}bcdfg"
    if kind.has_generation:
        meta["generation"] = 1
    obj: Obj = {**body, "kind": kind.kind, "apiVersion": kind.api_version(version), "metadata": meta}
    if version in kind.convert:
        obj = kind.convert[version][1](obj)
    return frozen(obj)


def as_served(kind: Kind, version: str, obj: Obj) -> Obj:
    """An object in the version of the request."""
    return kind.convert[version][0](obj) if version in kind.convert else obj


def comparable(value: Any) -> Any:
    """Uids, times, versions and managed fields replaced or left out, as the recording's own replay does."""
    if isinstance(value, dict):
        left_out = ("managedFields", "resourceVersion")
        return {k: comparable(v) for k, v in value.items() if k not in left_out}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    if isinstance(value, str):
        value = _TIMES.sub("<time>", _UIDS.sub("<uid>", value))
        return re.sub(r"^gen-(\w{5}|<x>)$", "gen-<x>", re.sub(r"kube-api-access-\w{5}", "kube-api-access-<x>", value))
    return value
