"""CertificateSigningRequest (pkg/apis/certificates/validation/validation.go, extractCSRStatus).

Username, uid, groups and extra are the requester's: the API server writes them, as upstream's strategy does.
"""

import base64
import binascii
from typing import Any

from engine.base import fields
from engine.base.clock import human_duration
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status, text_at
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

DURATION_S_MIN = 600
_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if old is not None:
        changed = spec != (old.get("spec") or {})
        return [fields.invalid("spec", spec, "field is immutable")] if changed else []
    found: list[FieldError] = []
    if not _is_request(spec.get("request") or ""):
        found.append(fields.invalid("spec.request", spec.get("request") or "", "PEM block type must be CERTIFICATE REQUEST"))
    if not spec.get("usages"):
        found.append(fields.required("spec.usages", "usages must be provided"))
    for i, usage in enumerate(spec.get("usages") or ()):
        if usage not in _USAGES:
            found.append(fields.not_supported(f"spec.usages[{i}]", usage, _USAGES))
    signer = spec.get("signerName") or ""
    if not signer:
        found.append(fields.required("spec.signerName"))
    elif "/" not in signer:
        found.append(
            fields.invalid("spec.signerName", signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        )
    duration_s = spec.get("expirationSeconds")
    if duration_s is not None and duration_s < DURATION_S_MIN:
        why = f"may not specify a duration less than {DURATION_S_MIN} seconds (10 minutes)"
        found.append(fields.invalid("spec.expirationSeconds", duration_s, why))
    return found


def _is_request(encoded: str) -> bool:
    try:
        return b"-----BEGIN CERTIFICATE REQUEST-----" in base64.b64decode(encoded)
    except binascii.Error:
        return False


def condition_shown(obj: Obj) -> str:
    """Pending, Approved or Denied, then Failed and Issued."""
    status = obj.get("status") or {}
    kinds = {c.get("type") for c in status.get("conditions") or ()}
    shown = ["Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"]
    shown += ["Failed"] if "Failed" in kinds else []
    shown += ["Issued"] if status.get("certificate") else []
    return ",".join(shown)


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    duration_s = spec.get("expirationSeconds")
    return [
        name_of(obj),
        tables.age(obj, now),
        spec.get("signerName") or tables.NONE,
        spec.get("username") or "",
        tables.NONE if duration_s is None else human_duration(duration_s),
        condition_shown(obj),
    ]


KIND = Kind(
    group="certificates.k8s.io",
    versions=("v1",),
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    namespaced=False,
    short_names=("csr",),
    status=True,
    subresources=("approval",),
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules),
    columns=(
        tables.NAME,
        tables.AGE,
        *(tables.text(n) for n in ("SignerName", "Requestor", "RequestedDuration", "Condition")),
    ),
    cells=_cells,
    field_values={"spec.signerName": text_at("spec", "signerName")},
)
