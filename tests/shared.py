"""Where the recordings and manifests lie that tests compare with; users have none, their tests skip and say so."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("KTUI_SHARED") or Path(__file__).resolve().parents[2] / "shared")


def shared(relative: str) -> Path:
    """A file or folder beside the repository; skips the calling test where it is absent."""
    path = ROOT / relative
    if not path.exists():
        pytest.skip(f"{relative} is not beside this checkout (set KTUI_SHARED to the folder that has it)")
    return path
