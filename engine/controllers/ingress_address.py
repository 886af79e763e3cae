"""The ingress controller of the simulated cloud, as far as the API sees it: an Ingress that can be served gets its address."""

from collections.abc import Iterable

from engine.base.objects import Obj, is_terminating, name_of, namespace_of
from engine.control.actions import Actions, Emit, Key, Patch
from engine.control.cloud import INGRESS_IP
from engine.control.controller import Controller, Watch
from engine.control.mappers import when
from engine.control.read import Read

RESOURCE, CLASSES, SERVICES = "ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io", "services"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Write the address once the services behind the Ingress exist; take it back where its class is nobody's."""
    ingress = read.get(RESOURCE, key.namespace, key.name)
    if ingress is None or is_terminating(ingress):
        return []
    current = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    if not _is_known(ingress, read):
        return [_status(ingress, None)] if current else []
    wanted: list[Obj] = [{"ip": INGRESS_IP}]
    if current == wanted or any(read.get(SERVICES, key.namespace, name) is None for name in _services(ingress)):
        return []
    return [_status(ingress, wanted), Emit(ingress, "Normal", "Sync", "Scheduled for sync")]


def _is_known(ingress: Obj, read: Read) -> bool:
    """Whether its class exists; an Ingress without one, or with the annotation of old, is everybody's."""
    name = ingress["spec"].get("ingressClassName")
    return not name or read.get(CLASSES, "", name) is not None


def _services(ingress: Obj) -> Iterable[str]:
    """The services of all backends."""
    spec = ingress["spec"]
    backends = [spec.get("defaultBackend") or {}]
    for rule in spec.get("rules") or ():
        backends += [path.get("backend") or {} for path in (rule.get("http") or {}).get("paths") or ()]
    return dict.fromkeys(b["service"]["name"] for b in backends if b.get("service"))


def _status(ingress: Obj, addresses: list[Obj] | None) -> Patch:
    return Patch.status(RESOURCE, ingress, {"loadBalancer": {"ingress": addresses}})


def _class_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    return [Key(namespace_of(i), name_of(i)) for i in read[RESOURCE] if i["spec"].get("ingressClassName") == name_of(new)]


def _service_keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    return [Key(namespace_of(i), name_of(i)) for i in read[RESOURCE].list(namespace_of(new)) if name_of(new) in _services(i)]


CONTROLLER = Controller(
    name="ingress-address-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(Watch(CLASSES, when(_class_keys, "ADDED", "DELETED")), Watch(SERVICES, when(_service_keys, "ADDED"))),
    component="ingress-controller",
)
