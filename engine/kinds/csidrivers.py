"""CSIDriver (pkg/apis/storage/v1/defaults.go, ValidateCSIDriver)."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import spec_defaults
from engine.kinds.common.metadata import once_set, validating
from engine.kinds.common.model import Kind
from engine.kinds.common.rules import one_of, unsupported

DRIVER_NAME_BYTES_MAX = 63
_FS_GROUP_POLICIES = ("ReadWriteOnceWithFSType", "File", "None")
_DEFAULTS = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "volumeLifecycleModes": ["Persistent"],
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "requiresRepublish": False,
    "seLinuxMount": False,
}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec, name = obj.get("spec") or {}, name_of(obj)
    found: list[FieldError] = []
    if old is None and len(name) > DRIVER_NAME_BYTES_MAX:
        found.append(fields.too_long("metadata.name", DRIVER_NAME_BYTES_MAX))
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in ("Persistent", "Ephemeral"):
            found.append(unsupported(mode, "spec.volumeLifecycleModes", ("Persistent", "Ephemeral")))
    found += one_of(spec.get("fsGroupPolicy"), "spec.fsGroupPolicy", _FS_GROUP_POLICIES)
    audiences = [token.get("audience") or "" for token in spec.get("tokenRequests") or ()]
    for i, audience in enumerate(audiences):
        if audience in audiences[:i]:
            found.append(fields.duplicate(f"spec.tokenRequests[{i}].audience", audience))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec") or {}
    audiences = [token.get("audience") or "<in-cluster>" for token in spec.get("tokenRequests") or ()]
    return [
        name_of(obj),
        spec.get("attachRequired") is not False,
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        ",".join(audiences) or tables.UNSET,
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or tables.NONE,
        tables.age(obj, now),
    ]


KIND = Kind(
    group="storage.k8s.io",
    versions=("v1",),
    kind="CSIDriver",
    plural="csidrivers",
    namespaced=False,
    defaults=spec_defaults(_DEFAULTS),
    validate=validating(
        False, names.dns_subdomain, _rules, once_set(("spec", "attachRequired")), once_set(("spec", "volumeLifecycleModes"))
    ),
    columns=(
        tables.NAME,
        *(tables.boolean(n) for n in ("AttachRequired", "PodInfoOnMount", "StorageCapacity")),
        tables.text("TokenRequests"),
        tables.boolean("RequiresRepublish"),
        tables.text("Modes"),
        tables.AGE,
    ),
    cells=_cells,
)
