"""The Folder's status: what the folder pane and `kubectl get folder` show. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.base.clock import rfc3339
from engine.gitops import desired as states
from engine.gitops.desired import Desired, FileState, Identity
from engine.gitops.health import Health
from engine.gitops.planning import UNCHANGED, Owned, Plan


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of a folder after a round."""

    desired: Desired
    plan: Plan
    inventory: Mapping[Identity, Owned]
    health: Mapping[Identity, Health]
    errors: Mapping[Identity, str]
    drifts: Mapping[Identity, str]
    given_up: Mapping[Identity, str]
    """Objects that are no longer healed, and to whom."""
    unavailable: str
    suspended: bool
    note: str
    last_sync: float


def phase_of(view: Overview) -> tuple[str, str]:
    """The phase and a message."""
    if view.unavailable:
        return "SourceUnavailable", f"{view.unavailable}; nothing is changed until it is back"
    if view.suspended:
        return "Suspended", view.note or "changes in the folder are shown, not applied"
    if view.errors or view.desired.problems:
        count = len(view.errors) + len(view.desired.problems)
        first = next(iter(view.errors.values()), "") or str(view.desired.problems[0])
        return "Error", first if count == 1 else f"{first} (and {count - 1} more)"
    if view.plan.held:
        return "Held", f"{view.plan.held}: confirm {view.plan.digest}"
    if view.drifts:
        identity, who = next(iter(view.drifts.items()))
        return "OutOfSync", f"{identity} changed by {who}"
    if not view.last_sync:
        return "Applying", "first sync"
    return "Synced", view.note


def folder_status(view: Overview) -> dict[str, Any]:
    """The `status` of the Folder object."""
    phase, message = phase_of(view)
    contents = sorted((str(wanted.document.source), wanted.document.path) for wanted in view.desired.objects.values())
    digests = sorted(owned.digest for owned in view.inventory.values())
    return {
        "phase": phase,
        "message": message,
        "observedRevision": hashlib.sha256(repr((contents, digests)).encode()).hexdigest()[:12],
        "lastSync": rfc3339(view.last_sync) if view.last_sync else None,
        "files": [_file(state, view) for _, state in sorted(view.desired.files.items())],
        "plan": view.plan.to_object(),
        "inventory": [_entry(owned, view) for owned in view.inventory.values()],
    }


def _file(state: FileState, view: Overview) -> dict[str, Any]:
    waiting = {step.identity for step in view.plan.steps if step.action != UNCHANGED} & view.errors.keys()
    wrong = [i for i, wanted in view.desired.objects.items() if wanted.document.path == state.path and (i in waiting or i in view.drifts)]
    shown: dict[str, Any] = {
        "path": state.path,
        "state": "OutOfSync" if state.state == states.SYNCED and wrong else state.state,
        "objects": len(state.documents),
    }
    if state.problems:
        shown["problems"] = [{"line": p.line, "column": p.column, "message": p.message} for p in state.problems]
    if state.note:
        shown["note"] = state.note
    return shown


def _entry(owned: Owned, view: Overview) -> dict[str, Any]:
    identity = owned.identity
    health = view.health.get(identity) or Health("Unknown")
    wanted = view.desired.objects.get(identity)
    state, message = "Synced", health.message
    if identity in view.errors:
        state, message = "Error", view.errors[identity]
    elif identity in view.given_up:
        state, message = "Suspended", f"no longer put back: {view.given_up[identity]} keeps changing it"
    elif identity in view.drifts:
        state, message = "OutOfSync", view.drifts[identity]
    elif wanted is None or wanted.stale:
        state = "Stale"
    shown = {**owned.to_object(), "state": state, "health": health.status, "message": message}
    if identity in view.drifts:
        shown["drift"] = view.drifts[identity]
    return shown
