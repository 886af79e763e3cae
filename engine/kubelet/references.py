"""ConfigMaps, Secrets and volume claims that a pod needs before its containers can be made."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.base.objects import Obj

ENV, VOLUME = "env", "volume"


class Reference(NamedTuple):
    """Something in the pod's namespace that must exist; `keys` of it as well. `owner` is a container's or a volume's name."""

    use: str
    owner: str
    resource: str
    name: str
    keys: tuple[str, ...] = ()


class Problem(NamedTuple):
    """A reference that does not resolve, and what upstream says of it."""

    use: str
    owner: str
    message: str


Lookup = Callable[[str, str], Obj | None]
"""(resource, name) -> the object in the pod's namespace, if it exists."""


def references_of(spec: Obj) -> tuple[Reference, ...]:
    """The non-optional references of a pod spec.

    The projected volume that gives access to the API (it has a serviceAccountToken) is the cluster's own and always there.
    """
    found: list[Reference] = []
    for volume in spec.get("volumes") or ():
        found += _of_volume(volume)
    for c in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()), *(spec.get("ephemeralContainers") or ())):
        found += _of_container(c)
    return tuple(found)


def _of_volume(volume: Obj) -> Iterator[Reference]:
    name = volume["name"]
    if config := volume.get("configMap"):
        if not config.get("optional"):
            yield Reference(VOLUME, name, "configmaps", config.get("name") or "", _keys(config))
    elif secret := volume.get("secret"):
        if not secret.get("optional"):
            yield Reference(VOLUME, name, "secrets", secret.get("secretName") or "", _keys(secret))
    elif claim := volume.get("persistentVolumeClaim"):
        yield Reference(VOLUME, name, "persistentvolumeclaims", claim["claimName"])
    elif projected := volume.get("projected"):
        sources = projected.get("sources") or ()
        if any("serviceAccountToken" in s for s in sources):
            return
        for source in sources:
            for field, resource in (("configMap", "configmaps"), ("secret", "secrets")):
                part = source.get(field)
                if part and not part.get("optional"):
                    yield Reference(VOLUME, name, resource, part.get("name") or "", _keys(part))


def _keys(part: Obj) -> tuple[str, ...]:
    return tuple(item["key"] for item in part.get("items") or ())


def _of_container(c: Obj) -> Iterator[Reference]:
    for source in c.get("envFrom") or ():
        for field, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            part = source.get(field)
            if part and not part.get("optional"):
                yield Reference(ENV, c["name"], resource, part.get("name") or "")
    for env in c.get("env") or ():
        source = env.get("valueFrom") or {}
        for field, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            part = source.get(field)
            if part and not part.get("optional"):
                yield Reference(ENV, c["name"], resource, part.get("name") or "", (part["key"],))


_SINGULAR = {"configmaps": "configmap", "secrets": "secret", "persistentvolumeclaims": "persistentvolumeclaim"}
_TITLE = {"configmaps": "ConfigMap", "secrets": "Secret"}


def resolve(references: tuple[Reference, ...], namespace: str, lookup: Lookup) -> tuple[Problem, ...]:
    """What is missing, in upstream's words (pkg/kubelet/kubelet_pods.go makeEnvironmentVariables, pkg/volume/*)."""
    return tuple(Problem(ref.use, ref.owner, said) for ref in references if (said := _problem(ref, namespace, lookup)))


def _problem(ref: Reference, namespace: str, lookup: Lookup) -> str:
    found = lookup(ref.resource, ref.name)
    if found is None:
        return f'{_SINGULAR[ref.resource]} "{ref.name}" not found'
    if ref.resource == "persistentvolumeclaims":
        phase = (found.get("status") or {}).get("phase")
        return "" if phase == "Bound" else f'PVC {namespace}/{ref.name} has phase "{phase or "Pending"}", not Bound'
    present = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
    for key in ref.keys:
        if key not in present:
            if ref.use == ENV:
                return f"couldn't find key {key} in {_TITLE[ref.resource]} {namespace}/{ref.name}"
            return f"references non-existent {_SINGULAR[ref.resource]} key: {key}"
    return ""
