"""What the app's parts may load, and what they may not."""

import subprocess
import sys

import pytest

from engine.base.plugins import exported
from ktui import panes
from ktui.actions import REGISTRY
from ktui.keys import DESTROYS, JAMO, Keymap
from ktui.widgets.pane import PaneKind


def loaded_after(code: str) -> set[str]:
    found = subprocess.run([sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


ALL_MODELS = """
import importlib, ktui.model, pkgutil
for module in pkgutil.iter_modules(ktui.model.__path__):
    importlib.import_module("ktui.model." + module.name)
"""


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [(ALL_MODELS, "textual"), ("import ktui.app", "pydantic"), ("import ktui.app", "yaml"), ("import ktui.app", "engine.store")],
)
def test_importing_one_does_not_load_the_other(code: str, unwanted: str) -> None:
    assert unwanted not in loaded_after(code)


def test_every_pane_module_exports_one_pane_with_its_own_names() -> None:
    kinds: list[PaneKind] = exported(panes, "PANE")
    words = [word for kind in kinds for word in (kind.name, *kind.aliases)]
    assert {"overview", "pods", "nodes", "services", "configs", "namespaces", "workloads", "events", "folder"} <= set(words)
    assert len(words) == len(set(words))


def test_no_two_actions_want_the_same_key_in_the_same_place() -> None:
    keymap = Keymap(REGISTRY)
    assert len({action.id for action in REGISTRY}) == len(REGISTRY)
    for place in ("table", "overview", "text", "yaml", "logs", "folder"):
        for resource in ("pods", "nodes", "deployments.apps", "secrets", "folders.ktui.dev", "cronjobs.batch", "events"):
            taken: dict[str, tuple[bool, bool]] = {}
            for action in keymap.actions:
                if not action.applies(place, resource):
                    continue
                rank = (bool(action.resources), bool(action.places))
                for key in action.keys:
                    assert taken.setdefault(key, rank) != rank or keymap.find(key, place, resource) is action, (key, place, resource)
                    taken[key] = rank


def test_letters_work_on_the_korean_layout() -> None:
    keymap = Keymap(REGISTRY)
    assert keymap.find(JAMO["d"], "table", "pods") is keymap.find("d", "table", "pods")
    assert keymap.find("ㅣ", "table", "pods") is keymap.find("l", "table", "pods")
    assert keymap.find("r", "table", "nodes") is not keymap.find("r", "table", "deployments.apps")


def test_destroying_actions_need_a_selected_object() -> None:
    destroying = [action for action in REGISTRY if action.risk == DESTROYS]
    assert len(destroying) >= 6
    assert all(action.row or action.resources for action in destroying)
