"""The controller manager: all controllers on shared informers."""

import asyncio
from collections.abc import Iterable

from engine.base.api import Client
from engine.base.world import World
from engine.control.controller import Controller, selected
from engine.control.informers import Informers
from engine.control.resources import EverythingWatcher
from engine.control.runner import Runner


class Manager:
    """Runs the controllers that `selection` names (`--controllers`: `*`, `name`, `-name`, `none`).

    `strict` makes an exception of a reconcile end `run`, for tests and simulations; otherwise it is logged and the key tried again.
    Given `informers` are shared with whoever gave them, who also starts them.
    """

    def __init__(
        self,
        client: Client,
        world: World,
        controllers: Iterable[Controller],
        selection: str = "*",
        informers: Informers | None = None,
        strict: bool = False,
    ) -> None:
        self.informers = informers or Informers(client, world)
        self._own_informers = informers is None
        self._strict = strict
        chosen = selected(controllers, selection)
        self._everything = EverythingWatcher(client, self.informers) if any(c.everything or c.reads_everything for c in chosen) else None
        self.runners = {c.name: Runner(c, client, world, self.informers, self._everything) for c in chosen}

    @property
    def quiet(self) -> bool:
        """Whether no key is ready or being worked on in any controller."""
        return all(runner.queue.quiet for runner in self.runners.values())

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._own_informers:
                self.informers.start(group)
            for runner in self.runners.values():
                group.create_task(runner.run(self._strict), name=runner.controller.name)
            if self._everything is not None:
                group.create_task(self._everything.run(), name="everything")
