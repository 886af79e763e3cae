"""What kubectl writes: create, apply, edit, patch, replace, delete, and the shortcuts for parts of objects."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kubectl.conftest import DEPLOYMENT, Kubectl

SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1", b: "2"}
"""


def shown(kubectl: Kubectl, *what: str) -> Any:
    return json.loads(kubectl("get", *what, "-o", "json"))


@pytest.fixture(autouse=True)
def settings(kubectl: Kubectl) -> None:
    kubectl("replace", "--force", "-f", "-", stdin=SETTINGS)


def test_apply_creates_then_says_what_changed(kubectl: Kubectl) -> None:
    kubectl("delete", "configmap", "settings")
    assert kubectl("apply", "-f", "-", stdin=SETTINGS) == "configmap/settings created\n"
    assert kubectl("apply", "-f", "-", stdin=SETTINGS) == "configmap/settings unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=SETTINGS.replace('a: "1", ', "")) == "configmap/settings configured\n"
    assert shown(kubectl, "configmap", "settings")["data"] == {"b": "2"}


def test_apply_refuses_unknown_fields(kubectl: Kubectl) -> None:
    assert 'unknown field "datta"' in kubectl.refused("apply", "-f", "-", stdin=SETTINGS.replace("\ndata:", "\ndatta:"))


def test_a_dry_run_changes_nothing(kubectl: Kubectl) -> None:
    changed = SETTINGS.replace('"2"', '"3"')
    assert kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-", stdin=changed).endswith(
        "serverside-applied (server dry run)\n"
    )
    assert shown(kubectl, "configmap", "settings")["data"]["b"] == "2"


def test_diff_shows_what_apply_would_change(kubectl: Kubectl) -> None:
    done = kubectl.run("diff", "-f", "-", stdin=SETTINGS.replace('"2"', '"3"'))
    assert done.returncode == 1
    assert '-  b: "2"' in done.stdout
    assert '+  b: "3"' in done.stdout
    assert kubectl("diff", "-f", "-", stdin=SETTINGS) == ""


def test_server_side_apply_keeps_owners_apart(kubectl: Kubectl) -> None:
    kubectl("delete", "configmap", "settings")
    kubectl("apply", "--server-side", "-f", "-", stdin=SETTINGS)
    changed = SETTINGS.replace('"2"', '"3"')
    refused = kubectl.refused("apply", "--server-side", "--field-manager", "other", "-f", "-", stdin=changed)
    assert refused.startswith('error: Apply failed with 1 conflict: conflict with "kubectl": .data.b\n')
    kubectl("apply", "--server-side", "--field-manager", "other", "--force-conflicts", "-f", "-", stdin=changed)
    found = shown(kubectl, "configmap", "settings", "--show-managed-fields")
    assert found["data"]["b"] == "3"
    assert [(m["manager"], m["operation"]) for m in found["metadata"]["managedFields"]] == [("kubectl", "Apply"), ("other", "Apply")]


@pytest.mark.parametrize(
    "kind, patch, data",
    [
        ("strategic", '{"data":{"a":null,"c":"3"}}', {"b": "2", "c": "3"}),
        ("merge", '{"data":{"b":null}}', {"a": "1"}),
        ("json", '[{"op":"replace","path":"/data/a","value":"9"},{"op":"remove","path":"/data/b"}]', {"a": "9"}),
    ],
)
def test_patches(kubectl: Kubectl, kind: str, patch: str, data: dict[str, str]) -> None:
    assert kubectl("patch", "configmap", "settings", "--type", kind, "-p", patch) == "configmap/settings patched\n"
    assert shown(kubectl, "configmap", "settings")["data"] == data


def test_edit_replace_label_annotate(kubectl: Kubectl) -> None:
    assert kubectl("edit", "configmap", "settings", editor="sed -i s/'b: \"2\"'/'b: \"5\"'/") == "configmap/settings edited\n"
    assert shown(kubectl, "configmap", "settings")["data"]["b"] == "5"
    assert kubectl("replace", "-f", "-", stdin=SETTINGS) == "configmap/settings replaced\n"
    kubectl("label", "configmap", "settings", "tier=front")
    kubectl("annotate", "configmap", "settings", "note=hello")
    metadata = shown(kubectl, "configmap", "settings")["metadata"]
    assert (metadata["labels"], metadata["annotations"]["note"]) == ({"tier": "front"}, "hello")
    kubectl("label", "configmap", "settings", "tier-")
    assert "labels" not in shown(kubectl, "configmap", "settings")["metadata"]


def test_a_stale_write_conflicts(kubectl: Kubectl) -> None:
    stale = shown(kubectl, "configmap", "settings")
    kubectl("label", "configmap", "settings", "x=y")
    assert "the object has been modified" in kubectl.refused("replace", "-f", "-", stdin=json.dumps(stale))


@pytest.mark.parametrize(
    "arguments, kind",
    [
        (("namespace", "n1"), "namespace"),
        (("configmap", "c1", "--from-literal=a=b"), "configmap"),
        (("secret", "generic", "s1", "--from-literal=a=b"), "secret"),
        (("serviceaccount", "sa1"), "serviceaccount"),
        (("service", "clusterip", "svc1", "--tcp=80:8080"), "service"),
        (("deployment", "d1", "--image=nginx", "--port=80"), "deployment.apps"),
        (("job", "j1", "--image=busybox", "--", "true"), "job.batch"),
        (("cronjob", "cj1", "--image=busybox", "--schedule=*/5 * * * *", "--", "true"), "cronjob.batch"),
        (("ingress", "i1", "--rule=a.example/*=svc1:80"), "ingress.networking.k8s.io"),
        (("quota", "q1", "--hard=pods=10"), "resourcequota"),
        (("pdb", "p1", "--selector=app=d1", "--min-available=1"), "poddisruptionbudget.policy"),
        (("priorityclass", "pc1", "--value=10"), "priorityclass.scheduling.k8s.io"),
        (("role", "r1", "--verb=get", "--resource=pods"), "role.rbac.authorization.k8s.io"),
        (("clusterrole", "cr1", "--verb=get", "--resource=nodes"), "clusterrole.rbac.authorization.k8s.io"),
        (("rolebinding", "rb1", "--role=r1", "--user=u"), "rolebinding.rbac.authorization.k8s.io"),
        (("clusterrolebinding", "crb1", "--clusterrole=cr1", "--user=u"), "clusterrolebinding.rbac.authorization.k8s.io"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_create_of_every_kind_that_kubectl_has_a_word_for(kubectl: Kubectl, arguments: tuple[str, ...], kind: str) -> None:
    name = next(word for word in arguments[1:] if word not in ("generic", "clusterip"))
    created = kubectl("create", *arguments)
    assert created == f"{kind}/{name} created\n"
    assert kubectl("get", f"{kind}/{name}", "-o", "name") == f"{kind}/{name}\n"


def test_run_expose_autoscale_scale(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert kubectl("run", "one", "--image=nginx", "--env=A=b", "--labels=x=y", "--port=80") == "pod/one created\n"
    assert shown(kubectl, "pod", "one")["spec"]["containers"][0]["env"] == [{"name": "A", "value": "b"}]
    assert kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080") == "service/web exposed\n"
    assert shown(kubectl, "service", "web")["spec"]["selector"] == {"app": "web"}
    kubectl("autoscale", "deployment", "web", "--min=1", "--max=4", "--cpu-percent=50")
    assert shown(kubectl, "hpa", "web")["spec"]["maxReplicas"] == 4
    kubectl("delete", "hpa", "web")
    kubectl("scale", "deployment", "web", "--replicas=3")
    assert shown(kubectl, "deployment", "web")["spec"]["replicas"] == 3
    assert "Expected replicas to be 7" in kubectl.refused("scale", "deployment", "web", "--current-replicas=7", "--replicas=1")


def test_set_changes_templates(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    kubectl("set", "image", "deployment/web", "web=nginx:1.28")
    kubectl("set", "env", "deployment/web", "A=b")
    kubectl("set", "resources", "deployment/web", "--limits=cpu=200m,memory=64Mi")
    kubectl("set", "serviceaccount", "deployment/web", "default")
    container = shown(kubectl, "deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"], container["resources"]["limits"]) == (
        "nginx:1.28",
        [{"name": "A", "value": "b"}],
        {"cpu": "200m", "memory": "64Mi"},
    )


def test_delete_in_every_cascade(kubectl: Kubectl) -> None:
    def named(name: str) -> str:
        return DEPLOYMENT.replace("web", name)

    for name, cascade in (("gone", "background"), ("gone2", "foreground"), ("orphan", "orphan")):
        kubectl("apply", "-f", "-", stdin=named(name))
        kubectl("wait", "--for=jsonpath={.status.observedGeneration}=1", f"deployment/{name}", "--timeout=10s")
        assert f'"{name}" deleted' in kubectl("delete", "deployment", name, f"--cascade={cascade}")
    assert kubectl("get", "replicaset", "-l", "app=gone2", "-o", "name") == ""
    kubectl("wait", "--for=delete", "replicaset", "-l", "app=gone", "--timeout=10s")
    assert "ownerReferences" not in shown(kubectl, "replicaset", "-l", "app=orphan")["items"][0]["metadata"]


def test_kustomize(kubectl: Kubectl) -> None:
    folder = kubectl.home / "overlay"
    folder.mkdir()
    write(folder, "base.yaml", SETTINGS)
    write(folder, "kustomization.yaml", "namePrefix: pre-\nresources: [base.yaml]\nlabels: [{pairs: {team: a}}]\n")
    assert kubectl("apply", "-k", str(folder)) == "configmap/pre-settings created\n"
    assert shown(kubectl, "configmap", "pre-settings")["metadata"]["labels"] == {"team": "a"}
    assert kubectl("delete", "-k", str(folder)) == 'configmap "pre-settings" deleted\n'


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
