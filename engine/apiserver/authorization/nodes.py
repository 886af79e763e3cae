"""What a kubelet may do (plugin/pkg/auth/authorizer/node/node_authorizer.go): the rules of the role system:node, of which secrets,
config maps, claims, volumes, accounts' tokens and leases only for what concerns its own node.

Where this is laxer than upstream: a node may read all nodes and pods (upstream: its own), and what a mirror pod names counts. What it may
change of nodes and pods is held to its own by the admission plugin NodeRestriction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.policy import node_rules
from engine.apiserver.authorization.resolver import Objects
from engine.apiserver.authorization.rules import allows as rule_allows
from engine.base.objects import Obj, dig

LEASES = "kube-node-lease"

References = Callable[[Obj], Iterator[str]]


def allows(node: str, attributes: Attributes, objects: Objects) -> bool:
    """Whether a node may do this by itself; roles may allow it more."""
    check = _OWN.get((attributes.group, attributes.resource, attributes.subresource))
    if not any(rule_allows(rule, attributes) for rule in node_rules()):
        return False
    return check is None or check(node, attributes, objects)


def _pods(node: str, namespace: str, objects: Objects) -> Iterable[Obj]:
    return (pod for pod in objects.list("pods", namespace) if dig(pod, "spec", "nodeName") == node)


def _named_by_pods(references: References) -> Callable[[str, Attributes, Objects], bool]:
    def check(node: str, attributes: Attributes, objects: Objects) -> bool:
        if not attributes.name or not attributes.namespace:
            return False
        return any(attributes.name in references(pod) for pod in _pods(node, attributes.namespace, objects))

    return check


def _containers(pod: Obj) -> Iterator[Obj]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod["spec"].get(field) or ()


def _volumes(pod: Obj) -> Iterator[Obj]:
    for volume in pod["spec"].get("volumes") or ():
        yield volume
        yield from dig(volume, "projected", "sources") or ()


def _environment(pod: Obj, source: str, key: str) -> Iterator[str]:
    for container in _containers(pod):
        yield from (dig(entry, source, "name") or "" for entry in container.get("envFrom") or ())
        yield from (dig(entry, "valueFrom", key, "name") or "" for entry in container.get("env") or ())


def _secrets(pod: Obj) -> Iterator[str]:
    yield from (ref.get("name") or "" for ref in pod["spec"].get("imagePullSecrets") or ())
    yield from _environment(pod, "secretRef", "secretKeyRef")
    for volume in _volumes(pod):
        secret = volume.get("secret") or {}
        yield secret.get("secretName") or secret.get("name") or ""
        for source in ("csi", "cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"):
            for field in ("nodePublishSecretRef", "secretRef"):
                yield dig(volume, source, field, "name") or ""
        yield dig(volume, "azureFile", "secretName") or ""


def _config_maps(pod: Obj) -> Iterator[str]:
    yield from _environment(pod, "configMapRef", "configMapKeyRef")
    yield from (dig(volume, "configMap", "name") or "" for volume in _volumes(pod))


def _claims(pod: Obj) -> Iterator[str]:
    for volume in _volumes(pod):
        yield dig(volume, "persistentVolumeClaim", "claimName") or ""
        if volume.get("ephemeral"):
            yield f"{pod['metadata']['name']}-{volume['name']}"


def _accounts(pod: Obj) -> Iterator[str]:
    yield pod["spec"].get("serviceAccountName") or "default"


def _claims_volume(node: str, attributes: Attributes, objects: Objects) -> bool:
    volume = objects.get("persistentvolumes", "", attributes.name)
    namespace, claim = dig(volume, "spec", "claimRef", "namespace"), dig(volume, "spec", "claimRef", "name")
    return bool(claim) and any(claim in _claims(pod) for pod in _pods(node, namespace, objects))


def _attached_here(node: str, attributes: Attributes, objects: Objects) -> bool:
    attachment = objects.get("volumeattachments.storage.k8s.io", "", attributes.name)
    return bool(dig(attachment, "spec", "nodeName") == node)


def _own_lease(node: str, attributes: Attributes, objects: Objects) -> bool:
    return attributes.namespace == LEASES and (attributes.verb == "create" or attributes.name == node)


def _own_csi_node(node: str, attributes: Attributes, objects: Objects) -> bool:
    return attributes.verb == "create" or attributes.name == node


_OWN: Mapping[tuple[str, str, str], Callable[[str, Attributes, Objects], bool]] = {
    ("", "secrets", ""): _named_by_pods(_secrets),
    ("", "configmaps", ""): _named_by_pods(_config_maps),
    ("", "persistentvolumeclaims", ""): _named_by_pods(_claims),
    ("", "persistentvolumeclaims", "status"): _named_by_pods(_claims),
    ("", "persistentvolumes", ""): _claims_volume,
    ("", "serviceaccounts", ""): _named_by_pods(_accounts),
    ("", "serviceaccounts", "token"): _named_by_pods(_accounts),
    ("storage.k8s.io", "volumeattachments", ""): _attached_here,
    ("storage.k8s.io", "csinodes", ""): _own_csi_node,
    ("coordination.k8s.io", "leases", ""): _own_lease,
}
"""By group, resource and subresource: what is asked besides the rules."""
