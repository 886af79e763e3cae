"""Validation of pod specs, in pods and in templates (pkg/apis/core/validation/validation.go ValidatePodSpec).

A spec that was validated once is recognised by identity: pods of one template are checked once.
"""

from collections.abc import Mapping, Sequence

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.affinity import validate_affinity, validate_spread
from engine.kinds.common.containers import validate_containers
from engine.kinds.common.memo import Memo
from engine.kinds.common.metadata import validate_annotations, validate_labels
from engine.kinds.common.quantities import validate_requirements
from engine.kinds.common.rules import checked, one_of
from engine.kinds.common.volumes import validate_volumes

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_INT32_MAX = 2_147_483_647

_memos: dict[tuple[str, bool], Memo[Sequence[FieldError]]] = {}


def validate_pod_spec(spec: Obj, path: str = "spec", in_pod: bool = False) -> Sequence[FieldError]:
    """ValidatePodSpec. `in_pod`: the spec is a pod's own, not a template's."""
    memo = _memos.get((path, in_pod))
    if memo is None:
        memo = _memos[(path, in_pod)] = Memo(lambda s: tuple(_validate(s, path, in_pod)))
    return memo(spec)


def _validate(spec: Obj, path: str, in_pod: bool) -> list[FieldError]:
    found = validate_volumes(spec.get("volumes") or (), f"{path}.volumes")
    found += validate_containers(spec, path)
    if spec.get("hostNetwork"):
        found += _host_network(spec, path, in_pod)
    found += one_of(spec.get("restartPolicy"), f"{path}.restartPolicy", RESTART_POLICIES)
    found += one_of(spec.get("dnsPolicy"), f"{path}.dnsPolicy", DNS_POLICIES)
    found += validate_labels(spec.get("nodeSelector") or {}, f"{path}.nodeSelector")
    if spec.get("securityContext"):
        found += _security_context(spec["securityContext"], f"{path}.securityContext")
    if spec.get("affinity"):
        found += validate_affinity(spec["affinity"], f"{path}.affinity")
    found += _dns(spec, f"{path}.dnsConfig")
    for i, gate in enumerate(spec.get("readinessGates") or ()):
        condition = gate.get("conditionType") or ""
        found += [fields.invalid(f"{path}.readinessGates[{i}].conditionType", condition, e) for e in names.qualified_name(condition)]
    found += _scheduling_gates(spec.get("schedulingGates") or (), f"{path}.schedulingGates")
    found += validate_spread(spec.get("topologySpreadConstraints") or (), f"{path}.topologySpreadConstraints")
    return found + _scalars(spec, path, in_pod)


def _scalars(spec: Obj, path: str, in_pod: bool) -> list[FieldError]:
    found = checked(spec.get("serviceAccountName"), f"{path}.serviceAccountName", names.dns_subdomain)
    found += checked(spec.get("nodeName"), f"{path}.nodeName", names.dns_subdomain)
    deadline_s = spec.get("activeDeadlineSeconds")
    if deadline_s is not None and not 1 <= deadline_s <= _INT32_MAX:
        found.append(fields.invalid(f"{path}.activeDeadlineSeconds", deadline_s, names.not_in_range(1, _INT32_MAX)))
    found += checked(spec.get("hostname"), f"{path}.hostname", names.dns_label)
    found += checked(spec.get("subdomain"), f"{path}.subdomain", names.dns_label)
    found += validate_tolerations(spec.get("tolerations") or (), f"{path}.tolerations")
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        found += [fields.invalid(f"{path}.hostAliases[{i}].ip", alias.get("ip") or "", e) for e in names.ip(alias.get("ip") or "")]
        for j, hostname in enumerate(alias.get("hostnames") or ()):
            found += [fields.invalid(f"{path}.hostAliases[{i}].hostnames[{j}]", hostname, e) for e in names.dns_subdomain(hostname)]
    found += checked(spec.get("priorityClassName"), f"{path}.priorityClassName", names.dns_subdomain)
    found += checked(spec.get("runtimeClassName"), f"{path}.runtimeClassName", names.dns_subdomain)
    if spec.get("preemptionPolicy"):
        found += one_of(spec["preemptionPolicy"], f"{path}.preemptionPolicy", ("PreemptLowerPriority", "Never"))
    if spec.get("overhead"):
        found += validate_requirements({"limits": spec["overhead"]}, f"{path}.overhead")
    if spec.get("os") is not None:
        found += one_of(spec["os"].get("name"), f"{path}.os.name", ("linux", "windows"))
    if in_pod:
        found += _image_spaces(spec, path)
    return found


def _image_spaces(spec: Obj, path: str) -> list[FieldError]:
    return [
        fields.invalid(f"{path}.{key}[{i}].image", c["image"], "must not have leading or trailing whitespace")
        for key in ("containers", "initContainers")
        for i, c in enumerate(spec.get(key) or ())
        if c.get("image") and c["image"] != c["image"].strip()
    ]


def _host_network(spec: Obj, path: str, in_pod: bool) -> list[FieldError]:
    return [
        fields.invalid(
            f"{path}.containers[{i}].ports[{j}].hostPort",
            port.get("hostPort") or 0,
            "must match `containerPort` when `hostNetwork` is true",
        )
        for i, container in enumerate(spec.get("containers") or ())
        for j, port in enumerate(container.get("ports") or ())
        if (in_pod or port.get("hostPort")) and (port.get("hostPort") or 0) != port.get("containerPort")
    ]


def _security_context(context: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        value = context.get(field)
        if value is not None and not 0 <= value <= 0xFFFFFFFF:
            found.append(fields.invalid(f"{path}.{field}", value, names.not_in_range(0, 0xFFFFFFFF)))
    if context.get("fsGroupChangePolicy"):
        found += one_of(context["fsGroupChangePolicy"], f"{path}.fsGroupChangePolicy", ("Always", "OnRootMismatch"))
    return found


def _dns(spec: Obj, path: str) -> list[FieldError]:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            return [fields.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not config.get("nameservers"):
            return [fields.required(f"{path}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")]
    if config is None:
        return []
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    found: list[FieldError] = []
    if len(servers) > 3:
        found.append(fields.invalid(f"{path}.nameservers", servers, "must not have more than 3 nameservers"))
    for i, server in enumerate(servers):
        found += [fields.invalid(f"{path}.nameservers[{i}]", server, e) for e in names.ip(server)]
    if len(searches) > 32:
        found.append(fields.invalid(f"{path}.searches", searches, "must not have more than 32 search paths"))
    for i, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            found.append(fields.required(f"{path}.options[{i}]", "must not be empty"))
    return found


def _scheduling_gates(gates: Sequence[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, gate in enumerate(gates):
        name = gate.get("name") or ""
        found += [fields.invalid(f"{path}[{i}]", name, e) for e in names.qualified_name(name)]
        if name in seen:
            found.append(fields.duplicate(f"{path}[{i}]", name))
        seen.add(name)
    return found


def validate_tolerations(tolerations: Sequence[Obj], path: str) -> list[FieldError]:
    """ValidateTolerations."""
    found: list[FieldError] = []
    for i, toleration in enumerate(tolerations):
        here = f"{path}[{i}]"
        key, operator, value = toleration.get("key"), toleration.get("operator") or "", toleration.get("value") or ""
        effect = toleration.get("effect") or ""
        if key:
            found += [fields.invalid(f"{here}.key", key, e) for e in names.qualified_name(key)]
        elif operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.append(fields.invalid(f"{here}.operator", operator, why))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            found.append(fields.invalid(f"{here}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
        if operator in ("Equal", ""):
            wrong = names.label_value(value)
            if wrong:
                found.append(fields.invalid(f"{here}.operator", value, ";".join(wrong)))
        elif operator == "Exists":
            if value:
                found.append(fields.invalid(f"{here}.operator", value, "value must be empty when `operator` is 'Exists'"))
        else:
            found += one_of(operator, f"{here}.operator", ("Equal", "Exists"))
        if effect:
            found += one_of(effect, f"{here}.effect", TAINT_EFFECTS)
    return found


def validate_template_metadata(template: Obj, path: str) -> list[FieldError]:
    """Labels and annotations of a template."""
    meta = template.get("metadata") or {}
    found = validate_labels(meta.get("labels") or {}, f"{path}.labels")
    return found + validate_annotations(meta.get("annotations") or {}, f"{path}.annotations")


def validate_template(template: Obj, path: str) -> list[FieldError]:
    """ValidatePodTemplateSpec: labels, annotations and the spec."""
    found = validate_template_metadata(template, path)
    found += validate_pod_spec(template.get("spec") or {}, f"{path}.spec")
    if (template.get("spec") or {}).get("ephemeralContainers"):
        found.append(fields.forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template"))
    return found


def template_labels(template: Obj) -> Mapping[str, str]:
    """The labels that pods of a template get."""
    labels: Mapping[str, str] = (template.get("metadata") or {}).get("labels") or {}
    return labels
