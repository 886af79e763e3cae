"""The watched folder: suspend, resume, confirm what is held."""

from engine.base.objects import dig
from ktui.keys import CHANGES, DESTROYS, Action, Desk
from ktui.model import operations
from ktui.model.folder import FOLDERS, held_notes, is_held, plan_token
from ktui.model.risk import Note

PLACES = ("folder", "table")


async def suspend(desk: Desk) -> None:
    """Stop applying the folder, or go on."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    obj = await client.get(FOLDERS, target.name)
    suspended = bool(dig(obj, "spec", "suspend"))
    await operations.set_folder(client, target, {"suspend": not suspended}, operations.because("s"))
    desk.say(f"{target} {'goes on' if suspended else 'is suspended: changes of the folder wait'}")


async def confirm(desk: Desk) -> None:
    """Let a held plan go on, after its objects were shown."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    obj = await client.get(FOLDERS, target.name)
    if not is_held(obj):
        desk.say("nothing is held back", "idle")
        return
    notes = [Note(text, "bad") for text in held_notes(obj) if text]
    if not await desk.confirm(f"Prune what {target} no longer has?", "Prune", notes, "prune"):
        desk.say("still held back", "idle")
        return
    await operations.set_folder(await desk.session.client(), target, {"confirm": plan_token(obj)}, operations.because("c"))
    desk.say("confirmed: pruning")


ACTIONS = (
    Action(
        "suspend", "Suspend or resume the folder", ("s",), suspend, "Folder", CHANGES, PLACES, (FOLDERS,), hint=20, short="suspend/resume"
    ),
    Action("confirm", "Confirm a held prune", ("c",), confirm, "Folder", DESTROYS, PLACES, (FOLDERS,), hint=10, short="confirm prune"),
)
