"""What may be parsed: the depth of JSON and YAML, and what YAML's aliases make of it, found out without recursion.

Parsers of YAML recurse in C and end the process; what comes later recurses in Python. Go's decoder stops at a depth of 10,000.
"""

import re
from typing import Any

import orjson

from engine.base.errors import StatusError, bad_request
from engine.base.limits import NESTING_MAX, REQUEST_BODY_BYTES_MAX, YAML_ALIASES_MAX

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_INDENTED = re.compile(rb"^[ \t\-?:]{%d,}" % (NESTING_MAX // 2), re.MULTILINE)
"""A line that may open so many block collections: each takes a column, but for sequences below the key that they belong to."""


def read(body: bytes, content_type: str) -> Any:
    """The body, or the JSON values in it where it is JSON sent as YAML, which is what kubectl sends to apply.

    Raises:
        StatusError: 400, it is nested too deeply, or its aliases expand too far.
    """
    if "yaml" not in content_type:
        check_json(body)
        return body
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            check_yaml(body)
            return body
        check_json(body)
        return value
    check_yaml(body)
    return body


def check_json(body: bytes) -> None:
    """Refuse JSON that is nested deeper than NESTING_MAX.

    Raises:
        StatusError: 400.
    """
    if body.count(b"{") + body.count(b"[") <= NESTING_MAX:
        return
    left = _STRING.sub(b"", body).translate(None, _NO_BRACKET)
    for _ in range(NESTING_MAX):
        before, left = left, left.replace(b"{}", b"").replace(b"[]", b"")
        if not left or len(left) == len(before):
            return  # what cannot be paired is no JSON, which its parser tells without recursion
    if left:
        raise _too_deep()


def check_yaml(body: bytes) -> None:
    """Refuse YAML that is nested deeper than NESTING_MAX, and aliases that expand to more than a body may hold or to themselves.

    Raises:
        StatusError: 400.
    """
    brackets = body.count(b"{") + body.count(b"[")
    if brackets <= NESTING_MAX // 2 and b"*" not in body and not _INDENTED.search(body):
        return
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    watcher = _Aliases()
    try:
        for event in yaml.parse(body, loader):
            watcher.see(event)
    except yaml.YAMLError:
        return  # the parser proper tells what is wrong


class _Aliases:
    """Follows the events of a YAML text: open collections, the sizes of anchored ones, and what aliases add."""

    def __init__(self) -> None:
        self._open: list[tuple[str, int]] = []
        self._sizes: dict[str, int] = {}
        self._aliases = 0
        self._expanded_bytes = 0

    def see(self, event: Any) -> None:
        """The next event.

        Raises:
            StatusError: 400.
        """
        name = type(event).__name__
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            self._open.append((event.anchor or "", event.start_mark.index))
            if len(self._open) > NESTING_MAX:
                raise _too_deep()
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, start = self._open.pop()
            if anchor:
                self._sizes[anchor] = event.end_mark.index - start
        elif name == "ScalarEvent" and event.anchor:
            self._sizes[event.anchor] = event.end_mark.index - event.start_mark.index
        elif name == "AliasEvent":
            self._alias(event.anchor)

    def _alias(self, anchor: str) -> None:
        self._aliases += 1
        self._expanded_bytes += self._sizes.get(anchor, 0)
        nested = any(opened for opened, _ in self._open)
        if nested or self._aliases > YAML_ALIASES_MAX or self._expanded_bytes > REQUEST_BODY_BYTES_MAX:
            raise bad_request("error decoding YAML: error converting YAML to JSON: yaml: document contains excessive aliasing")


def _too_deep() -> StatusError:
    return bad_request(f"the body of the request is nested deeper than {NESTING_MAX} levels")
