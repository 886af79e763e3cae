"""The protobuf wire format: fields of a serialized message."""

import struct
from collections.abc import Iterator

_VARINT_BYTES_MAX = 10
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are no protobuf message."""


def fields_of(raw: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """(number, value) of each field, in order: integers as unsigned varints, doubles, and bytes for all else.

    Raises:
        WireError: malformed.
    """
    at, end = 0, len(raw)
    while at < end:
        key, at = varint(raw, at)
        number, wire_type = key >> 3, key & 7
        value: int | float | bytes
        if wire_type == _VARINT:
            value, at = varint(raw, at)
        elif wire_type == _BYTES:
            size, at = varint(raw, at)
            value, at = raw[at : at + size], at + size
        elif wire_type == _FIXED64 and at + 8 <= end:
            value, at = struct.unpack_from("<d", raw, at)[0], at + 8
        elif wire_type == _FIXED32 and at + 4 <= end:
            value, at = struct.unpack_from("<f", raw, at)[0], at + 4
        else:
            raise WireError(f"illegal wire type {wire_type}")
        if at > end or not number:
            raise WireError("unexpected EOF")
        yield number, value


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """The unsigned varint at `at`, and where it ends.

    Raises:
        WireError: malformed.
    """
    value = shift = 0
    for _ in range(_VARINT_BYTES_MAX):
        if at >= len(raw):
            raise WireError("unexpected EOF")
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise WireError("proto: integer overflow")


def signed(value: int) -> int:
    """A varint as the two's complement 64 bit integer that int32 and int64 fields hold."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    return value - (1 << 64) if value >> 63 else value
