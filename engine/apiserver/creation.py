"""Create: from a decoded object to a stored one (apiserver/pkg/endpoints/handlers/create.go, registry/generic/registry/store.go)."""

import orjson

from engine.apiserver.admission_chain import CREATE, Attributes
from engine.apiserver.context import Call, Context, from_version
from engine.apiserver.options import WriteOptions, write_options
from engine.apiserver.ownership import managed
from engine.apiserver.representation import show
from engine.apiserver.strategy import check_create, prepared_create
from engine.base.api import Response
from engine.base.errors import StatusError, already_exists, bad_request
from engine.base.limits import GENERATE_NAME_BASE_BYTES_MAX, OBJECT_BYTES_MAX
from engine.base.objects import Obj, drop, is_terminating, revision_of

GENERATED_NAME_ATTEMPTS_MAX = 8
"""registry/generic/registry/store.go maxNameGenerationCreateAttempts."""


def create(ctx: Context, call: Call) -> Response:
    """POST to a collection.

    Raises:
        StatusError: whatever is wrong with the body, the namespace, or the object.
    """
    options = write_options(call.request, "CreateOptions")
    decoded = ctx.decoder.decode(call, options.field_validation)
    stored = create_object(ctx, call, decoded, options)
    return show(ctx, call, 201, stored, 0 if options.dry_run else revision_of(stored))


def create_object(ctx: Context, call: Call, decoded: Obj, options: WriteOptions, applied: bool = False) -> Obj:
    """Admit, check and store a new object given in the version of the path; return it as it is stored.

    `applied`: it comes from server-side apply and has its managedFields.

    Raises:
        StatusError: the object is refused.
    """
    kind = call.kind
    if call.request.method != "POST":
        ctx.authorizer.demand_create(call.request.user, kind, call.namespace, call.name)
    check_namespace(call, decoded)
    obj = ctx.defaulted(kind, from_version(kind, call.version, decoded))
    if not applied:
        obj = managed(ctx, call, None, obj, options)
    given = obj.get("metadata") or {}
    write = Attributes(kind, CREATE, call.namespace, given.get("name") or "", "", obj, None, call.request.user, options.dry_run)
    obj = ctx.admission.admit(write)
    obj = prepared_create(ctx, call, obj, _name(ctx, call, given))
    check_create(call, obj)
    if given.get("resourceVersion"):
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    name = obj["metadata"]["name"]
    existing = ctx.storage.get(kind, call.namespace, name)
    if existing is not None:
        raise _exists(call, name, existing)
    judged(ctx, call, write, obj)
    check_size(call, obj)
    obj = ctx.services.created(kind, obj, options.dry_run)
    if options.dry_run:
        return drop(obj, ("metadata", "resourceVersion"))
    return ctx.storage.create(kind, obj, call.cause)


def judged(ctx: Context, call: Call, write: Attributes, obj: Obj) -> None:
    """Have validating admission look at an object as it would be stored, and pass on its warnings.

    Raises:
        StatusError: the object is refused.
    """
    write.obj = obj
    ctx.admission.validate(write)
    for text in write.warnings:
        call.warn(text)


def check_namespace(call: Call, obj: Obj) -> None:
    """That the body's namespace, if it has one, is the path's.

    Raises:
        StatusError: 400.
    """
    namespace = (obj.get("metadata") or {}).get("namespace")
    if namespace and namespace != call.namespace and call.kind.namespaced:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check_size(call: Call, obj: Obj) -> None:
    """That the store takes an object of this size; only bodies from the wire are big enough to be measured.

    Raises:
        StatusError: 500, as etcd says it.
    """
    body = call.request.body
    if isinstance(body, bytes | str) and len(body) > OBJECT_BYTES_MAX and len(orjson.dumps(obj)) > OBJECT_BYTES_MAX:
        raise StatusError(500, "", "etcdserver: request is too large")


def _name(ctx: Context, call: Call, metadata: Obj) -> str:
    """The given name, or a generated one that is free (as far as a few attempts find one)."""
    name: str = metadata.get("name") or ""
    base = metadata.get("generateName")
    if name or not base:
        return name
    for _ in range(GENERATED_NAME_ATTEMPTS_MAX):
        name = base[:GENERATE_NAME_BASE_BYTES_MAX] + ctx.world.ids.suffix()
        if ctx.storage.get(call.kind, call.namespace, name) is None:
            break
    return name


def _exists(call: Call, name: str, existing: Obj) -> StatusError:
    error = already_exists(call.kind.resource, name)
    if is_terminating(existing):
        error.message = f"object is being deleted: {error.message}"
    return error
