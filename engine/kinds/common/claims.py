"""Persistent volume claims, of their own and in templates (pkg/apis/core/v1/defaults.go, ValidatePersistentVolumeClaim)."""

from engine.base import fields, quantity
from engine.base.fields import FieldError
from engine.base.objects import Obj, annotations_of
from engine.kinds.common import names
from engine.kinds.common.podspec import change_at, compact, fill
from engine.kinds.common.quantities import canonical_at
from engine.kinds.common.rules import label_selector, one_of, unsupported

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


def storage_class(obj: Obj) -> str:
    """The storage class of a volume or a claim, whose annotation of old comes first."""
    text: str = annotations_of(obj).get(CLASS_ANNOTATION) or (obj.get("spec") or {}).get("storageClassName") or ""
    return text


def claim_spec_defaults(spec: Obj) -> Obj:
    """SetDefaults_PersistentVolumeClaimSpec."""
    spec = change_at(spec, "resources", lambda r: canonical_at(r, "requests", "limits"))
    return fill(compact(spec), {"volumeMode": "Filesystem", "resources": {}})


def claim_template(claim: Obj) -> Obj:
    """A claim inside a StatefulSet, with the type and status that the server writes there."""
    claim = fill(claim, {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": {}, "spec": {}})
    claim = change_at(claim, "spec", claim_spec_defaults)
    status = claim.get("status") or {}
    return claim if status.get("phase") else {**claim, "status": {**status, "phase": "Pending"}}


def validate_access_modes(modes: list[str], path: str) -> list[FieldError]:
    """At least one, all known, ReadWriteOncePod alone."""
    if not modes:
        return [fields.required(path, "at least 1 access mode is required")]
    found = [unsupported(mode, path, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        found.append(fields.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return found


def validate_claim_spec(spec: Obj, path: str) -> list[FieldError]:
    """ValidatePersistentVolumeClaimSpec."""
    found = validate_access_modes(spec.get("accessModes") or [], f"{path}.accessModes")
    found += label_selector(spec.get("selector"), f"{path}.selector")
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        found.append(fields.required(f"{path}.resources[storage]"))
    elif quantity.parse(storage) <= 0:
        found.append(fields.invalid(f"{path}.resources[storage]", str(storage), "must be greater than zero"))
    name = spec.get("storageClassName")
    if name:
        found += [fields.invalid(f"{path}.storageClassName", name, e) for e in names.dns_subdomain(name)]
    if spec.get("volumeMode") is not None:
        found += one_of(spec["volumeMode"], f"{path}.volumeMode", VOLUME_MODES)
    source = spec.get("dataSource")
    if source is not None:
        for field in ("name", "kind"):
            if not source.get(field):
                found.append(fields.required(f"{path}.dataSource.{field}"))
    return found
