"""The folder and the cluster together: what is written runs, what is removed goes, what is broken harms nobody."""

import shutil
from pathlib import Path

import pytest

from engine.base.api import DeleteOptions
from engine.base.objects import dig
from engine.gitops.folder import FOLDERS, FolderSync
from tests.gitops.folder import Bench, play


def config(*names: str, value: str = "1") -> str:
    return "---\n".join(f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: '{value}'\n" for name in names)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def test_files_become_objects_that_know_where_they_come_from(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", "# the first line\n" + config("a"))
        await bench.start()
        made = await bench.find("a")
        assert made is not None
        assert made["data"] == {"value": "1"}
        assert made["metadata"]["annotations"]["ktui.dev/tracking-id"] == "shop:/ConfigMap:default/a"
        assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["ktui-gitops"]
        (version,) = bench.cluster.store.history("configmaps", "default", "a")
        assert (version.cause.actor, version.cause.source) == ("ktui-gitops", "a.yaml:2")
        status = await bench.status()
        assert (status["phase"], [f["state"] for f in status["files"]]) == ("Synced", ["Synced"])
        assert [(i["name"], i["source"], i["health"]) for i in status["inventory"]] == [("a", "a.yaml:2", "Healthy")]

    play(root, test)


def test_an_edit_is_applied_and_a_removed_field_goes(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a") + "  gone: x\n")
        await bench.start()
        bench.write("a.yaml", config("a", value="2"))
        await bench.settle()
        made = await bench.find("a")
        assert made is not None
        assert made["data"] == {"value": "2"}
        plan = (await bench.status())["plan"]
        assert plan["actions"] == [
            {
                "action": "update", "group": "", "kind": "ConfigMap", "namespace": "default", "name": "a", "source": "a.yaml:1",
                "diff": ["data.gone: x -> (none)", "data.value: 1 -> 2"],
            }
        ]  # fmt: skip

    play(root, test)


def test_a_removed_file_is_pruned_and_what_others_made_stays(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        bench.write("b.yaml", config("b"))
        await bench.start()
        await bench.client.create("configmaps", {"metadata": {"name": "other"}}, "default")
        (root / "b.yaml").unlink()
        await bench.settle()
        assert await bench.names() == ["a", "other"]
        assert [entry["name"] for entry in (await bench.status())["inventory"]] == ["a"]

    play(root, test)


def test_a_moved_file_changes_nothing(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        before = await bench.find("a")
        (root / "sub").mkdir()
        (root / "a.yaml").rename(root / "sub" / "renamed.yaml")
        await bench.settle()
        assert await bench.find("a") == before
        assert [entry["source"] for entry in (await bench.status())["inventory"]] == ["sub/renamed.yaml:1"]

    play(root, test)


def test_a_broken_file_keeps_its_objects_and_the_others_go_on(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        bench.write("b.yaml", config("b"))
        await bench.start()
        bench.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n")
        bench.write("b.yaml", config("b", value="2"))
        await bench.settle()
        changed = await bench.find("b")
        assert changed is not None
        assert changed["data"] == {"value": "2"}
        assert await bench.names() == ["a", "b"]
        status = await bench.status()
        broken = next(f for f in status["files"] if f["path"] == "a.yaml")
        assert (status["phase"], broken["state"], [(p["line"], p["column"]) for p in broken["problems"]]) == ("Error", "Stale", [(4, 1)])
        await bench.restart()
        assert await bench.names() == ["a", "b"]
        bench.write("a.yaml", config("a", value="3"))
        await bench.settle()
        assert (await bench.status())["phase"] == "Synced"

    play(root, test)


def test_an_invalid_object_is_reported_at_its_line_while_the_rest_is_applied(root: Path) -> None:
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: -1\n  selector: {matchLabels: {a: b}}\n"
        "  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n      - name: c\n"
    )

    async def test(bench: Bench) -> None:
        bench.write("d.yaml", deployment)
        bench.write("ok.yaml", config("ok"))
        await bench.start()
        assert await bench.names() == ["ok"]
        (action,) = [a for a in (await bench.status())["plan"]["actions"] if a["action"] == "blocked"]
        assert "d.yaml:5: spec.replicas: Invalid value: -1: must be greater than or equal to 0" in action["error"]
        assert "d.yaml:11: spec.template.spec.containers[0].image: Required value" in action["error"]

    play(root, test)


def test_fields_that_do_not_fit_the_schema_are_reported_at_their_lines(root: Path) -> None:
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: two\n  selector: {matchLabels: {a: b}}\n"
        "  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n"
        "      - name: c\n        image: x\n      - name: d\n        imag: x\n"
    )

    async def test(bench: Bench) -> None:
        bench.write("d.yaml", deployment)
        await bench.start()
        (action,) = (await bench.status())["plan"]["actions"]
        assert action["error"] == (
            "d.yaml:5: spec.replicas: expected numeric (int or float), got string; "
            "d.yaml:14: spec.template.spec.containers[1].imag: field not declared in schema"
        )
        bench.write("d.yaml", deployment.replace("imag:", "image:"))
        await bench.settle()
        (action,) = (await bench.status())["plan"]["actions"]
        assert action["error"] == "d.yaml:5: spec.replicas: expected numeric (int or float), got string"

    play(root, test)


def test_a_mass_prune_waits_for_a_confirmation_of_exactly_that(root: Path) -> None:
    async def test(bench: Bench) -> None:
        for i in range(8):
            bench.write(f"{i}.yaml", config(f"c{i}"))
        await bench.start()
        for i in range(1, 8):
            (root / f"{i}.yaml").unlink()
        await bench.settle()
        status = await bench.status()
        assert len(await bench.names()) == 8
        assert (status["phase"], status["plan"]["held"], status["plan"]["reason"]) == ("Held", True, "prunes 7 objects of 8")
        await bench.client.patch(FOLDERS, "shop", {"spec": {"confirm": "something else"}})
        await bench.settle()
        assert len(await bench.names()) == 8
        await bench.client.patch(FOLDERS, "shop", {"spec": {"confirm": status["plan"]["hash"]}})
        await bench.settle()
        assert await bench.names() == ["c0"]
        assert (await bench.status())["phase"] == "Synced"

    play(root, test)


def test_a_vanished_folder_is_unavailable_and_nothing_is_pruned(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        shutil.rmtree(root)
        await bench.settle()
        assert (await bench.status())["phase"] == "SourceUnavailable"
        assert await bench.names() == ["a"]
        await bench.restart()
        assert await bench.names() == ["a"]
        bench.write("a.yaml", config("a", value="back"))
        await bench.settle()
        back = await bench.find("a")
        assert back is not None
        assert back["data"] == {"value": "back"}

    play(root, test)


def test_another_folder_of_the_same_name_does_not_prune_the_first_ones_objects_unasked(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        await bench.stop()
        bench.root = root.parent / "elsewhere" / "shop"
        bench.write("b.yaml", config("b"))
        bench.sync = FolderSync(bench.cluster.client, bench.cluster.world, bench.root, watching=False)
        await bench.start()
        status = await bench.status()
        assert (await bench.names(), status["phase"]) == (["a", "b"], "Held")
        assert status["plan"]["reason"] == f"prunes 1 object that came from {root}"
        await bench.restart()
        assert await bench.names() == ["a", "b"]
        await bench.client.patch(FOLDERS, "shop", {"spec": {"confirm": status["plan"]["hash"]}})
        await bench.settle()
        assert await bench.names() == ["b"]
        folder = await bench.client.get(FOLDERS, "shop")
        assert folder["spec"]["path"] == str(bench.root)

    play(root, test)


def test_drift_is_put_back_and_a_deleted_object_returns(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        await bench.client.patch("configmaps", "a", {"data": {"value": "drifted", "extra": "mine"}}, "default")
        await bench.cluster.pass_time(3)
        healed = await bench.find("a")
        assert healed is not None
        assert healed["data"] == {"value": "1", "extra": "mine"}
        events = (await bench.client.list("events"))["items"]
        messages = [e["message"] for e in events if e["reason"] == "DriftHealed"]
        assert messages == ["Put back what kubectl-edit changed: data.value: drifted -> 1"]
        await bench.client.delete("configmaps", "a", "default", DeleteOptions())
        await bench.cluster.pass_time(3)
        assert await bench.names() == ["a"]

    play(root, test)


def test_drift_that_cannot_be_put_back_is_an_error_not_a_success(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        await bench.client.patch("configmaps", "a", {"immutable": True, "data": {"value": "locked"}}, "default")
        await bench.cluster.pass_time(3)
        events = (await bench.client.list("events"))["items"]
        assert [e["message"] for e in events if e["reason"] == "DriftHealed"] == []
        status = await bench.status()
        assert status["phase"] == "Error"
        assert "immutable" in status["inventory"][0]["message"]

    play(root, test)


def test_somebody_who_insists_is_named_and_no_longer_fought(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        for attempt in range(12):
            await bench.client.patch("configmaps", "a", {"data": {"value": f"mine {attempt}"}}, "default")
            await bench.cluster.pass_time(3)
        drifted = await bench.find("a")
        assert drifted is not None
        assert drifted["data"]["value"] == "mine 11"
        await bench.settle(60)
        drifted = await bench.find("a")
        assert drifted is not None
        assert drifted["data"]["value"] == "mine 11"
        (entry,) = (await bench.status())["inventory"]
        assert entry["state"] == "Suspended"
        assert "kubectl-edit keeps changing it" in entry["message"]
        bench.write("a.yaml", config("a", value="settled"))
        await bench.settle()
        settled = await bench.find("a")
        assert settled is not None
        assert settled["data"]["value"] == "settled"
        assert (await bench.status())["phase"] == "Synced"

    play(root, test)


def test_a_suspended_folder_shows_its_plan_and_changes_nothing(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a"))
        await bench.start()
        await bench.client.patch(FOLDERS, "shop", {"spec": {"suspend": True}})
        bench.write("b.yaml", config("b"))
        await bench.settle()
        status = await bench.status()
        assert (status["phase"], [a["action"] for a in status["plan"]["actions"]]) == ("Suspended", ["create"])
        assert await bench.names() == ["a"]
        await bench.client.patch(FOLDERS, "shop", {"spec": {"suspend": False}})
        await bench.settle()
        assert await bench.names() == ["a", "b"]

    play(root, test)


def test_namespaces_are_there_before_what_is_in_them(root: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.write("a.yaml", config("a").replace("name: a", "name: a\n  namespace: shop"))
        bench.write("z.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n")
        await bench.start()
        assert (await bench.status())["phase"] == "Synced"
        assert await bench.find("a", namespace="shop") is not None

    play(root, test)


def test_what_cannot_be_changed_is_recreated_only_where_that_is_allowed(root: Path) -> None:
    job = (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j, annotations: {{{annotations}}}}}\nspec:\n  template:\n    spec:\n"
        "      restartPolicy: Never\n      containers: [{{name: c, image: 'x:{tag}'}}]\n"
    )

    async def test(bench: Bench) -> None:
        bench.write("j.yaml", job.format(annotations="", tag=1))
        await bench.start()
        first = await bench.find("j", "jobs.batch")
        assert first is not None
        bench.write("j.yaml", job.format(annotations="", tag=2))
        await bench.settle()
        (action,) = [a for a in (await bench.status())["plan"]["actions"] if a["name"] == "j"]
        assert action["action"] == "blocked"
        assert "field is immutable" in action["error"]
        bench.write("j.yaml", job.format(annotations="ktui.dev/recreate: 'true'", tag=2))
        await bench.settle(8)
        second = await bench.find("j", "jobs.batch")
        assert second is not None
        assert second["metadata"]["uid"] != first["metadata"]["uid"]
        assert dig(second, "spec", "template", "spec", "containers", 0, "image") == "x:2"

    play(root, test)
