"""Folder: a watched folder of manifests, its plan and what became of it. Our own kind; engine/gitops reconciles it."""

from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import fresh_status, keep_status
from engine.kinds.common.metadata import validating
from engine.kinds.common.model import Kind
from engine.kinds.common.podspec import fill
from engine.kinds.common.rules import checked, unsupported

GROUP = "ktui.dev"
PHASES = ("Synced", "OutOfSync", "Applying", "Held", "Suspended", "SourceUnavailable", "Error")
FILE_STATES = ("Synced", "OutOfSync", "Stale", "Error", "Skipped", "Settling")
ACTIONS = ("create", "update", "recreate", "prune", "unchanged", "blocked")
_DEFAULTS = {"namespace": "default", "prune": True, "suspend": False}


def _defaults(obj: Obj) -> Obj:
    spec = obj.get("spec") or {}
    filled = fill(spec, _DEFAULTS)
    return obj if filled is obj.get("spec") else {**obj, "spec": filled}


def _rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    found = [] if spec.get("path") else [fields.required("spec.path")]
    return found + checked(spec.get("namespace"), "spec.namespace", names.dns_label)


def _status_rules(obj: Obj, old: Obj | None) -> list[FieldError]:
    status = obj.get("status") or {}
    found: list[FieldError] = []
    if status.get("phase") not in (None, *PHASES):
        found.append(unsupported(status["phase"], "status.phase", PHASES))
    for i, file in enumerate(status.get("files") or ()):
        if file.get("state") not in FILE_STATES:
            found.append(unsupported(file.get("state"), f"status.files[{i}].state", FILE_STATES))
    for i, action in enumerate((status.get("plan") or {}).get("actions") or ()):
        if action.get("action") not in ACTIONS:
            found.append(unsupported(action.get("action"), f"status.plan.actions[{i}].action", ACTIONS))
    return found


def _cells(obj: Obj, now: float) -> list[Any]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        name_of(obj),
        spec.get("path") or "",
        status.get("phase") or tables.UNKNOWN,
        len(status.get("files") or ()),
        len(status.get("inventory") or ()),
        tables.age(obj, now),
    ]


KIND = Kind(
    group=GROUP,
    versions=("v1",),
    kind="Folder",
    plural="folders",
    namespaced=False,
    short_names=("fo",),
    status=True,
    has_generation=True,
    defaults=_defaults,
    prepare_create=fresh_status(),
    prepare_update=keep_status,
    validate=validating(False, names.dns_subdomain, _rules),
    validate_status=_status_rules,
    columns=(
        tables.NAME,
        tables.text("Path"),
        tables.text("Phase"),
        tables.number("Files"),
        tables.number("Objects"),
        tables.AGE,
    ),
    cells=_cells,
)
