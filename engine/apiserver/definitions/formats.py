"""The string formats that custom resources are checked for (pkg/apiserver/validation/formats.go)."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

_NUMBER = r"(\d+(\.\d*)?|\.\d+)"
_DURATION = re.compile(rf"[-+]?(0|({_NUMBER}(ns|us|µs|μs|ms|s|m|h))+)")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d+)?([Zz]|[+-]\d\d:?\d\d)")
_HOST = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?")
_MAC = re.compile(r"([0-9A-Fa-f]{2}([:-])([0-9A-Fa-f]{2}\2){4,6}[0-9A-Fa-f]{2})|([0-9A-Fa-f]{4}\.){2,3}[0-9A-Fa-f]{4}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            read(value)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def _matches(pattern: str | re.Pattern[str]) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _date_time(value: str) -> bool:
    if _DATE_TIME.fullmatch(value) is None:
        return False
    return _reads(datetime.fromisoformat)(value.upper().replace(",", ".").replace("Z", "+00:00"))


def _uuid(version: str = "[0-9a-fA-F]") -> str:
    return rf"[0-9a-fA-F]{{8}}-?[0-9a-fA-F]{{4}}-?{version}[0-9a-fA-F]{{3}}-?[0-9a-fA-F]{{4}}-?[0-9a-fA-F]{{12}}"


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "byte": _reads(lambda value: base64.b64decode(value, validate=True)),
    "cidr": _reads(lambda value: ipaddress.ip_interface(value if "/" in value else "no")),
    "date": _reads(date.fromisoformat),
    "date-time": _date_time,
    "datetime": _date_time,
    "duration": _matches(_DURATION),
    "email": _matches(_EMAIL),
    "hostname": _matches(_HOST),
    "ipv4": _reads(ipaddress.IPv4Address),
    "ipv6": _reads(ipaddress.IPv6Address),
    "mac": _matches(_MAC),
    "uri": _reads(lambda value: urlsplit(value).geturl()),
    "uuid": _matches(_uuid()),
    "uuid3": _matches(_uuid("3")),
    "uuid4": _matches(_uuid("4")),
    "uuid5": _matches(_uuid("5")),
}
"""By name; formats that are not here are not checked, as upstream does."""
