"""Resources as OpenAPI paths, with the operations, parameters and extensions that kubectl looks at
(apiserver/pkg/endpoints/installer.go, kube-openapi/pkg/builder3).

Built once, in the shape of version 3; `down` makes version 2 of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.apiserver.openapi.schemas import GVK, PATCH_NAME, V2, V3, custom_name
from engine.base.api import APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, YAML
from engine.base.objects import Obj
from engine.kinds.common import discovery
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry
from engine.schema.types import openapi_name, type_of

ACTION = "x-kubernetes-action"
STATUS = openapi_name("meta.v1.Status")
DELETE_OPTIONS = openapi_name("meta.v1.DeleteOptions")
PATCH_TYPES = (APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH)
PRODUCED = (JSON, YAML)
WATCHED = f"{JSON};stream=watch"


class _Verb(NamedTuple):
    """How a verb of discovery looks as an operation: its method, action, and the start of its operationId."""

    method: str
    action: str
    prefix: str


_COLLECTION: Mapping[str, _Verb] = {
    "list": _Verb("get", "list", "list"),
    "create": _Verb("post", "post", "create"),
    "deletecollection": _Verb("delete", "deletecollection", "delete"),
}
_ITEM: Mapping[str, _Verb] = {
    "get": _Verb("get", "get", "read"),
    "create": _Verb("post", "post", "create"),
    "update": _Verb("put", "put", "replace"),
    "patch": _Verb("patch", "patch", "patch"),
    "delete": _Verb("delete", "delete", "delete"),
}

_STRING: Obj = {"type": "string", "uniqueItems": True}
_BOOLEAN: Obj = {"type": "boolean", "uniqueItems": True}
_INTEGER: Obj = {"type": "integer", "uniqueItems": True}
_SELECTING: Mapping[str, Obj] = {
    "continue": _STRING,
    "fieldSelector": _STRING,
    "labelSelector": _STRING,
    "limit": _INTEGER,
    "resourceVersion": _STRING,
    "resourceVersionMatch": _STRING,
    "sendInitialEvents": _BOOLEAN,
    "timeoutSeconds": _INTEGER,
}
_WRITING: Mapping[str, Obj] = {"dryRun": _STRING, "fieldManager": _STRING, "fieldValidation": _STRING}
_DELETING: Mapping[str, Obj] = {
    "dryRun": _STRING,
    "gracePeriodSeconds": _INTEGER,
    "ignoreStoreReadErrorWithClusterBreakingPotential": _BOOLEAN,
    "orphanDependents": _BOOLEAN,
    "propagationPolicy": _STRING,
}
_QUERIES: Mapping[str, Mapping[str, Obj]] = {
    "list": {"allowWatchBookmarks": _BOOLEAN, **_SELECTING, "watch": _BOOLEAN},
    "post": _WRITING,
    "put": _WRITING,
    "patch": {**_WRITING, "force": _BOOLEAN},
    "delete": _DELETING,
    "deletecollection": {**_DELETING, **_SELECTING},
    "get": {},
}
_ON_PATH: Mapping[str, Obj] = {"pretty": _STRING}
_PATH_TEXT: Obj = {"type": "string", "uniqueItems": True}
_LOG: Mapping[str, Obj] = {
    "container": _STRING,
    "follow": _BOOLEAN,
    "insecureSkipTLSVerifyBackend": _BOOLEAN,
    "limitBytes": _INTEGER,
    "previous": _BOOLEAN,
    "sinceSeconds": _INTEGER,
    "stream": _STRING,
    "tailLines": _INTEGER,
    "timestamps": _BOOLEAN,
}
_CONNECTED = frozenset({"attach", "exec", "portforward", "proxy"})


class Resource(NamedTuple):
    """A resource or subresource of a group and version; `kind` is what is sent and answered, of group and version `of`."""

    owner: Kind
    version: str
    sub: str
    kind: str
    of: tuple[str, str]
    verbs: tuple[str, ...]

    @property
    def gvk(self) -> Obj:
        """As x-kubernetes-group-version-kind."""
        return {"group": self.of[0], "version": self.of[1], "kind": self.kind}

    @property
    def schema(self) -> str:
        """The name of the kind's schema; empty where there is none (options of connections)."""
        return schema_name(self.owner, self.of[0], self.of[1], self.kind)


def schema_name(owner: Kind, group: str, version: str, kind: str) -> str:
    """The name of a kind's schema in the documents, empty where there is none; `owner` is the kind whose resource it belongs to."""
    info = type_of(group, version, kind)
    if group == owner.group and kind in (owner.kind, list_kind(owner)) and (info is None or owner.types):
        return custom_name(group, version, kind)
    return openapi_name(info.name) if info is not None else ""


def list_kind(kind: Kind) -> str:
    """The kind of a list of the kind's objects."""
    return kind.list_kind or f"{kind.kind}List"


def resources(registry: Registry, group: str, version: str) -> Iterator[Resource]:
    """The resources of a group and version with their subresources, as discovery has them."""
    found = discovery.resource_list(registry, group, version)
    for entry in found["resources"] if found else ():
        plural, _, sub = entry["name"].partition("/")
        owner = registry.by_path(group, version, plural)
        assert owner is not None, "discovery lists what the registry has"
        of = (entry.get("group", group), entry.get("version", version))
        yield Resource(owner, version, sub, entry["kind"], of, tuple(entry["verbs"]))


def paths(resource: Resource) -> Iterator[tuple[str, Obj]]:
    """(path, its operations) of a resource."""
    owner = resource.owner
    base = f"/apis/{owner.group}/{resource.version}" if owner.group else f"/api/{resource.version}"
    scoped = f"{base}/namespaces/{{namespace}}/{owner.plural}" if owner.namespaced else f"{base}/{owner.plural}"
    if resource.sub:
        yield _path(f"{scoped}/{{name}}/{resource.sub}", resource, _ITEM)
        return
    has_items = any(verb in resource.verbs for verb in ("get", "update", "patch", "delete"))
    if any(verb in resource.verbs for verb in _COLLECTION):
        yield _path(scoped, resource, _COLLECTION)
    if has_items:
        yield _path(f"{scoped}/{{name}}", resource, {verb: how for verb, how in _ITEM.items() if verb != "create"})
    if owner.namespaced and "list" in resource.verbs:
        yield _path(f"{base}/{owner.plural}", resource, {"list": _COLLECTION["list"]})


def _path(path: str, resource: Resource, verbs: Mapping[str, _Verb]) -> tuple[str, Obj]:
    made: dict[str, Any] = {}
    for verb, how in verbs.items():
        if verb in resource.verbs:
            made[how.method] = _operation(path, resource, how)
    steps = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": step, "in": "path", "required": True, "schema": _PATH_TEXT} for step in reversed(steps)]
    made["parameters"] = [*parameters, *_query(_ON_PATH)]
    return path, made


def _query(parameters: Mapping[str, Obj]) -> list[Obj]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in parameters.items()]


def _camel(group: str, version: str) -> str:
    """`AppsV1`, `CoreV1`, `RbacAuthorizationV1`."""
    words = (group.removesuffix(".k8s.io") or "core").replace("-", ".").split(".")
    return "".join(word[:1].upper() + word[1:] for word in (*words, version))


def _operation(path: str, resource: Resource, how: _Verb) -> Obj:
    owner, connected = resource.owner, resource.sub in _CONNECTED
    camel = _camel(owner.group, resource.version)
    scope = "Namespaced" if "{namespace}" in path else ""
    everywhere = "ForAllNamespaces" if owner.namespaced and not scope else ""
    action = "connect" if connected else how.action
    prefix = f"connect{how.method.title()}" if connected else how.prefix
    collection = "Collection" if how.action == "deletecollection" else ""
    sub = resource.sub[:1].upper() + resource.sub[1:]
    made: dict[str, Any] = {
        "tags": [camel[:1].lower() + camel[1 : len(camel) - len(resource.version)] + "_" + resource.version],
        "operationId": f"{prefix}{camel}{collection}{scope}{owner.kind}{sub}{everywhere}",
        "responses": _responses(resource, how, connected),
        ACTION: action,
        GVK: resource.gvk,
    }
    query = {} if connected else _LOG if resource.sub == "log" else _QUERIES[how.action]
    if query:
        made["parameters"] = _query(query)
    body = None if connected else _body(resource, how)
    if body is not None:
        made["requestBody"] = body
    return made


def _body(resource: Resource, how: _Verb) -> Obj | None:
    if how.action == "patch":
        owner = resource.owner
        without_keys = owner.is_custom or type_of(owner.group, resource.version, owner.kind) is None
        types = [kind for kind in PATCH_TYPES if kind != STRATEGIC_PATCH or not without_keys]
        return {"content": {kind: {"schema": V3.ref(PATCH_NAME)} for kind in types}, "required": True}
    if how.action in ("delete", "deletecollection"):
        return {"content": {"*/*": {"schema": V3.ref(DELETE_OPTIONS)}}}
    if how.action in ("post", "put") and resource.schema:
        return {"content": {"*/*": {"schema": V3.ref(resource.schema)}}, "required": True}
    return None


def _responses(resource: Resource, how: _Verb, connected: bool) -> Obj:
    if connected or resource.sub == "log":
        text: Obj = {"type": "string"}
        return {"200": {"description": "OK", "content": {"*/*" if connected else "text/plain": {"schema": text}}}}
    answered = resource.schema
    if how.action == "list":
        answered = schema_name(resource.owner, *resource.of, list_kind(resource.owner))
    elif how.action in ("delete", "deletecollection"):
        answered = STATUS
    schema: Obj = V3.ref(answered) if answered else {"type": "object"}
    types = (*PRODUCED, WATCHED) if how.action == "list" else PRODUCED
    content = {kind: {"schema": schema} for kind in types}
    codes = {"post": {"200": "OK", "201": "Created", "202": "Accepted"}, "delete": {"200": "OK", "202": "Accepted"}}
    written = {"200": "OK", "201": "Created"} if how.action in ("put", "patch") else {"200": "OK"}
    return {code: {"description": text, "content": content} for code, text in codes.get(how.action, written).items()}


def down(operations: Obj) -> Obj:
    """The operations of a path in version 2."""
    made: dict[str, Any] = {"parameters": [_parameter(p) for p in operations["parameters"]]}
    for method, operation in operations.items():
        if method != "parameters":
            made[method] = _down(operation)
    return made


def _parameter(parameter: Obj) -> Obj:
    return {**{name: value for name, value in parameter.items() if name != "schema"}, **parameter["schema"]}


def _down(operation: Obj) -> Obj:
    made = {name: value for name, value in operation.items() if name not in ("requestBody", "responses", "parameters")}
    parameters = [_parameter(p) for p in operation.get("parameters") or ()]
    body = operation.get("requestBody")
    if body:
        schema = next(iter(body["content"].values()))["schema"]
        parameters.insert(0, {"name": "body", "in": "body", "schema": _reref(schema), **({"required": True} if "required" in body else {})})
        made["consumes"] = list(body["content"])
    if parameters:
        made["parameters"] = parameters
    contents = [response["content"] for response in operation["responses"].values()]
    made["produces"] = list(contents[0])
    made["responses"] = {
        code: {"description": response["description"], "schema": _reref(next(iter(response["content"].values()))["schema"])}
        for code, response in operation["responses"].items()
    }
    return {**made, "schemes": ["https"]}


def _reref(schema: Obj) -> Obj:
    return V2.ref(schema["$ref"].removeprefix(V3.prefix)) if "$ref" in schema else schema
