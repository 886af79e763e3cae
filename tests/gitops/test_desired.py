"""What the files together want: last good versions, identities, duplicates, kustomizations."""

from engine.base.api import ResourceInfo
from engine.gitops.desired import Catalog, Desired, FileState, Identity, build, read_files
from engine.gitops.files import FoundFile, Scan

CATALOG = Catalog.of(
    [
        ResourceInfo("configmaps", "v1", "ConfigMap", True),
        ResourceInfo("namespaces", "v1", "Namespace", False),
        ResourceInfo("services", "v1", "Service", True),
        ResourceInfo("deployments.apps", "v1", "Deployment", True),
    ],
    "home",
)


def manifest(name: str, kind: str = "ConfigMap", api: str = "v1", **metadata: object) -> str:
    extra = "".join(f", {key}: {value}" for key, value in metadata.items())
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}{extra}}}\n"


def read(texts: dict[str, str], before: dict[str, FileState] | None = None) -> dict[str, FileState]:
    return read_files(Scan(tuple(FoundFile(path, text) for path, text in texts.items())), before or {})


def desired(texts: dict[str, str]) -> Desired:
    return build(read(texts), CATALOG)


def names(found: Desired) -> list[str]:
    return [identity.name for identity in found.objects]


def test_namespaces_come_first_and_objects_without_one_get_the_default() -> None:
    found = desired({"a.yaml": manifest("d", "Deployment", "apps/v1") + "---\n" + manifest("c"), "b.yaml": manifest("n", "Namespace")})
    assert [str(i) for i in found.objects] == ["Namespace n", "ConfigMap home/c", "Deployment.apps home/d"]
    assert found.objects[Identity("", "ConfigMap", "home", "c")].obj["metadata"]["namespace"] == "home"


def test_waves_come_before_kinds() -> None:
    late = "{argocd.argoproj.io/sync-wave: '1'}"
    found = desired({"a.yaml": manifest("n", "Namespace", annotations=late) + "---\n" + manifest("c")})
    assert names(found) == ["c", "n"]


def test_a_broken_file_keeps_its_last_good_objects_and_stops_nobody_else() -> None:
    good = read({"a.yaml": manifest("a"), "b.yaml": manifest("b")})
    broken = read({"a.yaml": "a: b: c", "b.yaml": manifest("b2")}, good)
    found = build(broken, CATALOG)
    assert (broken["a.yaml"].state, names(found)) == ("Stale", ["a", "b2"])
    assert found.objects[Identity("", "ConfigMap", "home", "a")].stale
    assert [str(p) for p in found.problems] == ["a.yaml:1:5: mapping values are not allowed in this context"]
    assert found.broken == {"a.yaml"}


def test_a_file_that_was_never_good_is_an_error() -> None:
    assert read({"a.yaml": "a: b: c"})["a.yaml"].state == "Error"


def test_a_file_that_is_being_written_keeps_what_it_held() -> None:
    good = read({"a.yaml": manifest("a")})
    files = read_files(Scan((FoundFile("a.yaml", settling=True),)), good)
    assert (files["a.yaml"].state, names(build(files, CATALOG))) == ("Settling", ["a"])


def test_a_file_that_stops_being_a_manifest_keeps_its_objects_unless_it_asks_to_be_skipped() -> None:
    good = read({"a.yaml": manifest("a"), "b.yaml": manifest("b")})
    found = build(read({"a.yaml": "metadata: {name: {{ x }}}\nx: {{ .Values.y }}", "b.yaml": "# ktui:skip-file\n"}, good), CATALOG)
    assert (names(found), found.files["a.yaml"].state, found.broken) == (["a"], "Stale", {"a.yaml"})


def test_duplicates_name_both_places_and_neither_is_applied() -> None:
    found = desired({"a.yaml": manifest("x"), "b.yaml": "# one\n" + manifest("x"), "c.yaml": manifest("y")})
    assert [str(p) for p in found.problems] == [
        "a.yaml:1: ConfigMap home/x is also in b.yaml:2; neither is applied",
        "b.yaml:2: ConfigMap home/x is also in a.yaml:1; neither is applied",
    ]
    assert {i.name: w.stale for i, w in found.objects.items()} == {"x": True, "y": False}
    assert (found.files["a.yaml"].state, found.files["c.yaml"].state) == ("Error", "Synced")


def test_what_cannot_be_an_object_is_a_problem_of_its_line() -> None:
    found = desired(
        {
            "a.yaml": manifest("x", "Nosuch"),
            "b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  generateName: g-\n",
            "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
            "d.yaml": "apiVersion: v1\nkind: ConfigMap\n",
            "e.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: e\n  annotations: {ktui.dev/sync-wave: soon}\n",
            "f.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: e\n  labels: [a]\n",
        }
    )
    assert [str(p) for p in found.problems] == [
        "a.yaml:2: no matches for kind 'Nosuch' in version 'v1'",
        "b.yaml:4: generateName makes a new object at every sync; give it a name",
        "c.yaml:3: metadata.name is missing",
        "d.yaml:1: metadata is missing",
        "e.yaml:5: annotation ktui.dev/sync-wave must be a whole number, not 'soon'",
        "f.yaml:5: metadata.labels must be a mapping",
    ]
    assert not found.objects


def kustomization(*resources: str, more: str = "") -> str:
    return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n" + "".join(f"- {r}\n" for r in resources) + more


def test_a_kustomization_says_which_files_count() -> None:
    found = desired(
        {
            "kustomization.yaml": kustomization("a.yaml", "sub"),
            "a.yaml": manifest("a"),
            "b.yaml": manifest("b"),
            "sub/c.yaml": manifest("c"),
        }
    )
    assert names(found) == ["a", "c"]
    assert (found.files["b.yaml"].state, found.files["b.yaml"].note) == ("Skipped", "not listed in kustomization.yaml")


def test_a_kustomization_lower_down_governs_only_its_folder() -> None:
    found = desired(
        {"x.yaml": manifest("x"), "k/kustomization.yaml": kustomization("a.yaml"), "k/a.yaml": manifest("a"), "k/b.yaml": manifest("b")}
    )
    assert names(found) == ["a", "x"]


def test_one_kustomization_follows_another() -> None:
    found = desired(
        {
            "kustomization.yaml": kustomization("base"),
            "base/kustomization.yaml": kustomization("a.yaml"),
            "base/a.yaml": manifest("a"),
            "base/b.yaml": manifest("b"),
        }
    )
    assert names(found) == ["a"]


def test_what_a_kustomization_asks_for_beyond_a_list_is_reported() -> None:
    text = kustomization("a.yaml", "nosuch.yaml", "https://example.com/x", more="namePrefix: p-\n")
    found = desired({"kustomization.yaml": text, "a.yaml": manifest("a")})
    assert [str(p) for p in found.problems] == [
        "kustomization.yaml:7: namePrefix is not supported yet, only a list of resources",
        "kustomization.yaml:5: 'nosuch.yaml' does not exist in the folder",
        "kustomization.yaml:6: 'https://example.com/x': only files and folders of this folder can be listed",
    ]
    assert names(found) == ["a"]
