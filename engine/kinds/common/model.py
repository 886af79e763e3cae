"""What a kind is: names, scope, defaults, validation, columns, subresources. Data and pure functions, no IO."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.schema.types import TypeInfo, type_of
from engine.schema.validators import SchemaResult

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the Table format. `priority` 0 is always shown, 1 only wide."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class ScaleSubresource:
    """Where `scale` finds its numbers (paths into the object)."""

    spec_replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ("spec", "selector")


def same(obj: Obj) -> Obj:
    """No change."""
    return obj


def no_errors(obj: Obj, old: Obj | None) -> Sequence[FieldError]:
    """Nothing to object to."""
    return ()


def no_warnings(obj: Obj, old: Obj | None) -> Sequence[str]:
    """Nothing to warn of."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One API resource in all its served versions.

    All functions are pure and path-copying: an object that needs no change comes back itself, so that identity can be used to
    recognise it (1,000 replicas of a template share one pod spec).
    """

    group: str
    versions: tuple[str, ...]
    """Served versions, preferred first."""
    kind: str
    plural: str
    namespaced: bool
    storage_version: str = ""
    """Defaults to the first of `versions`; objects are stored, and functions below called, in this version."""
    singular: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    status: bool = False
    """Has a status subresource: writes to the main resource keep the old status and vice versa."""
    scale: ScaleSubresource | None = None
    subresources: tuple[str, ...] = ()
    """Further subresources: `binding`, `eviction`, `log`, `token`…"""
    has_generation: bool = False
    """metadata.generation counts changes of anything but metadata and status."""
    defaults: Callable[[Obj], Obj] = same
    """Kubernetes' defaults (pkg/apis/*/v1/defaults.go), applied after decoding, before admission."""
    prepare_create: Callable[[Obj], Obj] = same
    """The registry strategy's PrepareForCreate: drops status, fills what only a create fills (pkg/registry/*/strategy.go)."""
    prepare_update: Callable[[Obj, Obj], Obj] | None = None
    """PrepareForUpdate(new, old)."""
    validate: Callable[[Obj, Obj | None], Sequence[FieldError]] = no_errors
    """Semantic rules beyond the schema (pkg/apis/*/validation); `old` is given on update: immutable fields."""
    validate_status: Callable[[Obj, Obj | None], Sequence[FieldError]] = no_errors
    warnings: Callable[[Obj, Obj | None], Sequence[str]] = no_warnings
    columns: tuple[Column, ...] = ()
    """Empty: Name and Age, as the API server prints kinds that it knows no columns for."""
    cells: Callable[[Obj, float], list[Any]] | None = None
    """The cells of an object's row at a time (epoch seconds), one per column (pkg/printers/internalversion/printers.go)."""
    row_conditions: Callable[[Obj], list[Obj]] | None = None
    field_values: Mapping[str, Callable[[Obj], str]] = field(default_factory=dict)
    """Field selectors beyond metadata.name and metadata.namespace."""
    convert: Mapping[str, tuple[Callable[[Obj], Obj], Callable[[Obj], Obj]]] = field(default_factory=dict)
    """Per other served version: (from storage, to storage); a version that is absent differs in apiVersion only."""
    default_grace_s: Callable[[Obj], int] | None = None
    """Kinds that are deleted gracefully (Pod): seconds of grace for this object now; 0 deletes at once."""
    types: Mapping[str, TypeInfo] = field(default_factory=dict)
    """Per served version: the type of a kind that is not in the table of Kubernetes' own (a custom one)."""
    schemas: Mapping[str, Obj] = field(default_factory=dict)
    """Per served version: the OpenAPI schema of such a kind, as its definition has it."""
    decode: Callable[[Obj], SchemaResult] | None = None
    """Of a custom kind: decoding by its schema, in place of that by the table."""
    per_version: "Mapping[str, Kind]" = field(default_factory=dict)
    """Of a custom kind, whose versions each have their own rules, subresources and columns: the kind as a version is served."""
    deprecation: str = ""
    """A warning that every answer carries."""
    stored_as: str = ""
    """The resource that this kind is another view of (`events.events.k8s.io` of `events`): objects are stored under that key, with
    its apiVersion and in its shape, which the functions above get; `convert` has every served version."""

    @property
    def resource(self) -> str:
        """`pods`, `deployments.apps`: how the engine names resources everywhere."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def type_in(self, version: str) -> TypeInfo | None:
        """The type of the kind's objects in a served version; None where their fields are not known."""
        return self.types.get(version) or type_of(self.group, version, self.kind)

    @property
    def is_custom(self) -> bool:
        """Whether it comes from a CustomResourceDefinition."""
        return bool(self.types)

    @property
    def storage(self) -> str:
        """The version in which objects are stored."""
        return self.storage_version or self.versions[0]

    def api_version(self, version: str = "") -> str:
        """`v1`, `apps/v1`; of the storage version unless told."""
        version = version or self.storage
        return f"{self.group}/{version}" if self.group else version
