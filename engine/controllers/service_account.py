"""The ServiceAccount `default` of every namespace (pkg/controller/serviceaccount/serviceaccounts_controller.go)."""

from collections.abc import Iterable

from engine.base.objects import Obj, name_of, namespace_of
from engine.control.actions import Actions, Create, Key
from engine.control.controller import Controller, Watch
from engine.control.read import Read

NAME = "default"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Create the account in an active namespace that has none."""
    namespace = read.get("namespaces", "", key.name)
    if namespace is None or (namespace.get("status") or {}).get("phase") == "Terminating":
        return []
    if read.get("serviceaccounts", key.name, NAME) is not None:
        return []
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": key.name}}
    return [Create("serviceaccounts", account, ignore_exists=True)]


def _deleted(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    return (Key("", namespace_of(new)),) if kind == "DELETED" and name_of(new) == NAME else ()


CONTROLLER = Controller(
    name="serviceaccount-controller",
    resource="namespaces",
    reconcile=reconcile,
    watches=(Watch("serviceaccounts", _deleted),),
    workers=1,
)
