"""Deleting and killing: asked for with what it touches, bound to the uid of the moment of the key press."""

import asyncio
from collections.abc import Sequence

from engine.base.errors import StatusError
from ktui.keys import DESTROYS, Action, Desk
from ktui.model import operations, risk
from ktui.model.risk import Note
from ktui.model.rows import Target

TABLES = ("table", "overview")
BULK_TYPED_MIN = 6
"""From this many objects on the number has to be typed."""
SURVEYED_MAX = 10


async def delete(desk: Desk) -> None:
    """Delete what is selected or marked, after asking."""
    chosen = desk.pane.chosen
    if len(chosen) == 1:
        await _delete_one(desk, chosen[0], kill=False)
    elif chosen:
        await _delete_many(desk, chosen)


async def kill_pod(desk: Desk) -> None:
    """Delete a pod without its grace period, after asking."""
    if desk.pane.target is not None:
        await _delete_one(desk, desk.pane.target, kill=True)


async def _delete_one(desk: Desk, target: Target, kill: bool) -> None:
    client = await desk.session.client()
    found = risk.of_delete(target, await risk.survey(client, target), kill)
    verb = "Kill" if kill else "Delete"
    if not await desk.confirm(f"{verb} {target}?", verb, found.notes, found.typed):
        desk.say("nothing was deleted", "idle")
        return
    cause = operations.because("K" if kill else "ctrl-d")
    await operations.delete(await desk.session.client(), target, cause, grace_s=0 if kill else None)
    desk.say(f"{'killed' if kill else 'deleting'} {target}")


async def _delete_many(desk: Desk, targets: Sequence[Target]) -> None:
    client = await desk.session.client()
    surveyed = await asyncio.gather(*(risk.survey(client, t) for t in targets[:SURVEYED_MAX]), return_exceptions=True)
    notes = [Note(", ".join(str(t) for t in targets[:SURVEYED_MAX]) + ("…" if len(targets) > SURVEYED_MAX else ""), "warn")]
    for target, around in zip(targets, surveyed, strict=False):
        if isinstance(around, risk.Surroundings):
            notes += [
                Note(f"{target.name}: {note.text}", note.style) for note in risk.of_delete(target, around).notes if note.style == "bad"
            ]
    typed = str(len(targets)) if len(targets) >= BULK_TYPED_MIN else ""
    if not await desk.confirm(f"Delete {len(targets)} objects?", "Delete", notes, typed):
        desk.say("nothing was deleted", "idle")
        return
    client, cause = await desk.session.client(), operations.because("ctrl-d")
    results = await asyncio.gather(*(operations.delete(client, t, cause) for t in targets), return_exceptions=True)
    failures = [r for r in results if isinstance(r, StatusError)]
    desk.pane.do("unmark")
    if failures:
        desk.say(f"{len(targets) - len(failures)} deleted, {len(failures)} not: {failures[0].message}", "bad")
    else:
        desk.say(f"deleting {len(targets)} objects")


ACTIONS = (
    Action(
        "delete",
        "Delete",
        ("ctrl+d",),
        delete,
        "Change",
        DESTROYS,
        TABLES,
        row=True,
        hint=60,
        short="delete",
        kubectl="kubectl delete {object}",
    ),
    Action(
        "kill-pod",
        "Kill without grace period",
        ("K", "ctrl+k"),
        kill_pod,
        "Change",
        DESTROYS,
        TABLES,
        ("pods",),
        row=True,
        hint=50,
        short="kill",
        kubectl="kubectl delete {object} --grace-period=0 --force",
    ),
)
