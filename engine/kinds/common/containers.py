"""Validation of containers (pkg/apis/core/validation/validation.go validateContainers and below)."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.quantities import validate_requirements
from engine.kinds.common.rules import checked, needed, not_negative, one_of, port, unsupported

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_INIT_ONLY_WITH_RESTART = "may not be set for init containers without restartPolicy=Always"


def validate_containers(spec: Obj, path: str) -> list[FieldError]:
    """All lists of containers of a pod spec."""
    containers = spec.get("containers") or []
    volumes = {v["name"]: v for v in spec.get("volumes") or () if v.get("name")}
    grace_s = spec.get("terminationGracePeriodSeconds")
    if not containers:
        found = [fields.required(f"{path}.containers")]
    else:
        found = _regular(containers, volumes, grace_s, f"{path}.containers")
    found += _init(spec.get("initContainers") or (), containers, volumes, grace_s, f"{path}.initContainers")
    return found + _ephemeral(spec, volumes, f"{path}.ephemeralContainers")


def _regular(containers: Sequence[Obj], volumes: Mapping[str, Obj], grace_s: int | None, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, container in enumerate(containers):
        here = f"{path}[{i}]"
        found += _common(container, volumes, here)
        name = container.get("name") or ""
        if name in seen:
            found.append(fields.duplicate(f"{here}.name", name))
        seen.add(name)
        found += _running(container, grace_s, here)
        if container.get("restartPolicy") and not container.get("restartPolicyRules"):
            found += one_of(container["restartPolicy"], f"{here}.restartPolicy", ("Always", "Never", "OnFailure"))
    return found + _host_port_conflicts(containers, path)


def _init(
    containers: Sequence[Obj], regular: Iterable[Obj], volumes: Mapping[str, Obj], grace_s: int | None, path: str
) -> list[FieldError]:
    found: list[FieldError] = []
    seen = {c.get("name") for c in regular}
    for i, container in enumerate(containers):
        here = f"{path}[{i}]"
        found += _common(container, volumes, here)
        name = container.get("name") or ""
        if name in seen:
            found.append(fields.duplicate(f"{here}.name", name))
        elif name:
            seen.add(name)
        found += _host_port_conflicts([container], path)
        if container.get("restartPolicy") == "Always":
            found += _running(container, grace_s, here)
        else:
            forbidden = ("lifecycle", *_PROBES)
            found += [fields.forbidden(f"{here}.{f}", _INIT_ONLY_WITH_RESTART) for f in forbidden if container.get(f) is not None]
    return found


def _ephemeral(spec: Obj, volumes: Mapping[str, Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    others = {c.get("name") for key in ("containers", "initContainers") for c in spec.get(key) or ()}
    seen = set(others)
    for i, container in enumerate(spec.get("ephemeralContainers") or ()):
        here = f"{path}[{i}]"
        found += _common(container, volumes, here)
        if container.get("name") in seen:
            found.append(fields.duplicate(f"{here}.name", container.get("name")))
        seen.add(container.get("name"))
        target = container.get("targetContainerName")
        if target and target not in others:
            found.append(fields.not_found(f"{here}.targetContainerName", target))
        for field in ("ports", "resources", *_PROBES, "lifecycle"):
            if container.get(field):
                found.append(fields.forbidden(f"{here}.{field}", "cannot be set for an Ephemeral Container"))
        for j, mount in enumerate(container.get("volumeMounts") or ()):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    found.append(fields.forbidden(f"{here}.volumeMounts[{j}].{field}", "cannot be set for an Ephemeral Container"))
    return found


def _common(container: Obj, volumes: Mapping[str, Obj], path: str) -> list[FieldError]:
    found = needed(container.get("name"), f"{path}.name", names.dns_label)
    if not container.get("image"):
        found.append(fields.required(f"{path}.image"))
    found += one_of(container.get("terminationMessagePolicy"), f"{path}.terminationMessagePolicy", ("File", "FallbackToLogsOnError"))
    found += _ports(container.get("ports") or (), f"{path}.ports")
    found += _env(container.get("env") or (), f"{path}.env")
    found += _env_from(container.get("envFrom") or (), f"{path}.envFrom")
    found += _mounts(container, volumes, f"{path}.volumeMounts")
    found += one_of(container.get("imagePullPolicy"), f"{path}.imagePullPolicy", PULL_POLICIES)
    if container.get("resources"):
        found += validate_requirements(container["resources"], f"{path}.resources")
    if container.get("securityContext"):
        found += _security_context(container["securityContext"], f"{path}.securityContext")
    return found


def _running(container: Obj, grace_s: int | None, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    lifecycle = container.get("lifecycle") or {}
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            found += _handler(lifecycle[hook], grace_s, f"{path}.lifecycle.{hook}")
    for kind in _PROBES:
        probe = container.get(kind)
        if probe is not None:
            found += _probe(probe, kind, grace_s, f"{path}.{kind}")
    return found


def _probe(probe: Obj, kind: str, grace_s: int | None, path: str) -> list[FieldError]:
    found = _handler(probe, grace_s, path)
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        found += not_negative(probe.get(field), f"{path}.{field}")
    own_grace = probe.get("terminationGracePeriodSeconds")
    if own_grace is not None and own_grace <= 0:
        found.append(fields.invalid(f"{path}.terminationGracePeriodSeconds", own_grace, "must be greater than 0"))
    if kind == "readinessProbe":
        if own_grace is not None:
            why = "must not be set for readinessProbes"
            found.append(fields.invalid(f"{path}.terminationGracePeriodSeconds", own_grace, why))
    elif probe.get("successThreshold") != 1:
        found.append(fields.invalid(f"{path}.successThreshold", probe.get("successThreshold"), "must be 1"))
    return found


def _handler(handler: Obj, grace_s: int | None, path: str) -> list[FieldError]:
    given = [h for h in _HANDLERS if handler.get(h) is not None]
    if not given:
        return [fields.required(path, "must specify a handler type")]
    first, here = handler[given[0]], f"{path}.{given[0]}"
    found: list[FieldError] = []
    if given[0] == "exec" and not first.get("command"):
        found.append(fields.required(f"{here}.command"))
    elif given[0] == "httpGet":
        if not first.get("path"):
            found.append(fields.required(f"{here}.path"))
        found += port(first.get("port"), f"{here}.port")
        if first.get("scheme") not in ("HTTP", "HTTPS"):
            found.append(unsupported(first.get("scheme"), f"{here}.scheme", ("HTTP", "HTTPS")))
        for header in first.get("httpHeaders") or ():
            found += [fields.invalid(f"{here}.httpHeaders", header.get("name"), e) for e in names.http_header(header.get("name") or "")]
    elif given[0] in ("tcpSocket", "grpc"):
        found += port(first.get("port"), f"{here}.port")
    elif given[0] == "sleep" and grace_s is not None and not 0 <= (first.get("seconds") or 0) <= grace_s:
        why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})"
        found.append(fields.invalid(here, first.get("seconds"), why))
    return found + [fields.forbidden(f"{path}.{more}", "may not specify more than 1 handler type") for more in given[1:]]


def _ports(ports: Iterable[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, entry in enumerate(ports):
        here = f"{path}[{i}]"
        name = entry.get("name")
        if name:
            wrong = names.port_name(name)
            found += [fields.invalid(f"{here}.name", name, e) for e in wrong]
            if not wrong and name in seen:
                found.append(fields.duplicate(f"{here}.name", name))
            seen.add(name)
        if not entry.get("containerPort"):
            found.append(fields.required(f"{here}.containerPort"))
        else:
            found += port(entry["containerPort"], f"{here}.containerPort")
        if entry.get("hostPort"):
            found += port(entry["hostPort"], f"{here}.hostPort")
        found += one_of(entry.get("protocol"), f"{here}.protocol", PROTOCOLS)
        found += checked(entry.get("hostIP"), f"{here}.hostIP", names.ip)
    return found


def _host_port_conflicts(containers: Iterable[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, container in enumerate(containers):
        for j, entry in enumerate(container.get("ports") or ()):
            if entry.get("hostPort"):
                shown = f"{entry.get('protocol') or ''}/{entry.get('hostIP') or ''}/{entry['hostPort']}"
                if shown in seen:
                    found.append(fields.duplicate(f"{path}[{i}].ports[{j}].hostPort", shown))
                seen.add(shown)
    return found


def _env(env: Iterable[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for i, variable in enumerate(env):
        here = f"{path}[{i}]"
        name = variable.get("name")
        found += [fields.invalid(f"{here}.name", name, e) for e in names.env_name(name)] if name else [fields.required(f"{here}.name")]
        source = variable.get("valueFrom")
        if source is not None:
            found += _env_source(variable, source, f"{here}.valueFrom")
    return found


def _env_source(variable: Obj, source: Obj, path: str) -> list[FieldError]:
    kinds = [k for k in ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef") if source.get(k) is not None]
    found: list[FieldError] = []
    if source.get("fieldRef") is not None:
        found += field_ref(source["fieldRef"], ENV_FIELDS, f"{path}.fieldRef")
    for kind in ("configMapKeyRef", "secretKeyRef"):
        ref = source.get(kind)
        if ref is not None:
            found += needed(ref.get("key"), f"{path}.{kind}.key", names.config_key)
    if not kinds:
        names_of = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        found.append(fields.invalid(path, "", f"must specify one of: {names_of}"))
    elif variable.get("value"):
        found.append(fields.invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(kinds) > 1:
        found.append(fields.invalid(path, "", "may not have more than one field specified at a time"))
    return found


def field_ref(ref: Obj, supported: Sequence[str], path: str) -> list[FieldError]:
    """ObjectFieldSelector: a supported path; labels and annotations by key as well."""
    if not ref.get("apiVersion"):
        return [fields.required(f"{path}.apiVersion")]
    field = ref.get("fieldPath")
    if not field:
        return [fields.required(f"{path}.fieldPath")]
    base, bracket, key = field.partition("['")
    if bracket and base in ("metadata.labels", "metadata.annotations") and key.endswith("']"):
        return [fields.invalid(path, key[:-2], e) for e in names.qualified_name(key[:-2].lower())]
    return [] if field in supported else [unsupported(field, f"{path}.fieldPath", sorted(supported))]


def _env_from(sources: Iterable[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for i, source in enumerate(sources):
        here = f"{path}[{i}]"
        found += checked(source.get("prefix"), f"{here}.prefix", names.env_name)
        kinds = [k for k in ("configMapRef", "secretRef") if source.get(k) is not None]
        for kind in kinds:
            found += needed(source[kind].get("name"), f"{here}.{kind}.name", names.dns_subdomain)
        if not kinds:
            found.append(fields.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(kinds) > 1:
            found.append(fields.invalid(path, "", "may not have more than one field specified at a time"))
    return found


def _mounts(container: Obj, volumes: Mapping[str, Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        here = f"{path}[{i}]"
        if not mount.get("name"):
            found.append(fields.required(f"{here}.name"))
        elif mount["name"] not in volumes:
            found.append(fields.not_found(f"{here}.name", mount["name"]))
        where = mount.get("mountPath")
        if not where:
            found.append(fields.required(f"{here}.mountPath"))
        elif where in seen:
            found.append(fields.invalid(f"{here}.mountPath", where, "must be unique"))
        seen.add(where or "")
        if mount.get("subPath"):
            found += descending_path(mount["subPath"], f"{here}.subPath")
        if mount.get("subPathExpr"):
            if mount.get("subPath"):
                found.append(fields.invalid(f"{here}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"))
            found += descending_path(mount["subPathExpr"], f"{here}.subPathExpr")
        if mount.get("mountPropagation"):
            found += one_of(mount["mountPropagation"], f"{here}.mountPropagation", ("Bidirectional", "HostToContainer", "None"))
    return found


def descending_path(text: str, path: str) -> list[FieldError]:
    """validateLocalDescendingPath: relative, without `..`."""
    found: list[FieldError] = []
    if posixpath.isabs(text):
        found.append(fields.invalid(path, text, "must be a relative path"))
    return found + no_backsteps(text, path)


def no_backsteps(text: str, path: str) -> list[FieldError]:
    """ValidatePathNoBacksteps."""
    return [fields.invalid(path, text, "must not contain '..'")] if ".." in text.split("/") else []


def _security_context(context: Obj, path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for field in ("runAsUser", "runAsGroup"):
        value = context.get(field)
        if value is not None and not 0 <= value <= 0xFFFFFFFF:
            found.append(fields.invalid(f"{path}.{field}", value, names.not_in_range(0, 0xFFFFFFFF)))
    if context.get("allowPrivilegeEscalation") is False:
        added: Any = (context.get("capabilities") or {}).get("add") or ()
        if context.get("privileged"):
            why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.append(fields.invalid(path, context, why))
        if "SYS_ADMIN" in added or "CAP_SYS_ADMIN" in added:
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.append(fields.invalid(path, context, why))
    return found
