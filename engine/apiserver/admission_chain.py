"""Admission: plugins that change or refuse a write, in upstream's order (pkg/kubeapiserver/options/plugins.go)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import engine.apiserver.admission
from engine.base.api import User
from engine.base.causes import Cause
from engine.base.objects import Obj
from engine.base.plugins import exported
from engine.kinds.common.model import Kind
from engine.store.events import Write

CREATE, UPDATE, DELETE = "CREATE", "UPDATE", "DELETE"

ORDER = (
    "NamespaceLifecycle",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "TaintNodesByCondition",
    "PodSecurity",
    "Priority",
    "DefaultTolerationSeconds",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize",
    "DefaultIngressClass",
    "ResourceQuota",
)


class Objects(Protocol):
    """What plugins read of the cluster."""

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """The object in its storage version; None where there is none."""

    def list(self, resource: str, namespace: str = "") -> Sequence[Obj]:
        """All objects of a resource, in order."""

    def commit(self, writes: Sequence[Write], cause: Cause) -> int:
        """Write all or nothing: what a plugin counts."""


@dataclass(slots=True)
class Attributes:
    """The write that is to be admitted: `obj` is the new object (None on delete), `old` the one before (None on create)."""

    kind: Kind
    operation: str
    namespace: str
    name: str
    subresource: str
    obj: Obj
    old: Obj | None
    user: User
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    """What plugins want the client to be warned of."""


class Plugin(Protocol):
    """One admission plugin. It handles `operations` on `resources` (empty: all), without subresources unless it says otherwise."""

    name: str
    operations: frozenset[str]
    resources: frozenset[str]
    subresources: bool

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The object as it should be written; the same one where nothing is to be changed.

        Raises:
            StatusError: the write is refused.
        """


@runtime_checkable
class Validating(Protocol):
    """A plugin that also judges the object as it would be stored, after its kind's own validation."""

    def validate(self, write: Attributes, objects: Objects) -> None:
        """Look at `write.obj`.

        Raises:
            StatusError: the write is refused.
        """


class AdmissionChain:
    """The plugins, and which of them care for what."""

    def __init__(self, objects: Objects, *last: Plugin) -> None:
        """`last` are plugins behind those of the package, which need more than `objects`."""
        found: list[Plugin] = exported(engine.apiserver.admission, "PLUGIN")
        self._plugins = [*sorted(found, key=lambda plugin: ORDER.index(plugin.name)), *last]
        self._objects = objects
        self._interested: dict[tuple[str, str, bool], tuple[Plugin, ...]] = {}
        self._judges: dict[tuple[str, str, bool], tuple[Validating, ...]] = {}

    def admit(self, write: Attributes) -> Obj:
        """The object after all plugins.

        Raises:
            StatusError: one refuses.
        """
        key = (write.operation, write.kind.resource, bool(write.subresource))
        plugins = self._interested.get(key)
        if plugins is None:
            plugins = self._interested[key] = tuple(p for p in self._plugins if _handles(p, *key))
        for plugin in plugins:
            write.obj = plugin.admit(write, self._objects)
        return write.obj

    def validate(self, write: Attributes) -> None:
        """Have the validating plugins look at the object as it would be stored.

        Raises:
            StatusError: one refuses.
        """
        key = (write.operation, write.kind.resource, bool(write.subresource))
        judges = self._judges.get(key)
        if judges is None:
            judges = self._judges[key] = tuple(p for p in self._plugins if _handles(p, *key) and isinstance(p, Validating))
        for judge in judges:
            judge.validate(write, self._objects)


def _handles(plugin: Plugin, operation: str, resource: str, subresource: bool) -> bool:
    wanted = not plugin.resources or resource in plugin.resources
    return operation in plugin.operations and wanted and (plugin.subresources or not subresource)
