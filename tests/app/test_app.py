"""The app as people use it: keys in, screens and the cluster's state out. Real asyncio time, so few and short."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button

from engine.base.api import Request
from engine.base.objects import Obj, dig
from ktui.app import KtuiApp
from ktui.widgets.confirm import Confirm
from tests.app.world import Bench, running, screen_text, settled

Test = Callable[[Bench, KtuiApp, Pilot[None]], Awaitable[None]]


def with_app(test: Test, size: tuple[int, int] = (100, 30), **how: str) -> None:
    """Run a test on the app over a filled bench."""

    async def main() -> None:
        bench = await Bench().fill()
        async with running(bench, size, **how) as (app, pilot):
            await test(bench, app, pilot)

    asyncio.run(main())


async def press(app: KtuiApp, pilot: Pilot[None], *keys: str) -> str:
    """Press keys, wait for what they cause, and read the screen."""
    await pilot.press(*keys)
    await settled(app, pilot)
    return screen_text(app)


async def go(app: KtuiApp, pilot: Pilot[None], command: str) -> str:
    app.obey(command)
    await settled(app, pilot)
    return screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
def test_the_overview_shows_everything_at_every_size(size: tuple[int, int]) -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        screen = screen_text(app)
        for wanted in (
            "Nodes  3",
            "Pods  4",
            "Services  2",
            "Configs  2",
            "Namespaces  6",
            "✖ prod",
            "CrashLoopBackOff",
            "● live",
            "? help",
        ):
            assert wanted in screen, wanted
        assert len(screen.splitlines()) == size[1]

    with_app(check, size)


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (1, 1), (300, 3)])
def test_tiny_and_odd_terminals_are_survived(size: tuple[int, int]) -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        await press(app, pilot, "d")
        for other in ((80, 24), (10, 3), (120, 40)):
            await pilot.resize_terminal(*other)
        await settled(app, pilot)
        assert "Describe" in screen_text(app)

    with_app(check, size)


def test_filter_sort_and_back() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        screen = await go(app, pilot, "pods")
        assert "Pods  4" in screen and "10.1.0.7" in screen
        screen = await press(app, pilot, "/", *"crash")
        assert "Pods  1 of 4" in screen and "lonely" in screen and "web-0" not in screen
        screen = await press(app, pilot, "enter", "escape")
        assert "Pods  4" in screen
        assert "Pods  1 of 4  /not well" in await press(app, pilot, "ctrl+z")
        assert "Pods  4" in await press(app, pilot, "ctrl+z")
        screen = await press(app, pilot, "N", "N")
        assert "NAME↓" in screen
        screen = await press(app, pilot, "escape")
        assert "Nodes  3" in screen

    with_app(check)


def test_the_selection_stays_on_its_object_while_rows_come_and_go() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        await press(app, pilot, "j", "j")
        chosen = app.pane.target
        assert chosen is not None and chosen.name == "web-2"
        await bench.pod("aaa", "dev", {})
        await bench.client.delete("pods", "web-0", "dev")
        await settled(app, pilot)
        assert app.pane.target == chosen

    with_app(check)


def test_namespaces_by_number_and_name() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        screen = await press(app, pilot, "3")
        assert "Pods prod  1" in screen and "NAMESPACE" not in screen
        assert "Pods dev  3" in await go(app, pilot, "ns dev")
        assert "Pods  4" in await press(app, pilot, "0")

    with_app(check)


def test_delete_asks_and_the_default_is_no() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        screen = await press(app, pilot, "ctrl+d")
        assert "Delete pod dev/web-0?" in screen and "service dev/web keeps 2 of 3 endpoints" in screen
        assert isinstance(app.focused, Button) and app.focused.id == "cancel"
        assert "nothing was deleted" in await press(app, pilot, "enter")
        assert len((await bench.client.list("pods"))["items"]) == 4
        await press(app, pilot, "ctrl+d", "right", "enter")
        assert [p["metadata"]["name"] for p in (await bench.client.list("pods"))["items"]] == ["web-1", "web-2", "lonely"]

    with_app(check)


def test_what_is_deleted_is_what_was_selected_when_the_key_was_pressed() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        await press(app, pilot, "j", "ctrl+d")
        await bench.pod("aaa", "dev", {})
        await bench.client.delete("pods", "web-1", "dev")
        await bench.pod("web-1", "dev", {"app": "other"})
        screen = await press(app, pilot, "y")
        assert "Delete:" in screen
        assert sorted(p["metadata"]["name"] for p in (await bench.client.list("pods"))["items"]) == [
            "aaa",
            "lonely",
            "web-0",
            "web-1",
            "web-2",
        ]

    with_app(check)


def test_marked_objects_are_deleted_together() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        screen = await press(app, pilot, "space", "space", "ctrl+d")
        assert "Delete 2 objects?" in screen
        await press(app, pilot, "y")
        assert [p["metadata"]["name"] for p in (await bench.client.list("pods"))["items"]] == ["web-2", "lonely"]

    with_app(check)


def test_killing_a_node_wants_its_name_and_bringing_it_back_does_not() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "nodes")
        await press(app, pilot, "K")
        assert isinstance(app.screen, Confirm)
        await press(app, pilot, "y", "enter", "enter")
        assert isinstance(app.screen, Confirm)
        await press(app, pilot, "backspace", *"node-1", "enter", "enter")
        node = await bench.client.get("nodes", "node-1")
        assert dig(node, "metadata", "annotations", "sim.ktui.dev/power") == "off"
        await press(app, pilot, "B")
        node = await bench.client.get("nodes", "node-1")
        assert not dig(node, "metadata", "annotations", "sim.ktui.dev/power")

    with_app(check)


def test_scale_asks_for_a_number_and_growing_needs_no_confirmation() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "deploy")
        screen = await press(app, pilot, "s")
        assert "replicas of deployment dev/web (now 3):" in screen
        await press(app, pilot, "backspace", "5", "enter")
        assert (await bench.client.get("deployments.apps", "web", "dev"))["spec"]["replicas"] == 5
        await press(app, pilot, "s", "backspace", "1", "enter")
        assert isinstance(app.screen, Confirm)
        await press(app, pilot, "escape")
        assert (await bench.client.get("deployments.apps", "web", "dev"))["spec"]["replicas"] == 5

    with_app(check)


def test_restart_asks_then_rolls() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "workloads")
        assert "Restart deployment dev/web?" in await press(app, pilot, "r")
        await press(app, pilot, "y")
        obj = await bench.client.get("deployments.apps", "web", "dev")
        assert dig(obj, "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")

    with_app(check)


def test_secrets_are_masked_until_asked_for() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "secrets")
        assert "hunter2" not in await press(app, pilot, "d")
        assert "hunter2" not in await press(app, pilot, "escape", "y")
        assert "hunter2" in await press(app, pilot, "escape", "x")
        assert "hunter2" not in await press(app, pilot, "x")

    with_app(check)


def test_describe_follows_the_object() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "nodes")
        assert "Scheduling:       enabled" in await press(app, pilot, "d")
        await bench.client.patch("nodes", "node-1", {"spec": {"unschedulable": True}})
        await asyncio.sleep(0.4)
        await settled(app, pilot)
        assert "disabled (cordoned)" in screen_text(app)

    with_app(check)


def test_korean_keys_and_names_work() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "configmaps")
        assert "안녕하세요" in await press(app, pilot, "ㅇ")

    with_app(check)


def test_the_app_survives_an_engine_that_dies() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        await bench.cable.die()
        await asyncio.sleep(0.3)
        await settled(app, pilot)
        screen = screen_text(app)
        assert "disconnected" in screen and "retrying" in screen and "web-0" in screen
        await bench.client.delete("pods", "web-0", "dev")
        bench.cable.cut = False
        await asyncio.sleep(1.2)
        await settled(app, pilot)
        screen = screen_text(app)
        assert "● live" in screen and "web-0" not in screen and "web-1" in screen

    with_app(check)


def test_help_lists_the_keys_that_work_here() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "nodes")
        screen = await press(app, pilot, "?")
        assert "Cordon" in screen and "kubectl cordon node-1" in screen
        assert "Nodes  3" in await press(app, pilot, "escape")

    with_app(check, (100, 40))


def test_unknown_commands_are_told_with_what_is_near() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        assert "no kind or command 'podz'" in await go(app, pilot, "podz")
        assert "Deployments  1" in await press(app, pilot, ":", *"deplo", "enter")

    with_app(check)


@pytest.mark.parametrize("name", ["light", "high-contrast", "monochrome"])
def test_themes_switch_while_running(name: str) -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        assert f"theme {name}" in await go(app, pilot, f"theme {name}")
        assert app.theme == f"ktui-{name}"

    with_app(check)


def test_what_is_typed_at_once_after_the_colon_is_not_lost() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        for key in (":", *"nodes", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await settled(app, pilot, 8)
        assert "node-3" in screen_text(app) and "Pods" not in screen_text(app)

    with_app(check)


class Output:
    """What a container says: some lines at once, then nothing until it is closed."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self._closed = asyncio.Event()

    async def batch(self) -> list[bytes]:
        if not self._lines:
            await self._closed.wait()
        taken, self._lines = self._lines, []
        return taken

    def close(self) -> None:
        self._closed.set()


def test_logs_follow_filter_and_show_stamps() -> None:
    async def answer(request: Request, pod: Obj) -> Output:
        assert request.query["timestamps"] == "true"
        return Output(["2026-01-01T00:00:01Z first\n2026-01-01T00:00:02Z 결제 failed\n".encode()])

    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        bench.server.connect("pods", "log", answer)
        await go(app, pilot, "pods")
        await press(app, pilot, "l")
        await asyncio.sleep(0.1)
        screen = await press(app, pilot, "t")
        assert "00:00:01" in screen and "first" in screen and "결제 failed" in screen
        screen = await press(app, pilot, "/", *"fail", "enter")
        assert "결제 failed" in screen and "first" not in screen
        assert "first" in await press(app, pilot, "h")

    with_app(check)


def test_a_held_prune_is_confirmed_by_its_own_hash() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        body = {"apiVersion": "ktui.dev/v1", "kind": "Folder", "metadata": {"name": "shop"}, "spec": {"path": "/shop"}}
        await bench.client.create("folders.ktui.dev", body)
        prune = {"action": "prune", "kind": "Service", "namespace": "dev", "name": "web", "source": "web.yaml:3"}
        plan = {"held": True, "hash": "abc123", "reason": "4 of 9 objects", "unchanged": 5, "actions": [prune]}
        status = {"phase": "Held", "files": [{"path": "web.yaml", "state": "Synced", "objects": 2}], "plan": plan}
        await bench.client.patch("folders.ktui.dev", "shop", {"status": status}, subresource="status")
        screen = await go(app, pilot, "folder")
        assert "▲ Held" in screen and "Service dev/web" in screen
        assert "Prune what folder shop no longer has?" in await press(app, pilot, "c")
        app.screen.query_one("#typed").focus()
        await press(app, pilot, *"prune", "enter", "enter")
        assert (await bench.client.get("folders.ktui.dev", "shop"))["spec"]["confirm"] == "abc123"
        await press(app, pilot, "s")
        assert (await bench.client.get("folders.ktui.dev", "shop"))["spec"]["suspend"] is True

    with_app(check)


def test_a_click_selects_and_a_click_on_a_heading_sorts() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "pods")
        table = app.pane.table  # type: ignore[attr-defined]  # the pane is a table pane
        await pilot.click(table, offset=(10, 4))
        assert app.pane.target is not None and app.pane.target.name == "web-2"
        await pilot.click(table, offset=(18, 1))
        await settled(app, pilot)
        assert "NAME↑" in screen_text(app)

    with_app(check)


def test_enter_goes_from_a_node_to_its_pods_and_back() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await go(app, pilot, "nodes")
        screen = await press(app, pilot, "enter")
        assert "Pods on node-1  2" in screen and "lonely" in screen and "web-1" not in screen
        assert "Nodes  3" in await press(app, pilot, "escape")
        assert "Pods on node-1  2" in await press(app, pilot, "]")

    with_app(check)


def test_draining_tells_what_it_waits_for() -> None:
    async def check(bench: Bench, app: KtuiApp, pilot: Pilot[None]) -> None:
        await bench.client.delete("poddisruptionbudgets.policy", "web", "dev")
        await go(app, pilot, "nodes")
        screen = await press(app, pilot, "r")
        assert "Drain node node-1?" in screen and "no controller will replace" in screen
        await press(app, pilot, "y")
        await settled(app, pilot, 8)
        assert "drained node node-1: 2 pods evicted" in screen_text(app)

    with_app(check)
