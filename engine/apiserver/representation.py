"""How objects are shown: as they are, as Tables, as metadata only (apiserver/pkg/endpoints/handlers/response.go)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from engine.apiserver.context import Call, Context, in_version, is_stored_form
from engine.apiserver.negotiation import PARTIAL, PARTIAL_LIST, TABLE, Form, negotiate
from engine.base.api import Response
from engine.base.errors import bad_request, not_acceptable
from engine.base.objects import Obj, name_of
from engine.kinds.common.model import Column, Kind

META_V1 = "meta.k8s.io/v1"
NAME_AND_CREATION = (Column("Name", format="name"), Column("Created At", "date"))

INCLUDE_NONE, INCLUDE_METADATA, INCLUDE_OBJECT = "None", "Metadata", "Object"

DEPRECATED = {("", "v1", "endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"}
"""Warnings of whole resources (pkg/apis/*/zz_generated.prerelease-lifecycle.go)."""


def form_of(call: Call) -> Form:
    """What the client accepts.

    Raises:
        StatusError: 406.
    """
    return negotiate(call.request.accept)


def show(ctx: Context, call: Call, status: int, stored: Obj, revision: int = 0) -> Response:
    """The answer with one object, given as it is stored."""
    form = form_of(call)
    if form.transform == TABLE:
        obj = table(ctx, call, [stored], {"resourceVersion": stored["metadata"].get("resourceVersion", "")})
    elif form.transform:
        if form.transform == PARTIAL_LIST:
            raise not_acceptable("you requested PartialObjectMetadataList, but the requested object is not a list")
        obj = partial(stored)
    else:
        obj = in_version(call.kind, call.version, stored)
    return Response(status, obj, revision, warnings_of(call), content_type=form.content_type)


def show_list(ctx: Context, call: Call, items: Sequence[Obj], metadata: Obj) -> Response:
    """The answer with a list of objects, given as they are stored."""
    form = form_of(call)
    kind = call.kind
    body: Obj
    if form.transform == TABLE:
        body = table(ctx, call, items, metadata)
    elif form.transform:
        if form.transform == PARTIAL:
            raise not_acceptable("you requested PartialObjectMetadata, but the requested object is a list")
        body = {"kind": PARTIAL_LIST, "apiVersion": META_V1, "metadata": metadata, "items": [partial(item) for item in items]}
    else:
        if not is_stored_form(kind, call.version):
            items = [in_version(kind, call.version, item) for item in items]
        shown = (
            items
            if call.whole or kind.is_custom
            else [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items]
        )
        body = {"kind": kind.list_kind or f"{kind.kind}List", "apiVersion": call.api_version, "metadata": metadata, "items": shown}
    return Response(200, body, 0, warnings_of(call), content_type=form.content_type)


def success(call: Call, code: int = 0, details: Obj | None = None, revision: int = 0) -> Response:
    """The answer that something was done: a Status."""
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        body["details"] = details
    if code:
        body["code"] = code
    return Response(code or 200, body, revision, warnings_of(call))


def warnings_of(call: Call) -> tuple[str, ...]:
    """The warnings of the answer, with that of a deprecated resource first."""
    deprecated = DEPRECATED.get((call.kind.group, call.version, call.kind.plural)) or call.kind.deprecation
    if deprecated:
        return tuple(dict.fromkeys((deprecated, *call.warnings)))
    return tuple(call.warnings)


def partial(obj: Obj) -> Obj:
    """An object's metadata alone."""
    return {"kind": PARTIAL, "apiVersion": META_V1, "metadata": obj["metadata"]}


def include_of(call: Call) -> str:
    """What rows carry beside their cells.

    Raises:
        StatusError: 400, it is no such thing.
    """
    include = call.request.query.get("includeObject") or INCLUDE_METADATA
    if include not in (INCLUDE_NONE, INCLUDE_METADATA, INCLUDE_OBJECT):
        raise bad_request(f'unrecognized includeObject value: "{include}"')
    return include


def table(ctx: Context, call: Call, items: Sequence[Obj], metadata: Obj, definitions: bool = True) -> Obj:
    """A Table of `items`, given as they are stored; later events of a watch have no column definitions."""
    kind, include, now = call.kind, include_of(call), ctx.world.clock.now()
    cells = kind.cells or name_and_creation
    conditions = kind.row_conditions
    rows: list[Obj] = []
    for item in items:
        row: dict[str, Any] = {"cells": cells(item, now)}
        if conditions is not None:
            found = conditions(item)
            if found:
                row["conditions"] = found
        if include == INCLUDE_METADATA:
            row["object"] = {"kind": PARTIAL, "apiVersion": META_V1, "metadata": item["metadata"]}
        else:
            row["object"] = None if include == INCLUDE_NONE else in_version(kind, call.version, item)
        rows.append(row)
    columns: list[Obj] = column_definitions(kind) if definitions else []
    return {"kind": TABLE, "apiVersion": META_V1, "metadata": metadata, "columnDefinitions": columns, "rows": rows}


def name_and_creation(obj: Obj, now: float) -> list[Any]:
    """The cells of a kind without columns of its own (apiserver/pkg/registry/rest/table.go)."""
    created = (obj.get("metadata") or {}).get("creationTimestamp")
    return [name_of(obj), created or "<unknown>"]


@lru_cache(maxsize=1_024)
def _definitions(columns: tuple[Column, ...]) -> list[Obj]:
    return [{"name": c.name, "type": c.type, "format": c.format, "description": c.description, "priority": c.priority} for c in columns]


def column_definitions(kind: Kind) -> list[Obj]:
    """The columns of a kind's Table."""
    return _definitions(kind.columns or NAME_AND_CREATION)
