"""metadata.managedFields of writes: what `engine.apiserver.managedfields` needs to know of a request."""

from collections.abc import Callable

from engine.apiserver.context import Call, Context, from_version, in_version, is_stored_form
from engine.apiserver.managedfields.manager import applied, manager_name, reset_fields, updated
from engine.apiserver.managedfields.ownership import Writer
from engine.apiserver.options import WriteOptions
from engine.base.objects import Obj
from engine.kinds.common.model import Kind

_plain: dict[tuple[str, str, str, str], Writer] = {}
WRITERS_MAX = 4_096


def writer_of(call: Call, options: WriteOptions) -> Writer:
    """Who writes through this request."""
    kind = call.kind
    manager = manager_name(options.field_manager, call.request.user_agent)
    if kind.convert or kind.is_custom:
        return Writer(
            manager,
            call.api_version,
            call.subresource,
            reset_fields(call.subresource, kind.status, kind.resource),
            _converter(kind) if kind.convert else None,
            {kind.api_version(version): info for version, info in kind.types.items()},
        )
    key = (manager, kind.resource, call.version, call.subresource)
    known = _plain.get(key)
    if known is None:
        if len(_plain) >= WRITERS_MAX:
            _plain.clear()
        known = _plain[key] = Writer(
            manager, call.api_version, call.subresource, reset_fields(call.subresource, kind.status, kind.resource)
        )
    return known


def _converter(kind: Kind) -> Callable[[Obj, str], Obj | None]:
    def convert(obj: Obj, api_version: str) -> Obj | None:
        have, want = obj["apiVersion"].rpartition("/")[2], api_version.rpartition("/")[2]
        if want not in kind.versions or api_version != kind.api_version(want):
            return None
        return obj if have == want else in_version(kind, want, from_version(kind, have, obj))

    return convert


def managed(ctx: Context, call: Call, live: Obj | None, obj: Obj, options: WriteOptions) -> Obj:
    """A created or updated object (in the storage version, like `live`) with managedFields."""
    kind = call.kind
    now = ctx.world.clock.now()
    writer = writer_of(call, options)
    if is_stored_form(kind, call.version):
        return updated(live, obj, call.type_info, writer, now)
    shown = in_version(kind, call.version, live) if live is not None else None
    made = updated(shown, in_version(kind, call.version, obj), call.type_info, writer, now)
    return {**obj, "metadata": made["metadata"]}


def merged(ctx: Context, call: Call, live: Obj | None, body: Obj, options: WriteOptions) -> Obj:
    """Server-side apply: `live` (in the storage version) with `body` applied, in the version of the path, with managedFields.

    Raises:
        StatusError: 409 conflicts with other managers, 400 and 500 as upstream for bodies that fit no schema.
    """
    shown = in_version(call.kind, call.version, live) if live is not None else None
    return applied(shown, body, call.type_info, writer_of(call, options), ctx.world.clock.now(), bool(options.force))
