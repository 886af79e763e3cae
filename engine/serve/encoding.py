"""Answers as the bytes that go over HTTP: JSON or YAML, lines of a watch, warnings, compression."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import orjson

from engine.base.api import JSON, YAML, Response, WatchEvent

GZIP_BYTES_MIN = 128 * 1024
GZIP_LEVEL = 1
"""apiserver/pkg/endpoints/handlers/responsewriters/writers.go defaultGzipThresholdBytes, defaultGzipContentEncodingLevel."""
PRETTY_AGENTS = ("curl", "Wget", "Mozilla/5.0")
"""Tools that people read; upstream indents for them (isPrettyPrint in the same file)."""

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_WILDCARDS = frozenset({"", "*/*", "application/*"})


@lru_cache(maxsize=512)
def media_type(accept: str) -> str:
    """The first of JSON and YAML that an Accept header takes, whatever its parameters; empty where it takes neither."""
    for clause in accept.split(","):
        found = clause.partition(";")[0].strip()
        if found in (JSON, YAML):
            return found
        if found in _WILDCARDS:
            return JSON
    return ""


def pretty(query: Mapping[str, str], user_agent: str) -> bool:
    """Whether JSON is indented."""
    if "pretty" in query:
        return query["pretty"] in _TRUE
    return user_agent.startswith(PRETTY_AGENTS)


def body_of(response: Response, accept: str, indented: bool) -> tuple[bytes, str]:
    """The bytes of an answer, and their media type."""
    body = response.body
    if isinstance(body, bytes):
        return body, response.content_type
    if response.content_type == YAML or (response.content_type == JSON and media_type(accept) == YAML):
        return yaml_of(body), YAML
    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indented else 0)
    return orjson.dumps(body, option=option), response.content_type


@cache
def _dumper() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return type("PlainDumper", (base,), {"ignore_aliases": lambda self, data: True})


def yaml_of(value: Any) -> bytes:
    """JSON values as YAML with sorted keys; what is shared among them is written each time."""
    import yaml

    text: str = yaml.dump(value, Dumper=_dumper(), allow_unicode=True, default_flow_style=False, sort_keys=True)
    return text.encode()


def compressible(body: bytes, accept_encoding: str) -> bool:
    """Whether an answer is sent compressed."""
    return len(body) >= GZIP_BYTES_MIN and "gzip" in accept_encoding


def compressed(body: bytes) -> bytes:
    """The body as gzip."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def lines(items: Sequence[WatchEvent]) -> bytes:
    """Events of a watch, one JSON document a line."""
    dumps, newline = orjson.dumps, orjson.OPT_APPEND_NEWLINE
    return b"".join([dumps({"type": event.type, "object": event.object}, option=newline) for event in items])


def warning_values(warnings: Iterable[str]) -> list[str]:
    """Values of `Warning` headers (apimachinery/pkg/util/net NewWarningHeader): RFC 7234 code 299, no agent, a quoted text."""
    return [f'299 - "{_quoted(text)}"' for text in warnings]


def _quoted(text: str) -> str:
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
