"""Nodes: cordon, drain, kill, bring back."""

from ktui.keys import CHANGES, DESTROYS, Action, Desk
from ktui.model import operations, risk

TABLES = ("table", "overview")
NODES = ("nodes",)


async def cordon(desk: Desk) -> None:
    """Let no new pods onto the node."""
    if desk.pane.target is not None:
        await operations.cordon(await desk.session.client(), desk.pane.target, True, operations.because("c"))
        desk.say(f"cordoned {desk.pane.target}")


async def uncordon(desk: Desk) -> None:
    """Let pods onto the node again."""
    if desk.pane.target is not None:
        await operations.cordon(await desk.session.client(), desk.pane.target, False, operations.because("u"))
        desk.say(f"uncordoned {desk.pane.target}")


async def drain(desk: Desk) -> None:
    """Evict the pods of a node, after asking; tells how far it is."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    found = risk.of_drain(target, await risk.survey(client, target))
    if not await desk.confirm(f"Drain {target}?", "Drain", found.notes):
        desk.say("nothing was drained", "idle")
        return
    count = await operations.drain(await desk.session.client(), target, operations.because("r"), lambda text: desk.say(text, "busy"))
    desk.say(f"drained {target}: {count} pods evicted")


async def kill(desk: Desk) -> None:
    """Stop a simulated node dead, after its name was typed."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    found = risk.of_power_off(target, await risk.survey(client, target))
    if not await desk.confirm(f"Kill {target}?", "Kill", found.notes, found.typed):
        desk.say("the node lives", "idle")
        return
    await operations.power(await desk.session.client(), target, False, operations.because("K"))
    desk.say(f"killed {target}; shift-b brings it back", "warn")


async def bring_back(desk: Desk) -> None:
    """Switch a killed node on again."""
    if desk.pane.target is not None:
        await operations.power(await desk.session.client(), desk.pane.target, True, operations.because("B"))
        desk.say(f"{desk.pane.target} comes back")


ACTIONS = (
    Action(
        "cordon",
        "Cordon",
        ("c",),
        cordon,
        "Change",
        CHANGES,
        TABLES,
        NODES,
        row=True,
        hint=40,
        short="cordon",
        kubectl="kubectl cordon {name}",
    ),
    Action(
        "uncordon",
        "Uncordon",
        ("u",),
        uncordon,
        "Change",
        CHANGES,
        TABLES,
        NODES,
        row=True,
        hint=41,
        short="uncordon",
        kubectl="kubectl uncordon {name}",
    ),
    Action(
        "drain",
        "Drain",
        ("r",),
        drain,
        "Change",
        DESTROYS,
        TABLES,
        NODES,
        row=True,
        hint=42,
        short="drain",
        kubectl="kubectl drain {name} --ignore-daemonsets",
    ),
    Action(
        "kill-node", "Kill the node (simulated power cut)", ("K",), kill, "Change", DESTROYS, TABLES, NODES, row=True, hint=43, short="kill"
    ),
    Action(
        "revive-node", "Bring the node back", ("B",), bring_back, "Change", CHANGES, TABLES, NODES, row=True, hint=44, short="bring back"
    ),
)
