"""Aggregated cluster roles: the rules of all that their selectors select
(pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go)."""

from collections.abc import Iterable

from engine.base.objects import Obj, labels_of, name_of
from engine.base.selectors import from_label_selector
from engine.control.actions import Actions, Apply, Key
from engine.control.controller import Controller
from engine.control.read import Read

RESOURCE = "clusterroles.rbac.authorization.k8s.io"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Apply the rules where they are not those of the selected roles, selector by selector, roles by name."""
    role = read.get(RESOURCE, "", key.name)
    if role is None or not role.get("aggregationRule"):
        return []
    rules: list[Obj] = []
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        wanted = from_label_selector(selector)
        for other in read.list(RESOURCE):
            if name_of(other) != key.name and wanted.matches(labels_of(other)):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    if rules == (role.get("rules") or []):
        return []
    return [Apply(RESOURCE, {"apiVersion": role["apiVersion"], "kind": role["kind"], "metadata": {"name": key.name}, "rules": rules})]


def _aggregated(change: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    return [Key("", name_of(role)) for role in read.list(RESOURCE) if role.get("aggregationRule")]


CONTROLLER = Controller(
    name="clusterrole-aggregation-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    keys=_aggregated,
)
"""Any change of a role may change any aggregated one, and these are few."""
