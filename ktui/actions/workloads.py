"""Scaling, restarting and undoing rollouts, starting a CronJob's job."""

from engine.base.objects import dig
from ktui.keys import CHANGES, DESTROYS, Action, Desk
from ktui.model import operations, risk

TABLES = ("table", "overview")
SCALED = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers")
ROLLED = ("deployments.apps", "statefulsets.apps", "daemonsets.apps")
REPLICAS_MAX = 100_000


async def scale(desk: Desk) -> None:
    """Ask for the number of replicas; shrinking says what stops."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    around = await risk.survey(client, target)
    old = int(dig(around.obj, "spec", "replicas", default=1))
    typed = await desk.enter(f"replicas of {target} (now {old}): ", str(old))
    if typed is None or typed.strip() == str(old):
        return
    if not typed.strip().isdecimal() or int(typed) > REPLICAS_MAX:
        desk.say(f"{typed!r} is no number of replicas", "bad")
        return
    new = int(typed)
    if new < old and not await desk.confirm(f"Scale {target} to {new}?", "Scale", risk.of_scale(target, around, old, new).notes):
        desk.say("nothing was scaled", "idle")
        return
    await operations.scale(await desk.session.client(), target, new, operations.because("s"))
    desk.say(f"{target}: {old} → {new} replicas")


async def restart(desk: Desk) -> None:
    """Replace all pods of a workload, after asking."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    found = risk.of_restart(target, await risk.survey(client, target))
    if not await desk.confirm(f"Restart {target}?", "Restart", found.notes):
        desk.say("nothing was restarted", "idle")
        return
    await operations.restart(await desk.session.client(), target, desk.clock.now(), operations.because("r"))
    desk.say(f"restarting {target}")


async def undo(desk: Desk) -> None:
    """Go back to the previous revision, after showing what differs."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    found = await risk.of_undo(client, target, await risk.survey(client, target))
    if not await desk.confirm(f"Undo the rollout of {target}?", "Undo", found.notes):
        desk.say("nothing was undone", "idle")
        return
    revision = await operations.undo(await desk.session.client(), target, operations.because("R"))
    desk.say(f"{target} goes back to revision {revision}")


async def trigger(desk: Desk) -> None:
    """Start a CronJob's job now."""
    target = desk.pane.target
    if target is None:
        return
    name = await operations.trigger(await desk.session.client(), target, desk.clock.now(), operations.because("t"))
    desk.say(f"started job {name}")


ACTIONS = (
    Action(
        "scale",
        "Scale",
        ("s",),
        scale,
        "Change",
        CHANGES,
        TABLES,
        SCALED,
        row=True,
        hint=40,
        short="scale",
        kubectl="kubectl scale {object} --replicas=N",
    ),
    Action(
        "restart",
        "Restart the rollout",
        ("r",),
        restart,
        "Change",
        DESTROYS,
        TABLES,
        ROLLED,
        row=True,
        hint=45,
        short="restart",
        kubectl="kubectl rollout restart {object}",
    ),
    Action(
        "undo",
        "Undo the rollout",
        ("R",),
        undo,
        "Change",
        DESTROYS,
        TABLES,
        ROLLED,
        row=True,
        hint=46,
        short="undo",
        kubectl="kubectl rollout undo {object}",
    ),
    Action(
        "trigger",
        "Start its job now",
        ("t",),
        trigger,
        "Change",
        CHANGES,
        TABLES,
        ("cronjobs.batch",),
        row=True,
        hint=40,
        short="run now",
        kubectl="kubectl create job --from={object} NAME",
    ),
)
