"""Certificates for approved requests (pkg/controller/certificates/signer), signed with the authority that the server trusts for clients.

Only clients' certificates are made: requests of other signers wait for one of their own.
"""

import asyncio
import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engine.apiserver.context import Context
from engine.apiserver.strategy import SIGNING_REQUESTS
from engine.base.causes import Cause
from engine.base.conditions import find
from engine.base.objects import Obj, dig
from engine.store.events import DELETED, Event

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

CLIENT_SIGNERS = frozenset({"kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"})
ALLOWED_USAGES = frozenset({"client auth", "digital signature", "key encipherment"})
DURATION_S = 365 * 24 * 3_600
"""--cluster-signing-duration."""
BACKDATED_S = 300
CAUSE = Cause("kube-controller-manager", 0, "csrsigning")


class Signer:
    """Signs what is approved, at once."""

    def __init__(self, ctx: Context, certificate: "x509.Certificate", key: "EllipticCurvePrivateKey") -> None:
        self._ctx = ctx
        self._kind = ctx.kinds.by_resource[SIGNING_REQUESTS]
        self._certificate = certificate
        self._key = key

    def start(self) -> None:
        """Look at all requests, and at every change from now on."""
        for request in self._ctx.storage.list(self._kind):
            self._consider(request)
        self._ctx.storage.subscribe(self._kind, "", 0, self._hear)

    def _hear(self, event: Event) -> None:
        if event.type != DELETED and _is_due(event.object):
            asyncio.get_running_loop().call_soon(self._again, event.name)

    def _again(self, name: str) -> None:
        request = self._ctx.storage.get(self._kind, "", name)
        if request is not None:
            self._consider(request)

    def _consider(self, request: Obj) -> None:
        if not _is_due(request):
            return
        status: dict[str, Any] = dict(request.get("status") or {})
        try:
            status["certificate"] = self._signed(request["spec"])
        except ValueError as error:
            failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": str(error)}
            times = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), self._ctx.time())
            status["conditions"] = [*(status.get("conditions") or ()), failed | times]
        self._ctx.storage.replace(self._kind, request, {**request, "status": status}, CAUSE)

    def _signed(self, spec: Obj) -> str:
        """The certificate, as PEM in base64.

        Raises:
            ValueError: the signer does not sign such a request.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import ExtendedKeyUsageOID

        parsed = read_request(spec.get("request") or "")
        usages = set(spec.get("usages") or ())
        if parsed is None or not parsed.is_signature_valid:
            raise ValueError("unable to parse the certificate request")
        if "client auth" not in usages or not usages <= ALLOWED_USAGES:
            raise ValueError("the usages of a client's certificate are client auth, digital signature, and key encipherment")
        now = datetime.fromtimestamp(self._ctx.world.clock.now(), UTC)
        asked = timedelta(seconds=min(spec.get("expirationSeconds") or DURATION_S, DURATION_S))
        ends = min(now + asked, self._certificate.not_valid_after_utc)
        key_usage = x509.KeyUsage(
            "digital signature" in usages, False, "key encipherment" in usages, False, False, False, False, False, False
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(parsed.subject)
            .issuer_name(self._certificate.subject)
            .public_key(parsed.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - timedelta(seconds=BACKDATED_S), self._certificate.not_valid_before_utc))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def _is_due(request: Obj) -> bool:
    """Whether it is approved and not yet signed, and for clients."""
    conditions = dig(request, "status", "conditions") or ()
    done = dig(request, "status", "certificate") or find(conditions, "Failed") or find(conditions, "Denied")
    return not done and find(conditions, "Approved") is not None and dig(request, "spec", "signerName") in CLIENT_SIGNERS


def read_request(encoded: str) -> "x509.CertificateSigningRequest | None":
    """A PEM request in base64; None for what is none."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_csr(base64.b64decode(encoded))
    except (ValueError, binascii.Error):
        return None


def subject_of(request: "x509.CertificateSigningRequest") -> tuple[str, list[str]]:
    """The user's name and groups that a certificate for this request would name."""
    from cryptography.x509.oid import NameOID

    names = [str(attribute.value) for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(attribute.value) for attribute in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    return next(iter(names), ""), groups
