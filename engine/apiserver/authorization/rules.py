"""Rules of roles: what they allow, and whether some rules cover others (pkg/apis/rbac/v1/evaluation_helpers.go,
component-helpers/auth/rbac/validation/policy_comparator.go). Pure functions of rules as they stand in roles."""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.patching.gotext import show_string
from engine.base.objects import Obj

ALL = "*"
EVERYTHING: Sequence[Obj] = (
    {"verbs": [ALL], "apiGroups": [ALL], "resources": [ALL]},
    {"verbs": [ALL], "nonResourceURLs": [ALL]},
)
"""What cluster-admin has; an aggregated role can become all of it."""

_FIELDS = (("apiGroups", "APIGroups"), ("resources", "Resources"), ("nonResourceURLs", "NonResourceURLs"))


def allows(rule: Obj, attributes: Attributes) -> bool:
    """Whether a rule allows what is asked for."""
    if attributes.path:
        return _has(rule, "verbs", attributes.verb) and _covers_url(rule.get("nonResourceURLs") or (), attributes.path)
    names = rule.get("resourceNames")
    return concerns(rule, attributes) and (not names or attributes.name in names)


def concerns(rule: Obj, attributes: Attributes) -> bool:
    """Whether a rule allows what is asked for with some name or with any."""
    if not _has(rule, "verbs", attributes.verb) or not _has(rule, "apiGroups", attributes.group):
        return False
    resources = rule.get("resources") or ()
    sub = attributes.subresource
    asked = f"{attributes.resource}/{sub}" if sub else attributes.resource
    return ALL in resources or asked in resources or (bool(sub) and f"*/{sub}" in resources)


def _has(rule: Obj, field: str, value: str) -> bool:
    values = rule.get(field) or ()
    return ALL in values or value in values


def _covers_url(patterns: Iterable[str], url: str) -> bool:
    return any(p in (ALL, url) or (p.endswith("*") and url.startswith(p.rstrip("*"))) for p in patterns)


def uncovered(owned: Sequence[Obj], wanted: Iterable[Obj]) -> list[Obj]:
    """The parts of `wanted` (one verb, group, resource, name each) that none of the `owned` rules allows."""
    return [part for rule in wanted for part in _parts(rule) if not any(_covers(rule_, part) for rule_ in owned)]


def _parts(rule: Obj) -> list[Obj]:
    """BreakdownRule."""
    parts: list[Obj] = []
    verbs, names = rule.get("verbs") or (), rule.get("resourceNames") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                parts += [{**part, "resourceNames": [name]} for name in names] if names else [part]
    parts += [{"verbs": [verb], "nonResourceURLs": [url]} for url in rule.get("nonResourceURLs") or () for verb in verbs]
    return parts


def _covers(rule: Obj, part: Obj) -> bool:
    """ruleCovers, for a part."""
    if not _has(rule, "verbs", part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        return _covers_url(rule.get("nonResourceURLs") or (), part["nonResourceURLs"][0])
    if not _has(rule, "apiGroups", part["apiGroups"][0]):
        return False
    have, names = rule.get("resources") or (), rule.get("resourceNames") or ()
    resource: str = part["resources"][0]
    _, slash, sub = resource.partition("/")
    if ALL not in have and resource not in have and not (slash and f"*/{sub}" in have):
        return False
    return not names or ("resourceNames" in part and part["resourceNames"][0] in names)


def described(parts: Iterable[Obj]) -> list[str]:
    """Rules in a compact form, verbs of one resource together, sorted (CompactRules, CompactString)."""
    by_resource: dict[tuple[str, ...], dict[str, Any]] = {}
    others: list[Obj] = []
    for part in parts:
        if "nonResourceURLs" in part:
            others.append(part)
            continue
        key = (*part["apiGroups"], *part["resources"], *part.get("resourceNames", ()))
        known = by_resource.setdefault(key, {**part, "verbs": []})
        known["verbs"] = [*known["verbs"], *part["verbs"]]
    return sorted({_text(rule) for rule in (*others, *by_resource.values())})


def _text(rule: Obj) -> str:
    fields = (*_FIELDS, ("resourceNames", "ResourceNames"), ("verbs", "Verbs"))
    shown = [f"{label}:{quoted(rule[field])}" for field, label in fields if rule.get(field)]
    return "{" + ", ".join(shown) + "}"


def quoted(values: Iterable[str]) -> str:
    """Go's `%q` of a list of strings."""
    return f"[{' '.join(map(show_string, values))}]"
