"""Watching the folder with the operating system's events: says that something changed, never what; a scan finds that out."""

import asyncio
import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

from engine.gitops.files import SUFFIXES, TEMPORARY, is_ignored

QUIET_MS = 300
"""A change counts once nothing more has changed for this long."""
CHANGING_MS_MAX = 2_000
"""Also while changes go on, after this long."""
ROOT_CHECK_S = 1.0

log = logging.getLogger(__name__)


class FolderWatch:
    """Calls `changed` after each burst of changes, and when the folder itself vanishes or comes back.

    `polling` says that the system's events are not available (too many watches, a network file system) and files are polled instead.
    """

    def __init__(self, root: Path, changed: Callable[[], None]) -> None:
        self._root = root
        self._changed = changed
        self.polling = False

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            identity = self._identity()
            if identity is None:
                await asyncio.sleep(ROOT_CHECK_S)
                continue
            await self._watch(identity)
            self._changed()

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._root)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    async def _watch(self, identity: tuple[int, int]) -> None:
        """Watch one folder until it is gone; every second without changes it is made sure that it is still the same."""
        import watchfiles

        root = os.path.realpath(self._root)
        gone = False

        def relevant(change: watchfiles.Change, path: str) -> bool:
            nonlocal gone
            if path == root and change == watchfiles.Change.deleted:
                gone = True  # a new folder of this name may get the same inode: only the event tells them apart
            return path == root or self._is_relevant(path)

        started = False
        try:
            async for changes in watchfiles.awatch(
                self._root,
                watch_filter=relevant,
                debounce=CHANGING_MS_MAX,
                step=QUIET_MS,
                rust_timeout=int(ROOT_CHECK_S * 1000),
                yield_on_timeout=True,
                force_polling=self.polling or None,
                ignore_permission_denied=True,
            ):
                if changes or not started:
                    self._changed()
                started = True
                if gone or self._identity() != identity:
                    return
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EMFILE, errno.ENOSYS) or self.polling:
                log.warning("watching %s: %s", self._root, error)
                await asyncio.sleep(ROOT_CHECK_S)
                return
            log.warning("watching %s: %s; polling instead", self._root, error)
            self.polling = True

    def _is_relevant(self, path: str) -> bool:
        relative = os.path.relpath(path, os.path.realpath(self._root))
        if relative.startswith(".git") or is_ignored(relative.replace(os.sep, "/"), list(TEMPORARY)):
            return relative == ".ktuiignore" or relative.startswith("..data")
        return relative.endswith(SUFFIXES) or "." not in os.path.basename(relative)
