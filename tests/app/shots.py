"""Screenshots of every pane as PNG: `python -m tests.app.shots OUTDIR [THEME]` (80x24, 120x36, 200x60)."""

import asyncio
import re
import sys
from pathlib import Path

from tests.app.world import Bench, running, settled

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


async def shoot(folder: Path, theme: str, bench: Bench) -> None:
    """All scenes in all sizes."""
    for size in SIZES:
        for name, keys in SCENES:
            async with running(bench, size, theme_name=theme) as (app, pilot):
                for key in keys:
                    await pilot.press(key)
                    if key == "enter":
                        await settled(app, pilot)
                await settled(app, pilot, 8)
                png(app.export_screenshot(title="ktui"), folder / f"{name}-{size[0]}x{size[1]}.png")


async def main() -> None:
    """Shots of a small cluster of objects."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    await shoot(folder, sys.argv[2] if len(sys.argv) > 2 else "dark", await Bench().fill())


if __name__ == "__main__":
    asyncio.run(main())
