"""`python -m engine`: one engine process, which keeps its state in a folder and answers on a unix socket there."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from engine.base import collector
from engine.client.local import socket_path, state_folder, state_root
from engine.cluster import Cluster, ClusterOptions, open_store
from engine.serve.socket import SocketServer
from engine.store.events import StoreClosedError
from engine.store.journals.base import JournalError

log = logging.getLogger("engine")


def add_arguments(made: argparse.ArgumentParser) -> None:
    """The options of an engine's process, which are those of `ktui serve`."""
    made.add_argument("--data", type=Path, metavar="DIR", help="state folder: journal, socket, log (default: in the user's state folder)")
    made.add_argument("--manifests", type=Path, metavar="DIR", help="folder to watch")
    made.add_argument("--nodes", type=int, default=5, metavar="N", help="simulated nodes (default 5)")
    made.add_argument(
        "--controllers", default="*", metavar="LIST", help="as in kube-controller-manager: '*', 'none', '-name' (default '*')"
    )


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
    try:
        await cluster.bootstrap()
        await server.start()
        cluster.start()
        log.info("serving on %s", server.path)
        collector.settle()
        await stopping.wait()
    finally:
        await server.stop()
        await cluster.stop()


def run(options: argparse.Namespace) -> int:
    """Run an engine with parsed options; the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    if options.data is None:
        options.data = state_folder(options.manifests) if options.manifests else state_root() / "default"
    try:
        asyncio.run(serve(options))
    except (OSError, JournalError, StoreClosedError) as error:
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
