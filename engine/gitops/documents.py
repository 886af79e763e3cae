"""Manifest files as documents: YAML or JSON text in, objects with the line of every field out. No IO."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from engine.base.limits import NESTING_MAX, YAML_ALIASES_MAX
from engine.base.objects import Obj

SKIP_MARKERS = ("# ktui:skip-file", "# +argocd:skip-file-rendering")

MANIFEST_FIELDS = frozenset(("apiVersion", "kind", "metadata"))
"""A file with none of these in any document is some program's configuration."""
_OCTAL = re.compile(r"[-+]?0o[0-7]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file, and where; lines and columns count from 1, 0 where there is none."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.column else f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


class DocumentError(Exception):
    """A file cannot be read as manifests."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file. `lines` gives the line of each field by its path as API errors write it (`spec.containers[0].image`)."""

    path: str
    line: int
    obj: Obj
    lines: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def source(self) -> str:
        """`shop/web.yaml:12`"""
        return f"{self.path}:{self.line}"

    def line_of(self, field_path: str) -> int:
        """The line of a field, or of the nearest one around it that is in the file."""
        while field_path:
            if field_path in self.lines:
                return self.lines[field_path]
            field_path = re.sub(r"(\.[^.\[\]]*|\[[^\[\]]*\]|^[^.\[\]]+)$", "", field_path)
        return self.line


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents of a file, and what is doubtful in it. `skipped` says why a file is none of ours."""

    documents: tuple[Document, ...] = ()
    warnings: tuple[Problem, ...] = ()
    skipped: str = ""
    asked: bool = False
    """The file itself asks to be skipped."""


def parse(path: str, text: str) -> Parsed:
    """All objects in a file: several documents, `List` kinds expanded, empty documents ignored.

    Raises:
        DocumentError: malformed YAML, a duplicate key, nesting or aliases beyond the limits, a document that is no object.
    """
    text = text.removeprefix("\ufeff")
    if any(text.lstrip()[:200].startswith(marker) for marker in SKIP_MARKERS):
        return Parsed(skipped="marked to be skipped", asked=True)
    reason = foreign(path, text)
    if reason:
        return Parsed(skipped=reason)
    reader = _Reader(path)
    values = list(reader.documents(text))
    if values and all(isinstance(value, dict) and not value.keys() & MANIFEST_FIELDS for _, value, _ in values):
        return Parsed(skipped="not a Kubernetes manifest")
    found: list[Document] = []
    for line, value, lines in values:
        found += _objects(path, line, value, lines)
    return Parsed(tuple(found), tuple(reader.warnings))


def foreign(path: str, text: str) -> str:
    """Which other tool's file this is although it is YAML: a Helm template, a Compose file; empty where it is none."""
    if re.search(r"\{\{-?\s*(\.|if |range |with |include |template |define |toYaml|-?\s*/\*|end\b|\$)", text):
        return "a Helm template: not rendered yet"
    if re.search(r"^services:\s*$", text, re.MULTILINE) and not re.search(r"^(apiVersion|kind):", text, re.MULTILINE):
        return "a Compose file: not supported yet"
    name = path.rpartition("/")[2]
    if name in ("Chart.yaml", "values.yaml") and not re.search(r"^kind:", text, re.MULTILINE):
        return "part of a Helm chart: not rendered yet"
    return ""


def _objects(path: str, line: int, value: Any, lines: dict[str, int]) -> Iterator[Document]:
    if not isinstance(value, dict):
        raise DocumentError(Problem(path, line, 0, f"a manifest is a mapping with apiVersion and kind, this is {_kind_of(value)}"))
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise DocumentError(Problem(path, lines.get(name, line), 0, f"{name} is missing"))
    if not value["kind"].endswith("List") or not isinstance(value.get("items"), list):
        yield Document(path, line, value, lines)
        return
    for at, item in enumerate(value["items"]):
        prefix = f"items[{at}]"
        inner = {key[len(prefix) + 1 :]: number for key, number in lines.items() if key.startswith(prefix + ".")}
        typed = item
        if isinstance(item, dict) and value["kind"] != "List":
            typed = {"apiVersion": value["apiVersion"], "kind": value["kind"].removesuffix("List"), **item}
        yield from _objects(path, lines.get(prefix, line), typed, inner)


def _kind_of(value: Any) -> str:
    return "a list" if isinstance(value, list) else "text" if isinstance(value, str) else f"the value {value!r}"


class _Reader:
    """Builds values from YAML nodes by Kubernetes' reading of scalars, and notes where each field stands."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.warnings: list[Problem] = []
        self._lines: dict[str, int] = {}
        self._visits = 0
        self._nodes = 0

    def documents(self, text: str) -> Iterator[tuple[int, Any, dict[str, int]]]:
        """(line, value, lines) of each document that is not empty."""
        loader = yaml.CSafeLoader(text) if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                if node is None:
                    continue
                self._lines = {}
                self._visits = 0
                self._nodes = text.count("\n") + len(text) // 4 + 1
                value = self._value(node, "", 0)
                if value is not None:
                    yield node.start_mark.line + 1, value, self._lines
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = " ".join(filter(None, (error.context, error.problem)))
            raise DocumentError(self._problem(mark, said)) from error
        except yaml.YAMLError as error:
            raise DocumentError(Problem(self._path, 0, 0, str(error).replace("\n", " "))) from error
        finally:
            loader.dispose()

    def _problem(self, mark: Any, message: str) -> Problem:
        return Problem(self._path, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, message)

    def _value(self, node: yaml.Node, path: str, depth: int) -> Any:
        self._visits += 1
        if depth > NESTING_MAX:
            raise DocumentError(self._problem(node.start_mark, f"nested deeper than {NESTING_MAX} levels"))
        if self._visits > self._nodes + YAML_ALIASES_MAX:
            raise DocumentError(self._problem(node.start_mark, "aliases expand to more than the file could hold"))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for at, item in enumerate(node.value):
                inner = f"{path}[{at}]"
                self._lines[inner] = item.start_mark.line + 1
                items.append(self._value(item, inner, depth + 1))
            return items
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise DocumentError(self._problem(node.start_mark, "not a value"))

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise DocumentError(self._problem(key_node.start_mark, "a key must be text"))
            key = key_node.value
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged |= self._merged(value_node, path, depth)
                continue
            if key in found:
                raise DocumentError(self._problem(key_node.start_mark, f"duplicate key {key!r}"))
            inner = f"{path}.{key}" if path else key
            self._lines[inner] = key_node.start_mark.line + 1
            found[key] = self._value(value_node, inner, depth + 1)
        return {**merged, **found}

    def _merged(self, node: yaml.Node, path: str, depth: int) -> dict[str, Any]:
        """What `<<: *anchor` brings; of several, the first wins."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in reversed(sources):
            value = self._value(source, path, depth + 1)
            if not isinstance(value, dict):
                raise DocumentError(self._problem(source.start_mark, "only a mapping can be merged"))
            merged |= value
        return merged

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        kind, text = node.tag.rpartition(":")[2], str(node.value)
        if kind == "null":
            return None
        if kind == "bool":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            self.warnings.append(
                self._problem(node.start_mark, f"{text!r} is read as text; write true or false for a boolean, quotes for text")
            )
            return text
        if kind == "int" or (kind == "str" and not node.style and _OCTAL.fullmatch(text)):
            return _integer(text)
        if kind == "float":
            return _float(text)
        return text


def _integer(text: str) -> int | str:
    """0644 and 0o644 are octal, 0x1f is hexadecimal; 1:30 (base 60 to YAML 1.1) is text, as in Kubernetes."""
    digits = text.replace("_", "")
    if ":" in digits:
        return text
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if digits.startswith(("0x", "0b", "0o")):
        return sign * int(digits, 0)
    if digits.startswith("0") and len(digits) > 1:
        return sign * int(digits, 8) if set(digits) <= set("01234567") else text
    return sign * int(digits)


def _float(text: str) -> float | str:
    lowered = text.replace("_", "").lower()
    if ":" in lowered or lowered.lstrip("+-") in (".inf", ".nan"):
        return text
    return float(lowered)
