"""Certificates for clients: asked for, approved, signed."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.base.api import User
from engine.base.objects import Obj, dig
from tests.apiserver.servers import Rig, refused, serving

RESOURCE = "certificatesigningrequests.certificates.k8s.io"
PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLIENT = "kubernetes.io/kube-apiserver-client"


def _name(user: str, group: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    return x509.Name([*([x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []), *parts])


def _authority(now: float) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key, start = ec.generate_private_key(ec.SECP256R1()), datetime.fromtimestamp(now, UTC)
    builder = x509.CertificateBuilder().subject_name(_name("ca")).issuer_name(_name("ca")).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start - timedelta(days=1)).not_valid_after(start + timedelta(days=900))
    return builder.sign(key, hashes.SHA256()), key


def _request(user: str, group: str = "", **spec: Any) -> Obj:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = x509.CertificateSigningRequestBuilder().subject_name(_name(user, group)).sign(key, hashes.SHA256())
    encoded = base64.b64encode(pem.public_bytes(serialization.Encoding.PEM)).decode()
    return {"metadata": {"name": "r"}, "spec": {"request": encoded, "signerName": CLIENT, "usages": ["client auth"], **spec}}


APPROVED = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Mine"}]}}


async def _approved(rig: Rig, request: Obj) -> Obj:
    rig.server.trust(*_authority(rig.world.clock.now()))
    await rig.client.create(RESOURCE, request)
    await asyncio.sleep(1)
    assert "certificate" not in ((await rig.client.get(RESOURCE, "r")).get("status") or {})
    await rig.client.patch(RESOURCE, "r", APPROVED, subresource="approval")
    await asyncio.sleep(1)
    return await rig.client.get(RESOURCE, "r")


def test_what_is_approved_is_signed() -> None:
    async def body(rig: Rig) -> None:
        found = await _approved(rig, _request("jane", "devs", expirationSeconds=3_600))
        certificate = x509.load_pem_x509_certificate(base64.b64decode(found["status"]["certificate"]))
        assert certificate.subject == _name("jane", "devs")
        ends = certificate.not_valid_after_utc.timestamp() - rig.world.clock.now()
        assert 3_590 < ends <= 3_600
        published = await rig.client.get("configmaps", "extension-apiserver-authentication", "kube-system")
        authority = x509.load_pem_x509_certificate(published["data"]["client-ca-file"].encode())
        certificate.verify_directly_issued_by(authority)

    serving(body)


def test_what_the_signer_does_not_sign_fails() -> None:
    async def body(rig: Rig) -> None:
        found = await _approved(rig, _request("jane", usages=["client auth", "server auth"]))
        assert dig(found, "status", "certificate") is None
        assert found["status"]["conditions"][-1]["reason"] == "SignerValidationFailure"

    serving(body)


def test_nobody_asks_for_a_superusers_certificate() -> None:
    async def body(rig: Rig) -> None:
        error = await refused(rig.client.create(RESOURCE, _request("jane", "system:masters")))
        assert (error.code, "signer with system:masters group is not allowed" in error.message) == (403, True)

    serving(body)


@pytest.mark.parametrize("signers", [[], ["kubernetes.io/*"], [CLIENT], ["acme.io/*"]])
def test_approving_needs_a_right_on_the_signer(signers: list[str]) -> None:
    async def body(rig: Rig) -> None:
        group = "certificates.k8s.io"
        rules: list[Obj] = [{"apiGroups": [group], "resources": ["certificatesigningrequests/approval"], "verbs": ["patch"]}]
        if signers:
            rules.append({"apiGroups": [group], "resources": ["signers"], "verbs": ["approve"], "resourceNames": signers})
        rbac = "rbac.authorization.k8s.io"
        await rig.client.create(f"clusterroles.{rbac}", {"metadata": {"name": "a"}, "rules": rules})
        ref = {"apiGroup": rbac, "kind": "ClusterRole", "name": "a"}
        binding = {"metadata": {"name": "a"}, "subjects": [{"kind": "User", "name": "jane"}], "roleRef": ref}
        await rig.client.create(f"clusterrolebindings.{rbac}", binding)
        await rig.client.create(RESOURCE, _request("jane"))
        answer = await rig.answer(
            "PATCH", f"{PATH}/r/approval", {}, APPROVED, user=User("jane"), content_type="application/merge-patch+json"
        )
        allowed = any(signer.startswith("kubernetes.io") for signer in signers)
        assert answer.status == (200 if allowed else 403)
        if not allowed:
            assert answer.body["message"].endswith(f'user not permitted to approve requests with signerName "{CLIENT}"')

    serving(body)
