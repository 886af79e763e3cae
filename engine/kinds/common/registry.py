"""All kinds that the server knows: the hand-written ones (`engine/kinds/*.py`), and names alone for the rest of what Kubernetes serves."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

import engine.kinds
from engine.base.plugins import exported
from engine.kinds.common.model import Kind
from engine.kinds.common.served import served


class Registry:
    """Kinds by resource, path and kind. Never changes: `extended` makes a new one.

    Order is that of discovery: the order in which groups first occur, resources of a group by name.
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        given = list(kinds)
        groups = {kind.group: i for i, kind in reversed(list(enumerate(given)))}
        ordered = sorted(given, key=lambda kind: (groups[kind.group], kind.plural))
        self.by_resource: Mapping[str, Kind] = MappingProxyType({kind.resource: kind for kind in ordered})
        self._by_path = {(k.group, version, k.plural): k for k in self.by_resource.values() for version in k.versions}
        self._by_kind = {(k.group, k.kind): k for k in self.by_resource.values()}

    def by_path(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind of `/apis/<group>/<version>/<plural>` (`/api/v1/<plural>` for group ""); None where it is not served."""
        return self._by_path.get((group, version, plural))

    def by_kind(self, group: str, kind: str) -> Kind | None:
        """The kind of that name, whatever its version."""
        return self._by_kind.get((group, kind))

    def all(self) -> list[Kind]:
        """All kinds, in the order of discovery."""
        return list(self.by_resource.values())

    def stored_as(self, kind: Kind) -> Kind:
        """The kind under which objects of `kind` are kept: events of events.k8s.io are core events; else itself."""
        return self.by_resource[kind.stored_as] if kind.stored_as else kind

    def extended(self, kinds: Iterable[Kind]) -> "Registry":
        """This registry with `kinds` added, or replaced where the resource is known."""
        return Registry([*{**self.by_resource, **{kind.resource: kind for kind in kinds}}.values()])


@cache
def load() -> Registry:
    """The registry of this program."""
    written: list[Kind] = exported(engine.kinds, "KIND")
    return Registry(served()).extended(sorted(written, key=lambda kind: (kind.group, kind.plural)))
