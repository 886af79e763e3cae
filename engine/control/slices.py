"""How endpoints are spread over EndpointSlices with as few writes as possible (endpointslice/reconciler.go)."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.base.objects import Obj, annotations_of, labels_of, name_of, namespace_of, uid_of
from engine.control.actions import Action, Create, Delete, Update
from engine.control.endpoints import TRIGGER_TIME

RESOURCE = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
ENDPOINTS_MAX = 100
"""--max-endpoints-per-slice."""
BY_SERVICE = "slices/service"
"""Index of slices: `namespace/service`."""

Ports = tuple[tuple[str, int | None, str, str | None], ...]
"""(name, number, protocol, appProtocol) each."""


def service_value(slice: Obj) -> Sequence[str]:
    """Index BY_SERVICE."""
    service = labels_of(slice).get(SERVICE_NAME)
    return (f"{namespace_of(slice)}/{service}",) if service else ()


class Group(NamedTuple):
    """Endpoints that share slices: of one address family and the same ports."""

    family: str
    ports: Ports


class Frame(NamedTuple):
    """What all slices of a service have in common."""

    owner: Obj
    service: str
    labels: Obj
    annotations: Obj


def plan(frame: Frame, existing: Iterable[Obj], wanted: dict[Group, list[Obj]], placeholders: Iterable[str]) -> list[Action]:
    """What turns the `existing` slices into ones with the `wanted` endpoints; for each family of `placeholders` that has none left,
    an empty one. Slices that lose all endpoints are reused where new ones are needed."""
    by_group: dict[Group, list[Obj]] = {}
    for slice in existing:
        by_group.setdefault(Group(slice["addressType"], _ports_of(slice)), []).append(slice)
    made = _Plan(frame)
    for group, slices in by_group.items():
        if group not in wanted:
            made.unused += slices
    for group, endpoints in wanted.items():
        made.group(group, by_group.get(group, []), endpoints)
    for family in placeholders:
        made.placeholder(family, [s for s in existing if s["addressType"] == family])
    return made.actions()


def _ports_of(slice: Obj) -> Ports:
    return tuple((p.get("name") or "", p.get("port"), p.get("protocol") or "TCP", p.get("appProtocol")) for p in slice.get("ports") or ())


def _identity(endpoint: Obj) -> tuple[Any, ...]:
    """What makes two endpoints the same one (endpointset.go hashEndpoint)."""
    target = endpoint.get("targetRef") or {}
    return (*endpoint["addresses"], endpoint.get("hostname"), target.get("namespace"), target.get("name"), target.get("uid"))


class _Plan:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.fresh: list[Obj] = []
        self.changed: list[tuple[Obj, Obj]] = []
        self.unused: list[Obj] = []

    def group(self, group: Group, slices: list[Obj], endpoints: list[Obj]) -> None:
        """reconcileByPortMapping: keep what is placed, fill changed slices, then one unchanged slice, then new ones."""
        left = {_identity(e): e for e in endpoints}
        touched: list[tuple[Obj, list[Obj]]] = []
        calm: list[Obj] = []
        for slice in slices:
            old = slice.get("endpoints") or []
            kept = [left.pop(i) for i in map(_identity, old) if i in left]
            if not kept:
                self.unused.append(slice)
            elif kept != old or labels_of(slice) != self.frame.labels:
                touched.append((slice, kept))
            else:
                calm.append(slice)
        rest = list(left.values())
        touched.sort(key=lambda entry: -len(entry[1]))
        for _, kept in touched:
            room = ENDPOINTS_MAX - len(kept)
            kept += rest[:room]
            rest = rest[room:]
        if rest:
            fitting = [s for s in calm if len(s["endpoints"]) + len(rest) <= ENDPOINTS_MAX]
            if fitting:
                fullest = max(fitting, key=lambda s: len(s["endpoints"]))
                touched.append((fullest, [*fullest["endpoints"], *rest]))
                rest = []
        self.changed += [(slice, self._body(group, kept)) for slice, kept in touched]
        self.fresh += [self._body(group, rest[at : at + ENDPOINTS_MAX]) for at in range(0, len(rest), ENDPOINTS_MAX)]

    def placeholder(self, family: str, existing: list[Obj]) -> None:
        """An empty slice where no other would be left."""
        unused = [s for s in self.unused if s["addressType"] == family]
        if len(unused) < len(existing) or any(body["addressType"] == family for body in self.fresh):
            return
        body = self._body(Group(family, ()), [])
        if len(unused) == 1 and not unused[0].get("endpoints") and not unused[0].get("ports") and labels_of(unused[0]) == self.frame.labels:
            self.unused.remove(unused[0])
        else:
            self.fresh.append(body)

    def _body(self, group: Group, endpoints: list[Obj]) -> Obj:
        ports = []
        for name, number, protocol, app_protocol in group.ports:
            optional = {"port": number, "appProtocol": app_protocol}
            ports.append({"name": name, "protocol": protocol, **{k: v for k, v in optional.items() if v is not None}})
        return {"addressType": group.family, "endpoints": endpoints or None, "ports": ports or None}

    def actions(self) -> list[Action]:
        """Creations, updates, then deletions; a slice to delete becomes one to create where it can."""
        found: list[Action] = []
        for body in self.fresh:
            reused = next((s for s in self.unused if s["addressType"] == body["addressType"]), None)
            if reused is not None:
                self.unused.remove(reused)
                self.changed.append((reused, body))
            elif not self.frame.owner["metadata"].get("deletionTimestamp"):
                found.append(Create(RESOURCE, self._created(body)))
        found += [Update(RESOURCE, self._updated(slice, body)) for slice, body in self.changed]
        found += [Delete.of(RESOURCE, s) for s in self.unused]
        return found

    def _created(self, body: Obj) -> Obj:
        owner = self.frame.owner
        ref = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name_of(owner), "uid": uid_of(owner)}
        metadata: dict[str, Any] = {"generateName": f"{self.frame.service}-", "namespace": namespace_of(owner), "labels": self.frame.labels}
        metadata["ownerReferences"] = [{**ref, "controller": True, "blockOwnerDeletion": True}]
        if self.frame.annotations:
            metadata["annotations"] = self.frame.annotations
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, **body}

    def _updated(self, slice: Obj, body: Obj) -> Obj:
        kept = {k: v for k, v in annotations_of(slice).items() if k != TRIGGER_TIME}
        metadata = {**slice["metadata"], "labels": self.frame.labels, "annotations": {**kept, **self.frame.annotations}}
        return {**slice, **body, "metadata": metadata}
