"""Namespace (pkg/apis/core/v1/defaults.go SetDefaults_Namespace, pkg/registry/core/namespace/strategy.go)."""

from engine.base.objects import Obj, drop, labels_of, merge, name_of, put
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import keep_status, text_at
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


def _defaults(obj: Obj) -> Obj:
    name = name_of(obj)
    if name and labels_of(obj).get(NAME_LABEL) != name:
        obj = put(obj, ("metadata", "labels"), {**labels_of(obj), NAME_LABEL: name})
    spec = obj.get("spec")
    if spec is None:
        return {**obj, "spec": {}}
    return drop(obj, ("spec", "finalizers")) if spec.get("finalizers") == [] else obj


def _prepare_create(obj: Obj) -> Obj:
    finalizers = (obj.get("spec") or {}).get("finalizers") or []
    if FINALIZER not in finalizers:
        obj = put(obj, ("spec", "finalizers"), [*finalizers, FINALIZER])
    return _defaults(merge(obj, status={"phase": "Active"}))


def _prepare_update(obj: Obj, old: Obj) -> Obj:
    """spec.finalizers change through the `finalize` subresource only."""
    obj = keep_status(obj, old)
    before = (old.get("spec") or {}).get("finalizers")
    if (obj.get("spec") or {}).get("finalizers") == before:
        return obj
    return put(obj, ("spec", "finalizers"), before) if before else drop(obj, ("spec", "finalizers"))


KIND = Kind(
    group="",
    versions=("v1",),
    kind="Namespace",
    plural="namespaces",
    namespaced=False,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    status=True,
    subresources=("finalize",),
    defaults=_defaults,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validating(False, names.dns_label),
    columns=(tables.NAME, tables.text("Status"), tables.AGE),
    cells=lambda obj, now: [name_of(obj), (obj.get("status") or {}).get("phase") or "", tables.age(obj, now)],
    field_values={"status.phase": text_at("status", "phase"), "name": name_of},
)
