"""`python -m engine`: one engine process, which keeps its state in a folder and answers on a unix socket there, and over HTTPS."""

import argparse
import asyncio
import contextlib
import errno
import importlib
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base import collector
from engine.client.local import socket_path, state_folder, state_root
from engine.cluster import Cluster, ClusterOptions, open_store
from engine.serve.address import Address, address_of
from engine.serve.socket import SocketServer
from engine.serve.upgrades import refuse_upgrades
from engine.store.events import StoreClosedError
from engine.store.journals.base import JournalError

if TYPE_CHECKING:
    from engine.serve.endpoint import Endpoint

log = logging.getLogger("engine")

ASIDE_AFTER_S = 1.0
"""An engine beside the app serves HTTPS only after the app has got its first rows: what HTTPS imports takes 0.2 s."""


def add_arguments(made: argparse.ArgumentParser) -> None:
    """The options of an engine's process, which are those of `ktui serve`."""
    made.add_argument("--data", type=Path, metavar="DIR", help="state folder: journal, socket, log (default: in the user's state folder)")
    made.add_argument("--manifests", type=Path, metavar="DIR", help="folder to watch")
    made.add_argument("--nodes", type=int, default=5, metavar="N", help="simulated nodes (default 5)")
    made.add_argument(
        "--controllers", default="*", metavar="LIST", help="as in kube-controller-manager: '*', 'none', '-name' (default '*')"
    )
    made.add_argument(
        "--listen",
        type=_address,
        metavar="HOST:PORT",
        help="serve the API over HTTPS there too; port 0 is any free one, 'none' none (ktui serve: 127.0.0.1:6443)",
    )
    made.add_argument("--listen-if-free", action="store_true", help="go on without HTTPS where another process has the address")
    made.add_argument("--kubeconfig", type=Path, metavar="FILE", help="merge the context 'ktui' into this kubeconfig")


def _address(text: str) -> Address | None:
    try:
        return None if text == "none" else address_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def serve(options: argparse.Namespace) -> None:
    """Run an engine until SIGTERM or SIGINT, then write everything down and end.

    Raises:
        JournalError: the journal cannot be opened.
        OSError: the state folder or the socket cannot be used.
    """
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    world, store = open_store(options.data / "journal.db")
    cluster = Cluster(world, store, ClusterOptions(nodes=options.nodes, controllers=options.controllers, manifests=options.manifests))
    server = SocketServer(socket_path(options.data), cluster.server, store)
    https = _Https(options, cluster)
    refuse_upgrades(cluster.server)
    try:
        await cluster.bootstrap()
        await server.start()
        cluster.start()
        log.info("serving on %s", server.path)
        if not options.listen_if_free:
            await https.start()
        collector.settle()
        if options.listen_if_free:
            https.start_aside()
        await stopping.wait()
    finally:
        await https.stop()
        await server.stop()
        await cluster.stop()


class _Https:
    """HTTPS where it is asked for. Its modules, and aiohttp and cryptography with them, are imported when it starts."""

    def __init__(self, options: argparse.Namespace, cluster: Cluster) -> None:
        self._options = options
        self._cluster = cluster
        self._endpoint: Endpoint | None = None
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve.

        Raises:
            OSError: the address cannot be bound, or the state folder not be used.
            KubeconfigError: the kubeconfig to merge into is malformed.
        """
        options, cluster = self._options, self._cluster
        if options.listen is None:
            return
        endpoints = await asyncio.to_thread(importlib.import_module, "engine.serve.endpoint")
        endpoint = endpoints.Endpoint(options.data, cluster.world, cluster.server, cluster.store)
        tokens = cluster.server.authenticator.authenticate
        bound = await endpoint.start(options.listen, tokens, options.kubeconfig)
        self._endpoint = endpoint
        cluster.server.address = str(bound)
        cluster.server.trust(endpoint.authority.certificate, endpoint.authority.key)
        for line in endpoints.announcement(bound, endpoint.kubeconfig_file, options.kubeconfig):
            print(line, flush=True)

    def start_aside(self) -> None:
        """Serve in a while, unless another process has the address."""
        self._starting = asyncio.get_running_loop().create_task(self._start_aside())

    async def _start_aside(self) -> None:
        await asyncio.sleep(ASIDE_AFTER_S)
        try:
            await self.start()
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                log.info("no HTTPS: %s is taken by another process", self._options.listen)
            else:
                log.error("no HTTPS: %s", error)

    async def stop(self) -> None:
        """End what was started."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        if self._endpoint is not None:
            await self._endpoint.stop()


def run(options: argparse.Namespace) -> int:
    """Run an engine with parsed options; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    if options.data is None:
        options.data = state_folder(options.manifests) if options.manifests else state_root() / "default"
    try:
        asyncio.run(serve(options))
    except (OSError, ValueError, JournalError, StoreClosedError) as error:
        log.error("%s", error)
        return 1
    return 0


def main() -> int:
    """Entry point of `python -m engine`."""
    parser = argparse.ArgumentParser(prog="engine", description="A Kubernetes control plane with simulated nodes.")
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
