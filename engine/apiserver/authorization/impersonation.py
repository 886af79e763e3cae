"""Acting as somebody else: the Impersonate- headers (apiserver/pkg/endpoints/filters/impersonation/impersonation.go).

The headers are any mapping whose `items` has a header as often as it was sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace as with_fields
from urllib.parse import unquote

from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.resolver import ACCOUNT_PREFIX
from engine.apiserver.patching.gotext import show_string
from engine.base.api import Request, User
from engine.base.errors import StatusError

USER, GROUP, UID, EXTRA = "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-"
AUTHENTICATED, UNAUTHENTICATED, ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"
_AUTHENTICATION = "authentication.k8s.io"

Demand = Callable[[User, Attributes], None]
Headers = Mapping[str, list[str]]


def impersonated(request: Request, demand: Demand) -> Request:
    """The request as made by the user whom its headers name; itself where they name none.

    Raises:
        StatusError: 403, its maker may not act as that user (`demand` says so); 500, a group, uid or extra without a user.
    """
    headers: dict[str, list[str]] = {}
    for given, value in request.headers.items():
        if given[:12].lower() == "impersonate-":
            headers.setdefault(given.lower(), []).append(value)
    if not headers:
        return request
    asked = _targets(headers)
    name = headers.get(USER, [""])[0]
    if not name:
        if not asked:
            return request
        raise StatusError(500, "InternalError", f"requested [{' '.join(map(_shown, asked))}] without impersonating a user", {})
    for target in [_user_target(name), *asked]:
        demand(request.user, target)
    user = User(name, _groups(name, headers.get(GROUP, [])), headers.get(UID, [""])[0], _extra(headers))
    return with_fields(request, user=user)


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of the service accounts of a namespace."""
    return "system:serviceaccounts", f"system:serviceaccounts:{namespace}"


def _extra(headers: Headers) -> dict[str, list[str]]:
    return {unquote(key.removeprefix(EXTRA)): values for key, values in headers.items() if key.startswith(EXTRA)}


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user is; None for others."""
    parts = name.removeprefix(ACCOUNT_PREFIX).split(":") if name.startswith(ACCOUNT_PREFIX) else ()
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def _groups(name: str, given: list[str]) -> tuple[str, ...]:
    account = _account(name)
    groups = list(account_groups(account[0])) if account is not None and not given else given
    own = UNAUTHENTICATED if name == ANONYMOUS else AUTHENTICATED
    if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = [*groups, own]
    return tuple(groups)


def _user_target(name: str) -> Attributes:
    account = _account(name)
    if account is not None:
        return Attributes("impersonate", "", "serviceaccounts", "", *account)
    return Attributes("impersonate", "", "users", "", "", name)


def _targets(headers: Headers) -> list[Attributes]:
    found = [Attributes("impersonate", "", "groups", "", "", group) for group in headers.get(GROUP, ())]
    for key, values in sorted(_extra(headers).items()):
        found += [Attributes("impersonate", _AUTHENTICATION, "userextras", key, "", value) for value in values]
    found += [Attributes("impersonate", _AUTHENTICATION, "uids", "", "", uid) for uid in headers.get(UID, ())[:1]]
    return found


def _shown(target: Attributes) -> str:
    return f"{{{target.resource} {show_string(target.name)}}}"
