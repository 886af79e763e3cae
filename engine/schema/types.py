"""The types of Kubernetes' API: fields, and how patches and server-side apply treat them.

`types.txt`, written by `engine.schema.generate`, has one line per type, so that loading it is splitting lines; a type is parsed when
it is first asked for, and the types it refers to when they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

TABLE = Path(__file__).with_name("types.txt")

OBJECT_META = "meta.v1.ObjectMeta"

_PACKAGES = {
    "meta": "io.k8s.apimachinery.pkg.apis.meta",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
    "runtime": "io.k8s.apimachinery.pkg.runtime",
    "version": "io.k8s.apimachinery.pkg.version",
}


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of a type, an element of a list, or a value of a map."""

    kind: str = "scalar"
    """`scalar`, `object`, `list` or `map` (string keys, values all of `element`)."""
    scalar: str = ""
    """`string`, `int32`, `int64`, `double`, `bool`, `bytes` (base64), `quantity`, `int_or_string`, `time`, `microtime`, or `any` (JSON)."""
    type_name: str = ""
    """Of an object: the type's name in the table; empty where `own_type` has it."""
    own_type: "TypeInfo | None" = None
    element: "FieldInfo | None" = None
    list_type: str = "atomic"
    """Of a list, `atomic`, `set` or `map` (elements are merged by `list_map_keys`)."""
    list_map_keys: tuple[str, ...] = ()
    map_type: str = "granular"
    """Of a map or object, `atomic` or `granular`."""
    patch_strategy: str = ""
    """For strategic merge patch: empty (objects are merged, lists replaced), `merge`, `replace`, `retainKeys`, `merge,retainKeys`."""
    patch_merge_key: str = ""
    required: bool = False
    """What the documents say. Decoding does not enforce it; the kinds' validation does."""
    omit: bool = False
    """The server drops the field when it is empty ("", 0, false, [], {}): a Go value tagged `omitempty`, not a pointer."""
    null: bool = False
    """The server prints null where the field is unset: times, and lists without `omitempty`."""
    default: Any = None
    """Only for fields that are keys of a list: apply identifies an element by it where the key is absent."""

    @property
    def type(self) -> "TypeInfo | None":
        """Of an object, its type."""
        return self.own_type or (named(self.type_name) if self.type_name else None)


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """An object type. `preserve` marks one whose fields are not known (RawExtension, FieldsV1): everything in it is kept."""

    name: str
    fields: Mapping[str, FieldInfo] = field(default_factory=dict)
    map_type: str = "granular"
    preserve: bool = False

    @property
    def go_name(self) -> str:
        """The name of the Go struct."""
        return self.name.rpartition(".")[2]


class _Table:
    """The lines of the table by type name, and names by (group, version, kind)."""

    def __init__(self, text: str) -> None:
        self.lines: dict[str, str] = {}
        self.names: dict[tuple[str, str, str], str] = {}
        self.everywhere: dict[str, str] = {}
        for line in text.splitlines():
            name, served, fields = line.split("\t", 2)
            self.lines[name] = fields
            if served == "*":
                self.everywhere[name.rpartition(".")[2]] = name
            elif served:
                group, version, kind = served.split("/")
                self.names[group, version, kind] = name
        self.served = {name: gvk for gvk, name in self.names.items()}


@cache
def _table() -> _Table:
    return _Table(TABLE.read_text(encoding="utf-8"))


def _parse_shape(shape: str) -> dict[str, Any]:
    if shape[0] == "[":
        return {"kind": "list", "element": FieldInfo(**_parse_shape(shape[1:]))}
    if shape[0] == "{":
        return {"kind": "map", "element": FieldInfo(**_parse_shape(shape[1:]))}
    if shape[0] == "@":
        return {"kind": "object", "type_name": shape[1:]}
    return {"scalar": shape}


def _parse_field(text: str) -> tuple[str, FieldInfo]:
    name, shape, *marks = text.split(" ")
    parts = _parse_shape(shape)
    for mark in marks:
        key, _, value = mark.partition("=")
        match key:
            case "required" | "omit" | "null":
                parts[key] = True
            case "atomic":
                parts["map_type"] = "atomic"
            case "set":
                parts["list_type"] = "set"
            case "map":
                parts["list_type"] = "map"
                parts["list_map_keys"] = tuple(value.split(","))
            case "patch":
                parts["patch_strategy"] = value
            case "key":
                parts["patch_merge_key"] = value
            case "default":
                parts["default"] = value
            case _:
                raise ValueError(f"types.txt: unknown mark {mark!r} of field {name!r}")
    return name, FieldInfo(**parts)


@cache
def named(name: str) -> TypeInfo:
    """The type of that name in the table, such as `core.v1.PodSpec`.

    Raises:
        KeyError: there is none.
    """
    head, *fields = _table().lines[name].split("\t")
    return TypeInfo(
        name,
        MappingProxyType(dict(_parse_field(text) for text in fields)),
        map_type="atomic" if "atomic" in head else "granular",
        preserve="preserve" in head,
    )


@cache
def type_of(group: str, version: str, kind: str) -> TypeInfo | None:
    """The type of an API object; None where Kubernetes has no such kind. `group` is empty for core."""
    table = _table()
    name = table.names.get((group, version, kind)) or table.everywhere.get(kind)
    return named(name) if name else None


def type_names() -> Iterable[str]:
    """All names in the table, sorted."""
    return _table().lines


def kinds_of(group: str, version: str) -> list[str]:
    """The kinds, lists included, that the table has of a group and version."""
    return [k for g, v, k in _table().names if (g, v) == (group, version)]


def openapi_name(name: str) -> str:
    """A type's name in Kubernetes' OpenAPI documents: `core.v1.Pod` -> `io.k8s.api.core.v1.Pod`."""
    package, _, rest = name.partition(".")
    return f"{_PACKAGES.get(package) or 'io.k8s.api.' + package}.{rest}"


def served_as(name: str) -> tuple[tuple[str, str, str], ...]:
    """The (group, version, kind) that a type of the table is; those that every group has are shown as core's."""
    table = _table()
    if table.everywhere.get(name.rpartition(".")[2]) == name:
        return (("", "v1", name.rpartition(".")[2]),)
    served = table.served.get(name)
    return (served,) if served else ()


def field_at(info: TypeInfo, path: Iterable[str | int]) -> FieldInfo | None:
    """The field at `path` (names, and indices or keys for elements of lists and maps); None where the types know none."""
    at = FieldInfo(kind="object", own_type=info)
    for step in path:
        if at.kind == "object" and isinstance(step, str):
            found = at.type.fields.get(step) if at.type else None
        elif at.kind in ("list", "map"):
            found = at.element
        else:
            found = None
        if found is None:
            return None
        at = found
    return at
