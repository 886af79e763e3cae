"""The ConfigMap kube-root-ca.crt of every namespace (pkg/controller/certificates/rootcacertpublisher/publisher.go).

The certificate is the one that the server publishes in kube-system/extension-apiserver-authentication; where it has none (a server without
HTTPS), nothing is published.
"""

from collections.abc import Iterable

from engine.base.objects import Obj, is_terminating, name_of, namespace_of
from engine.control.actions import Actions, Create, Key, Update
from engine.control.controller import Controller, Watch
from engine.control.read import Read

NAME = "kube-root-ca.crt"
SOURCE = Key("kube-system", "extension-apiserver-authentication")
DESCRIPTION = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
}


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Create or correct the ConfigMap of an active namespace."""
    namespace = read.get("namespaces", "", key.name)
    source = read.get("configmaps", *SOURCE)
    certificate = ((source or {}).get("data") or {}).get("client-ca-file")
    if namespace is None or is_terminating(namespace) or not certificate:
        return []
    data = {"ca.crt": certificate}
    have = read.get("configmaps", key.name, NAME)
    if have is None:
        metadata = {"name": NAME, "namespace": key.name, "annotations": DESCRIPTION}
        return [Create("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}, ignore_exists=True)]
    if have.get("data") == data and DESCRIPTION.items() <= (have["metadata"].get("annotations") or {}).items():
        return []
    annotations = {**(have["metadata"].get("annotations") or {}), **DESCRIPTION}
    return [Update("configmaps", {**have, "metadata": {**have["metadata"], "annotations": annotations}, "data": data})]


def _concerned(change: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    if name_of(new) == NAME:
        return (Key("", namespace_of(new)),)
    if (namespace_of(new), name_of(new)) == SOURCE:
        return [Key("", name_of(namespace)) for namespace in read.list("namespaces")]
    return ()


CONTROLLER = Controller(
    name="root-ca-certificate-publisher-controller",
    resource="namespaces",
    reconcile=reconcile,
    watches=(Watch("configmaps", _concerned),),
    workers=1,
)
