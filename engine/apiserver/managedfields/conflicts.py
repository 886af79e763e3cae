"""What an apply that conflicts is answered (apimachinery/pkg/util/managedfields/internal/conflict.go)."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.apiserver.managedfields.entries import UPDATE, Entry, Identity, identity_of
from engine.apiserver.managedfields.fieldsets import FieldSet, members, show_path
from engine.base.errors import StatusError


class Conflict(NamedTuple):
    """A field that an applier would change and that another manager owns."""

    identity: Identity
    path: tuple[str, ...]


def listed(found: Iterable[tuple[Entry, FieldSet]]) -> list[Conflict]:
    """One conflict per field."""
    return [Conflict(identity_of(entry), path) for entry, fields in found for path in members(fields)]


def _show(manager: Identity) -> str:
    shown = f'"{manager.manager}"'
    if manager.subresource:
        shown = f'{shown} with subresource "{manager.subresource}"'
    return f"{shown} using {manager.api_version}" if manager.operation == UPDATE else shown


def conflict_error(conflicts: list[Conflict]) -> StatusError:
    """409 with one cause per conflict."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_show(identity)}", "field": show_path(path)}
        for identity, path in conflicts
    ]
    if len(conflicts) == 1:
        identity, path = conflicts[0]
        text = f"Apply failed with 1 conflict: conflict with {_show(identity)}: {show_path(path)}"
        return StatusError(409, "Conflict", text, {"causes": causes})
    lines: list[str] = []
    previous: Identity | None = None
    for identity, path in conflicts:
        if identity != previous:
            lines.append(f"conflicts with {_show(identity)}:")
            previous = identity
        lines.append(f"- {show_path(path)}")
    text = "\n".join(lines)
    return StatusError(409, "Conflict", f"Apply failed with {len(conflicts)} conflicts: {text}", {"causes": causes})
