"""The command line: `ktui [DIR]`, `ktui check`, `ktui serve`, `ktui attach`. Imports what a command needs when it runs."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ktui.paths import shipped

if TYPE_CHECKING:
    from engine.base.api import Client
    from engine.client.local import LocalEngine

COMMANDS = ("check", "serve", "attach")

EPILOG = """commands:
  ktui [DIR]          watch DIR (default: the sample shop), run it, open the terminal app
  ktui check [DIR]    run DIR in virtual time and say whether everything becomes healthy
  ktui serve          run an engine without a screen
  ktui attach         open the terminal app on a running engine

`ktui COMMAND --help` tells more. A folder named like a command: ./check
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code. A user's mistake is one line on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words.pop(0) if words and words[0] in COMMANDS else "run"
    commands: dict[str, Callable[[list[str]], int]] = {"run": run, "check": check, "serve": serve, "attach": attach}
    try:
        return commands[command](words)
    except (OSError, CommandError) as error:
        print(f"ktui: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


class CommandError(Exception):
    """The command cannot be carried out; the message says why and what to do."""


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no folder")
    return path


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of nodes")
    return int(text)


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"ktui {command}".strip(),
        description=description,
        epilog=None if command else EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def run(words: list[str]) -> int:
    """`ktui [DIR]`: the engine in a process of its own, the terminal app in this one."""
    parser = _parser("", "A terminal cluster manager that brings its own Kubernetes.")
    parser.add_argument("folder", nargs="?", type=_folder, metavar="DIR", help="manifests to watch (default: the sample shop)")
    parser.add_argument("--nodes", type=_count, metavar="N", help="simulated nodes (default 5)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="state folder (default: one per watched folder, in the user's state folder)"
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    options = parser.parse_args(words)
    if options.version:
        from importlib.metadata import version

        print(f"ktui {version('ktui')}")
        return 0
    folder: Path = options.folder or shipped("manifests")
    if not sys.stdout.isatty():
        return check([str(folder), *(["--nodes", str(options.nodes)] if options.nodes is not None else [])])

    from engine.client.local import EngineOptions, LocalEngine, state_folder

    engine = LocalEngine(EngineOptions(options.data or state_folder(folder), folder.resolve(), options.nodes))
    engine.start_if_absent()
    return _open_app(engine)


def check(words: list[str]) -> int:
    """`ktui check DIR`: everything healthy (0) or not (1), in virtual time."""
    from engine import check as checking

    parser = _parser("check", "Run manifests through a whole cluster in virtual time; exit 0 when everything becomes healthy, 1 when not.")
    parser.add_argument("folder", nargs="?", type=_folder, metavar="DIR", help="manifests (default: the sample shop)")
    checking.add_arguments(parser)
    options = parser.parse_args(words)
    return checking.main(options.folder or shipped("manifests"), options)


def serve(words: list[str]) -> int:
    """`ktui serve`: an engine without a screen, until SIGTERM or ctrl-c."""
    from engine.__main__ import add_arguments
    from engine.__main__ import run as run_engine
    from engine.client.local import LISTEN

    parser = _parser(
        "serve", "Run an engine without a screen; kubectl, `ktui attach` and other clients of the Kubernetes API see the cluster."
    )
    add_arguments(parser)
    parser.set_defaults(listen=LISTEN)
    return run_engine(parser.parse_args(words))


def attach(words: list[str]) -> int:
    """`ktui attach`: the terminal app on an engine that runs already, or on any cluster of the kubeconfig."""
    from engine.client.local import EngineOptions, LocalEngine, state_folders

    parser = _parser("attach", "Open the terminal app on a running engine, or on any cluster of the kubeconfig.")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the engine's state folder (default: the only engine that runs)")
    parser.add_argument("--context", metavar="NAME", help="a context of the kubeconfig instead ('' for the current one)")
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="kubeconfig (default: KUBECONFIG, or ~/.kube/config)")
    options = parser.parse_args(words)
    if options.context is not None or options.kubeconfig is not None:
        return _open_context(options.context or "", options.kubeconfig)
    candidates = [options.data] if options.data else list(state_folders())
    running = [engine for engine in (LocalEngine(EngineOptions(data)) for data in candidates) if engine.answers()]
    if not running:
        where = f"at {options.data}" if options.data else "here"
        raise CommandError(f"no engine runs {where}; start one with `ktui DIR` or `ktui serve`")
    if len(running) > 1:
        found = "\n  ".join(f"ktui attach --data {engine.options.data}" for engine in running)
        raise CommandError(f"several engines run, choose one:\n  {found}")
    return _open_app(running[0], spawn=False)


def _open_context(context: str, kubeconfig: Path | None) -> int:
    from engine.base.api import Client
    from engine.client.kubeconfig import KubeconfigError, default_paths, load

    try:
        access = load([kubeconfig] if kubeconfig else default_paths(), context)
    except KubeconfigError as error:
        raise CommandError(str(error)) from error

    async def connect() -> Client:
        from engine.client.https import HttpsTransport

        return Client(HttpsTransport(access), actor="ktui")

    return _show(connect, access.context, access.namespace)


def _open_app(engine: "LocalEngine", spawn: bool = True) -> int:
    try:
        return _show(engine.connect if spawn else engine.attach, engine.options.data.name)
    finally:
        asyncio.run(engine.stop())


def _show(connect: "Callable[[], Awaitable[Client]]", cluster: str, namespace: str = "") -> int:
    os.environ.setdefault("ESCDELAY", "25")
    os.environ.setdefault("TEXTUAL_FPS", "120")
    from ktui.app import KtuiApp

    app = KtuiApp(connect=connect, cluster=cluster, namespace=namespace)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: app.exit())
    app.run()
    return app.return_code or 0
