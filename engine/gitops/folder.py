"""The watched folder as a component: scan, plan, apply, prune, heal drift, and show all of it in the Folder object."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.base.api import Client
from engine.base.errors import StatusError
from engine.base.objects import Obj, dig, name_of, namespace_of
from engine.base.world import World
from engine.control.events import Recorder
from engine.control.informers import Informers
from engine.gitops import drift, files, planning
from engine.gitops.applying import MANAGER, Applier
from engine.gitops.desired import SETTLING, Catalog, Desired, FileState, Identity, Wanted, build, read_files
from engine.gitops.health import Health, health_of
from engine.gitops.planning import BLOCKED, UNCHANGED, Owned, Plan, Step
from engine.gitops.status import Overview, folder_status
from engine.gitops.watch import FolderWatch
from engine.store.events import ADDED, DELETED

FOLDERS = "folders.ktui.dev"
RESCAN_S = 30.0
"""Whatever the watch said or missed."""
SETTLE_S = 0.5
GIT_WAIT_S = 30.0
RETRY_S = 5.0
RETRY_FACTOR = 2.0
RETRY_S_MAX = 180.0
"""Argo CD's retry of a failed sync."""
PUBLISH_S = 0.25
"""The Folder's status is written at most this often."""

log = logging.getLogger(__name__)


def folder_name(root: Path) -> str:
    """The name of the Folder object for a folder: its own name as a DNS label."""
    return re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")[:63] or "folder"


class FolderSync:
    """Keeps the cluster equal to one folder. `run` until cancelled; `sync` does one round for callers that drive it themselves."""

    def __init__(self, client: Client, world: World, root: Path, watching: bool = True, exclude: Sequence[str] = ()) -> None:
        """`watching` False: somebody else calls `changed`. `exclude`: patterns as in .ktuiignore, besides those in it."""
        self.name = folder_name(root)
        self.root = root
        self._exclude = tuple(exclude)
        self.desired = Desired({}, {}, (), frozenset())
        self.plan = Plan(())
        self.inventory: dict[Identity, Owned] = {}
        self.errors: dict[Identity, str] = {}
        self.drifts: dict[Identity, str] = {}
        self._client = client.acting_as(MANAGER)
        self._world = world
        self._applier = Applier(client, self.name)
        self._recorder = Recorder(client, world, MANAGER)
        self._informers = Informers(client, world)
        self._followed: set[str] = set()
        self._watch = FolderWatch(root, self.changed) if watching else None
        self._files: dict[str, FileState] = {}
        self._spec: Obj = {}
        self._known_status: Obj = {}
        self._healings: dict[Identity, drift.Healing] = {}
        self._dirty: dict[Identity, None] = {}
        self._health: dict[Identity, Health] = {}
        self._moved_from = ""
        """Where the folder of this name was when the inventory was written: what is missing here is not pruned unasked."""
        self._unavailable = ""
        self._note = ""
        self._git_since: float | None = None
        self._retry_s = RETRY_S
        self._next_sync = 0.0
        self._last_sync = 0.0
        self._trusting = False
        self._changed = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow the folder until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                await self.start(group)
                if self._watch is not None:
                    group.create_task(self._watch.run(), name="gitops/watch")
                while True:
                    await self._turn()
        finally:
            self._informers.stop()
            self._recorder.close()

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Make or read the Folder object and follow it; informers run in `group`."""
        folder = await self._folder()
        self._spec = folder.get("spec") or {}
        for entry in dig(folder, "status", "inventory", default=[]):
            owned = Owned.of(entry)
            self.inventory[owned.identity] = owned
        self._informers[FOLDERS].on(self._on_folder)
        self._informers.start(group)
        await self._informers.synced((FOLDERS,))

    async def _folder(self) -> Obj:
        path = str(self.root.resolve())
        try:
            folder = await self._client.get(FOLDERS, self.name)
        except StatusError as error:
            if error.code != 404:
                raise
            body = {"apiVersion": "ktui.dev/v1", "kind": "Folder", "metadata": {"name": self.name}, "spec": {"path": path}}
            return await self._client.create(FOLDERS, body)
        before = dig(folder, "spec", "path", default="")
        if before != path:
            self._moved_from = before
        return folder

    def _on_folder(self, change: str, old: Obj | None, folder: Obj) -> None:
        if change != DELETED and name_of(folder) == self.name and (folder.get("spec") or {}) != self._spec:
            self._spec = folder.get("spec") or {}
            self.changed()

    def changed(self) -> None:
        """Something in the folder may have changed: look at once."""
        self._next_sync = 0.0
        self._wake.set()

    def _now(self) -> float:
        return self._world.clock.now()

    async def _turn(self) -> None:
        """Wait for something to do, and do it."""
        if self._now() >= self._next_sync:
            await self.sync()
        elif any(self._healing_due(identity) for identity in self._dirty):
            await self._heal()
        if self._changed:
            await self.publish()
        waits = [self._next_sync, *(self._healings[i].due for i in self._dirty if i in self._healings and not self._healings[i].suspended)]
        pause = max(min(waits) - self._now(), PUBLISH_S if self._changed else 0.01)
        try:
            async with asyncio.timeout(pause):
                await self._wake.wait()
            await asyncio.sleep(0)
        except TimeoutError:
            pass
        self._wake.clear()

    def _healing_due(self, identity: Identity) -> bool:
        healing = self._healings.get(identity)
        return healing is None or (not healing.suspended and healing.due <= self._now())

    async def sync(self) -> bool:
        """One round: scan, plan, and carry it out unless suspended. True when everything the folder wants is applied."""
        now = self._now()
        self._next_sync = now + RESCAN_S
        self._changed = True
        scan = files.scan(self.root, now, self._exclude)
        self._unavailable = scan.unavailable
        if scan.unavailable:
            self._next_sync = now + 1.0 if self._watch is not None else self._next_sync
            return False
        if self._wait_for_git(scan.busy, now):
            return False
        self._files = read_files(scan, self._files)
        self.desired = build(self._files, await self._catalog())
        await self._follow(
            {wanted.resource.resource for wanted in self.desired.objects.values()} | {o.resource for o in self.inventory.values()}
        )
        self.plan = await self._make_plan()
        if self.plan.held or self.plan.count(UNCHANGED) < len(self.plan.steps):
            await self.publish()
        if not self._spec.get("suspend"):
            await self._carry_out(self.plan)
        if any(state.state == SETTLING for state in self._files.values()):
            self._next_sync = min(self._next_sync, now + SETTLE_S)
        self._trusting = self._changed = True
        self._last_sync = self._now()
        return self._schedule_retry()

    def _wait_for_git(self, busy: str, now: float) -> bool:
        """Whether to come back later because git is changing the folder; for 30 s at most."""
        if not busy:
            self._git_since, self._note = None, ""
            return False
        self._git_since = self._git_since if self._git_since is not None else now
        if now - self._git_since < GIT_WAIT_S:
            self._note = f"waiting: {busy} is under way in the folder"
            self._next_sync = now + 1.0
            return True
        self._note = f"{busy} has been under way in the folder for more than {GIT_WAIT_S:g} s; synced all the same"
        return False

    async def _catalog(self) -> Catalog:
        return Catalog.of(await self._client.discover(), self._spec.get("namespace") or "default")

    async def _follow(self, resources: set[str]) -> None:
        for resource in sorted(resources - self._followed):
            self._informers[resource].on(self._on_object, replay=False)
            self._followed.add(resource)
        await self._informers.synced(sorted(resources))

    def live(self, identity: Identity) -> Obj | None:
        """The object in the cluster, as far as the informers know."""
        wanted, owned = self.desired.objects.get(identity), self.inventory.get(identity)
        resource = wanted.resource.resource if wanted else owned.resource if owned else ""
        return self._informers[resource].lister.get(identity.namespace, identity.name) if resource else None

    def _on_object(self, change: str, old: Obj | None, obj: Obj) -> None:
        group = obj["apiVersion"].rpartition("/")[0]
        identity = Identity(group, obj["kind"], namespace_of(obj), name_of(obj))
        if identity not in self.inventory:
            return
        health = health_of(None if change == DELETED else obj)
        if self._health.get(identity) != health:
            self._health[identity] = health
            self._changed = True
            self._wake.set()
        if change == DELETED or (change != ADDED and old is not None and drift.may_have_drifted(old, obj)):
            self._dirty[identity] = None
            self._wake.set()

    async def _make_plan(self) -> Plan:
        pending: set[Identity] = set()
        steps: list[Step] = []
        for identity, wanted in self.desired.objects.items():
            step = await self._preview(wanted, pending)
            steps.append(step)
            if step.action == planning.CREATE:
                pending.add(identity)
        live = {identity: obj for identity in self.inventory if (obj := self.live(identity)) is not None}
        prunes = planning.prune_steps(self.name, self.desired, self.inventory.values(), live) if self._spec.get("prune", True) else []
        held = planning.guard(prunes, len(self.inventory), self._moved_from)
        plan = Plan((*steps, *prunes), held)
        return Plan(plan.steps) if held and self._spec.get("confirm") == plan.digest else plan

    async def _preview(self, wanted: Wanted, pending: set[Identity]) -> Step:
        owned, live = self.inventory.get(wanted.identity), self.live(wanted.identity)
        same = owned is not None and live is not None and owned.digest == planning.digest_of(wanted.obj)
        healing = self._healings.get(wanted.identity)
        if same and healing is not None and healing.suspended:
            return Step(UNCHANGED, wanted.identity, wanted.document.source, wanted)
        if same and self._trusting and wanted.identity not in self._dirty and wanted.identity not in self.errors:
            return Step(UNCHANGED, wanted.identity, wanted.document.source, wanted)
        return await self._applier.preview(wanted, live, pending)

    async def _carry_out(self, plan: Plan) -> None:
        self.errors = {}
        for step in plan.steps:
            if step.owned is not None:
                if not plan.held and (error := await self._applier.prune(step.owned)):
                    self.errors[step.identity] = error
            elif step.action == BLOCKED:
                self.errors[step.identity] = step.error
            elif step.wanted is not None and not step.wanted.stale:
                await self._apply(step.wanted, step.action)
        self._tidy_inventory(plan)
        if self._moved_from and not plan.held:
            await self._client.patch(FOLDERS, self.name, {"spec": {"path": str(self.root.resolve())}})
            self._moved_from = ""

    async def _apply(self, wanted: Wanted, action: str) -> None:
        identity = wanted.identity
        owned = self.inventory.get(identity)
        if action == UNCHANGED and owned is not None:
            self.inventory[identity] = replace(owned, source=wanted.document.source, digest=planning.digest_of(wanted.obj))
            return
        done = await self._applier.carry_out(wanted, action == planning.RECREATE)
        if isinstance(done, str):
            self.errors[identity] = done
        else:
            self.inventory[identity] = done
            self._dirty.pop(identity, None)
            self.drifts.pop(identity, None)
            if (healing := self._healings.get(identity)) is not None and healing.suspended:
                del self._healings[identity]

    def _tidy_inventory(self, plan: Plan) -> None:
        """Forget what was pruned or is no longer ours; keep the order of applying."""
        kept = {step.identity for step in plan.prunes if plan.held or step.identity in self.errors}
        for identity, owned in list(self.inventory.items()):
            protected = owned.source.rpartition(":")[0] in self.desired.broken
            if identity not in self.desired.objects and identity not in kept and not protected:
                del self.inventory[identity]
                self._healings.pop(identity, None)
                self._dirty.pop(identity, None)
        order = {identity: at for at, identity in enumerate(self.desired.objects)}
        self.inventory = dict(sorted(self.inventory.items(), key=lambda item: order.get(item[0], len(order))))
        self._health = {identity: health_of(self.live(identity)) for identity in self.inventory}

    def _schedule_retry(self) -> bool:
        if not self.errors:
            self._retry_s = RETRY_S
            return not self.desired.problems and not self.plan.held
        self._next_sync = min(self._next_sync, self._now() + self._retry_s)
        self._retry_s = min(self._retry_s * RETRY_FACTOR, RETRY_S_MAX)
        return False

    async def _heal(self) -> None:
        """Look at what may have drifted; put right what has."""
        for identity in [i for i in self._dirty if self._healing_due(i)]:
            wanted = self.desired.objects.get(identity)
            if wanted is None or wanted.stale or identity not in self.inventory:
                self._dirty.pop(identity, None)
                continue
            step = await self._applier.preview(wanted, self.live(identity))
            if step.action == UNCHANGED:
                self._dirty.pop(identity, None)
                self._changed = self.drifts.pop(identity, None) is not None or self._changed
            else:
                await self._heal_one(wanted, step)

    async def _heal_one(self, wanted: Wanted, step: Step) -> None:
        live, now = self.live(step.identity), self._now()
        opponent = drift.last_manager(live, MANAGER)[0] if live else "whoever deleted it"
        healing = self._healings.setdefault(step.identity, drift.Healing())
        healing.drifted(opponent, now)
        what = "; ".join(step.diff) or step.error or "it was deleted"
        self.drifts[step.identity] = f"{opponent}: {what}"
        self._changed = True
        if healing.suspended or self._spec.get("suspend"):
            if self._spec.get("suspend"):
                healing.due = now + RESCAN_S
            return
        if healing.due > now:
            return
        healing.healed(now)
        self.errors.pop(step.identity, None)
        await self._apply(wanted, step.action)
        if step.identity in self.errors:
            self._schedule_retry()
            return
        if live is not None:
            self._recorder.event(live, "Normal", "DriftHealed", f"Put back what {opponent} changed: {what}")
        self.drifts.pop(step.identity, None)

    def overview(self) -> Overview:
        """Everything the Folder's status is made of."""
        suspended = {identity: h.suspended for identity, h in self._healings.items() if h.suspended}
        return Overview(
            self.desired, self.plan, self.inventory, self._health, self.errors, self.drifts, suspended,
            self._unavailable, bool(self._spec.get("suspend")), self._note or self._polling_note(), self._last_sync,
        )  # fmt: skip

    def _polling_note(self) -> str:
        return "the system's file events are exhausted; files are polled" if self._watch is not None and self._watch.polling else ""

    async def publish(self) -> None:
        """Write the Folder's status where it changed."""
        self._changed = False
        status = folder_status(self.overview())
        if status == self._known_status:
            return
        try:
            await self._client.patch(FOLDERS, self.name, {"status": status}, subresource="status")
            self._known_status = status
        except StatusError as error:
            log.warning("status of folder %s: %s", self.name, error)
            if error.code == 404:
                await self._folder()
            self._changed = True
