"""The scale subresource: replicas of anything that has some, as an autoscaling/v1 Scale (pkg/registry/apps/deployment/storage)."""

from typing import Any

from engine.apiserver.context import Call, Context, in_version
from engine.apiserver.decoding import fitted, mismatched_name, read_body
from engine.apiserver.managedfields.manager import applied, manager_name, updated
from engine.apiserver.managedfields.ownership import Writer
from engine.apiserver.managedfields.scale import SCALE_VERSION, to_parent, to_scale
from engine.apiserver.options import WriteOptions, write_options
from engine.apiserver.patching.patch import apply_patch
from engine.apiserver.representation import warnings_of
from engine.apiserver.updating import PATCH_TYPES, apply_body, current, patch_body, replace_object
from engine.base import fields
from engine.base.api import APPLY_PATCH, Response
from engine.base.errors import MODIFIED, StatusError, conflict, invalid
from engine.base.objects import Obj, dig, put, revision_of
from engine.base.selectors import from_label_selector, from_map
from engine.kinds.common.model import Kind, ScaleSubresource
from engine.schema.types import type_of

GROUP, VERSION, KIND = "autoscaling", "v1", "Scale"
_TYPE = type_of(GROUP, VERSION, KIND)


def _paths(kind: Kind) -> ScaleSubresource:
    assert kind.scale is not None, "routed only for kinds that scale"
    return kind.scale


def scale_of(kind: Kind, obj: Obj) -> Obj:
    """The Scale of an object."""
    paths, metadata = _paths(kind), obj["metadata"]
    shown = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp") if name in metadata}
    replicas = dig(obj, *paths.spec_replicas, default=0)
    status: dict[str, Any] = {"replicas": dig(obj, *paths.status_replicas, default=0)}
    selector = dig(obj, *paths.selector) if paths.selector else None
    if selector:
        plain = kind.resource == "replicationcontrollers"
        status["selector"] = selector if isinstance(selector, str) else str(from_map(selector) if plain else from_label_selector(selector))
    spec = {"replicas": replicas} if replicas else {}
    return {"kind": KIND, "apiVersion": SCALE_VERSION, "metadata": shown, "spec": spec, "status": status}


def get(ctx: Context, call: Call) -> Response:
    """GET of a Scale."""
    return Response(200, scale_of(call.kind, current(ctx, call)), 0, warnings_of(call))


def update(ctx: Context, call: Call) -> Response:
    """PUT of a Scale: sets the replicas."""
    options = write_options(call.request, "UpdateOptions")
    body, _ = read_body(call, options.field_validation)
    old = current(ctx, call)
    return _written(ctx, call, old, _checked(call, body), options)


def patch(ctx: Context, call: Call) -> Response:
    """PATCH of a Scale, server-side apply included: ownership is that of the object's replicas."""
    content_type = call.request.content_type.partition(";")[0].strip()
    if content_type not in PATCH_TYPES:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    options = write_options(call.request, "PatchOptions")
    old = current(ctx, call)
    if content_type != APPLY_PATCH:
        patched = apply_patch(scale_of(call.kind, old), patch_body(call.request.body), content_type, _TYPE)
        return _written(ctx, call, old, _checked(call, patched), options)
    wanted = _checked(call, apply_body(call.request.body))
    made = applied(_owned(call, old), wanted, _TYPE, _writer(call, options), ctx.world.clock.now(), bool(options.force))
    return _replaced(ctx, call, old, made, options)


def _checked(call: Call, body: Any) -> Obj:
    """The Scale that a body states.

    Raises:
        StatusError: 400 for another kind, name or malformed fields; 422 for negative replicas.
    """
    scale = fitted(body, SCALE_VERSION, KIND)
    name = dig(scale, "metadata", "name")
    if name and name != call.name:
        raise mismatched_name(name, call.name)
    replicas = dig(scale, "spec", "replicas", default=0)
    if replicas < 0:
        error = fields.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(KIND, GROUP, call.name, [error])
    return scale


def _owned(call: Call, obj: Obj) -> Obj:
    """The Scale of an object, with those who own its replicas as managers."""
    entries = to_scale(obj["metadata"].get("managedFields") or [], _paths(call.kind).spec_replicas)
    return put(scale_of(call.kind, obj), ("metadata", "managedFields"), entries)


def _writer(call: Call, options: WriteOptions) -> Writer:
    return Writer(manager_name(options.field_manager, call.request.user_agent), SCALE_VERSION, call.subresource)


def _written(ctx: Context, call: Call, old: Obj, wanted: Obj, options: WriteOptions) -> Response:
    revision = dig(wanted, "metadata", "resourceVersion")
    if revision and revision != old["metadata"]["resourceVersion"]:
        raise conflict(call.kind.resource, call.name, MODIFIED)
    live = _owned(call, old)
    spec = {"replicas": dig(wanted, "spec", "replicas", default=0)}
    made = updated(live, {**live, "spec": spec}, _TYPE, _writer(call, options), ctx.world.clock.now())
    return _replaced(ctx, call, old, made, options)


def _replaced(ctx: Context, call: Call, old: Obj, scale: Obj, options: WriteOptions) -> Response:
    """Write the replicas of a Scale, and who owns them, into its object; answer with the Scale of that."""
    replicas_path = _paths(call.kind).spec_replicas
    shown = in_version(call.kind, call.version, old)
    entries = to_parent(
        shown["metadata"].get("managedFields") or [], scale["metadata"].get("managedFields") or [], replicas_path, call.api_version
    )
    made = put(shown, replicas_path, dig(scale, "spec", "replicas", default=0))
    made = put(made, ("metadata", "managedFields"), entries)
    stored = replace_object(ctx, call, old, made, options, applied=True)
    revision = 0 if options.dry_run or stored is old else revision_of(stored)
    return Response(200, scale_of(call.kind, stored), revision, warnings_of(call))
