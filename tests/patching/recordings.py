"""A server of one dict, for replaying recorded patches and applies through the pure functions alone.

It decodes, defaults and keeps metadata as the API server does, and nothing else: what authorization, validation, names, versions or
allocators answer is left to the server's own tests; such steps are listed in the tests by number.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import yaml

from engine.apiserver.managedfields.manager import applied, keep_times, reset_fields, updated
from engine.apiserver.managedfields.ownership import Writer
from engine.apiserver.managedfields.scale import SCALE_VERSION, to_parent, to_scale
from engine.apiserver.patching.patch import apply_patch
from engine.base.api import APPLY_PATCH
from engine.base.clock import rfc3339
from engine.base.errors import StatusError
from engine.base.objects import Obj, frozen, put
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import load
from engine.schema.types import type_of
from engine.schema.validators import validate
from tests.shared import shared

EPOCH = 1_767_225_600.0
SYSTEM = ("namespace", "uid", "resourceVersion", "creationTimestamp", "generation")
"""Metadata that the server keeps; generation and resourceVersion are left out of comparisons."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class _Yaml11(yaml.CSafeLoader):
    """YAML as sigs.k8s.io/yaml reads it: `y` and `n` are booleans."""


_Yaml11.bool_values = {**yaml.CSafeLoader.bool_values, "y": True, "n": False}
_Yaml11.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), list("yYnN"))


class Step(NamedTuple):
    """A recorded request and its answer."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: Any
    status: int
    answer: Any


def steps(name: str) -> Iterator[Step]:
    """The steps of a recording."""
    for number, step in enumerate(json.loads(shared(f"golden/{name}.json").read_text())["steps"], 1):
        request, response = step["request"], step["response"]
        parts = urlsplit(request["path"])
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = request.get("body")
        content_type = request.get("contentType") or ""
        yield Step(number, request["method"], parts.path, query, content_type, body, response["status"], response["body"])


def body_of(step: Step) -> Any:
    """The body as the server decodes it."""
    if not isinstance(step.body, str):
        return frozen(step.body)
    return frozen(yaml.load(step.body, Loader=_Yaml11) if step.content_type == APPLY_PATCH else json.loads(step.body))


class Server:
    """Objects by kind, namespace and name. `send` answers with an object; errors are raised."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Obj] = {}
        self.now = EPOCH

    def send(self, step: Step) -> Obj:
        """Carry out a step; all happen in one second, as when they were recorded (entries are ordered by time)."""
        group, version, namespace, plural, rest = _parsed(step.path)
        kind = load().by_path(group, version, plural)
        assert kind is not None
        body = body_of(step) if step.method != "GET" else None
        name = rest[0] if rest else body["metadata"]["name"]
        subresource = rest[1] if len(rest) > 1 else ""
        live = self.objects.get((plural, name))
        if step.method == "GET":
            assert live is not None
            return live if not subresource else scale_of(live, namespace)
        reset = reset_fields(subresource, kind.status, kind.resource)
        writer = Writer(step.query.get("fieldManager") or "unknown", kind.api_version(version), subresource, reset)
        if subresource == "scale":
            made = self._scale(step, live, body, writer)
        else:
            made = self._write(step, kind, live, body, writer)
        stored = live if made is live else self._stored(made, live, namespace, name)
        if not step.query.get("dryRun"):
            self.objects[plural, name] = stored
        return stored if subresource != "scale" else scale_of(stored, namespace)

    def _write(self, step: Step, kind: Kind, live: Obj | None, body: Any, writer: Writer) -> Obj:
        info = type_of(kind.group, kind.storage, kind.kind)
        if step.content_type == APPLY_PATCH:
            new = self._decoded(kind, applied(live, body, info, writer, self.now, step.query.get("force") == "true"))
        else:
            new = body if step.method != "PATCH" else apply_patch(live or {}, body, step.content_type, info)
            if live is not None:
                new = _with_system_fields(new, live)
            new = updated(live, self._decoded(kind, new), info, writer, self.now)
        if live is None:
            return kind.prepare_create(new)
        keep = "spec" if writer.subresource == "status" else "status"
        return keep_times(live, put(new, (keep,), live[keep]) if kind.status else new)

    def _decoded(self, kind: Kind, obj: Obj) -> Obj:
        given = {**obj, "kind": kind.kind, "apiVersion": kind.api_version()}
        result = validate(kind.group, kind.storage, kind.kind, given)
        assert not result.errors
        return frozen(kind.defaults(result.obj))

    def _scale(self, step: Step, live: Obj | None, body: Any, writer: Writer) -> Obj:
        assert live is not None
        entries = live["metadata"]["managedFields"]
        old = put(scale_of(live, ""), ("metadata", "managedFields"), to_scale(entries, ("spec", "replicas")))
        info = type_of("autoscaling", "v1", "Scale")
        scaler = Writer(writer.manager, SCALE_VERSION, "scale")
        if step.content_type == APPLY_PATCH:
            new = applied(old, body, info, scaler, self.now)
        else:
            new = apply_patch(old, body, step.content_type, info) if step.method == "PATCH" else _with_system_fields(body, old)
            new = updated(old, new, info, scaler, self.now)
        after = to_parent(entries, new["metadata"]["managedFields"], ("spec", "replicas"), writer.api_version)
        return put(put(live, ("spec", "replicas"), new["spec"]["replicas"]), ("metadata", "managedFields"), after)

    def _stored(self, made: Obj, live: Obj | None, namespace: str, name: str) -> Obj:
        kept = {"name": name, "namespace": namespace, "uid": "<uid>", "creationTimestamp": rfc3339(EPOCH)}
        return frozen({**made, "metadata": {**made["metadata"], **kept}})


def _parsed(path: str) -> tuple[str, str, str, str, list[str]]:
    """Group, version, namespace, plural, and name and subresource."""
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    return group, version, rest[1], rest[2], rest[3:]


def _with_system_fields(new: Obj, live: Obj) -> Obj:
    """What an update need not send (rest.BeforeUpdate)."""
    kept = {name: live["metadata"][name] for name in SYSTEM if name in live["metadata"]}
    return {**new, "metadata": {**new["metadata"], **kept}}


def scale_of(obj: Obj, namespace: str) -> Obj:
    """The Scale of a workload, without status."""
    metadata = {name: value for name, value in obj["metadata"].items() if name in ("name", *SYSTEM)}
    return {"kind": "Scale", "apiVersion": SCALE_VERSION, "metadata": metadata, "spec": {"replicas": obj["spec"]["replicas"]}}


def comparable(value: Any, metadata: bool = False) -> Any:
    """Times replaced, versions and generation of metadata left out; so are nulls, which are put in when an object is shown."""
    if isinstance(value, dict):
        left_out = ("resourceVersion", "generation") if metadata else ()
        return {k: comparable(v, k == "metadata") for k, v in value.items() if k not in left_out and v is not None}
    if isinstance(value, list):
        return [comparable(v) for v in value]
    return _TIME.sub("<time>", value) if isinstance(value, str) else value


def error_of(error: StatusError) -> Obj:
    """The Status of an error, details included where they are empty."""
    return {**error.status(), **({"details": error.details} if error.details is not None else {})}
