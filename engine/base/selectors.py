"""Label and field selectors: as text in a query, as `LabelSelector` objects, as node selector terms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.base.objects import Obj

IN, NOT_IN, EXISTS, DOES_NOT_EXIST, GT, LT = "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a label: key, operator, values (sorted)."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """apimachinery/pkg/labels/selector.go Requirement.Matches: NotIn and DoesNotExist hold where the key is missing."""
        value = labels.get(self.key)
        if self.operator == IN:
            return value in self.values
        if self.operator == NOT_IN:
            return value not in self.values
        if self.operator == EXISTS:
            return value is not None
        if self.operator == DOES_NOT_EXIST:
            return value is None
        return _compares(value, self.operator, self.values)

    def __str__(self) -> str:
        if self.operator == IN:
            return f"{self.key}={self.values[0]}" if len(self.values) == 1 else f"{self.key} in ({','.join(self.values)})"
        if self.operator == NOT_IN:
            return f"{self.key}!={self.values[0]}" if len(self.values) == 1 else f"{self.key} notin ({','.join(self.values)})"
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return f"!{self.key}"
        return f"{self.key}{'>' if self.operator == GT else '<'}{self.values[0]}"


def _compares(value: str | None, operator: str, bounds: tuple[str, ...]) -> bool:
    try:
        number, bound = int(value or ""), int(bounds[0])
    except ValueError:
        return False
    return number > bound if operator == GT else number < bound


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold; none means everything. `nothing` selects nothing (a null LabelSelector)."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return not self.nothing and all(r.matches(labels) for r in self.requirements)

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        return ",".join(str(r) for r in self.requirements)


EVERYTHING = Selector()
NOTHING = Selector(nothing=True)

_TOKEN = re.compile(r"\s*(?:(?P<op>==|!=|=|!|,|\(|\)|<|>)|(?P<word>[^\s,()=!<>]+))")
_NAME = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")


class SelectorError(ValueError):
    """The text is no selector; the message says where."""


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if not match:
                raise SelectorError(f"unable to parse requirement: found '{text[at:]}'")
            self.tokens.append(("op", match["op"]) if match["op"] else ("word", match["word"]))
            at = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        value = self.peek()
        self.at += 1
        return value

    def word(self) -> str:
        kind, value = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")
        if kind != "word":
            raise SelectorError(f"unable to parse requirement: found '{value}', expected: identifier")
        self.at += 1
        return value

    def optional_word(self) -> str:
        return self.word() if self.at < len(self.tokens) and self.tokens[self.at][0] == "word" else ""

    def exact_value(self) -> str:
        return "" if self.peek() in ("", ",") else self.word()

    def values(self) -> tuple[str, ...]:
        if self.take() != "(":
            raise SelectorError("unable to parse requirement: found '', expected: '('")
        found = [self.optional_word()]
        while self.peek() == ",":
            self.take()
            found.append(self.optional_word())
        if self.take() != ")":
            raise SelectorError("unable to parse requirement: found '', expected: ',' or ')'")
        return tuple(sorted(set(found)))

    def requirement(self) -> Requirement:
        if self.peek() == "!":
            self.take()
            return Requirement(_checked_key(self.word()), DOES_NOT_EXIST)
        key = _checked_key(self.word())
        operator = self.peek()
        if operator in ("", ","):
            return Requirement(key, EXISTS)
        self.take()
        if operator in ("=", "=="):
            return Requirement(key, IN, (self.exact_value(),))
        if operator == "!=":
            return Requirement(key, NOT_IN, (self.exact_value(),))
        if operator in (">", "<"):
            return Requirement(key, GT if operator == ">" else LT, (self.word(),))
        if operator in ("in", "notin"):
            return Requirement(key, IN if operator == "in" else NOT_IN, self.values())
        raise SelectorError(f"unable to parse requirement: found '{operator}', expected: in, notin, =, ==, !=, gt, lt")


def _checked_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if not _NAME.match(name) or (slash and not _SUBDOMAIN.match(prefix)):
        raise SelectorError(f'unable to parse requirement: <nil>: Invalid value: "{key}": not a qualified name')
    return key


@lru_cache(maxsize=4_096)
def parse(text: str) -> Selector:
    """A label selector as in `?labelSelector=`: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.

    Raises:
        SelectorError: malformed text.
    """
    parser = _Parser(text)
    requirements: list[Requirement] = []
    while parser.at < len(parser.tokens):
        requirements.append(parser.requirement())
        if parser.at < len(parser.tokens):
            if parser.take() != ",":
                raise SelectorError(
                    f"unable to parse requirement: found '{parser.tokens[parser.at - 1][1]}', expected: ',' or 'end of string'"
                )
            if parser.at == len(parser.tokens):
                raise SelectorError("unable to parse requirement: found '', expected: identifier after ','")
    return Selector(tuple(sorted(requirements, key=lambda r: r.key)))


def from_label_selector(selector: Obj | None) -> Selector:
    """A `metav1.LabelSelector` object; null selects nothing, an empty one everything."""
    if selector is None:
        return NOTHING
    found = [Requirement(k, IN, (v,)) for k, v in (selector.get("matchLabels") or {}).items()]
    found += [requirement_of(e) for e in selector.get("matchExpressions") or ()]
    return Selector(tuple(sorted(found, key=lambda r: r.key)))


def from_map(labels: Mapping[str, str] | None) -> Selector:
    """A plain map, as in Service.spec.selector; null or empty selects nothing (a Service without a selector)."""
    return Selector(tuple(Requirement(k, IN, (v,)) for k, v in sorted(labels.items()))) if labels else NOTHING


def requirement_of(expression: Obj) -> Requirement:
    """A match expression (`key`, `operator`, `values`) of a label selector or a node selector term."""
    return Requirement(expression["key"], expression["operator"], tuple(sorted(expression.get("values") or ())))


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One term of a field selector: `path` equals (or not) `value`."""

    path: str
    value: str
    equal: bool

    def matches(self, value: str) -> bool:
        """Whether the term holds where the field has `value`."""
        return (value == self.value) == self.equal


@lru_cache(maxsize=4_096)
def parse_fields(text: str) -> tuple[FieldRequirement, ...]:
    r"""A field selector as in `?fieldSelector=`: `metadata.name=a,spec.nodeName!=b`; `\,`, `\=` and `\\` are escapes.

    Raises:
        SelectorError: malformed text.
    """
    found = []
    for term in _split_unescaped(text):
        match = re.match(r"^((?:[^=!\\]|\\.)*?)(==|!=|=)(.*)$", term, re.DOTALL)
        if not match:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        value = re.sub(r"\\([\\,=])", r"\1", match[3])
        found.append(FieldRequirement(match[1], value, match[2] != "!="))
    return tuple(found)


def _split_unescaped(text: str) -> list[str]:
    return [t for t in re.split(r"(?<!\\),", text) if t]
