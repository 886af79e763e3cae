"""Get and list: consistent pages, past revisions (apiserver/pkg/storage/etcd3/store.go, storage/continue.go)."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from engine.apiserver.context import Call, Context
from engine.apiserver.options import integer
from engine.apiserver.representation import show, show_list
from engine.apiserver.selection import EVERY_OBJECT, Selection, selection_of
from engine.apiserver.updating import current
from engine.base import fields
from engine.base.api import Response
from engine.base.errors import StatusError, bad_request, gone, invalid
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of, namespace_of
from engine.kinds.common.model import Kind
from engine.store.events import CompactedError, FutureRevisionError

EXACT, NOT_OLDER_THAN = "Exact", "NotOlderThan"

_TOKEN_VERSION = "meta.k8s.io/v1"
_LIST_EXPIRED = "The resourceVersion for the provided list is too old."
_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue "
    "parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided "
    "token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was "
    "returned and now may show up in the list."
)


class Start(NamedTuple):
    """Where a page starts: after a key, at a revision (-1: whatever is now)."""

    revision: int
    after: tuple[str, str]


class _ContinueExpiredError(StatusError):
    """410 with a token that continues the list inconsistently."""

    def __init__(self, token: str) -> None:
        super().__init__(410, "Expired", _CONTINUE_EXPIRED)
        self.token = token

    def status(self) -> Obj:
        return {**super().status(), "metadata": {"continue": self.token}}


def get(ctx: Context, call: Call) -> Response:
    """GET of one object, at a past revision where `resourceVersion` with `resourceVersionMatch=Exact` asks for one.

    Raises:
        StatusError: 404.
    """
    query = call.request.query
    if query and query.get("resourceVersionMatch") == EXACT and query.get("resourceVersion", "0") != "0":
        return _get_at(ctx, call, revision_number(query["resourceVersion"]))
    if query and query.get("resourceVersion"):
        _not_ahead(ctx, revision_number(query["resourceVersion"]))
    return show(ctx, call, 200, current(ctx, call))


def _get_at(ctx: Context, call: Call, revision: int) -> Response:
    found = _at(ctx, call.kind, call.namespace, revision, EVERY_OBJECT, call.name)
    if not found:
        current(ctx, call)
        raise StatusError(404, "NotFound", f'{call.kind.resource} "{call.name}" not found at revision {revision}', {})
    return show(ctx, call, 200, found[0])


def list_objects(ctx: Context, call: Call) -> Response:
    """GET of a collection.

    Raises:
        StatusError: 400 and 422 for malformed options, 410 for revisions that are gone, 504 for those that are not yet.
    """
    query = call.request.query
    if not query:
        revision = ctx.storage.revision
        return show_list(ctx, call, ctx.storage.list(call.kind, call.namespace), {"resourceVersion": str(revision)})
    check_list_options(call)
    selected = selection_of(call)
    limit = integer(query, "limit") or 0
    token, version = query.get("continue", ""), query.get("resourceVersion", "")
    start = read_token(token, call) if token else None
    match = query.get("resourceVersionMatch", "")
    revision = ctx.storage.revision
    if version not in ("", "0"):
        wanted = revision_number(version)
        _not_ahead(ctx, wanted)
        if match == EXACT or (limit and not match):
            revision = wanted
    if start is not None and start.revision >= 0:
        revision = start.revision
    found, more = _page(ctx, call, selected, Start(revision, start.after if start else ("", "")), limit, bool(token))
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if found and more is not None:
        metadata["continue"] = write_token(call, revision, found[-1])
        if selected.everything:
            metadata["remainingItemCount"] = more
    return show_list(ctx, call, found, metadata)


def _page(ctx: Context, call: Call, selected: Selection, start: Start, limit: int, continued: bool) -> tuple[Sequence[Obj], int | None]:
    """A page of selected objects, and how many follow it (None: the page is the last; where a selector leaves some out: not exact)."""
    kind, namespace = call.kind, call.namespace
    if selected.name and start.revision == ctx.storage.revision and (namespace or not kind.namespaced):
        one = ctx.storage.get(kind, namespace, selected.name)
        return ([one] if one is not None and selected.matches(one) else []), None
    if limit and selected.everything and start.revision == ctx.storage.revision:
        page, left = ctx.storage.page(kind, namespace, start.after if start.after != ("", "") else None, limit)
        return page, left or None
    try:
        everything = _at(ctx, kind, namespace, start.revision, selected)
    except CompactedError:
        if not continued:
            raise gone(_LIST_EXPIRED) from None
        raise _ContinueExpiredError(_token(-1, call, start.after)) from None
    if start.after != ("", ""):
        everything = everything[bisect_right(everything, start.after, key=lambda obj: (namespace_of(obj), name_of(obj))) :]
    if not limit or len(everything) <= limit:
        return everything, None
    return everything[:limit], len(everything) - limit


def _at(ctx: Context, kind: Kind, namespace: str, revision: int, selected: Selection, name: str = "") -> Sequence[Obj]:
    """Selected objects as they were at a revision; as they are for the present one."""
    try:
        if revision == ctx.storage.revision:
            found = ctx.storage.list(kind, namespace)
        else:
            found = ctx.storage.list_at(kind, namespace, revision)
    except FutureRevisionError as error:
        raise too_large_revision(error.revision, error.current) from None
    if name:
        return [obj for obj in found if name_of(obj) == name]
    return found if selected.everything else [obj for obj in found if selected.matches(obj)]


def _not_ahead(ctx: Context, revision: int) -> None:
    if revision > ctx.storage.revision:
        raise too_large_revision(revision, ctx.storage.revision)


def too_large_revision(revision: int, now: int) -> StatusError:
    """504: a revision is asked for that does not exist yet (apiserver/pkg/storage/errors.go)."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Too large resource version: {revision}, current: {now}"
    return StatusError(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


def revision_number(text: str) -> int:
    """A resourceVersion of a query.

    Raises:
        StatusError: 400, it is no number.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    detail = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    raise bad_request(f"invalid resource version: {fields.invalid('resourceVersion', text, detail)}")


def check_list_options(call: Call) -> None:
    """ValidateListOptions (apimachinery/pkg/apis/meta/internalversion/validation).

    Raises:
        StatusError: 422.
    """
    query = call.request.query
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    errors: list[FieldError] = []
    if match:
        at = "resourceVersionMatch"
        if query.get("continue"):
            errors.append(fields.forbidden(at, "resourceVersionMatch is forbidden when continue is provided"))
        if not version:
            errors.append(fields.forbidden(at, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if match not in (EXACT, NOT_OLDER_THAN):
            errors.append(fields.not_supported(at, match, [EXACT, NOT_OLDER_THAN, ""]))
        if match == EXACT and version == "0":
            errors.append(fields.forbidden(at, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in query:
        errors.append(fields.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if errors:
        raise invalid("ListOptions", "meta.k8s.io", "", errors)
    if query.get("continue") and version not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")


def write_token(call: Call, revision: int, last: Obj) -> str:
    """The continue token after `last`: base64url of JSON, the key relative to the listed namespace."""
    return _token(revision, call, (namespace_of(last), name_of(last)))


def _token(revision: int, call: Call, after: tuple[str, str]) -> str:
    key = after[1] if call.namespace or not call.kind.namespaced else "/".join(after)
    text = orjson.dumps({"v": _TOKEN_VERSION, "rv": revision, "start": f"{key}\0"})
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_token(token: str, call: Call) -> Start:
    """Where a continue token goes on.

    Raises:
        StatusError: 400, it is none.
    """
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise _bad_token("illegal base64 data") from None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        first = text[:1].decode(errors="replace")
        raise _bad_token(f"invalid character '{first}' looking for beginning of value") from None
    if not isinstance(value, dict) or value.get("v") != _TOKEN_VERSION:
        raise bad_request('invalid continue token: continue key is not valid: server does not recognize this encoded version "meta.k8s.io"')
    revision, start = value.get("rv"), value.get("start")
    if not isinstance(revision, int) or not revision or not isinstance(start, str) or not start:
        raise _bad_token("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    namespace, _, name = start.removesuffix("\0").rpartition("/")
    return Start(revision, (call.namespace or namespace, name))


def _bad_token(why: str) -> StatusError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")
