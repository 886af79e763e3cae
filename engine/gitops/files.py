"""The files of the folder: which belong to it, what they hold, whether they can be trusted right now."""

import fnmatch
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.base.limits import FOLDER_BYTES_MAX

SUFFIXES = (".yaml", ".yml", ".json")
IGNORE_FILE = ".ktuiignore"
TEMPORARY = ("*.swp", "*.swx", "*~", ".#*", "#*#", "4913", ".tmp-*", "*.tmp", "*.part", "*.bak", ".DS_Store")
"""What editors and downloads leave for a moment."""
SETTLING_S = 2.0
"""An empty file this young is being written."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file: its path relative to the folder (with /), its text, or why it could not be read."""

    path: str
    text: str = ""
    error: str = ""
    settling: bool = False
    """It is probably being written: what it held before still counts."""


@dataclass(frozen=True, slots=True)
class Scan:
    """All files of the folder by path, in order. `unavailable` says why the folder itself cannot be read: nothing may be concluded then."""

    files: tuple[FoundFile, ...] = ()
    unavailable: str = ""
    busy: str = ""
    """A git operation that is under way."""


@dataclass(slots=True)
class _Walk:
    root: str
    ignored: list[str]
    seen: set[tuple[int, int]] = field(default_factory=set)
    found: list[FoundFile] = field(default_factory=list)
    total_bytes: int = 0


def scan(root: Path, now: float, exclude: Sequence[str] = ()) -> Scan:
    """Read all manifests under `root` at epoch second `now`, but for those that .ktuiignore or `exclude` name.

    A missing or unreadable root is "unavailable", never "empty".
    """
    try:
        real = os.path.realpath(root, strict=True)
        if not os.path.isdir(real):
            return Scan(unavailable=f"{root} is no folder")
        walk = _Walk(real, [*_ignore_rules(real), *(rule.strip("/") for rule in exclude)])
        _folder(walk, real, "", now)
    except OSError as error:
        return Scan(unavailable=f"{root}: {error.strerror or error}")
    walk.found.sort(key=lambda file: file.path)
    return Scan(tuple(walk.found), busy=git_operation(Path(real)))


def _ignore_rules(root: str) -> list[str]:
    path = Path(root) / IGNORE_FILE
    if not path.is_file():
        return []
    lines = (line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [line.strip("/") for line in lines if line and not line.startswith("#")]


def is_ignored(relative: str, rules: list[str]) -> bool:
    """Whether a path is hidden, temporary, or named in .ktuiignore (a name, a path, or a pattern of either)."""
    parts = relative.split("/")
    if any(part.startswith(".") for part in parts):
        return True
    if any(fnmatch.fnmatchcase(parts[-1], pattern) for pattern in TEMPORARY):
        return True
    prefixes = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch.fnmatchcase(candidate, rule) for rule in rules for candidate in (*parts, *prefixes))


def _folder(walk: _Walk, folder: str, prefix: str, now: float) -> None:
    status = os.stat(folder)
    identity = (status.st_dev, status.st_ino)
    if identity in walk.seen:
        return
    walk.seen.add(identity)
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        relative = f"{prefix}{name}"
        if is_ignored(relative, walk.ignored):
            continue
        _entry(walk, os.path.join(folder, name), relative, now)


def _entry(walk: _Walk, path: str, relative: str, now: float) -> None:
    try:
        target = os.path.realpath(path, strict=True)
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            walk.found.append(FoundFile(relative, error="a symbolic link to nothing"))
        return
    except OSError as error:
        walk.found.append(FoundFile(relative, error=error.strerror or str(error)))
        return
    inside = target == walk.root or target.startswith(walk.root + os.sep)
    if not inside:
        if stat.S_ISDIR(mode) or relative.endswith(SUFFIXES):
            walk.found.append(FoundFile(relative, error="a symbolic link that leads out of the folder is not followed"))
        return
    if stat.S_ISDIR(mode):
        _folder(walk, target, relative + "/", now)
    elif relative.endswith(SUFFIXES) and stat.S_ISREG(mode):
        walk.found.append(_read(walk, target, relative, now))


def _read(walk: _Walk, path: str, relative: str, now: float) -> FoundFile:
    try:
        before = os.stat(path)
        walk.total_bytes += before.st_size
        if walk.total_bytes > FOLDER_BYTES_MAX:
            return FoundFile(
                relative, error=f"the folder holds more than {FOLDER_BYTES_MAX // 2**20} MiB of manifests; this file was not read"
            )
        raw = Path(path).read_bytes()
        after = os.stat(path)
    except FileNotFoundError:
        return FoundFile(relative, settling=True)
    except OSError as error:
        return FoundFile(relative, error=error.strerror or str(error))
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        return FoundFile(relative, settling=True)
    if not raw.strip() and now - after.st_mtime < SETTLING_S:
        return FoundFile(relative, settling=True)
    try:
        return FoundFile(relative, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return FoundFile(relative, error=f"line {line}: not UTF-8 text")


def git_operation(root: Path) -> str:
    """The git operation that is changing the folder now, empty where there is none."""
    for folder in (root, *root.parents):
        git = folder / ".git"
        if git.is_dir():
            marks = {"index.lock": "git is writing", "rebase-merge": "a rebase", "rebase-apply": "a rebase", "MERGE_HEAD": "a merge"}
            return next((text for name, text in marks.items() if (git / name).exists()), "")
    return ""
