"""What the server warns of in pod specs, in pods and in templates (pkg/api/pod/warnings.go)."""

from collections.abc import Callable, Iterator, Sequence

from engine.base import quantity
from engine.base.objects import Obj, dig, name_of
from engine.kinds.common import names
from engine.kinds.common.memo import Memo

_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_VOLUMES = {
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_GRACE = "must be >= 0; negative values are invalid and will be treated as 1"

Warnings = Callable[[Obj, Obj | None], Sequence[str]]

_memos: dict[str, Memo[Sequence[str]]] = {}


def spec_warnings(spec: Obj, path: str) -> Sequence[str]:
    """Warnings of a pod spec, remembered by identity."""
    memo = _memos.get(path)
    if memo is None:
        memo = _memos[path] = Memo(lambda s: tuple(_of_spec(s, path)))
    return memo(spec)


def template_warnings(*path: str) -> Warnings:
    """A kind's `warnings`, where its pod spec is at `path`."""
    shown = ".".join(path)

    def warnings(obj: Obj, old: Obj | None) -> Sequence[str]:
        spec = dig(obj, *path)
        return spec_warnings(spec, shown) if spec and (old is None or spec is not dig(old, *path)) else ()

    return warnings


def pod_warnings(pod: Obj, old: Obj | None) -> Sequence[str]:
    """A pod's: of its spec, and of a name that makes a bad host name."""
    if old is not None:
        return ()
    found = spec_warnings(pod.get("spec") or {}, "spec")
    wrong = names.dns_label(name_of(pod))
    if not wrong:
        return found
    why = "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended"
    return (f"metadata.name: {why}: [{' '.join(wrong)}]", *found)


def _of_spec(spec: Obj, path: str) -> Iterator[str]:
    for label in spec.get("nodeSelector") or ():
        if label in _NODE_LABELS:
            yield f"{path}.nodeSelector[{label}]: {_NODE_LABELS[label]}"
    for i, volume in enumerate(spec.get("volumes") or ()):
        for source in volume.keys() & _VOLUMES.keys():
            yield f"{path}.volumes[{i}].{source}: {_VOLUMES[source]}"
    secrets = [s.get("name") or "" for s in spec.get("imagePullSecrets") or ()]
    for i, secret in enumerate(secrets):
        if not secret:
            yield f'{path}.imagePullSecrets[{i}].name: invalid empty name ""'
        elif secret in secrets[:i]:
            yield f'{path}.imagePullSecrets[{i}].name: duplicate name "{secret}"'
    for key in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(key) or ()):
            yield from _of_container(container, f"{path}.{key}[{i}]")
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        yield f"{path}.terminationGracePeriodSeconds: {_GRACE}"


def _of_container(container: Obj, path: str) -> Iterator[str]:
    seen: set[str] = set()
    for i, variable in enumerate(container.get("env") or ()):
        name = variable.get("name") or ""
        # Referring to the earlier value of the same name is a way to extend it.
        if name in seen and f"$({name})" not in (variable.get("value") or ""):
            yield f'{path}.env[{i}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)
    for kind in ("limits", "requests"):
        for resource in ("memory", "ephemeral-storage"):
            amount = dig(container, "resources", kind, resource)
            if amount is not None and quantity.parse(amount).denominator != 1:
                why = f'fractional byte value "{amount}" is invalid, must be an integer'
                yield f"{path}.resources.{kind}[{resource}]: {why}"
    ports: dict[tuple[object, ...], int] = {}
    for i, port in enumerate(container.get("ports") or ()):
        key = tuple(port.get(field) for field in ("containerPort", "protocol", "hostPort", "hostIP"))
        if key in ports:
            yield f"{path}.ports[{i}]: duplicate port definition with {path}.ports[{ports[key]}]"
        ports.setdefault(key, i)
