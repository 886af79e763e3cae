"""Reading one object with everything that its description tells along: its events and related objects."""

from collections.abc import Callable, Mapping

from engine.base.api import Client, ListQuery, pages
from engine.base.errors import StatusError
from engine.base.objects import Obj, controller_of, dig, name_of, uid_of
from engine.base.selectors import from_label_selector
from ktui.model.describe import Subject, event_moment
from ktui.model.rows import Target

Ask = Callable[[Obj], ListQuery]

PODS_READ_MAX = 500


def _on_node(obj: Obj) -> ListQuery:
    return ListQuery(field_selector=f"spec.nodeName={name_of(obj)}")


def _selected(obj: Obj) -> ListQuery:
    return ListQuery(dig(obj, "metadata", "namespace", default=""), str(from_label_selector(dig(obj, "spec", "selector"))))


def _slices(obj: Obj) -> ListQuery:
    return ListQuery(dig(obj, "metadata", "namespace", default=""), f"kubernetes.io/service-name={name_of(obj)}")


def _inside(obj: Obj) -> ListQuery:
    return ListQuery(name_of(obj))


RELATED: Mapping[str, Mapping[str, Ask]] = {
    "nodes": {"pods": _on_node},
    "services": {"endpointslices.discovery.k8s.io": _slices},
    "deployments.apps": {"replicasets.apps": _selected, "pods": _selected},
    "replicasets.apps": {"pods": _selected},
    "statefulsets.apps": {"pods": _selected},
    "daemonsets.apps": {"pods": _selected},
    "jobs.batch": {"pods": _selected},
    "namespaces": dict.fromkeys(("pods", "deployments.apps", "services", "configmaps", "secrets", "persistentvolumeclaims"), _inside),
}


async def read_subject(client: Client, target: Target) -> Subject:
    """The object, its events (oldest first) and related objects.

    Raises:
        StatusError: 404, the object is gone.
    """
    obj = await client.get(target.resource, target.name, target.namespace)
    related: dict[str, list[Obj]] = {}
    for resource, ask in RELATED.get(target.resource, {}).items():
        found = await _some(client, resource, ask(obj))
        related[resource] = _owned(found, obj) if target.resource in ("deployments.apps",) and resource == "replicasets.apps" else found
    return Subject(target.resource, obj, await read_events(client, obj), related)


async def read_events(client: Client, obj: Obj) -> list[Obj]:
    """The events about an object, oldest first."""
    namespace = dig(obj, "metadata", "namespace", default="")
    found = await _some(client, "events", ListQuery(namespace, field_selector=f"involvedObject.name={name_of(obj)}"))
    about = [e for e in found if dig(e, "involvedObject", "uid") in (uid_of(obj), name_of(obj), None)]
    return sorted(about, key=event_moment)


def _owned(items: list[Obj], owner: Obj) -> list[Obj]:
    return [item for item in items if (controller_of(item) or {}).get("uid") == uid_of(owner)]


async def _some(client: Client, resource: str, query: ListQuery) -> list[Obj]:
    """Up to PODS_READ_MAX objects; none where the server does not serve them or forbids to look."""
    found: list[Obj] = []
    try:
        async for item in pages(client, resource, query):
            found.append(item)
            if len(found) >= PODS_READ_MAX:
                break
    except StatusError as error:
        if error.code not in (400, 403, 404):
            raise
    return found
