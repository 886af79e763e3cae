"""Tokens of service accounts: what they say, whom they stand for, and when they no longer do."""

import asyncio
import base64
import json
from typing import Any

import pytest

from engine.base.api import DeleteOptions, Response, User
from engine.base.objects import Obj, uid_of
from engine.store.store import Store
from tests.apiserver.servers import Rig, serving

ISSUER = "https://kubernetes.default.svc.cluster.local"
PATH = "/api/v1/namespaces/shop/serviceaccounts/default/token"


async def _request(rig: Rig, spec: Obj | None = None, path: str = PATH) -> Response:
    return await rig.answer("POST", path, {}, {"spec": spec or {}})


async def _token(rig: Rig, spec: Obj | None = None) -> str:
    token: str = (await _request(rig, spec)).body["status"]["token"]
    return token


def _claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _user(rig: Rig, token: str) -> User | None:
    return rig.server.authenticator.authenticate(token)


def test_a_token_stands_for_its_account() -> None:
    async def body(rig: Rig) -> None:
        account = await rig.client.get("serviceaccounts", "default", "shop")
        token = await _token(rig)
        claims = _claims(token)
        assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, [ISSUER], "system:serviceaccount:shop:default")
        assert claims["exp"] - claims["iat"] == 3_600
        assert claims["kubernetes.io"] == {"namespace": "shop", "serviceaccount": {"name": "default", "uid": uid_of(account)}}
        user = _user(rig, token)
        assert user is not None
        assert (user.name, user.uid) == (claims["sub"], uid_of(account))
        assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
        assert user.extra == {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}

    serving(body)


def test_a_token_ends() -> None:
    async def body(rig: Rig) -> None:
        token = await _token(rig, {"expirationSeconds": 600})
        await asyncio.sleep(599)
        assert _user(rig, token) is not None
        await asyncio.sleep(2)
        assert _user(rig, token) is None

    serving(body)


@pytest.mark.parametrize("gone", ["pods", "serviceaccounts"])
def test_a_token_is_worth_nothing_without_what_it_is_bound_to(gone: str) -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("nodes", {"metadata": {"name": "n1"}})
        pod = await rig.pod("p", "n1")
        token = await _token(rig, {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}})
        user = _user(rig, token)
        assert user is not None
        assert user.extra["authentication.kubernetes.io/pod-uid"] == [uid_of(pod)]
        assert user.extra["authentication.kubernetes.io/node-name"] == ["n1"]
        name = "p" if gone == "pods" else "default"
        await rig.client.delete(gone, name, "shop", DeleteOptions(grace_period_s=0) if gone == "pods" else None)
        assert _user(rig, token) is None
        if gone == "serviceaccounts":
            await rig.client.create("serviceaccounts", {"metadata": {"name": "default"}}, "shop")
            assert _user(rig, token) is None, "it is another account of the same name"

    serving(body)


def test_what_pods_ask_for_is_good_for_a_year() -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("p")
        answer = await _request(rig, {"expirationSeconds": 3_607, "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}})
        claims = _claims(answer.body["status"]["token"])
        assert claims["exp"] - claims["iat"] == 365 * 24 * 3_600
        assert claims["kubernetes.io"]["warnafter"] - claims["iat"] == 3_607
        assert answer.body["status"]["expirationTimestamp"] == "2026-01-01T01:00:07Z"

    serving(body)


@pytest.mark.parametrize(
    ("spec", "status", "message"),
    [
        ({"expirationSeconds": 5}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": (1 << 32) + 1}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "x"}}, 404, 'pods "x" not found'),
        ({"boundObjectRef": {"kind": "Service", "apiVersion": "v1", "name": "x"}}, 400, "cannot bind token for serviceaccount"),
        ({"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "s", "uid": "other"}}, 409, "does not match the UID in record"),
    ],
)
def test_requests_are_checked(spec: Obj, status: int, message: str) -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("secrets", {"metadata": {"name": "s"}}, "shop")
        answer = await _request(rig, spec)
        assert answer.status == status
        assert message in answer.body["message"]

    serving(body)


def test_nobody_has_a_token_of_an_account_that_is_not_there() -> None:
    async def body(rig: Rig) -> None:
        answer = await _request(rig, path="/api/v1/namespaces/shop/serviceaccounts/nobody/token")
        assert (answer.status, answer.body["message"]) == (404, 'serviceaccounts "nobody" not found')

    serving(body)


@pytest.mark.parametrize("audiences", [[], ["vault"], ["vault", ISSUER]])
def test_tokens_are_reviewed(audiences: list[str]) -> None:
    async def body(rig: Rig) -> None:
        token = await _token(rig, {"audiences": ["vault"]})
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        status = (await rig.answer("POST", path, {}, {"spec": {"token": token, "audiences": audiences}})).body["status"]
        if audiences:
            assert (status["authenticated"], status["audiences"]) == (True, ["vault"])
            assert status["user"]["username"] == "system:serviceaccount:shop:default"
        else:
            assert "authenticated" not in status
            assert status["error"].startswith("[invalid bearer token, token audiences")
        assert _user(rig, token) is None, "it is not for this server"

    serving(body)


def _tampered(token: str) -> list[str]:
    head, claims, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    symmetric = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    other = base64.urlsafe_b64encode(json.dumps({**_claims(token), "sub": "system:admin"}).encode()).rstrip(b"=").decode()
    return [
        "",
        "a.b.c",
        f"{head}.{claims}.",
        f"{none}.{claims}.",
        f"{symmetric}.{claims}.{signature}",
        f"{head}.{other}.{signature}",
        token[:-4] + "AAAA",
        "é" + token,
        token + "." * 3,
        "A" * 100_000,
    ]


def test_bad_tokens_stand_for_nobody() -> None:
    async def body(rig: Rig) -> None:
        for bad in _tampered(await _token(rig)):
            assert _user(rig, bad) is None, bad[:40]

    serving(body)


def test_another_cluster_does_not_know_the_token() -> None:
    async def body(rig: Rig) -> None:
        token = await _token(rig)
        other = await Rig().prepare()
        assert _user(other, token) is None
        assert _user(rig, token) is not None

    serving(body)


def test_the_key_stays_with_the_state_and_out_of_the_api() -> None:
    async def body(rig: Rig) -> None:
        from engine.apiserver.server import ApiServer

        token = await _token(rig)
        store: Store = rig.store
        assert ApiServer(store, rig.world).authenticator.authenticate(token) is not None
        (resource,) = [name for name in store.resources() if "internal" in name]
        group = resource.partition(".")[2]
        query = {"resource": resource, "namespace": "", "name": "service-accounts"}
        for path, asked in ((f"/apis/{group}/v1/signing-keys", {}), ("/ktui/v1/history", query)):
            assert "PRIVATE KEY" not in repr(await rig.answer("GET", path, asked))

    serving(body)
