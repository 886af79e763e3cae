"""What a reconcile is given to read."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.base.api import ResourceInfo
from engine.base.objects import Obj
from engine.control.cache import Lister
from engine.control.resources import Resources


class Read:
    """Listers by resource, what keys were told to `Remember`, and for controllers of everything the server's `resources`."""

    __slots__ = ("listers", "memory", "resources")

    def __init__(self, listers: Mapping[str, Lister], memory: Mapping[Any, Any], resources: Resources) -> None:
        self.listers = listers
        self.memory = memory
        self.resources = resources

    @classmethod
    def of(
        cls, objects: Mapping[str, Iterable[Obj]], memory: Mapping[Any, Any] | None = None, infos: Iterable[ResourceInfo] = ()
    ) -> "Read":
        """A reading of given objects by resource, as tables of tests have them."""
        listers = {resource: Lister(resource, items) for resource, items in objects.items()}
        return cls(listers, memory or {}, Resources(infos, listers.values()))

    def __getitem__(self, resource: str) -> Lister:
        return self.listers[resource]

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """An object, None where it is not known."""
        return self.listers[resource].get(namespace, name)

    def list(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource, or those of a namespace."""
        return self.listers[resource].list(namespace)
