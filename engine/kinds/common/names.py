"""Forms of names and what is said of a text that has another one (apimachinery/pkg/util/validation/validation.go)."""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

Check = Callable[[str], tuple[str, ...]]
"""Returns what is wrong with a text; nothing where it is fine."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"
_HTTP_HEADER = "[-A-Za-z0-9]+"
_WILDCARD = rf"\*\.{_SUBDOMAIN}"

_label_re = re.compile(_LABEL)
_subdomain_re = re.compile(_SUBDOMAIN)
_label_1035_re = re.compile(_LABEL_1035)
_qualified_re = re.compile(_QUALIFIED)
_label_value_re = re.compile(_LABEL_VALUE)
_config_key_re = re.compile(_CONFIG_KEY)
_percent_re = re.compile(_PERCENT)
_http_header_re = re.compile(_HTTP_HEADER)
_wildcard_re = re.compile(_WILDCARD)


def longer_than(maximum: int) -> str:
    """MaxLenError."""
    return f"must be no more than {maximum} characters"


def more_bytes_than(maximum: int) -> str:
    """MaxLenError of labels (apimachinery/pkg/api/validate/content)."""
    return f"must be no more than {maximum} bytes"


def not_in_range(low: int, high: int) -> str:
    """InclusiveRangeError."""
    return f"must be between {low} and {high}, inclusive"


def _form(message: str, form: str, *examples: str) -> str:
    shown = " or ".join(f"'{e}', " for e in examples)
    return f"{message} (e.g. {shown}regex used for validation is '{form}')"


LABEL_FORM = _form(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    _LABEL,
    "my-name",
    "123-abc",
)
SUBDOMAIN_FORM = _form(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)
LABEL_1035_FORM = _form(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    _LABEL_1035,
    "my-name",
    "abc-123",
)
_QUALIFIED_TEXT = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
QUALIFIED_FORM = _form(_QUALIFIED_TEXT, _QUALIFIED, "MyName", "my.name", "123-abc")
LABEL_VALUE_FORM = _form(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
CONFIG_KEY_FORM = _form(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'", _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"
)
PERCENT_FORM = _form("a valid percent string must be a numeric string followed by an ending '%'", _PERCENT, "1%", "93%")
WILDCARD_FORM = _form(
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
    "alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    _WILDCARD,
    "*.example.com",
)


def _checked(form: "re.Pattern[str]", maximum: int, message: str, text: str) -> tuple[str, ...]:
    long = (longer_than(maximum),) if len(text) > maximum else ()
    return long if form.fullmatch(text) else (*long, message)


@lru_cache(maxsize=65_536)
def dns_label(text: str) -> tuple[str, ...]:
    """RFC 1123 label: namespaces, containers, volumes."""
    if not _label_re.fullmatch(text) and _subdomain_re.fullmatch(text):
        return ((longer_than(63),) if len(text) > 63 else ()) + ("must not contain dots",)
    return _checked(_label_re, 63, LABEL_FORM, text)


@lru_cache(maxsize=65_536)
def dns_subdomain(text: str) -> tuple[str, ...]:
    """RFC 1123 subdomain: most object names."""
    return _checked(_subdomain_re, 253, SUBDOMAIN_FORM, text)


@lru_cache(maxsize=4_096)
def dns_1035_label(text: str) -> tuple[str, ...]:
    """RFC 1035 label: services."""
    return _checked(_label_1035_re, 63, LABEL_1035_FORM, text)


@lru_cache(maxsize=4_096)
def wildcard_subdomain(text: str) -> tuple[str, ...]:
    """`*.example.com`."""
    return _checked(_wildcard_re, 253, WILDCARD_FORM, text)


@lru_cache(maxsize=4_096)
def path_segment(text: str) -> tuple[str, ...]:
    """A name that may stand in a path: RBAC objects (apimachinery/pkg/api/validation/path/name.go)."""
    if text in (".", ".."):
        return (f"may not be '{text}'",)
    return tuple(f"may not contain '{c}'" for c in "/%" if c in text)


@lru_cache(maxsize=65_536)
def qualified_name(text: str) -> tuple[str, ...]:
    """Keys of labels and annotations: `name` or `prefix.example.com/name`."""
    prefix, slash, name = text.rpartition("/")
    found: list[str] = []
    if slash and "/" in prefix:
        return (f"a qualified name {QUALIFIED_FORM} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",)
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash:
        found += [f"prefix part {e}" for e in dns_subdomain(prefix)]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append(f"name part {more_bytes_than(63)}")
    if not _qualified_re.fullmatch(name):
        found.append(f"name part {QUALIFIED_FORM}")
    return tuple(found)


@lru_cache(maxsize=65_536)
def label_value(text: str) -> tuple[str, ...]:
    """Values of labels."""
    long = (more_bytes_than(63),) if len(text) > 63 else ()
    return long if _label_value_re.fullmatch(text) else (*long, LABEL_VALUE_FORM)


@lru_cache(maxsize=4_096)
def config_key(text: str) -> tuple[str, ...]:
    """Keys of ConfigMaps and Secrets."""
    found = _checked(_config_key_re, 253, CONFIG_KEY_FORM, text)
    if text == ".":
        return (*found, "must not be '.'")
    if text == "..":
        return (*found, "must not be '..'")
    return (*found, "must not start with '..'") if text.startswith("..") else found


@lru_cache(maxsize=4_096)
def port_name(text: str) -> tuple[str, ...]:
    """IANA service names: at most 15 of [-a-z0-9], with a letter."""
    found: list[str] = []
    if len(text) > 15:
        found.append(longer_than(15))
    if not re.fullmatch("[-a-z0-9]+", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text[:1] == "-" or text[-1:] == "-":
        found.append("must not begin or end with a hyphen")
    return tuple(found)


def env_name(text: str) -> tuple[str, ...]:
    """Names of environment variables: printable ASCII without `=`."""
    if not text:
        return ("environment variable name must be non-empty",)
    if any(not " " <= c <= "~" or c == "=" for c in text):
        return ("a valid environment variable name must consist only of printable ASCII characters other than '='",)
    return ()


def percent(text: str) -> tuple[str, ...]:
    """`25%`."""
    return () if _percent_re.fullmatch(text) else (PERCENT_FORM,)


def http_header(text: str) -> tuple[str, ...]:
    """Names of probe headers."""
    form = _form("a valid HTTP header must consist of alphanumeric characters or '-'", _HTTP_HEADER, "X-Header-Name")
    return () if _http_header_re.fullmatch(text) else (form,)


def port_number(number: int) -> tuple[str, ...]:
    """1 to 65535."""
    return () if 1 <= number <= 65_535 else (not_in_range(1, 65_535),)


def is_ip(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def ip(text: str) -> tuple[str, ...]:
    """An address."""
    return () if is_ip(text) else ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)


def cidr(text: str) -> tuple[str, ...]:
    """A network."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return ("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",)
    return () if "/" in text else ("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",)
