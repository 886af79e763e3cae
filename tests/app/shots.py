"""Screenshots of every pane as PNG: `python -m tests.app.shots OUTDIR [THEME [SCENE…]]` (80x24, 120x36, 200x60)."""

import asyncio
import re
import sys
from pathlib import Path

from engine.base.api import Client
from engine.base.world import real_world
from engine.cluster import Cluster, ClusterOptions
from engine.store.journals.memory import MemoryJournal
from engine.store.store import Store
from ktui import theme
from ktui.app import KtuiApp
from tests.app.world import settled

SETTLE_S = 6.0
SIZES = ((80, 24), (120, 36), (200, 60))

SCENES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("overview", ()),
    ("pods", (":", *"pods", "enter")),
    ("nodes", (":", *"nodes", "enter")),
    ("services", (":", *"svc", "enter")),
    ("configs", (":", *"configs", "enter")),
    ("namespaces", (":", *"ns", "enter")),
    ("workloads", (":", *"workloads", "enter")),
    ("events", (":", *"events", "enter")),
    ("folder", (":", *"folder", "enter")),
    ("describe", (":", *"pods", "enter", "d")),
    ("describe-node", (":", *"nodes", "enter", "d")),
    ("yaml", (":", *"deploy", "enter", "y")),
    ("logs", (":", *"pods", "enter", "l")),
    ("confirm", (":", *"pods", "enter", "ctrl+d")),
    ("kill-node", (":", *"nodes", "enter", "K")),
    ("help", (":", *"pods", "enter", "?")),
    ("command", (":", *"de")),
    ("filter", (":", *"pods", "enter", "/", *"web")),
)


def png(svg: str, target: Path) -> None:
    """Render a screenshot with fonts that this machine has."""
    import cairosvg

    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r'font-family:[^;"]*', "font-family: DejaVu Sans Mono, NanumGothicCoding", svg)
    cairosvg.svg2png(bytestring=svg.encode(), write_to=str(target))


async def shoot(folder: Path, theme_name: str, cluster: Cluster, only: set[str]) -> None:
    """All scenes in all sizes."""

    async def connect() -> Client:
        return cluster.client.acting_as("ktui")

    for size in SIZES:
        for name, keys in SCENES:
            if only and name not in only:
                continue
            app = KtuiApp(connect, cluster="sample", theme_name=theme_name)
            async with app.run_test(size=size) as pilot:
                await settled(app, pilot)
                for key in keys:
                    await pilot.press(key)
                    if key == "enter":
                        await settled(app, pilot)
                await settled(app, pilot, 8)
                png(app.export_screenshot(title="ktui"), folder / f"{name}-{size[0]}x{size[1]}.png")


async def main() -> None:
    """Shots of the sample manifests, a few seconds after they were applied."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    world = real_world()
    store = Store(world.clock, MemoryJournal())
    cluster = Cluster(world, store, ClusterOptions(manifests=Path("manifests"), delays=False))
    await cluster.bootstrap()
    cluster.start()
    await asyncio.sleep(SETTLE_S)
    await shoot(folder, sys.argv[2] if len(sys.argv) > 2 else theme.default_name(), cluster, set(sys.argv[3:]))
    await cluster.stop()


if __name__ == "__main__":
    asyncio.run(main())
