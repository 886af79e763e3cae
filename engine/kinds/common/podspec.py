"""Defaults of pod specs, in pods and in templates (pkg/apis/core/v1/defaults.go).

Lists of containers and volumes are remembered by identity, so a template that was defaulted once is recognised in every object
that carries it, and comes back itself.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from engine.base import quantity
from engine.base.objects import Obj, each, put
from engine.kinds.common.memo import stable
from engine.kinds.common.quantities import canonical_at

Change = Callable[[Any], Any]

_SPEC_DEFAULTS: Mapping[str, Any] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER_DEFAULTS: Mapping[str, Any] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE_DEFAULTS: Mapping[str, Any] = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_HTTP_DEFAULTS: Mapping[str, Any] = {"path": "/", "scheme": "HTTP"}
_PORT_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}
_FIELD_REF_DEFAULTS: Mapping[str, Any] = {"apiVersion": "v1"}
_MODE_DEFAULTS: Mapping[str, Any] = {"defaultMode": 0o644}

_SOURCE_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "secret": _MODE_DEFAULTS,
    "configMap": _MODE_DEFAULTS,
    "downwardAPI": _MODE_DEFAULTS,
    "projected": _MODE_DEFAULTS,
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
    "image": {},
}

# What Go's encoder leaves out: fields whose zero value means the same as absence.
_OMITTED_FALSE = frozenset(("stdin", "stdinOnce", "tty", "readOnly", "hostNetwork", "hostPID", "hostIPC", "setHostnameAsFQDN"))
_OMITTED_ZERO = frozenset(("hostPort", "initialDelaySeconds"))
_KEPT_EMPTY = frozenset(("containers", "type", "runtimeClassName", "storageClassName"))
_MAPS = frozenset(("nodeSelector", "labels", "annotations", "overhead", "limits", "requests"))


def fill(obj: Obj, defaults: Mapping[str, Any]) -> Obj:
    """`obj` with the defaults for fields that are absent or null; itself where all are there."""
    missing = {name: value for name, value in defaults.items() if obj.get(name) is None}
    return {**obj, **missing} if missing else obj


def _is_omitted(name: str, value: Any) -> bool:
    if value is None:
        return True
    if value is False:
        return name in _OMITTED_FALSE
    if isinstance(value, str | list):
        return not value and name not in _KEPT_EMPTY
    if isinstance(value, dict):
        return not value and name in _MAPS
    return value == 0 and name in _OMITTED_ZERO and not isinstance(value, bool)


def compact(obj: Obj) -> Obj:
    """`obj` without fields that the server would not write: null, empty lists and texts, false flags; itself where there is none."""
    if any(_is_omitted(name, value) for name, value in obj.items()):
        return {name: value for name, value in obj.items() if not _is_omitted(name, value)}
    return obj


def change_at(obj: Obj, name: str, change: Change) -> Obj:
    """`obj` with `change` applied to one field, where it is set; itself where it comes back itself."""
    value = obj.get(name)
    if value is None:
        return obj
    changed = change(value)
    return obj if changed is value else {**obj, name: changed}


def each_at(obj: Obj, name: str, change: Change) -> Obj:
    """`obj` with `change` applied to each item of the list at `name`."""
    return change_at(obj, name, lambda items: each(items, change))


def pull_policy(image: str) -> str:
    """Always for the tag `latest` or none, else IfNotPresent (SetDefaults_Container, pkg/util/parsers)."""
    if "@" in image:
        name, _, _ = image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        return "Always" if tag == "latest" else "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if image and tag in ("", "latest") else "IfNotPresent"


def _handler(handler: Obj) -> Obj:
    return change_at(handler, "httpGet", lambda action: fill(compact(action), _HTTP_DEFAULTS))


def _probe(probe: Obj) -> Obj:
    changed = compact(_handler(probe))
    missing = {name: value for name, value in _PROBE_DEFAULTS.items() if not probe.get(name)}
    changed = {**changed, **missing} if missing else changed
    return change_at(changed, "grpc", lambda action: fill(action, {"service": ""}))


def _lifecycle(lifecycle: Obj) -> Obj:
    return change_at(change_at(lifecycle, "postStart", _handler), "preStop", _handler)


def _field_ref(item: Obj) -> Obj:
    item = change_at(item, "fieldRef", lambda ref: fill(ref, _FIELD_REF_DEFAULTS))
    return change_at(item, "resourceFieldRef", _divisor)


def _divisor(ref: Obj) -> Obj:
    divisor = ref.get("divisor")
    shown = "0" if divisor is None else quantity.canonical(divisor)
    return ref if shown == divisor else {**ref, "divisor": shown}


def _env(variable: Obj) -> Obj:
    return change_at(compact(variable), "valueFrom", _field_ref)


def resources(requirements: Obj) -> Obj:
    """Canonical limits and requests."""
    return canonical_at(compact(requirements), "limits", "requests")


def _container(container: Obj) -> Obj:
    changed = compact(container)
    changed = each_at(changed, "ports", lambda port: fill(compact(port), _PORT_DEFAULTS))
    changed = each_at(changed, "env", _env)
    changed = each_at(changed, "volumeMounts", compact)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        changed = change_at(changed, probe, _probe)
    changed = change_at(changed, "lifecycle", _lifecycle)
    changed = change_at(changed, "resources", resources)
    changed = fill(changed, _CONTAINER_DEFAULTS)
    return changed if changed.get("imagePullPolicy") else {**changed, "imagePullPolicy": pull_policy(changed.get("image") or "")}


containers = stable(lambda items: each(items, _container))
"""A list of containers with defaults, remembered by identity."""


def _token(source: Obj) -> Obj:
    source = change_at(source, "serviceAccountToken", lambda token: fill(token, {"expirationSeconds": 3600}))
    return change_at(source, "downwardAPI", lambda files: each_at(files, "items", _field_ref))


def _claim_template(ephemeral: Obj) -> Obj:
    return change_at(ephemeral, "volumeClaimTemplate", lambda t: change_at(t, "spec", lambda s: fill(s, {"volumeMode": "Filesystem"})))


def _volume(volume: Obj) -> Obj:
    changed = compact(volume)
    if len(changed) == 1 and "name" in changed:
        return {**changed, "emptyDir": {}}
    for source, defaults in _SOURCE_DEFAULTS.items():
        if source in changed:
            changed = change_at(changed, source, partial(fill, defaults=defaults))
    changed = change_at(changed, "projected", lambda s: each_at(s, "sources", _token))
    changed = change_at(changed, "downwardAPI", lambda s: each_at(s, "items", _field_ref))
    changed = change_at(changed, "emptyDir", _empty_dir)
    changed = change_at(changed, "image", lambda s: fill(s, {"pullPolicy": pull_policy(s.get("reference") or "")}))
    return change_at(changed, "ephemeral", _claim_template)


def _empty_dir(source: Obj) -> Obj:
    source = compact(source)
    limit = source.get("sizeLimit")
    if limit is None or quantity.canonical(limit) == limit:
        return source
    return {**source, "sizeLimit": quantity.canonical(limit)}


volumes = stable(lambda items: each(items, _volume))
"""A list of volumes with defaults, remembered by identity."""


def spec_defaults(spec: Obj) -> Obj:
    """SetDefaults_PodSpec and all below it; a spec that has them comes back itself."""
    changes: dict[str, Any] = {}
    for name, defaulted in _LISTS:
        items = spec.get(name)
        if items:
            changed = defaulted(items)
            if changed is not items:
                changes[name] = changed
    for name, value in _SPEC_DEFAULTS.items():
        current = spec.get(name)
        if current is None or current == "":
            changes[name] = value
    # The old name of serviceAccountName is kept equal (pkg/apis/core/v1/conversion.go).
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account and spec.get("serviceAccountName") != spec.get("serviceAccount"):
        changes["serviceAccountName"] = changes["serviceAccount"] = account
    return compact({**spec, **changes} if changes else spec)


_LISTS = (("containers", containers), ("initContainers", containers), ("ephemeralContainers", containers), ("volumes", volumes))


def _template(template: Obj) -> Obj:
    changed = template if template.get("metadata") is not None else {"metadata": {}, **template}
    changed = change_at(changed, "metadata", compact)
    spec = changed.get("spec") or {}
    defaulted = spec_defaults(spec)
    return changed if defaulted is changed.get("spec") else {**changed, "spec": defaulted}


template_defaults = stable(_template)
"""A PodTemplateSpec with defaults, remembered by identity; its metadata is written even where it is empty."""


def with_template(obj: Obj, *path: str) -> Obj:
    """`obj` with the pod template at `path` (default spec.template) defaulted."""
    path = path or ("spec", "template")
    template: Any = obj
    for step in path:
        template = (template or {}).get(step)
    if template is None:
        return obj
    defaulted = template_defaults(template)
    return obj if defaulted is template else put(obj, path, defaulted)
