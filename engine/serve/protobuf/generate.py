"""Writes `numbers.txt` from the descriptors that a kubectl binary carries: `python -m engine.serve.protobuf.generate KUBECTL`.

One line per message: its name, then tab-separated fields `number form name`. A form is a letter (s string, y bytes, b bool, i integer,
d double) or `@message`, after `[` for a list, `{` for a map with string keys (the form is that of its values), `^` for a message whose
fields are those of its parent in JSON.
"""

import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.schema.types import TABLE, TypeInfo, named
from engine.serve.protobuf.wire import fields_of

NUMBERS = Path(__file__).with_name("numbers.txt")

_GZIP = re.compile(rb"\x1f\x8b\x08\x00\x00\x00\x00\x00")
_DESCRIPTOR_BYTES_MAX = 1_000_000
_DROPPED = ("k8s.io.api.", "k8s.io.apimachinery.pkg.apis.", "k8s.io.apimachinery.pkg.")
_SCALARS = {1: "d", 3: "i", 5: "i", 8: "b", 9: "s", 12: "y"}
"""FieldDescriptorProto.Type of the fields that Kubernetes uses."""
_MESSAGE, _REPEATED = 11, 3
_BASE = frozenset({"meta.v1", "runtime", "api.resource", "util.intstr"})
_FILES = re.compile(rb"k8s\.io/(api|apimachinery)/")


def descriptors(binary: bytes) -> Iterator[bytes]:
    """The serialized FileDescriptorProtos in a Go program."""
    for match in _GZIP.finditer(binary):
        try:
            found = zlib.decompressobj(31).decompress(binary[match.start() : match.start() + _DESCRIPTOR_BYTES_MAX])
        except zlib.error:
            continue
        if _FILES.match(found[2:]):
            yield found


def messages(descriptor: bytes) -> dict[str, list[tuple[int, str, str]]]:
    """Fields (number, form, name) of the messages of one file, by short name."""
    file = _collected(descriptor)
    package = file[2][0].decode()
    return {_short(f"{package}.{name}"): found for raw in file.get(4, ()) for name, found in [_message(raw)]}


def _message(raw: bytes) -> tuple[str, list[tuple[int, str, str]]]:
    message = _collected(raw)
    entries = {}
    for nested_raw in message.get(3, ()):
        nested = _collected(nested_raw)
        values = [_collected(f) for f in nested.get(2, ()) if _collected(f)[3][0] == 2]
        entries[nested[1][0].decode()] = _form(values[0])
    found = []
    for field_raw in message.get(2, ()):
        field = _collected(field_raw)
        form = _form(field)
        entry = form.rpartition(".")[2]
        if form.startswith("@") and entry in entries:
            form = "{" + entries[entry]
        elif field[4][0] == _REPEATED:
            form = "[" + form
        found.append((field[3][0], form, field[1][0].decode()))
    return message[1][0].decode(), found


def _form(field: dict[int, list[Any]]) -> str:
    kind = field[5][0]
    return f"@{_short(field[6][0].decode().lstrip('.'))}" if kind == _MESSAGE else _SCALARS[kind]


def _short(name: str) -> str:
    for prefix in _DROPPED:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _collected(raw: bytes) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for number, value in fields_of(raw):
        found.setdefault(number, []).append(value)
    return found


def line_of(name: str, fields: list[tuple[int, str, str]]) -> str:
    """One line of the table; a field that the JSON type does not have while it is a message is inlined."""
    known = _known(name)
    texts = []
    for number, form, field in sorted(fields):
        inlined = known is not None and known.fields and field not in known.fields and form.startswith("@")
        texts.append(f"{number} {'^' if inlined else ''}{form} {field}")
    return "\t".join([name, *texts])


def _known(name: str) -> TypeInfo | None:
    try:
        return named(name)
    except KeyError:
        return None


def main() -> int:
    """Entry point."""
    binary = Path(sys.argv[1]).read_bytes()
    found: dict[str, list[tuple[int, str, str]]] = {}
    for descriptor in descriptors(binary):
        found |= messages(descriptor)
    packages = {line.partition("\t")[0].rpartition(".")[0] for line in TABLE.read_text(encoding="utf-8").splitlines()}
    served = sorted(name for name in found if name.rpartition(".")[0] in packages | _BASE)
    NUMBERS.write_text("".join(f"{line_of(name, found[name])}\n" for name in served), encoding="utf-8")
    print(f"{len(served)} messages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
