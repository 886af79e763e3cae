"""ResourceQuota: what would exceed a quota is refused, what does not is counted at once
(apiserver/pkg/admission/plugin/resourcequota/controller.go)."""

from engine.apiserver.admission_chain import CREATE, UPDATE, Attributes, Objects
from engine.base import quantity
from engine.base.causes import Cause
from engine.base.errors import StatusError, forbidden
from engine.base.objects import Obj, name_of, revision_of
from engine.kinds.common import quotas
from engine.store.events import Put

RESOURCE = "resourcequotas"
CAUSE = Cause("kube-apiserver", 0, "quota")
_BY_UPDATE = frozenset({"services", "persistentvolumeclaims"})
"""What may use more after an update; of pods it is a resize."""


class ResourceQuota:
    """Charges the quotas of the namespace. It is the last to be asked: what it has counted is written, unless storing it fails."""

    name = "ResourceQuota"
    operations = frozenset({CREATE, UPDATE})
    resources: frozenset[str] = frozenset()
    subresources = True

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The object as it is: quotas only judge."""
        return write.obj

    def validate(self, write: Attributes, objects: Objects) -> None:
        """Charge the object.

        Raises:
            StatusError: 403, a quota would be exceeded, or what it limits is not stated.
        """
        if not write.namespace or not write.kind.namespaced or not _handles(write):
            return
        stored = objects.list(RESOURCE, write.namespace)
        if not stored:
            return
        charged = [(quota, made) for quota in stored if (made := _charged(quota, write)) is not quota]
        if charged and not write.dry_run:
            puts = [Put(RESOURCE, write.namespace, name_of(quota), made, revision_of(quota)) for quota, made in charged]
            objects.commit(puts, CAUSE)


def _handles(write: Attributes) -> bool:
    """The evaluators' Handles."""
    if write.operation == CREATE:
        return not write.subresource
    if write.kind.resource == "pods":
        return write.subresource == "resize"
    return write.kind.resource in _BY_UPDATE and not write.subresource


def _charged(quota: Obj, write: Attributes) -> Obj:
    """The quota with what the write adds to its use; itself where that is nothing (CheckRequest)."""
    resource, status = write.kind.resource, quota.get("status") or {}
    hard: quotas.Amounts = status.get("hard") or {}
    used: quotas.Amounts = status.get("used") or {}
    names = [name for name in hard if quotas.measures(resource, name)]
    if not names or not quotas.concerns(quota, resource, write.obj):
        return quota
    lacking = quotas.missing(names, write.obj) if resource == "pods" else ""
    if lacking:
        raise _refused(write, f"failed quota: {name_of(quota)}: {lacking}")
    if any(name not in used for name in names):
        raise _refused(write, f"status unknown for quota: {name_of(quota)}, resources: {','.join(sorted(names))}")
    wanted = _delta(quota, write)
    requested = {name: amount for name, amount in quotas.masked(wanted, hard).items() if quantity.parse(amount) > 0}
    if not requested:
        return quota
    after = quotas.added(used, requested)
    exceeded = [name for name in requested if quantity.parse(after[name]) > quantity.parse(hard[name])]
    if exceeded:
        parts = [("requested", requested), ("used", used), ("limited", hard)]
        text = ", ".join(f"{label}: {quotas.shown(quotas.masked(amounts, exceeded))}" for label, amounts in parts)
        raise _refused(write, f"exceeded quota: {name_of(quota)}, {text}")
    return {**quota, "status": {**status, "used": after}}


def _delta(quota: Obj, write: Attributes) -> quotas.Amounts:
    """What the object uses more than the one before."""
    resource = write.kind.resource
    new = quotas.usage(resource, write.obj, 0.0)
    if write.old is None or not quotas.concerns(quota, resource, write.old):
        return new
    old = quotas.usage(resource, write.old, 0.0)
    return {name: quotas.difference(amount, old.get(name, "0")) for name, amount in new.items()}


def _refused(write: Attributes, why: str) -> StatusError:
    return forbidden(write.kind.resource, name_of(write.obj), why)


PLUGIN = ResourceQuota()
