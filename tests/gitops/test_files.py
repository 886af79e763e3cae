"""Which files of a folder count, and when nothing may be concluded from what is there."""

import os
from pathlib import Path

import pytest

from engine.gitops import files
from engine.gitops.files import scan

LATER = 4_000_000_000.0
"""Long after any file of these tests was written."""


def write(root: Path, name: str, text: str = "x") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def paths(root: Path) -> list[str]:
    return [file.path for file in scan(root, LATER).files if not file.error]


def test_yaml_and_json_files_in_all_folders_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/b/c.json", "readme.md", "noext"):
        write(tmp_path, name)
    assert paths(tmp_path) == ["a/b/c.json", "a/z.yml", "b.yaml"]


@pytest.mark.parametrize(
    "name", [".a.yaml.swp", "a.yaml~", ".#a.yaml", "4913", ".git/x.yaml", ".tmp-1.yaml", "x/.hidden/a.yaml", "#a.yaml#"]
)
def test_hidden_files_and_what_editors_leave_do_not_count(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    assert scan(tmp_path, LATER).files == ()


def test_ignore_file(tmp_path: Path) -> None:
    write(tmp_path, ".ktuiignore", "# drafts\ndrafts/\n*-old.yaml\nsub/exact.yaml\n")
    for name in ("drafts/a.yaml", "x-old.yaml", "sub/exact.yaml", "sub/other.yaml"):
        write(tmp_path, name)
    assert paths(tmp_path) == ["sub/other.yaml"]


def test_a_missing_folder_is_unavailable_not_empty(tmp_path: Path) -> None:
    assert "No such file" in scan(tmp_path / "nosuch", LATER).unavailable
    assert "no folder" in scan(write(tmp_path, "file"), LATER).unavailable
    assert scan(tmp_path, LATER).unavailable == ""


def test_links_inside_are_followed_and_links_outside_are_reported(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "real/a.yaml")
    write(tmp_path, "outside/b.yaml")
    os.symlink(root / "real/a.yaml", root / "link.yaml")
    os.symlink(tmp_path / "outside", root / "out")
    os.symlink(tmp_path / "outside/b.yaml", root / "b.yaml")
    os.symlink(root, root / "real/loop")
    os.symlink(root / "nowhere", root / "dangling.yaml")
    found = {file.path: file.error for file in scan(root, LATER).files}
    outside = "a symbolic link that leads out of the folder is not followed"
    assert found == {"link.yaml": "", "real/a.yaml": "", "out": outside, "b.yaml": outside, "dangling.yaml": "a symbolic link to nothing"}


def test_the_swap_of_a_mounted_config_map_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "..2026_01/a.yaml", "one")
    os.symlink("..2026_01", tmp_path / "..data")
    os.symlink("..data/a.yaml", tmp_path / "a.yaml")
    assert [(file.path, file.text) for file in scan(tmp_path, LATER).files] == [("a.yaml", "one")]


def test_an_empty_file_is_settling_while_it_is_young(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "")
    written = path.stat().st_mtime
    assert scan(tmp_path, written + 1).files[0].settling
    assert not scan(tmp_path, written + 3).files[0].settling


def test_what_is_not_text_and_what_is_too_much_is_an_error_of_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_bytes(b"ok: 1\nbad: \xff\n")
    write(tmp_path, "b.yaml", "fine")
    monkeypatch.setattr(files, "FOLDER_BYTES_MAX", 18)
    write(tmp_path, "c.yaml", "too much")
    found = {file.path: file.error for file in scan(tmp_path, LATER).files}
    assert found["a.yaml"] == "line 2: not UTF-8 text"
    assert found["b.yaml"] == ""
    assert "not read" in found["c.yaml"]


@pytest.mark.parametrize(("mark", "said"), [("index.lock", "git is writing"), ("rebase-merge", "a rebase"), ("MERGE_HEAD", "a merge")])
def test_a_git_operation_under_way_is_seen(tmp_path: Path, mark: str, said: str) -> None:
    root = tmp_path / "manifests"
    root.mkdir()
    assert scan(root, LATER).busy == ""
    write(tmp_path, f".git/{mark}")
    assert scan(root, LATER).busy == said
