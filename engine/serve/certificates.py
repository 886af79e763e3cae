"""The cluster's certificate authority, what it has signed, and the administrator's token: PEM files in the state folder.

| file | what |
|---|---|
| `pki/ca.crt`, `pki/ca.key` | the authority |
| `pki/server.crt`, `pki/server.key` | the API server's certificate |
| `pki/admin.crt`, `pki/admin.key` | the client certificate of `kubernetes-admin` in `system:masters` |
| `admin.token` | the administrator's bearer token |
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.base.api import ADMIN
from engine.base.world import World
from engine.serve.files import write_private

AUTHORITY_VALID = timedelta(days=3650)
CERTIFICATE_VALID = timedelta(days=365)
"""cmd/kubeadm/app/constants CACertificateValidityPeriod, CertificateValidityPeriod."""
RENEWED_BEFORE = timedelta(days=30)
BACKDATED = timedelta(hours=1)
"""Clients whose clock is behind accept a new certificate too."""

SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "127.0.0.1",
    "::1",
    "10.96.0.1",
)
_UNREADABLE = (FileNotFoundError, ValueError, TypeError)
"""What reading a pair of files raises where they are missing or hold something else."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key: the files, and what is in them."""

    certificate_file: Path
    key_file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(compare=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM (PKCS #8)."""
        return _key_pem(self.key)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a server shows and what the administrator logs in with."""

    authority: Pair
    server: Pair
    admin: Pair
    token_file: Path
    token: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A certificate that is to be there: whom it names, what for."""

    name: str
    subject: x509.Name
    usage: x509.ObjectIdentifier
    hosts: tuple[str, ...] = ()


def ensure_credentials(folder: Path, world: World, hosts: Sequence[str] = ()) -> Credentials:
    """The credentials in `folder`; what is missing, unreadable or about to expire is made anew. `hosts` are further names of the server.

    Raises:
        OSError: the folder cannot be read or written.
    """
    pki = folder / "pki"
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    authority = _authority(pki, now)
    server = _Wanted("server", _name("kube-apiserver"), ExtendedKeyUsageOID.SERVER_AUTH, (*SERVER_NAMES, *hosts))
    admin = _Wanted("admin", _name(ADMIN.name, ADMIN.groups[0]), ExtendedKeyUsageOID.CLIENT_AUTH)
    token_file = folder / "admin.token"
    return Credentials(
        authority, _signed(pki, now, authority, server), _signed(pki, now, authority, admin), token_file, _token(token_file, world)
    )


def _token(path: Path, world: World) -> str:
    token = path.read_text().strip() if path.exists() else ""
    if not token:
        token = (world.ids.uid() + world.ids.uid()).replace("-", "")
        write_private(path, f"{token}\n".encode())
    return token


def _authority(pki: Path, now: datetime) -> Pair:
    known = _read(pki / "ca.crt", pki / "ca.key")
    if known is not None and _current(known.certificate, now):
        return known
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("kubernetes")
    usage = x509.KeyUsage(True, False, True, False, False, True, True, False, False)
    certificate = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _written(pki / "ca.crt", pki / "ca.key", certificate, key)


def _signed(pki: Path, now: datetime, authority: Pair, wanted: _Wanted) -> Pair:
    certificate_file, key_file = pki / f"{wanted.name}.crt", pki / f"{wanted.name}.key"
    known = _read(certificate_file, key_file)
    if known is not None and _current(known.certificate, now) and _serves(known.certificate, authority, wanted):
        return known
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(wanted.subject, authority.certificate.subject, key.public_key(), now, CERTIFICATE_VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([wanted.usage]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if wanted.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(host) for host in wanted.hosts]), critical=False)
    return _written(certificate_file, key_file, builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + valid)
    )


def _name(common_name: str, organization: str = "") -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _current(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE


def _serves(certificate: x509.Certificate, authority: Pair, wanted: _Wanted) -> bool:
    """Whether a certificate is signed by this authority and names all that it has to."""
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    if certificate.subject != wanted.subject:
        return False
    if not wanted.hosts:
        return True
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return all(_alternative(host) in list(named) for host in wanted.hosts)


def _read(certificate_file: Path, key_file: Path) -> Pair | None:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except _UNREADABLE:
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Pair(certificate_file, key_file, certificate, key)


def _written(certificate_file: Path, key_file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    made = Pair(certificate_file, key_file, certificate, key)
    write_private(key_file, made.key_pem)
    write_private(certificate_file, made.certificate_pem)
    return made


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
