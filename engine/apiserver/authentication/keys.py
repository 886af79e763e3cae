"""The key that service accounts' tokens are signed with: made when first needed, kept in the store under a name that no path leads to."""

from functools import cached_property
from typing import TYPE_CHECKING

from engine.apiserver.storage import Storage
from engine.base.causes import Cause
from engine.store.events import Put

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

RESOURCE, NAME = "signing-keys.internal.ktui.dev", "service-accounts"
ALGORITHM = "ES256"


class SigningKey:
    """A P-256 key (`--service-account-signing-key-file` upstream), read or made on first use: importing cryptography takes its time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @cached_property
    def private(self) -> "EllipticCurvePrivateKey":
        """The key; a new one where the state has none."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        stored = self._storage.store.get(RESOURCE, "", NAME)
        if stored is None:
            return self._made()
        key = load_pem_private_key(stored["pem"].encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"the signing key in the state is no key for {ALGORITHM}")
        return key

    def _made(self) -> "EllipticCurvePrivateKey":
        from cryptography.hazmat.primitives import serialization as forms
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()).decode()
        self._storage.commit([Put(RESOURCE, "", NAME, {"metadata": {"name": NAME}, "pem": pem}, 0)], Cause("kube-apiserver"))
        return key

    @cached_property
    def key_id(self) -> str:
        """The SHA-256 of the public key, which tokens name their key by (pkg/serviceaccount/jwt.go keyIDFromPublicKey)."""
        import base64
        import hashlib

        from cryptography.hazmat.primitives import serialization as forms

        public = self.private.public_key().public_bytes(forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo)
        return base64.urlsafe_b64encode(hashlib.sha256(public).digest()).rstrip(b"=").decode()
