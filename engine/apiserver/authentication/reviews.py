"""Who am I, and who is that: SelfSubjectReview and TokenReview (pkg/registry/authentication/*)."""

from typing import Any

from engine.apiserver.authentication.authenticator import AUDIENCES, TokenError
from engine.apiserver.context import Call, Context
from engine.apiserver.options import write_options
from engine.apiserver.ownership import managed
from engine.apiserver.representation import warnings_of
from engine.base.api import Response, User
from engine.base.errors import bad_request
from engine.base.objects import Obj


def review_self(ctx: Context, call: Call) -> Response:
    """SelfSubjectReview: the requester, impersonated or not."""
    decoded = ctx.decoder.decode(call, write_options(call.request, "CreateOptions").field_validation)
    metadata = {"creationTimestamp": ctx.time()}
    review = {"kind": decoded["kind"], "apiVersion": decoded["apiVersion"], "metadata": metadata}
    return Response(201, {**review, "status": {"userInfo": _shown(call.request.user)}}, 0, warnings_of(call))


def review_token(ctx: Context, call: Call) -> Response:
    """TokenReview: the user of a token, and for which of the asked audiences it is."""
    options = write_options(call.request, "CreateOptions")
    review = managed(ctx, call, None, ctx.decoder.decode(call, options.field_validation), options)
    spec = review.get("spec") or {}
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    status: dict[str, Any]
    try:
        token = ctx.authenticator.read(spec["token"], tuple(spec.get("audiences") or ()) or AUDIENCES)
        status = {"authenticated": True, "user": _shown(token.user), "audiences": list(token.audiences)}
    except TokenError as error:
        text = str(error)
        status = {"user": {}, "error": text if text.startswith("invalid bearer") else f"[invalid bearer token, {text}]"}
    return Response(201, {**review, "status": status}, 0, warnings_of(call))


def _shown(user: User) -> Obj:
    """authenticationv1.UserInfo."""
    extra = {key: list(values) for key, values in user.extra.items()}
    fields = {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}
    return {name: value for name, value in fields.items() if value}
