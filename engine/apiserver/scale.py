"""The scale subresource: replicas of anything that has some, as an autoscaling/v1 Scale (pkg/registry/apps/deployment/storage)."""

from dataclasses import replace as with_fields
from typing import Any

from engine.apiserver.context import Call, Context, from_version, in_version
from engine.apiserver.decoding import mismatched_name, read_body, read_yaml
from engine.apiserver.options import WriteOptions, write_options
from engine.apiserver.ownership import managed, merged
from engine.apiserver.patching.patch import apply_patch
from engine.apiserver.representation import warnings_of
from engine.apiserver.updating import PATCH_TYPES, current, patch_body, replace_object
from engine.base import fields
from engine.base.api import APPLY_PATCH, Response
from engine.base.errors import MODIFIED, StatusError, bad_request, conflict, invalid
from engine.base.objects import Obj, dig, put, revision_of
from engine.base.selectors import from_label_selector, from_map
from engine.kinds.common.model import Kind, ScaleSubresource
from engine.schema.types import type_of
from engine.schema.validators import validate

GROUP, VERSION, KIND = "autoscaling", "v1", "Scale"


def _paths(kind: Kind) -> ScaleSubresource:
    assert kind.scale is not None, "routed only for kinds that scale"
    return kind.scale


def scale_of(kind: Kind, obj: Obj) -> Obj:
    """The Scale of an object."""
    paths, metadata = _paths(kind), obj["metadata"]
    shown = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp") if name in metadata}
    replicas = dig(obj, *paths.spec_replicas, default=0)
    status: dict[str, Any] = {"replicas": dig(obj, *paths.status_replicas, default=0)}
    selector = dig(obj, *paths.selector)
    if selector:
        plain = kind.resource == "replicationcontrollers"
        status["selector"] = str(from_map(selector) if plain else from_label_selector(selector))
    spec = {"replicas": replicas} if replicas else {}
    return {"kind": KIND, "apiVersion": f"{GROUP}/{VERSION}", "metadata": shown, "spec": spec, "status": status}


def get(ctx: Context, call: Call) -> Response:
    """GET of a Scale."""
    return Response(200, scale_of(call.kind, current(ctx, call)), 0, warnings_of(call))


def update(ctx: Context, call: Call) -> Response:
    """PUT of a Scale: sets the replicas."""
    options = write_options(call.request, "UpdateOptions")
    body, _ = read_body(call, options.field_validation)
    return _written(ctx, call, current(ctx, call), _checked(call, body), options)


def patch(ctx: Context, call: Call) -> Response:
    """PATCH of a Scale, server-side apply included: ownership is that of the object's replicas."""
    content_type = call.request.content_type.partition(";")[0].strip()
    if content_type not in PATCH_TYPES:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    options = write_options(call.request, "PatchOptions")
    old = current(ctx, call)
    if content_type != APPLY_PATCH:
        patched = apply_patch(scale_of(call.kind, old), patch_body(call.request.body), content_type, type_of(GROUP, VERSION, KIND))
        return _written(ctx, call, old, _checked(call, patched), options)
    body = call.request.body
    if isinstance(body, bytes | str):
        body = read_yaml(body.encode() if isinstance(body, str) else body, "error converting YAML to JSON: ")
    wanted = _checked(call, body)
    intent: Obj = {"apiVersion": call.api_version, "kind": call.kind.kind, "metadata": {"name": call.name, "namespace": call.namespace}}
    if dig(wanted, "spec", "replicas") is not None:
        intent = put(intent, _paths(call.kind).spec_replicas, wanted["spec"]["replicas"])
    made = merged(ctx, call, old, intent, options)
    return _answer(call, old, replace_object(ctx, call, old, made, options, applied=True), options)


def _checked(call: Call, body: Any) -> Obj:
    """The Scale that a body states.

    Raises:
        StatusError: 400 for another kind, name or malformed fields; 422 for negative replicas.
    """
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    if body.get("kind", KIND) != KIND:
        raise bad_request(f"the object provided is unrecognized (must be of type Scale): {body['kind']}")
    result = validate(GROUP, VERSION, KIND, body)
    if result.errors:
        raise bad_request(f'Scale in version "v1" cannot be handled as a Scale: {result.errors[0]}')
    name = (body.get("metadata") or {}).get("name")
    if name and name != call.name:
        raise mismatched_name(name, call.name)
    replicas = dig(result.obj, "spec", "replicas", default=0)
    if replicas < 0:
        error = fields.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(KIND, GROUP, call.name, [error])
    return result.obj


def _written(ctx: Context, call: Call, old: Obj, wanted: Obj, options: WriteOptions) -> Response:
    revision = dig(wanted, "metadata", "resourceVersion")
    if revision and revision != old["metadata"]["resourceVersion"]:
        raise conflict(call.kind.resource, call.name, MODIFIED)
    shown = in_version(call.kind, call.version, old)
    made = put(shown, _paths(call.kind).spec_replicas, dig(wanted, "spec", "replicas", default=0))
    made = _without_time(managed(ctx, call, old, from_version(call.kind, call.version, made), options))
    return _answer(call, old, replace_object(ctx, call, old, in_version(call.kind, call.version, made), options, applied=True), options)


def _without_time(obj: Obj) -> Obj:
    """Entries of this subresource have no time, and so come first of their operation (managedfields/scalehandler.go ToParent)."""
    entries = obj["metadata"].get("managedFields") or []
    mine = [e for e in entries if e.get("subresource") == "scale" and "time" in e]
    if not mine:
        return obj
    timeless = [{name: value for name, value in e.items() if name != "time"} for e in mine]
    others = [e for e in entries if e not in mine]
    first_update = next((i for i, e in enumerate(others) if e.get("operation") == "Update"), len(others))
    return put(obj, ("metadata", "managedFields"), [*others[:first_update], *timeless, *others[first_update:]])


def _answer(call: Call, old: Obj, stored: Obj, options: WriteOptions) -> Response:
    revision = 0 if options.dry_run or stored is old else revision_of(stored)
    return with_fields(Response(200, scale_of(call.kind, stored)), revision=revision, warnings=warnings_of(call))
