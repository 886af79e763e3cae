"""ServiceAccount: gives pods an account and mounts its token (plugin/pkg/admission/serviceaccount/admission.go)."""

import hashlib
from typing import Any

from engine.apiserver.admission_chain import CREATE, Attributes, Objects
from engine.base.errors import forbidden
from engine.base.objects import Obj, annotations_of, each, uid_of
from engine.base.world import SUFFIX_ALPHABET
from engine.kinds.common.memo import Memo

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_EXPIRATION_S = 3_607
"""3,600 s plus a margin by which extended tokens are recognised (WarnOnlyBoundTokenExpirationSeconds)."""
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"

_SOURCES: list[Obj] = [
    {"serviceAccountToken": {"expirationSeconds": TOKEN_EXPIRATION_S, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
]


class ServiceAccount:
    """Pods of one template and account share the resulting spec."""

    name = "ServiceAccount"
    operations = frozenset({CREATE})
    resources = frozenset({"pods"})
    subresources = False

    def __init__(self) -> None:
        self._for_account: Memo[Memo[Obj]] = Memo(_given_account)

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The pod with `serviceAccountName`, the account's pull secrets, and its token mounted in every container.

        Raises:
            StatusError: 403, there is no such service account.
        """
        pod = write.obj
        if MIRROR_ANNOTATION in annotations_of(pod):
            return pod
        spec = pod["spec"]
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        account = objects.get("serviceaccounts", write.namespace, name)
        if account is None:
            why = f'error looking up service account {write.namespace}/{name}: serviceaccount "{name}" not found'
            raise forbidden("pods", write.name, why)
        made = self._for_account(account)(spec)
        return pod if made is spec else {**pod, "spec": made}


def _given_account(account: Obj) -> Memo[Obj]:
    """What to do to a spec for this version of an account, remembered by the spec's identity."""
    return Memo(lambda spec: _with_account(spec, account))


def _with_account(spec: Obj, account: Obj) -> Obj:
    name = account["metadata"]["name"]
    made: dict[str, Any] = {**spec, "serviceAccountName": name, "serviceAccount": name}
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        made["imagePullSecrets"] = account["imagePullSecrets"]
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken", True)
    return _with_token(made, account) if wanted else made


def _with_token(spec: dict[str, Any], account: Obj) -> Obj:
    volumes: list[Obj] = spec.get("volumes") or []
    present = next((v["name"] for v in volumes if v.get("name", "").startswith(VOLUME_PREFIX)), "")
    mount = {"name": present or VOLUME_PREFIX + _suffix(account), "readOnly": True, "mountPath": MOUNT_PATH}
    changed = False
    for field in ("initContainers", "containers"):
        containers = spec.get(field) or []
        made = each(containers, lambda container: _with_mount(container, mount))
        if made is not containers:
            spec[field] = made
            changed = True
    if changed and not present:
        spec["volumes"] = [*volumes, {"name": mount["name"], "projected": {"sources": _SOURCES, "defaultMode": 420}}]
    return spec


def _with_mount(container: Obj, mount: Obj) -> Obj:
    mounts = container.get("volumeMounts") or []
    if any(m.get("mountPath") == MOUNT_PATH for m in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, mount]}


def _suffix(account: Obj) -> str:
    """Five characters that are the same for all pods of an account, so that they share their specs; upstream draws them per pod."""
    digest = hashlib.sha256(uid_of(account).encode()).digest()
    return "".join(SUFFIX_ALPHABET[byte % len(SUFFIX_ALPHABET)] for byte in digest[:5])


PLUGIN = ServiceAccount()
