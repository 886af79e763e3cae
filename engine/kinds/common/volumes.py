"""Validation of volumes in pods and persistent volumes (pkg/apis/core/validation/validation.go ValidateVolumes)."""

from collections.abc import Iterable

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj
from engine.kinds.common import names
from engine.kinds.common.containers import VOLUME_FIELDS, descending_path, field_ref, no_backsteps
from engine.kinds.common.rules import needed, one_of

SOURCES = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flexVolume",
    "configMap",
    "rbd",
    "cephfs",
    "cinder",
    "downwardAPI",
    "fc",
    "flocker",
    "persistentVolumeClaim",
    "vsphereVolume",
    "quobyte",
    "azureFile",
    "azureDisk",
    "storageos",
    "portworxVolume",
    "scaleIO",
    "photonPersistentDisk",
    "projected",
    "csi",
    "ephemeral",
    "image",
)
HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def validate_volumes(volumes: Iterable[Obj], path: str) -> list[FieldError]:
    """Names are unique labels; each volume has exactly one source."""
    found: list[FieldError] = []
    seen: set[str] = set()
    for i, volume in enumerate(volumes):
        here = f"{path}[{i}]"
        found += _source(volume, here)
        name = volume.get("name")
        wrong = needed(name, f"{here}.name", names.dns_label)
        if name in seen:
            wrong.append(fields.duplicate(f"{here}.name", name))
        if not wrong and name:
            seen.add(name)
        found += wrong
    return found


def _source(volume: Obj, path: str) -> list[FieldError]:
    given = [s for s in SOURCES if volume.get(s) is not None]
    if not given:
        return [fields.required(path, "must specify a volume type")]
    found = validate_source(given[0], volume[given[0]], f"{path}.{given[0]}")
    return found + [fields.forbidden(f"{path}.{more}", "may not specify more than 1 volume type") for more in given[1:]]


def validate_source(kind: str, source: Obj, path: str) -> list[FieldError]:
    """One volume source, of a pod's volume or of a PersistentVolume."""
    if kind in ("secret", "configMap"):
        found = _mode(source.get("defaultMode"), f"{path}.defaultMode")
        name = "secretName" if kind == "secret" else "name"
        if not source.get(name):
            found.append(fields.required(f"{path}.{name}"))
        return found + _items(source.get("items") or (), f"{path}.items")
    if kind == "hostPath":
        if not source.get("path"):
            return [fields.required(f"{path}.path")]
        found = no_backsteps(source["path"], f"{path}.path")
        kind_of = source.get("type")
        return found if kind_of in (None, *HOST_PATH_TYPES) else found + one_of(kind_of, f"{path}.type", HOST_PATH_TYPES)
    if kind == "emptyDir":
        limit = source.get("sizeLimit")
        low = limit is not None and quantity.parse(limit) < 0
        return [fields.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")] if low else []
    if kind == "persistentVolumeClaim":
        return [] if source.get("claimName") else [fields.required(f"{path}.claimName")]
    if kind == "nfs":
        return _required(source, path, "server", "path")
    if kind == "csi":
        return _required(source, path, "driver")
    if kind == "downwardAPI":
        return _mode(source.get("defaultMode"), f"{path}.defaultMode") + _downward(source.get("items") or (), path)
    if kind == "projected":
        return _projected(source, path)
    return []


def _required(source: Obj, path: str, *wanted: str) -> list[FieldError]:
    return [fields.required(f"{path}.{f}") for f in wanted if not source.get(f)]


def _mode(mode: int | None, path: str) -> list[FieldError]:
    return [fields.invalid(path, mode, _MODE)] if mode is not None and not 0 <= mode <= 0o777 else []


def _items(items: Iterable[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for i, item in enumerate(items):
        here = f"{path}[{i}]"
        if not item.get("key"):
            found.append(fields.required(f"{here}.key"))
        found += [fields.required(f"{here}.path")] if not item.get("path") else descending_path(item["path"], f"{here}.path")
        found += _mode(item.get("mode"), f"{here}.mode")
    return found


def _downward(items: Iterable[Obj], path: str) -> list[FieldError]:
    found: list[FieldError] = []
    for item in items:
        if not item.get("path"):
            found.append(fields.required(f"{path}.path"))
        else:
            found += descending_path(item["path"], f"{path}.path")
        if item.get("fieldRef") is not None:
            found += field_ref(item["fieldRef"], VOLUME_FIELDS, f"{path}.fieldRef")
        elif item.get("resourceFieldRef") is None:
            found.append(fields.required(path, "one of fieldRef and resourceFieldRef is required"))
        found += _mode(item.get("mode"), f"{path}.mode")
    return found


def _projected(source: Obj, path: str) -> list[FieldError]:
    found = _mode(source.get("defaultMode"), f"{path}.defaultMode")
    for i, entry in enumerate(source.get("sources") or ()):
        here = f"{path}.sources[{i}]"
        given = [k for k in ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle") if entry.get(k) is not None]
        if not given:
            found.append(fields.required(here, "must specify a volume type"))
            continue
        kind, inner = given[0], entry[given[0]]
        if kind in ("secret", "configMap"):
            found += _required(inner, f"{here}.{kind}", "name") + _items(inner.get("items") or (), f"{here}.{kind}.items")
        elif kind == "downwardAPI":
            found += _downward(inner.get("items") or (), f"{here}.downwardAPI")
        elif kind == "serviceAccountToken":
            found += _token(inner, f"{here}.serviceAccountToken")
        found += [fields.forbidden(f"{here}.{more}", "may not specify more than 1 volume type") for more in given[1:]]
    return found


def _token(token: Obj, path: str) -> list[FieldError]:
    expires_s = token.get("expirationSeconds") or 0
    if expires_s < 600:
        return [fields.invalid(f"{path}.expirationSeconds", expires_s, "may not specify a duration less than 10 minutes")]
    if expires_s > 1 << 32:
        return [fields.invalid(f"{path}.expirationSeconds", expires_s, "may not specify a duration larger than 2^32 seconds")]
    return [] if token.get("path") else [fields.required(f"{path}.path")]
