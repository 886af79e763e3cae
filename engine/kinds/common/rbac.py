"""Roles and bindings, of namespaces and of the cluster (pkg/apis/rbac/v1/defaults.go, pkg/apis/rbac/validation/validation.go)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.metadata import Rule
from engine.kinds.common.podspec import change_at, each_at
from engine.kinds.common.rules import label_selector, unsupported

GROUP = "rbac.authorization.k8s.io"
BINDING_COLUMNS = (tables.NAME, tables.text("Role"), tables.AGE, *tables.wide("Users", "Groups", "ServiceAccounts"))


def _subject(subject: Obj) -> Obj:
    if subject.get("apiGroup") or subject.get("kind") == "ServiceAccount":
        return {k: v for k, v in subject.items() if k != "apiGroup"} if subject.get("apiGroup") == "" else subject
    return {**subject, "apiGroup": GROUP} if subject.get("kind") in ("User", "Group") else subject


def binding_defaults(obj: Obj) -> Obj:
    """The API groups of the role and the subjects."""
    obj = change_at(obj, "roleRef", lambda ref: ref if ref.get("apiGroup") else {**ref, "apiGroup": GROUP})
    return each_at(obj, "subjects", _subject)


def role_defaults(obj: Obj) -> Obj:
    """`rules` is written even where there are none."""
    return obj if "rules" in obj else {**obj, "rules": None}


def validate_rules(namespaced: bool) -> Rule:
    """Each rule names verbs, and either resources or (for the cluster) URLs."""

    def rule(obj: Obj, old: Obj | None) -> list[FieldError]:
        found: list[FieldError] = []
        for i, entry in enumerate(obj.get("rules") or ()):
            found += _policy_rule(entry, namespaced, f"rules[{i}]")
        aggregation = obj.get("aggregationRule")
        if aggregation is not None:
            selectors = aggregation.get("clusterRoleSelectors") or ()
            if not selectors:
                path = "aggregationRule.clusterRoleSelectors"
                found.append(fields.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil"))
            for i, selector in enumerate(selectors):
                found += label_selector(selector, f"aggregationRule.clusterRoleSelectors[{i}]")
        return found

    return rule


def _policy_rule(rule: Obj, namespaced: bool, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    if not rule.get("verbs"):
        found.append(fields.required(f"{path}.verbs", "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            found.append(fields.invalid(f"{path}.nonResourceURLs", urls, why))
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            found.append(fields.invalid(f"{path}.nonResourceURLs", urls, why))
        return found
    if not rule.get("apiGroups"):
        found.append(fields.required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        found.append(fields.required(f"{path}.resources", "resource rules must supply at least one resource"))
    return found


def validate_binding(namespaced: bool, *roles: str) -> Rule:
    """`roles` are the kinds that a binding of this scope can refer to."""

    def rule(obj: Obj, old: Obj | None) -> list[FieldError]:
        ref = obj.get("roleRef") or {}
        found: list[FieldError] = []
        if ref.get("apiGroup") != GROUP:
            found.append(unsupported(ref.get("apiGroup") or "", "roleRef.apiGroup", (GROUP,)))
        if ref.get("kind") not in roles:
            found.append(unsupported(ref.get("kind") or "", "roleRef.kind", roles))
        if not ref.get("name"):
            found.append(fields.required("roleRef.name"))
        else:
            found += [fields.invalid("roleRef.name", ref["name"], e) for e in names.path_segment(ref["name"])]
        for i, subject in enumerate(obj.get("subjects") or ()):
            found += _subject_rules(subject, namespaced, f"subjects[{i}]")
        if old is not None and ref != (old.get("roleRef") or {}):
            found.append(fields.invalid("roleRef", ref, "cannot change roleRef"))
        return found

    return rule


def _subject_rules(subject: Obj, namespaced: bool, path: str) -> list[FieldError]:
    kind, name, group = subject.get("kind"), subject.get("name"), subject.get("apiGroup") or ""
    found: list[FieldError] = [] if name else [fields.required(f"{path}.name")]
    if kind == "ServiceAccount":
        if name:
            found += [fields.invalid(f"{path}.name", name, e) for e in names.dns_subdomain(name)]
        if group:
            found.append(unsupported(group, f"{path}.apiGroup", ("",)))
        if not subject.get("namespace") and not namespaced:
            found.append(fields.required(f"{path}.namespace"))
        return found
    if kind in ("User", "Group"):
        return found if group == GROUP else [*found, unsupported(group, f"{path}.apiGroup", (GROUP,))]
    return [*found, unsupported(kind or "", f"{path}.kind", ("ServiceAccount", "User", "Group"))]


def binding_cells(obj: Obj, now: float) -> list[Any]:
    """The row of a binding."""
    ref, subjects = obj.get("roleRef") or {}, obj.get("subjects") or ()
    shown: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in subjects:
        name = subject.get("name") or ""
        text = f"{subject.get('namespace') or ''}/{name}" if subject.get("kind") == "ServiceAccount" else name
        shown.setdefault(subject.get("kind") or "", []).append(text)
    columns = [", ".join(shown[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return [name_of(obj), f"{ref.get('kind')}/{ref.get('name')}", tables.age(obj, now), *columns]
