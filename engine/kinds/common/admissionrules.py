"""What webhook configurations and admission policies share (pkg/apis/admissionregistration: v1/defaults.go, validation)."""

from collections.abc import Iterable
from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.podspec import change_at, each_at, fill
from engine.kinds.common.rules import label_selector, one_of, unsupported

GROUP = "admissionregistration.k8s.io"
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
TIMEOUT_S_MAX = 30
_MATCH_DEFAULTS = {"namespaceSelector": {}, "objectSelector": {}, "matchPolicy": "Equivalent"}


def _scope(rule: Obj) -> Obj:
    return fill(rule, {"scope": "*"})


def webhook_defaults(mutating: bool) -> Any:
    """Defaults of a webhook configuration; an empty list of webhooks is not written."""
    wanted: dict[str, Any] = {"failurePolicy": "Fail", **_MATCH_DEFAULTS, "timeoutSeconds": 10}
    if mutating:
        wanted["reinvocationPolicy"] = "Never"

    def webhook(hook: Obj) -> Obj:
        hook = each_at(fill(hook, wanted), "rules", _scope)
        return change_at(hook, "clientConfig", lambda c: change_at(c, "service", lambda s: fill(s, {"port": 443})))

    def defaults(obj: Obj) -> Obj:
        if "webhooks" in obj and not obj["webhooks"]:
            return {k: v for k, v in obj.items() if k != "webhooks"}
        return each_at(obj, "webhooks", webhook)

    return defaults


def match_defaults(resources: Obj) -> Obj:
    """SetDefaults_MatchResources."""
    resources = fill(resources, _MATCH_DEFAULTS)
    return each_at(each_at(resources, "resourceRules", _scope), "excludeResourceRules", _scope)


def policy_defaults(obj: Obj) -> Obj:
    """Defaults of an admission policy."""
    spec = fill(obj.get("spec") or {}, {"failurePolicy": "Fail"})
    spec = change_at(spec, "matchConstraints", match_defaults)
    return obj if spec is obj.get("spec") else {**obj, "spec": spec}


def binding_defaults(obj: Obj) -> Obj:
    """Defaults of a binding of an admission policy."""
    return change_at(obj, "spec", lambda spec: change_at(spec, "matchResources", match_defaults))


def validate_webhooks(obj: Obj, old: Obj | None) -> list[FieldError]:
    """ValidateValidatingWebhookConfiguration, ValidateMutatingWebhookConfiguration."""
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, hook in enumerate(obj.get("webhooks") or ()):
        path, name = f"webhooks[{i}]", hook.get("name") or ""
        if not name:
            found.append(fields.required(f"{path}.name"))
        elif names.dns_subdomain(name):
            found.append(fields.invalid(f"{path}.name", name, ",".join(names.dns_subdomain(name))))
        elif name.count(".") < 2:
            why = "should be a domain with at least three segments separated by dots"
            found.append(fields.invalid(f"{path}.name", name, why))
        if name in seen:
            found.append(fields.duplicate(f"{path}.name", name))
        seen.add(name)
        found += _webhook(hook, path)
    return found


def _webhook(hook: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    versions = hook.get("admissionReviewVersions") or []
    if not versions:
        found.append(fields.required(f"{path}.admissionReviewVersions", "must specify one of v1, v1beta1"))
    elif not {"v1", "v1beta1"} & set(versions):
        found.append(fields.invalid(f"{path}.admissionReviewVersions", versions, "must include at least one of v1, v1beta1"))
    for j, rule in enumerate(hook.get("rules") or ()):
        found += rule_with_operations(rule, f"{path}.rules[{j}]")
    found += one_of(hook.get("failurePolicy"), f"{path}.failurePolicy", ("Fail", "Ignore"))
    found += one_of(hook.get("matchPolicy"), f"{path}.matchPolicy", ("Equivalent", "Exact"))
    effects = hook.get("sideEffects")
    if effects not in ("None", "NoneOnDryRun"):
        supported = ("None", "NoneOnDryRun")
        found.append(unsupported(effects, f"{path}.sideEffects", supported) if effects else _needs_effects(path))
    timeout_s = hook.get("timeoutSeconds")
    if timeout_s is not None and not 1 <= timeout_s <= TIMEOUT_S_MAX:
        why = f"the timeout value must be between 1 and {TIMEOUT_S_MAX} seconds"
        found.append(fields.invalid(f"{path}.timeoutSeconds", timeout_s, why))
    for name in ("namespaceSelector", "objectSelector"):
        found += label_selector(hook.get(name), f"{path}.{name}")
    client = hook.get("clientConfig") or {}
    if (client.get("url") is None) == (client.get("service") is None):
        found.append(fields.required(f"{path}.clientConfig", "exactly one of url or service is required"))
    return found


def _needs_effects(path: str) -> FieldError:
    return fields.required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun")


def rule_with_operations(rule: Obj, path: str) -> list[FieldError]:
    """validateRuleWithOperations."""
    found: list[FieldError] = []
    for name in ("operations", "apiGroups", "apiVersions", "resources"):
        values = rule.get(name) or []
        if not values:
            found.append(fields.required(f"{path}.{name}"))
        elif "*" in values and len(values) > 1 and name != "resources":
            why = f"if '*' is present, must not specify other {'operations' if name == 'operations' else name}"
            found.append(fields.invalid(f"{path}.{name}", values, why))
    for i, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            found.append(unsupported(operation, f"{path}.operations[{i}]", _OPERATIONS))
    if rule.get("scope") is not None and rule["scope"] not in _SCOPES:
        found.append(unsupported(rule["scope"], f"{path}.scope", _SCOPES))
    return found


def validate_policy(lists: Iterable[str]) -> Any:
    """Rules of an admission policy, one of whose `lists` says what it does."""
    wanted = tuple(lists)

    def rule(obj: Obj, old: Obj | None) -> list[FieldError]:
        spec = obj.get("spec") or {}
        found: list[FieldError] = []
        if not any(spec.get(name) for name in wanted):
            found.append(fields.required(f"spec.{wanted[0]}", f"{' or '.join(wanted)} must contain at least one item"))
        for i, validation in enumerate(spec.get("validations") or ()):
            if not (validation.get("expression") or "").strip():
                found.append(fields.required(f"spec.validations[{i}].expression", "expression is not specified"))
        found += one_of(spec.get("failurePolicy"), "spec.failurePolicy", ("Fail", "Ignore"))
        constraints = spec.get("matchConstraints")
        if constraints is None:
            return [*found, fields.required("spec.matchConstraints")]
        if not constraints.get("resourceRules"):
            found.append(fields.required("spec.matchConstraints.resourceRules"))
        for i, entry in enumerate(constraints.get("resourceRules") or ()):
            found += rule_with_operations(entry, f"spec.matchConstraints.resourceRules[{i}]")
        return found

    return rule


def validate_policy_binding(obj: Obj, old: Obj | None) -> list[FieldError]:
    """A binding names its policy; one of a validating policy says what to do."""
    spec = obj.get("spec") or {}
    found: list[FieldError] = []
    if not spec.get("policyName"):
        found.append(fields.required("spec.policyName"))
    if obj.get("kind") == "ValidatingAdmissionPolicyBinding" and not spec.get("validationActions"):
        found.append(fields.required("spec.validationActions", "at least one validation action is required"))
    for i, action in enumerate(spec.get("validationActions") or ()):
        if action not in ("Audit", "Deny", "Warn"):
            found.append(unsupported(action, f"spec.validationActions[{i}]", ("Audit", "Deny", "Warn")))
    return found


def webhook_cells(obj: Obj, now: float) -> list[Any]:
    """The row of a webhook configuration."""
    return [name_of(obj), len(obj.get("webhooks") or ()), tables.age(obj, now)]


def param_kind(spec: Obj) -> str:
    """`v1/ConfigMap`."""
    kind = spec.get("paramKind")
    return tables.UNSET if kind is None else f"{kind.get('apiVersion')}/{kind.get('kind')}"


def binding_cells(obj: Obj, now: float) -> list[Any]:
    """The row of a binding of an admission policy."""
    spec = obj.get("spec") or {}
    ref = spec.get("paramRef")
    shown = tables.UNSET
    if ref is not None:
        where = f"{ref['namespace']}/" if ref.get("namespace") else "*/"
        shown = f"{where}{ref['name']}" if ref.get("name") else f"{where}{tables.selector(ref.get('selector'))}"
    return [name_of(obj), spec.get("policyName") or "", shown, tables.age(obj, now)]
