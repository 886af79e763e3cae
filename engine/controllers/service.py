"""Load balancers of the simulated cloud for services that ask for one (cloud-provider/controllers/service/controller.go).

One key for all of them, as they share the addresses: no two turns give away the same one.
"""

from collections.abc import Iterable, Sequence

from engine.base.objects import Obj, is_terminating, name_of
from engine.control.actions import Action, Actions, Emit, Key, Parallel, Patch
from engine.control.cloud import POOL, next_free
from engine.control.controller import Controller
from engine.control.finalizers import added, has_finalizer, removed
from engine.control.read import Read

RESOURCE = "services"
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
CLOUD = Key("cloud", "")
_BALANCED = "service-lb/balanced"


def _concerns(service: Obj) -> bool:
    """Whether it wants a load balancer of this cloud, or had one."""
    return _wants(service) or has_finalizer(service, FINALIZER)


def _wants(service: Obj) -> bool:
    spec = service.get("spec") or {}
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass")


def _values(service: Obj) -> Sequence[str]:
    return ("yes",) if _concerns(service) else ()


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Ensure the load balancers that are wanted, delete those that are not."""
    services = sorted(read[RESOURCE].by_index(_BALANCED, "yes"), key=lambda s: (s["metadata"].get("creationTimestamp") or "", name_of(s)))
    taken = [ip for service in services for ip in _addresses(service)]
    actions: list[Action] = []
    for service in services:
        if is_terminating(service) or not _wants(service):
            actions += _delete(service)
        elif not _addresses(service) or not has_finalizer(service, FINALIZER):
            asked = service["spec"].get("loadBalancerIP")
            ip = next(iter(_addresses(service)), None) or (asked if asked and asked not in taken else next_free(taken))
            taken += [ip] if ip else []
            actions += _ensure(service, ip)
    return actions


def _addresses(service: Obj) -> list[str]:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [entry["ip"] for entry in ingress if entry.get("ip")]


def _status(service: Obj, balancer: Obj) -> Patch:
    return Patch.status(RESOURCE, service, {"loadBalancer": balancer})


def _ensure(service: Obj, ip: str | None) -> list[Action]:
    begun = Emit(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
    if ip is None:
        message = f"Error syncing load balancer: failed to ensure load balancer: no address is left in {POOL}.0/24"
        return [begun, Emit(service, "Warning", "SyncLoadBalancerFailed", message)]
    writes = [*added(RESOURCE, service, FINALIZER), _status(service, {"ingress": [{"ip": ip, "ipMode": "VIP"}]})]
    return [begun, *_in_turn(writes, Emit(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer"))]


def _delete(service: Obj) -> list[Action]:
    """Take the addresses back; once they are, let the service go."""
    if not has_finalizer(service, FINALIZER):
        return []
    begun = Emit(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
    if _addresses(service) and not is_terminating(service):
        return [begun, _then(_status(service, {"ingress": None}), [])]
    writes = removed(RESOURCE, service, FINALIZER)
    done = _in_turn(writes, Emit(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer"))
    return [begun, *done] if is_terminating(service) else done


def _in_turn(writes: list[Patch], told: Emit) -> list[Action]:
    """Writes about one service, one after the other; the first that fails leaves the other services alone."""
    rest: Actions = [told]
    for write in reversed(writes):
        rest = [_then(write, rest)]
    return rest


def _then(write: Patch, rest: Actions) -> Parallel:
    return Parallel((write,), then=lambda failures: [] if failures else rest)


def _keys(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    return (CLOUD,) if _concerns(new) or (old is not None and _concerns(old)) else ()


CONTROLLER = Controller(
    name="service-lb-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    keys=_keys,
    indexes={RESOURCE: {_BALANCED: _values}},
    workers=1,
    component="service-controller",
)
