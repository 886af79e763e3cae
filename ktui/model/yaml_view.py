"""An object as YAML lines: managedFields hidden and secret values masked until asked for, keys and values in styles."""

import base64
import binascii
import re
from typing import Any

from engine.base.objects import Obj, annotations_of, dig, drop, put
from ktui.model.lines import EMPTY, Line, Span
from ktui.model.widths import clean

MASK = "••••••••"
"""The same for every value: its length tells nothing."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_KEY = re.compile(r"^(\s*(?:- )*)((?:\"[^\"]*\"|'[^']*'|[^\s:#'\"\[{&*!|>%@`-][^:#]*?|-[^\s:][^:]*?))(:)(\s.*|$)")
_ITEM = re.compile(r"^(\s*(?:- )+)(.*)$")
_ORDER = ("apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData", "binaryData", "spec", "rules", "roleRef", "subjects")


def is_secret(obj: Obj) -> bool:
    """Whether values of this object are masked."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def masked(obj: Obj) -> Obj:
    """A secret without its values, also not those in the annotation that kubectl leaves; other objects themselves."""
    if not is_secret(obj):
        return obj
    for field in ("data", "stringData"):
        if obj.get(field):
            obj = put(obj, (field,), dict.fromkeys(obj[field], MASK))
    if LAST_APPLIED in annotations_of(obj):
        obj = put(obj, ("metadata", "annotations", LAST_APPLIED), MASK)
    return obj


def decoded_value(encoded: str) -> str:
    """A value of Secret.data as text; bytes that are no text are told by their number."""
    try:
        raw = base64.b64decode(encoded, validate=True)
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"<{len(raw)} bytes of binary data>"
    except (binascii.Error, ValueError):
        return "<not base64>"


def decoded(obj: Obj) -> Obj:
    """A secret with its values in the clear."""
    if not is_secret(obj) or not obj.get("data"):
        return obj
    return put(obj, ("data",), {k: decoded_value(v) for k, v in obj["data"].items()})


def yaml_text(obj: Obj, managed_fields: bool = False, reveal: bool = False) -> str:
    """YAML as kubectl prints it, apiVersion and kind first."""
    import yaml

    shown = obj if managed_fields else drop(obj, ("metadata", "managedFields")) if dig(obj, "metadata") else obj
    shown = decoded(shown) if reveal else masked(shown)
    ordered = {k: shown[k] for k in _ORDER if k in shown} | {k: v for k, v in shown.items() if k not in _ORDER}
    dumper = _dumper()
    text: str = yaml.dump(ordered, Dumper=dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=1_000_000)
    return text


def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the base is chosen at run time
        """Block style for texts of several lines; no anchors, since shared parts are equal, not linked."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent_text(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, represent_text)
    return Dumper


def yaml_lines(obj: Obj, managed_fields: bool = False, reveal: bool = False) -> list[Line]:
    """The YAML with styles: keys, strings, numbers, punctuation."""
    return [_styled(clean(line)) for line in yaml_text(obj, managed_fields, reveal).rstrip("\n").split("\n")]


def _styled(line: str) -> Line:
    if not line.strip():
        return EMPTY
    match = _KEY.match(line)
    if match:
        lead, key, colon, rest = match.groups()
        return tuple(s for s in (Span(lead, "dim"), Span(key, "key"), Span(colon, "dim"), _value(rest)) if s.text)
    item = _ITEM.match(line)
    if item:
        return (Span(item[1], "dim"), _value(item[2]))
    return (Span(line, "string"),)


def _value(text: str) -> Span:
    stripped = text.strip()
    if stripped in ("true", "false", "null", "{}", "[]", "|", "|-", "|+", ""):
        return Span(text, "literal")
    if re.fullmatch(r"-?\d+(\.\d+)?", stripped):
        return Span(text, "number")
    return Span(text, "masked" if stripped.strip("'\"") == MASK else "string")
