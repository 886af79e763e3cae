"""The use of quotas, counted again: admission counts what comes, this what goes (pkg/controller/resourcequota)."""

from collections.abc import Iterable

from engine.base.api import ResourceInfo
from engine.base.objects import Obj, name_of, namespace_of
from engine.control.actions import Actions, Key, Update
from engine.control.controller import Controller
from engine.control.read import Read
from engine.kinds.common import quotas

RESOURCE = "resourcequotas"
RESYNC_S = 300.0
"""--resource-quota-sync-period."""


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Write what is used where it, or what is allowed, is not what the status says."""
    quota = read.get(RESOURCE, key.namespace, key.name)
    if quota is None:
        return []
    hard: quotas.Amounts = (quota.get("spec") or {}).get("hard") or {}
    status = {"hard": hard, "used": _used(quota, hard, read, now)}
    if (quota.get("status") or {}) == status:
        return []
    return [Update(RESOURCE, {**quota, "status": status}, "status")]


def _used(quota: Obj, hard: quotas.Amounts, read: Read, now: float) -> quotas.Amounts:
    """CalculateUsage: of each resource that something of the quota is measured in."""
    used: quotas.Amounts = dict.fromkeys(hard, "0")
    for resource, lister in read.resources.listers.items():
        names = [name for name in hard if quotas.measures(resource, name)]
        if not names:
            continue
        for obj in lister.list(namespace_of(quota)):
            if quotas.concerns(quota, resource, obj):
                used = quotas.added(used, quotas.masked(quotas.usage(resource, obj, now), names))
    return used


def _replenished(change: str, info: ResourceInfo, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """The quotas of a namespace in which something went, or uses less (resource_quota_monitor.go, replenishment filters)."""
    if change != "DELETED" and (info.resource not in _UPDATES or old is None or not _UPDATES[info.resource](old, new)):
        return ()
    namespace = namespace_of(new)
    if not namespace:
        return ()
    return [Key(namespace, name_of(quota)) for quota in read[RESOURCE].list(namespace)]


def _pod_ended(old: Obj, new: Obj) -> bool:
    over = ("Succeeded", "Failed")
    return (new.get("status") or {}).get("phase") in over and (old.get("status") or {}).get("phase") not in over


def _spec_changed(old: Obj, new: Obj) -> bool:
    return old.get("spec") is not new.get("spec") and old.get("spec") != new.get("spec")


_UPDATES = {"pods": _pod_ended, "services": _spec_changed, "persistentvolumeclaims": _spec_changed}

CONTROLLER = Controller(
    name="resourcequota-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    everything=_replenished,
    resync_s=RESYNC_S,
)
