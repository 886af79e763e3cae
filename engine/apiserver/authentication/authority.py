"""Where clients and extension servers find the authority of clients' certificates: the ConfigMap
kube-system/extension-apiserver-authentication (pkg/controlplane/controller/clusterauthenticationtrust)."""

from typing import TYPE_CHECKING

from engine.apiserver.context import Call, Context
from engine.apiserver.creation import create_object
from engine.apiserver.options import WriteOptions
from engine.base.api import Request, User
from engine.base.causes import Cause
from engine.base.objects import Obj

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

ACTOR = "kube-apiserver"
USER = User("system:apiserver", ("system:masters", "system:authenticated"))
NAMESPACE, NAME, KEY = "kube-system", "extension-apiserver-authentication", "client-ca-file"


def publish_authority(ctx: Context, certificate: "Certificate") -> None:
    """Create the ConfigMap, or put the certificate into it where it has another one."""
    from cryptography.hazmat.primitives.serialization import Encoding

    kind = ctx.kinds.by_resource["configmaps"]
    pem = certificate.public_bytes(Encoding.PEM).decode()
    stored = ctx.storage.get(kind, NAMESPACE, NAME)
    if stored is None:
        obj: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": NAMESPACE}, "data": {KEY: pem}}
        request = Request("POST", "", user=USER, cause=Cause(ACTOR), user_agent=ACTOR)
        create_object(ctx, Call(request, kind, "v1", NAMESPACE, "", ""), obj, WriteOptions(ACTOR))
    elif (stored.get("data") or {}).get(KEY) != pem:
        ctx.storage.replace(kind, stored, {**stored, "data": {**(stored.get("data") or {}), KEY: pem}}, Cause(ACTOR))
