"""Writes `types.txt` from the schemas in the `kubernetes-validate` package (a development dependency): `python -m engine.schema.generate`.

Kept: field names, types, formats, list-map keys, patch-merge keys, which kinds are which types. Dropped: prose, alpha and beta versions.
Added: whether an empty field is kept (`presence`).

One type per line, its parts separated by tabs: name, `group/version/kind` (`*` for kinds of every group), marks, fields. A field is its
name, its shape (a scalar, `@type`, `[element`, `{value`) and its marks, separated by spaces.
"""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.schema.presence import DROPPED_NUMBERS, KEPT_LISTS, KEPT_STRINGS, POINTER_TIMES
from engine.schema.types import TABLE

VERSION = "v1.36.0"

_PREFIXES = (
    "io.k8s.api.",
    "io.k8s.apimachinery.pkg.apis.",
    "io.k8s.apiextensions-apiserver.pkg.apis.",
    "io.k8s.kube-aggregator.pkg.apis.",
    "io.k8s.apimachinery.pkg.",
)

# Types that are not objects with fields on the wire: their own (un)marshalling makes them one of these.
_SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int_or_string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microtime",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "any",
}
_PRESERVED = ("meta.v1.FieldsV1", "runtime.RawExtension")

# Defaults of fields that are keys of a list (`+default` in k8s.io/api); the schemas of the package leave defaults out.
_KEY_DEFAULTS = {("core.v1.ContainerPort", "protocol"): "TCP", ("core.v1.ServicePort", "protocol"): "TCP"}


def source() -> Path | None:
    """The file with all definitions; None where the package is not installed."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema" / f"{VERSION}-local" / "_definitions.json"


def short_name(name: str) -> str:
    """`io.k8s.api.core.v1.Pod` -> `core.v1.Pod`."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


class _Generator:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def stable(self) -> Iterator[str]:
        """Names of the definitions that become a line."""
        for name in sorted(self.definitions, key=short_name):
            if name not in _SCALARS and not re.search(r"\.v\d+(alpha|beta)\d+\.", name):
                yield name

    def line(self, name: str) -> str:
        """The line of a type."""
        definition = self.definitions[name]
        short = short_name(name)
        marks = [mark for mark, on in (("preserve", short in _PRESERVED), ("atomic", self._is_atomic(definition))) if on]
        required = set(definition.get("required") or ())
        fields = [self._field(short, f, spec, f in required) for f, spec in sorted((definition.get("properties") or {}).items())]
        return "\t".join([short, self._served(definition), " ".join(marks), *fields])

    def _served(self, definition: Mapping[str, Any]) -> str:
        kinds = definition.get("x-kubernetes-group-version-kind") or ()
        if len(kinds) > 1:
            return "*"
        return "/".join((kinds[0]["group"], kinds[0]["version"], kinds[0]["kind"])) if kinds else ""

    def _is_atomic(self, spec: Mapping[str, Any]) -> bool:
        if "x-kubernetes-map-type" in spec:
            return bool(spec["x-kubernetes-map-type"] == "atomic")
        return "$ref" in spec and self._is_atomic(self.definitions[_target(spec)])

    def _shape(self, spec: Mapping[str, Any]) -> str:
        if "$ref" in spec:
            target = _target(spec)
            return _SCALARS.get(target) or "@" + short_name(target)
        kind = next(t for t in _as_list(spec["type"]) if t != "null")
        if kind == "array":
            return "[" + self._shape(spec["items"])
        if kind == "object":
            return "{" + self._shape(spec["additionalProperties"])
        if kind == "boolean":
            return "bool"
        if kind == "string":
            return "bytes" if spec.get("format") == "byte" else "string"
        return str(spec["format"])

    def _field(self, owner: str, name: str, spec: Mapping[str, Any], required: bool) -> str:
        shape = self._shape(spec)
        marks = ["required"] if required else []
        presence = _presence((owner, name), shape, required)
        if presence:
            marks.append(presence)
        if self._is_atomic(spec):
            marks.append("atomic")
        match spec.get("x-kubernetes-list-type"):
            case "set":
                marks.append("set")
            case "map":
                marks.append("map=" + ",".join(spec["x-kubernetes-list-map-keys"]))
        if "x-kubernetes-patch-strategy" in spec:
            marks.append("patch=" + spec["x-kubernetes-patch-strategy"])
        if "x-kubernetes-patch-merge-key" in spec:
            marks.append("key=" + spec["x-kubernetes-patch-merge-key"])
        if (owner, name) in _KEY_DEFAULTS:
            marks.append("default=" + _KEY_DEFAULTS[owner, name])
        return " ".join([name, shape, *marks])


def _presence(field: tuple[str, str], shape: str, required: bool) -> str:
    """`omit`: the server drops the field when it is empty; `null`: it prints null where it is unset; else empty."""
    if shape in ("time", "microtime"):
        return "" if field in POINTER_TIMES else "null"
    if shape[0] in "[{":
        return "null" if required or field in KEPT_LISTS else "omit"
    if required:
        return ""
    if shape in ("string", "bytes"):
        return "" if field in KEPT_STRINGS else "omit"
    return "omit" if field in DROPPED_NUMBERS else ""


def _target(spec: Mapping[str, Any]) -> str:
    return str(spec["$ref"]).rpartition("/")[2]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def generate(definitions: Mapping[str, Any]) -> str:
    """The text of the table from Kubernetes' OpenAPI definitions by name."""
    made = _Generator(definitions)
    return "".join(made.line(name) + "\n" for name in made.stable())


def main() -> int:
    """Write the table."""
    path = source()
    if path is None:
        print("the package kubernetes-validate is not installed", file=sys.stderr)
        return 1
    TABLE.write_text(generate(json.loads(path.read_bytes())["$defs"]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
