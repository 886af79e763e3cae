"""Validation of affinity and topology spread (pkg/apis/core/validation/validation.go validateAffinity and below)."""

from collections.abc import Sequence

from engine.base import fields, selectors
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.rules import label_selector, one_of, requirement, requirement_key

_PREFERRED, _REQUIRED = "preferredDuringSchedulingIgnoredDuringExecution", "requiredDuringSchedulingIgnoredDuringExecution"


def validate_affinity(affinity: Obj, path: str) -> list[FieldError]:
    """Node affinity, pod affinity and anti-affinity."""
    found: list[FieldError] = []
    node = affinity.get("nodeAffinity")
    if node is not None:
        found += _node_affinity(node, f"{path}.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        if affinity.get(kind) is not None:
            found += _pod_affinity(affinity[kind], f"{path}.{kind}")
    return found


def _node_affinity(affinity: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    required = affinity.get(_REQUIRED)
    if required is not None:
        found += validate_node_selector(required, f"{path}.{_REQUIRED}")
    for i, term in enumerate(affinity.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{i}]"
        found += _weight(term, here)
        found += _node_term(term.get("preference") or {}, f"{here}.preference")
    return found


def validate_node_selector(selector: Obj, path: str) -> list[FieldError]:
    """ValidateNodeSelector: at least one term."""
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        return [fields.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")]
    found: list[FieldError] = []
    for i, term in enumerate(terms):
        found += _node_term(term, f"{path}.nodeSelectorTerms[{i}]")
    return found


def _node_term(term: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for i, expression in enumerate(term.get("matchExpressions") or ()):
        found += _node_requirement(expression, f"{path}.matchExpressions[{i}]")
    for i, expression in enumerate(term.get("matchFields") or ()):
        here = f"{path}.matchFields[{i}]"
        if expression.get("operator") not in (selectors.IN, selectors.NOT_IN):
            found.append(fields.invalid(f"{here}.operator", expression.get("operator"), "not a valid selector operator"))
        elif len(expression.get("values") or ()) != 1:
            why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            found.append(fields.required(f"{here}.values", why))
        if expression.get("key") != "metadata.name":
            found.append(fields.invalid(f"{here}.key", expression.get("key"), "not a valid field selector key"))
    return found


def _node_requirement(expression: Obj, path: str) -> list[FieldError]:
    if expression.get("operator") not in (selectors.GT, selectors.LT):
        return requirement(expression, path)
    found: list[FieldError] = []
    if len(expression.get("values") or ()) != 1:
        found.append(fields.required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"))
    return found + requirement_key(expression, path)


def _pod_affinity(affinity: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for i, term in enumerate(affinity.get(_REQUIRED) or ()):
        found += _pod_term(term, f"{path}.{_REQUIRED}[{i}]")
    for i, weighted in enumerate(affinity.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{i}]"
        found += _weight(weighted, here)
        found += _pod_term(weighted.get("podAffinityTerm") or {}, f"{here}.podAffinityTerm")
    return found


def _pod_term(term: Obj, path: str) -> list[FieldError]:
    found = label_selector(term.get("labelSelector"), f"{path}.labelSelector")
    found += label_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for namespace in term.get("namespaces") or ():
        found += [fields.invalid(f"{path}.namespace", namespace, e) for e in names.dns_label(namespace)]
    return found + _topology_key(term.get("topologyKey"), f"{path}.topologyKey")


def _topology_key(key: str | None, path: str) -> list[FieldError]:
    if not key:
        return [fields.required(path, "can not be empty")]
    return [fields.invalid(path, key, e) for e in names.qualified_name(key)]


def _weight(term: Obj, path: str) -> list[FieldError]:
    weight = term.get("weight") or 0
    return [] if 1 <= weight <= 100 else [fields.invalid(f"{path}.weight", weight, "must be in the range 1-100")]


def validate_spread(constraints: Sequence[Obj], path: str) -> list[FieldError]:
    """validateTopologySpreadConstraints."""
    found: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for i, constraint in enumerate(constraints):
        here = f"{path}[{i}]"
        key, action = constraint.get("topologyKey"), constraint.get("whenUnsatisfiable")
        skew, domains = constraint.get("maxSkew") or 0, constraint.get("minDomains")
        if skew <= 0:
            found.append(fields.invalid(f"{here}.maxSkew", skew, "must be greater than zero"))
        found += _topology_key(key, f"{here}.topologyKey")
        found += one_of(action, f"{here}.whenUnsatisfiable", ("DoNotSchedule", "ScheduleAnyway"))
        if (key, action) in seen:
            found.append(fields.duplicate(f"{here}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"))
        seen.add((key or "", action or ""))
        if domains is not None and domains <= 0:
            found.append(fields.invalid(f"{here}.minDomains", domains, "must be greater than zero"))
        elif domains is not None and action != "DoNotSchedule":
            why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
            found.append(fields.invalid(f"{here}.minDomains", domains, why))
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if constraint.get(field) is not None:
                found += one_of(constraint[field], f"{here}.{field}", ("Honor", "Ignore"))
        found += label_selector(constraint.get("labelSelector"), f"{here}.labelSelector")
    return found
