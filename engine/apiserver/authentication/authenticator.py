"""Tokens of service accounts (pkg/serviceaccount/{jwt,claims}.go): signed, read, and good for as long as what they are bound to exists."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.apiserver.authentication.keys import ALGORITHM, SigningKey
from engine.apiserver.authorization.impersonation import AUTHENTICATED, account_groups
from engine.apiserver.authorization.resolver import ACCOUNT_PREFIX
from engine.apiserver.storage import Storage
from engine.base.api import User
from engine.base.clock import parse_time
from engine.base.objects import Obj, name_of, namespace_of, uid_of
from engine.base.world import World

ISSUER = "https://kubernetes.default.svc.cluster.local"
AUDIENCES = (ISSUER,)
"""Tokens are for this API server unless they are asked for others."""
LEEWAY_S = 60.0
"""How long after its deletion an account's or a pod's tokens are still good (claims.go invalidated)."""
TOKEN_BYTES_MAX = 16 * 1024
TOKENS_MAX = 4_096
"""Tokens whose signature has been checked and need not be again."""

_CREDENTIAL, _POD, _NODE = (f"authentication.kubernetes.io/{name}" for name in ("credential-id", "pod", "node"))


class TokenError(Exception):
    """A token that is not good; the message says why, in upstream's words."""


class Token(NamedTuple):
    """A good token: whose it is, and which audiences it is for."""

    user: User
    audiences: tuple[str, ...]


class Authenticator:
    """Makes and reads tokens."""

    def __init__(self, storage: Storage, world: World) -> None:
        self.key = SigningKey(storage)
        self._storage = storage
        self._world = world
        self._known: dict[str, Mapping[str, Any]] = {}

    def signed(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        import jwt

        return jwt.encode(dict(claims), self.key.private, ALGORITHM, {"kid": self.key.key_id})

    def authenticate(self, token: str) -> User | None:
        """The service account that a bearer token stands for; None where the token is not good for this server."""
        try:
            return self.read(token, AUDIENCES).user
        except TokenError:
            return None

    def read(self, token: str, audiences: Sequence[str]) -> Token:
        """The account of a token, and those of `audiences` that the token is for.

        Raises:
            TokenError: it is malformed, of somebody else, expired, for others, or what it is bound to is gone.
        """
        claims = self._verified(token)
        common = tuple(a for a in audiences if a in claims["aud"])
        if not common:
            raise TokenError(f"token audiences {_list(claims['aud'])} is invalid for the target audiences {_list(audiences)}")
        now = self._world.clock.now()
        if now > claims["exp"]:
            raise TokenError("service account token has expired")
        if now < claims["nbf"]:
            raise TokenError("service account token is not valid yet")
        return Token(self._user(claims, now), common)

    def _verified(self, token: str) -> Mapping[str, Any]:
        known = self._known.get(token)
        if known is not None:
            return known
        if len(token) > TOKEN_BYTES_MAX or token.count(".") != 2:
            raise TokenError("invalid bearer token")
        import jwt

        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(token, self.key.private.public_key(), [ALGORITHM], options=options)
        except (jwt.InvalidTokenError, UnicodeError, ValueError):
            raise TokenError("invalid bearer token") from None
        if claims.get("iss") != ISSUER:
            raise TokenError("invalid bearer token")
        if len(self._known) >= TOKENS_MAX:
            self._known.clear()
        self._known[token] = claims
        return claims

    def _user(self, claims: Mapping[str, Any], now: float) -> User:
        bound = claims["kubernetes.io"]
        namespace, account = bound["namespace"], bound["serviceaccount"]
        self._alive("serviceaccounts", namespace, account, now, "service account")
        extra: dict[str, list[str]] = {_CREDENTIAL: [f"JTI={claims['jti']}"]}
        if "secret" in bound:
            self._alive("secrets", namespace, bound["secret"], now, "service account token")
        if "pod" in bound:
            self._alive("pods", namespace, bound["pod"], now, "pod")
            extra |= {f"{_POD}-name": [bound["pod"]["name"]], f"{_POD}-uid": [bound["pod"]["uid"]]}
        if "node" in bound:
            if "pod" not in bound:
                self._alive("nodes", "", bound["node"], now, "node")
            extra |= {f"{_NODE}-name": [bound["node"]["name"]], f"{_NODE}-uid": [bound["node"]["uid"]]}
        groups = (*account_groups(namespace), AUTHENTICATED)
        return User(f"{ACCOUNT_PREFIX}{namespace}:{account['name']}", groups, account["uid"], extra)

    def _alive(self, resource: str, namespace: str, ref: Obj, now: float, what: str) -> None:
        """That an object is there, the same one, and not deleted for longer than the leeway."""
        obj = self._storage.store.get(resource, namespace, ref["name"])
        deleted = obj["metadata"].get("deletionTimestamp") if obj is not None else None
        if obj is None or uid_of(obj) != ref["uid"] or (deleted and now > parse_time(deleted) + LEEWAY_S):
            raise TokenError(f"{what} {'/'.join(filter(None, (namespace, ref['name'])))} has been deleted")


def reference(obj: Obj) -> Obj:
    """What a claim says of an object."""
    return {"name": name_of(obj), "uid": uid_of(obj)}


def bound_claims(account: Obj, bound: Mapping[str, Obj]) -> Obj:
    """The private claims: the account, and what the token is bound to (`pod`, `secret`, `node`)."""
    named = {kind: reference(obj) for kind, obj in bound.items()}
    return {"namespace": namespace_of(account), "serviceaccount": reference(account), **named}


def _list(values: Sequence[str]) -> str:
    return "[" + " ".join(f'"{value}"' for value in values) + "]"
