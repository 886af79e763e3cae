"""/openapi/v3, its documents per group and version, and /openapi/v2 (kube-openapi/pkg/handler3/handler.go, pkg/handler/handler.go).

A document is built when it is first asked for, and again only when a kind in it has changed.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import orjson

from engine.apiserver.openapi import protobuf
from engine.apiserver.openapi.operations import Resource, down, list_kind, paths, resources, schema_name
from engine.apiserver.openapi.schemas import PATCH, PATCH_NAME, V2, V3, Flavor, closure, custom, custom_list
from engine.base.api import JSON, Request, Response
from engine.base.errors import method_not_allowed, not_acceptable
from engine.base.objects import Obj
from engine.kinds.common import discovery
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry
from engine.schema.types import OBJECT_META, type_of

ROOT, SWAGGER = "/openapi/v3", "/openapi/v2"
TITLE = "Kubernetes"

_UNTYPED: Obj = {
    "type": "object",
    "properties": {name: {"type": "object", "x-kubernetes-preserve-unknown-fields": True} for name in ("spec", "status")},
}
"""Of kinds that are neither Kubernetes' nor custom: our own."""

_ALWAYS = ("meta.v1.DeleteOptions", "meta.v1.Status")
_READABLE = frozenset({"", "*/*", "application/*", JSON})


class Document(NamedTuple):
    """The bytes of a document, and the hash that names this version of it."""

    body: bytes
    hash: str


def _document(body: bytes) -> Document:
    return Document(body, hashlib.sha512(body).hexdigest().upper())


def _schemas(found: Iterable[Resource], flavor: Flavor) -> dict[str, Obj]:
    """The schemas that resources need, by name, sorted."""
    made: dict[str, Obj] = {PATCH_NAME: PATCH}
    for name in _ALWAYS:
        made.update(closure(name, flavor))
    for resource in found:
        for kind in (resource.kind, list_kind(resource.owner)):
            made.update(_of_kind(resource, kind, flavor))
    return dict(sorted(made.items()))


def _of_kind(resource: Resource, kind: str, flavor: Flavor) -> Mapping[str, Obj]:
    owner, (group, version) = resource.owner, resource.of
    info = type_of(group, version, kind)
    custom_kind = group == owner.group and kind in (owner.kind, list_kind(owner)) and (info is None or owner.types)
    if not custom_kind:
        return closure(info.name, flavor) if info is not None else {}
    if kind == list_kind(owner) and "list" not in owner.verbs:
        return {}
    name = schema_name(owner, group, version, kind)
    if kind == owner.kind:
        schema = custom(owner.schemas.get(version, _UNTYPED), group, version, kind, flavor)
        return {**closure(OBJECT_META, flavor), name: schema}
    item = schema_name(owner, group, version, owner.kind)
    return {**closure("meta.v1.ListMeta", flavor), name: custom_list(item, group, version, kind, flavor)}


def _info(version: str) -> Obj:
    return {"title": TITLE, "version": version}


_BEARER: Mapping[str, Obj] = {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}}


class OpenApi:
    """The documents of the kinds that `kinds()` serves at the time of asking; `release` is the Kubernetes version they state."""

    def __init__(self, kinds: Callable[[], Registry], release: str) -> None:
        self._kinds = kinds
        self._release = release
        self._built: dict[tuple[str, str], tuple[tuple[Kind, ...], Document]] = {}
        self._index: tuple[Registry, Document] | None = None
        self._swagger: dict[str, tuple[Registry, Document]] = {}

    def answer(self, request: Request) -> Response | None:
        """The document at a path; None where there is none.

        Raises:
            StatusError: 405; 406 for anything but JSON, or of version 2 protobuf.
        """
        path = request.path.rstrip("/")
        media_type = JSON
        if path == ROOT:
            found = self.index()
        elif path == SWAGGER:
            media_type = _media_type(request.accept, {*_READABLE, *protobuf.ASKED_FOR})
            found = self.swagger(media_type)
        else:
            group_version = _group_version(path)
            if group_version is None or not self._of(*group_version):
                return None
            found = self.document(*group_version)
        if request.method != "GET":
            raise method_not_allowed()
        if path not in (ROOT, SWAGGER):
            _media_type(request.accept, _READABLE)
        return _answer(request, path, found, media_type)

    def _of(self, group: str, version: str) -> tuple[Kind, ...]:
        return tuple(kind for kind in self._kinds().all() if kind.group == group and version in kind.versions)

    def index(self) -> Document:
        """Where the document of each group and version is."""
        kinds = self._kinds()
        if self._index is None or self._index[0] is not kinds:
            listed = {}
            for group, version in _group_versions(kinds):
                at = f"apis/{group}/{version}" if group else f"api/{version}"
                listed[at] = {"serverRelativeURL": f"{ROOT}/{at}?hash={self.document(group, version).hash}"}
            self._index = (kinds, _document(orjson.dumps({"paths": listed})))
        return self._index[1]

    def document(self, group: str, version: str) -> Document:
        """Version 3, of one group and version."""
        kinds = self._of(group, version)
        known = self._built.get((group, version))
        if known is not None and len(known[0]) == len(kinds) and all(a is b for a, b in zip(known[0], kinds, strict=True)):
            return known[1]
        found = list(resources(self._kinds(), group, version))
        components = {"schemas": _schemas(found, V3), "securitySchemes": _BEARER}
        served = dict(sorted(pair for resource in found for pair in paths(resource)))
        content = {"openapi": "3.0.0", "info": _info(self._release), "paths": served, "components": components}
        made = _document(orjson.dumps(content))
        self._built[group, version] = (kinds, made)
        return made

    def swagger(self, media_type: str = JSON) -> Document:
        """Version 2, of everything, in JSON or protobuf."""
        kinds = self._kinds()
        known = self._swagger.get(media_type)
        if known is None or known[0] is not kinds:
            found = [resource for group, version in _group_versions(kinds) for resource in resources(kinds, group, version)]
            served = dict(sorted((path, down(operations)) for resource in found for path, operations in paths(resource)))
            content: dict[str, Any] = {"swagger": "2.0", "info": _info(self._release), "paths": served, "definitions": _schemas(found, V2)}
            content |= {"securityDefinitions": _BEARER, "security": [{"BearerToken": []}]}
            body = orjson.dumps(content) if media_type == JSON else protobuf.encoded(content)
            known = self._swagger[media_type] = (kinds, _document(body))
        return known[1]


def _group_versions(kinds: Registry) -> list[tuple[str, str]]:
    groups: dict[str, list[Kind]] = {}
    for kind in kinds.all():
        groups.setdefault(kind.group, []).append(kind)
    return [(group, version) for group, members in groups.items() for version in discovery.versions_of(members)]


def _group_version(path: str) -> tuple[str, str] | None:
    match path.removeprefix(ROOT).strip("/").split("/"):
        case ["api", version]:
            return "", version
        case ["apis", group, version]:
            return group, version
    return None


def _media_type(accept: str, served: AbstractSet[str]) -> str:
    """The first type that a client accepts and that is served.

    Raises:
        StatusError: 406, there is none.
    """
    for clause in accept.split(","):
        media_type = clause.partition(";")[0].strip()
        if media_type in served:
            return protobuf.MEDIA_TYPE if media_type in protobuf.ASKED_FOR else JSON
    raise not_acceptable(f"only {JSON} is served here")


def _answer(request: Request, path: str, document: Document, media_type: str) -> Response:
    headers = {"ETag": f'"{document.hash}"', "Vary": "Accept"}
    wanted = request.query.get("hash")
    if wanted and path not in (ROOT, SWAGGER):
        if wanted != document.hash:
            return Response(301, b"", headers={"Location": f"{path}?hash={document.hash}"})
        headers["Cache-Control"] = "public, immutable"
    given = next((value for name, value in request.headers.items() if name.lower() == "if-none-match"), "")
    if any(tag.strip().removeprefix("W/") in (headers["ETag"], "*") for tag in given.split(",")):
        return Response(304, b"", headers=headers)
    return Response(200, document.body, headers=headers, content_type=media_type)
