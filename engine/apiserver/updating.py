"""Update and patch: from a body to a new version.

apiserver/pkg/endpoints/handlers/{update,patch}.go, registry/generic/registry/store.go.
"""

from typing import Any

import orjson

from engine.apiserver.admission_chain import UPDATE, Attributes
from engine.apiserver.context import Call, Context, from_version, in_version
from engine.apiserver.creation import check_size, create_object, judged
from engine.apiserver.decoding import json_error, mismatched_name, read_yaml
from engine.apiserver.managedfields.manager import keep_times
from engine.apiserver.options import WriteOptions, write_options
from engine.apiserver.ownership import managed, merged
from engine.apiserver.patching.patch import apply_patch
from engine.apiserver.representation import show
from engine.apiserver.strategy import CREATED_BY_UPDATE, NO_UNCONDITIONAL_UPDATE, check_update, prepared_update
from engine.base import fields
from engine.base.api import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Response
from engine.base.errors import MODIFIED, StatusError, bad_request, conflict, invalid, not_found, too_large
from engine.base.fields import FieldError
from engine.base.limits import REQUEST_BODY_BYTES_MAX
from engine.base.objects import Obj, name_of, revision_of

PATCH_TYPES = frozenset({JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH})


def current(ctx: Context, call: Call) -> Obj:
    """The object that the path names, as it is stored.

    Raises:
        StatusError: 404.
    """
    found = ctx.storage.get(call.kind, call.namespace, call.name)
    if found is None:
        raise not_found(call.kind.resource, call.name)
    return found


def update(ctx: Context, call: Call) -> Response:
    """PUT of an object, its status, or another part of it.

    Raises:
        StatusError: whatever is wrong with the body, the revision it is based on, or the object.
    """
    options = write_options(call.request, "UpdateOptions")
    old = ctx.storage.get(call.kind, call.namespace, call.name)
    obj = ctx.decoder.decode(call, options.field_validation, old and in_version(call.kind, call.version, old))
    metadata = obj.get("metadata") or {}
    if metadata.get("name") and metadata["name"] != call.name:
        raise mismatched_name(metadata["name"], call.name)
    if not metadata.get("name"):
        raise bad_request(f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided")
    _check_namespace(call, obj)
    if old is None:
        if call.kind.resource not in CREATED_BY_UPDATE or call.subresource:
            raise not_found(call.kind.resource, call.name)
        stored = create_object(ctx, call, obj, options)
        return show(ctx, call, 201, stored, 0 if options.dry_run else revision_of(stored))
    return replace(ctx, call, old, obj, options)


def replace(ctx: Context, call: Call, old: Obj, decoded: Obj, options: WriteOptions, applied: bool = False) -> Response:
    """Make `decoded` (in the version of the path) the new version of `old` (as stored), and answer with it."""
    stored = replace_object(ctx, call, old, decoded, options, applied)
    return show(ctx, call, 200, stored, 0 if options.dry_run or stored is old else revision_of(stored))


def replace_object(ctx: Context, call: Call, old: Obj, decoded: Obj, options: WriteOptions, applied: bool = False) -> Obj:
    """Admit, check and store the new version of `old`; return it as it is stored, `old` itself where nothing changed.

    Raises:
        StatusError: 409 for a stale resourceVersion or another uid, 422, or what admission says.
    """
    kind = call.kind
    _check_preconditions(call, decoded, old)
    obj = ctx.defaulted(kind, from_version(kind, call.version, decoded), old)
    if not applied:
        obj = managed(ctx, call, old, obj, options)
    obj = prepared_update(kind, call.subresource, obj, old)
    write = Attributes(kind, UPDATE, call.namespace, call.name, call.subresource, obj, old, call.request.user, options.dry_run)
    obj = ctx.admission.admit(write)
    check_update(call, obj, old)
    obj = keep_times(old, obj)
    if obj is old or obj == old:
        return old
    judged(ctx, call, write, obj)
    check_size(call, obj)
    return store_update(ctx, call, old, obj, options.dry_run)


def store_update(ctx: Context, call: Call, old: Obj, obj: Obj, dry_run: bool) -> Obj:
    """Store the new version, or delete the object where that was all it was waiting for."""
    kind = call.kind
    removal = finished_deletion(kind.resource, obj)
    if not removal:
        obj = ctx.services.updated(kind, old, obj, dry_run)
    if dry_run:
        return obj
    if not removal:
        return ctx.storage.replace(kind, old, obj, call.cause)
    last = ctx.storage.remove(kind, old, obj, call.cause)
    ctx.services.deleted(kind, last)
    return last


def finished_deletion(resource: str, obj: Obj) -> bool:
    """Whether nothing keeps a terminating object any more (ShouldDeleteDuringUpdate)."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds"):
        return False
    return resource != "namespaces" or not (obj.get("spec") or {}).get("finalizers")


def _check_preconditions(call: Call, obj: Obj, old: Obj) -> None:
    metadata, have = obj.get("metadata") or {}, old["metadata"]
    uid, revision, resource = metadata.get("uid"), metadata.get("resourceVersion"), call.kind.resource
    if uid and uid != have["uid"]:
        key = "/".join(part for part in ("/registry", resource.partition(".")[0], call.namespace, call.name) if part)
        detail = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {have['uid']}"
        raise conflict(
            resource, call.name, f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {detail}"
        )
    if not revision or revision == "0":
        if resource in NO_UNCONDITIONAL_UPDATE or call.kind.is_custom:
            error = fields.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(call.kind.plural, call.kind.group, call.name, [error])
    elif revision != have["resourceVersion"]:
        raise conflict(resource, call.name, MODIFIED)


def _check_namespace(call: Call, obj: Obj) -> None:
    given = (obj.get("metadata") or {}).get("namespace")
    if given and given != call.namespace and call.kind.namespaced:
        raise bad_request(f"the namespace of the object ({given}) does not match the namespace on the request ({call.namespace})")


def patch(ctx: Context, call: Call) -> Response:
    """PATCH of an object, its status, or another part of it.

    Raises:
        StatusError: 415 for an unknown kind of patch; otherwise as update.
    """
    content_type = call.request.content_type.partition(";")[0].strip()
    if content_type not in PATCH_TYPES:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    options = write_options(call.request, "PatchOptions")
    body = call.request.body
    if isinstance(body, bytes | str) and len(body) > REQUEST_BODY_BYTES_MAX:
        raise too_large(f"Request entity too large: limit is {REQUEST_BODY_BYTES_MAX}")
    if content_type == APPLY_PATCH:
        return _apply(ctx, call, options)
    old = current(ctx, call)
    shown = in_version(call.kind, call.version, old)
    patched = apply_patch(shown, patch_body(body), content_type, None if call.kind.is_custom else call.type_info)
    if patched is not shown:
        patched = _checked_patch(ctx, call, patched, shown, options)
    return replace(ctx, call, old, patched, options)


def patch_body(body: Any) -> Any:
    """A patch as JSON values.

    Raises:
        StatusError: 400.
    """
    if not isinstance(body, bytes | str):
        return body
    raw = body.encode() if isinstance(body, str) else body
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"error decoding patch: {json_error(raw, error)}") from None


def _checked_patch(ctx: Context, call: Call, patched: Obj, old: Obj, options: WriteOptions) -> Obj:
    """A patched object decoded against its schema; errors quote the whole of it (handlers/patch.go)."""
    try:
        decoded = ctx.decoder.check(call, patched, options.field_validation, old)
    except StatusError as error:
        detail = error.message.split(f"cannot be handled as a {call.kind.kind}: ", 1)[-1]
        quoted = fields.invalid("patch", orjson.dumps(patched).decode(), detail)
        raise _invalid_patch(quoted) from None
    name = name_of(decoded)
    if name != call.name:
        raise mismatched_name(name, call.name)
    _check_namespace(call, decoded)
    for field in ("kind", "apiVersion"):
        if decoded.get(field) != old[field]:
            raise bad_request(f"the {field} in the patch ({decoded.get(field)}) does not match the object's ({old[field]})")
    return decoded


def _invalid_patch(error: FieldError) -> StatusError:
    return StatusError(
        422,
        "Invalid",
        f' "" is invalid: {error}',
        {"causes": [{"reason": error.reason, "message": error.message, "field": error.field}]},
    )


def _apply(ctx: Context, call: Call, options: WriteOptions) -> Response:
    """Server-side apply: creates what does not exist."""
    body = apply_body(call.request.body)
    _check_applied(call, body)
    old = ctx.storage.get(call.kind, call.namespace, call.name)
    if old is None and call.subresource:
        raise not_found(call.kind.resource, call.name)
    made = merged(ctx, call, old, body, options)
    made = ctx.decoder.check(call, made, options.field_validation, old)
    if old is not None:
        return replace(ctx, call, old, made, options, applied=True)
    made = {**made, "metadata": {**made["metadata"], "name": call.name}}
    stored = create_object(ctx, call, made, options, applied=True)
    return show(ctx, call, 201, stored, 0 if options.dry_run else revision_of(stored))


def apply_body(body: Any) -> Obj:
    """The object in the body of an apply.

    Raises:
        StatusError: 400.
    """
    if isinstance(body, bytes | str):
        body = read_yaml(body.encode() if isinstance(body, str) else body, "error converting YAML to JSON: ")
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: the body is no object")
    return body


def _check_applied(call: Call, body: Obj) -> None:
    if isinstance(body.get("metadata"), dict):
        if name_of(body) not in ("", call.name):
            raise mismatched_name(name_of(body), call.name)
        _check_namespace(call, body)
    if body.get("apiVersion") != call.api_version or body.get("kind") != call.kind.kind:
        raise bad_request(
            f"incorrect version specified in apply patch. Specified patch version: {body.get('apiVersion')}, expected: {call.api_version}"
        )
