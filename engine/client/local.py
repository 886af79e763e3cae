"""An engine in a process of its own: find the one that runs for a state folder, or start it; come back after it died."""

import asyncio
import contextlib
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.base import errors
from engine.base.api import Client, Request
from engine.base.errors import StatusError
from engine.client.socket import SocketTransport

LISTEN = "127.0.0.1:6443"
"""Where an engine serves the Kubernetes API over HTTPS unless told otherwise."""
START_TIMEOUT_S = 20.0
"""An engine with 150,000 pods in its journal needs about 10 s to come up."""
STOP_TIMEOUT_S = 5.0
_POLL_S = 0.01
_LOG_PREFIX = re.compile(r"^\S+ \S+ [A-Z]+ [\w.]+: ")
"""Time, level and logger of a line of the log."""
_SOCKET_PATH_BYTES_MAX = 100
"""sockaddr_un holds 108 bytes on Linux, 104 on macOS."""


def state_root() -> Path:
    """The user's state folder for ktui."""
    import platformdirs

    return platformdirs.user_state_path("ktui")


def state_folder(manifests: Path) -> Path:
    """Where the engine that watches `manifests` keeps its state unless told otherwise."""
    real = manifests.resolve()
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:8]
    return state_root() / f"{real.name or 'root'}-{digest}"


def socket_path(data: Path) -> Path:
    """The unix socket of the engine whose state folder is `data`; in the temporary folder where the path would be too long."""
    inside = data.absolute() / "engine.sock"
    if len(os.fsencode(inside)) <= _SOCKET_PATH_BYTES_MAX:
        return inside
    digest = hashlib.sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ktui-{os.getuid()}" / f"{digest}.sock"


def state_folders() -> Iterator[Path]:
    """All state folders in the user's state folder that hold a journal, by name."""
    root = state_root()
    if root.is_dir():
        yield from sorted(path for path in root.iterdir() if (path / "journal.db").exists())


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to start an engine: its state folder, the folder it watches (None: none), how many simulated nodes, where it serves HTTPS
    too if the address is free (`none`: nowhere)."""

    data: Path
    manifests: Path | None = None
    nodes: int | None = None
    controllers: str = "*"
    listen: str = LISTEN

    def arguments(self) -> list[str]:
        """Command line arguments of `python -m engine`."""
        found = ["--data", str(self.data)]
        if self.manifests is not None:
            found += ["--manifests", str(self.manifests)]
        if self.nodes is not None:
            found += ["--nodes", str(self.nodes)]
        if self.controllers != "*":
            found += ["--controllers", self.controllers]
        if self.listen != "none":
            found += ["--listen", self.listen, "--listen-if-free"]
        return found


class LocalEngine:
    """The engine of one state folder. `start` spawns it where none answers; `connect` waits for it and may be called again."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self.socket = socket_path(options.data)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Spawn the engine's process unless a live one was spawned before; returns at once.

        Raises:
            OSError: the state folder cannot be made, or the process cannot be started.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.options.data / "engine.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engine", *self.options.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process that was spawned here; 0 where none was."""
        return self._process.pid if self._process is not None else 0

    def answers(self) -> bool:
        """Whether an engine accepts connections on the socket now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(os.fsencode(self.socket)) == 0

    def start_if_absent(self) -> None:
        """Spawn the engine where none answers, without waiting for it: it comes up while the caller imports a screen."""
        if not self.answers():
            self.start()

    async def attach(self) -> Client:
        """A client of the engine that runs already and has answered: one that is dying may still accept a connection.

        Raises:
            StatusError: 503 or 504, none answers.
        """
        client = Client(await SocketTransport.connect(self.socket), actor="ktui")
        try:
            await client.send(Request("GET", "/livez"))
        except StatusError:
            await client.transport.close()
            raise
        return client

    async def connect(self) -> Client:
        """A client of the running engine; starts it where none answers.

        Raises:
            StatusError: 503, the engine ended at once or does not answer in time; the message holds the end of its log.
        """
        with contextlib.suppress(StatusError):
            return await self.attach()
        before = self._process
        self.start()
        waited_s = 0.0
        while waited_s < START_TIMEOUT_S:
            with contextlib.suppress(StatusError):
                return await self.attach()
            if self._process is not None and (code := self._process.poll()) is not None:
                if self._process is before:  # it was still dying when it was asked for
                    self.start()
                    continue
                raise errors.unavailable(f"the engine ended with exit code {code}: {self._last_words()}")
            await asyncio.sleep(_POLL_S)
            waited_s += _POLL_S
        raise errors.unavailable(f"the engine does not answer at {self.socket} within {START_TIMEOUT_S:g} s: {self._last_words()}")

    async def stop(self) -> None:
        """End the engine that was spawned here, giving it time to write down everything; does nothing to one found running."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        waited_s = 0.0
        while self._process.poll() is None and waited_s < STOP_TIMEOUT_S:
            await asyncio.sleep(_POLL_S)
            waited_s += _POLL_S
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        log = self.options.data / "engine.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return _LOG_PREFIX.sub("", lines[-1]) if lines else "it said nothing"
