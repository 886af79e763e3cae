"""serviceaccounts/token: a token for an account (pkg/registry/core/serviceaccount/storage/token.go)."""

from collections.abc import Mapping
from typing import Any

from engine.apiserver.authentication.authenticator import AUDIENCES, ISSUER, bound_claims
from engine.apiserver.context import Call, Context
from engine.apiserver.decoding import decode_as
from engine.apiserver.options import write_options
from engine.apiserver.representation import warnings_of
from engine.apiserver.updating import current
from engine.base import fields
from engine.base.api import Response
from engine.base.clock import rfc3339
from engine.base.errors import bad_request, conflict, invalid, not_found
from engine.base.objects import Obj, dig, name_of, uid_of

DEFAULT_S, S_MIN, S_MAX = 3_600, 600, 1 << 32
WARN_ONLY_S = 3_607
"""What pods ask for: such tokens are good for a year, so that clients which never read them again go on working."""
EXTENDED_S = 365 * 24 * 3_600


def create(ctx: Context, call: Call) -> Response:
    """POST of a TokenRequest.

    Raises:
        StatusError: 404 for the account or the bound object, 409 for another object of its name, 400 and 422 for malformed requests.
    """
    options = write_options(call.request, "CreateOptions")
    request = decode_as(call, "authentication.k8s.io/v1", "TokenRequest")
    account = current(ctx, call)
    spec = {"audiences": list(AUDIENCES), "expirationSeconds": DEFAULT_S, **{k: v for k, v in (request.get("spec") or {}).items() if v}}
    _check(call, request, spec)
    now = int(ctx.world.clock.now())
    metadata = {"name": call.name, "namespace": call.namespace, "creationTimestamp": rfc3339(now)}
    expires = now + spec["expirationSeconds"]
    bound = _bound(ctx, call, account, spec.get("boundObjectRef"))
    claims = _claims(ctx, account, spec, bound, now)
    token = "" if options.dry_run else ctx.authenticator.signed(claims)
    status = {"token": token, "expirationTimestamp": rfc3339(expires)}
    return Response(201, {**request, "metadata": metadata, "spec": spec, "status": status}, ctx.storage.revision, warnings_of(call))


def _check(call: Call, request: Obj, spec: Obj) -> None:
    """pkg/apis/authentication/validation, and that the names agree."""
    given = request.get("metadata") or {}
    if given.get("name") and given["name"] != call.name:
        raise bad_request(f"the name of the object ({given['name']}) does not match the name on the URL ({call.name})")
    if given.get("namespace") and given["namespace"] != call.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    seconds, at = spec["expirationSeconds"], "spec.expirationSeconds"
    errors = []
    if seconds < S_MIN:
        errors.append(fields.invalid(at, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > S_MAX:
        errors.append(fields.invalid(at, seconds, "may not specify a duration larger than 2^32 seconds"))
    if errors:
        raise invalid("TokenRequest", "authentication.k8s.io", "", errors)


def _bound(ctx: Context, call: Call, account: Obj, ref: Obj | None) -> Mapping[str, Obj]:
    """The objects without which the token is worth nothing: what is asked for, and the node of a pod."""
    if not ref:
        return {}
    kind, name = ref.get("kind") or "", ref.get("name") or ""
    resource = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}.get(kind)
    if resource is None or ref.get("apiVersion", "v1") != "v1":
        version = ref.get("apiVersion") or ""
        raise bad_request(f'cannot bind token for serviceaccount "{name_of(account)}" to object of type {version}, Kind={kind}')
    obj = ctx.storage.store.get(resource, "" if kind == "Node" else call.namespace, name)
    if obj is None:
        raise not_found(resource, name)
    if ref.get("uid") and ref["uid"] != uid_of(obj):
        why = f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
        raise conflict(resource, name, why + "The object might have been deleted and then recreated")
    if kind != "Pod":
        return {kind.lower(): obj}
    if dig(obj, "spec", "serviceAccountName") != name_of(account):
        raise bad_request(f'cannot bind token for serviceaccount "{name_of(account)}" to pod running with different serviceaccount name.')
    node = ctx.storage.store.get("nodes", "", dig(obj, "spec", "nodeName") or "")
    return {"pod": obj, "node": node} if node is not None else {"pod": obj}


def _claims(ctx: Context, account: Obj, spec: Obj, bound: Mapping[str, Obj], now: int) -> Obj:
    """pkg/serviceaccount/claims.go Claims."""
    seconds: int = spec["expirationSeconds"]
    private: dict[str, Any] = {**bound_claims(account, bound)}
    if "pod" in bound and seconds == WARN_ONLY_S and spec["audiences"] == list(AUDIENCES):
        private["warnafter"] = now + seconds
        seconds = EXTENDED_S
    return {
        "aud": spec["audiences"],
        "exp": now + seconds,
        "iat": now,
        "iss": ISSUER,
        "jti": ctx.world.ids.uid(),
        "kubernetes.io": private,
        "nbf": now,
        "sub": f"system:serviceaccount:{private['namespace']}:{name_of(account)}",
    }
