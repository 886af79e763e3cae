"""Who makes a request: by client certificate, by bearer token, or anonymous where that is allowed (apiserver/pkg/authentication)."""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from engine.base.api import ADMIN, User
from engine.base.errors import StatusError

AUTHENTICATED = "system:authenticated"
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz")
"""What is answered without credentials."""

TokenReader = Callable[[str], User | None]
"""The user that a bearer token stands for; None where it is not known."""


def unauthorized() -> StatusError:
    """401."""
    return StatusError(401, "Unauthorized", "Unauthorized")


class Callers:
    """Finds out who calls: `token` is the administrator's, `read_token` knows others (service accounts)."""

    def __init__(self, token: str, read_token: TokenReader | None = None) -> None:
        self._token = token.encode()
        self._read_token = read_token

    def caller(self, path: str, certificate: User | None, authorization: str) -> User:
        """The user of a request; `certificate` is whom the connection's client certificate names, which goes before any token.

        Raises:
            StatusError: 401.
        """
        if certificate is not None:
            return certificate
        if authorization:
            user = self._bearer(authorization)
            if user is not None:
                return user
        elif public(path):
            return ANONYMOUS
        raise unauthorized()

    def _bearer(self, authorization: str) -> User | None:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return None
        if hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token):
            return ADMIN
        return self._read_token(token) if self._read_token is not None else None


def public(path: str) -> bool:
    """Whether a path is answered without credentials."""
    return any(path == known or path.startswith(f"{known}/") for known in PUBLIC_PATHS)


def user_of(peer: Mapping[str, Any] | None) -> User | None:
    """The user that a verified client certificate (as `SSLObject.getpeercert` tells it) names: CN is the name, each O a group
    (apiserver/pkg/authentication/request/x509 CommonNameUserConversion)."""
    if not peer:
        return None
    names, groups = [], []
    for attribute, value in (pair for rdn in peer.get("subject", ()) for pair in rdn):
        if attribute == "commonName":
            names.append(value)
        elif attribute == "organizationName":
            groups.append(value)
    if not names or not names[0]:
        return None
    return User(names[0], tuple(dict.fromkeys((*groups, AUTHENTICATED))))
