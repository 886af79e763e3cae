"""Who may approve and sign certificates, per signer (plugin/pkg/admission/certificates/{approval,signing,subjectrestriction}).

An admission plugin that the server puts behind the others, as it needs the authorizer.
"""

from engine.apiserver.admission_chain import CREATE, UPDATE, Objects
from engine.apiserver.admission_chain import Attributes as Write
from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.authorizer import MASTERS, Authorizer
from engine.apiserver.strategy import SIGNING_REQUESTS
from engine.base.api import User
from engine.base.errors import forbidden
from engine.base.objects import Obj, dig, name_of

GROUP = "certificates.k8s.io"
CLIENT = "kubernetes.io/kube-apiserver-client"


class SignerRights:
    """Approving and signing need a right on the signer; nobody asks for a superuser's certificate."""

    name = "CertificateApproval"
    operations = frozenset({CREATE, UPDATE})
    resources = frozenset({SIGNING_REQUESTS})
    subresources = True

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, write: Write, objects: Objects) -> Obj:
        """The request as it is.

        Raises:
            StatusError: 403.
        """
        signer = dig(write.old or write.obj, "spec", "signerName") or ""
        why = ""
        if write.operation == CREATE:
            if signer == CLIENT and MASTERS in _organizations(write.obj):
                why = f"use of {CLIENT} signer with {MASTERS} group is not allowed"
        elif write.subresource == "approval":
            why = self._lacking("approve", write.user, signer)
        elif write.subresource == "status" and _certificate(write.obj) != _certificate(write.old or {}):
            why = self._lacking("sign", write.user, signer)
        if why:
            raise forbidden(SIGNING_REQUESTS, write.name or name_of(write.obj), why)
        return write.obj

    def _lacking(self, verb: str, user: User, signer: str) -> str:
        """Rights are on the signer's name, or on all of its domain."""
        for name in (signer, f"{signer.partition('/')[0]}/*"):
            if self._authorizer.decide(user, Attributes(verb, GROUP, "signers", "", "", name))[0]:
                return ""
        return f'user not permitted to {verb} requests with signerName "{signer}"'


def _certificate(request: Obj) -> str:
    return dig(request, "status", "certificate") or ""


def _organizations(request: Obj) -> list[str]:
    """The groups that the requested certificate would name; none where the request cannot be read, which validation refuses."""
    from engine.apiserver.authentication.signing import read_request, subject_of

    parsed = read_request(dig(request, "spec", "request") or "")
    return subject_of(parsed)[1] if parsed is not None else []
