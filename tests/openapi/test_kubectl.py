"""kubectl reads our OpenAPI documents: explain, validation, patches, dry runs; and follows definitions."""

import shutil
from pathlib import Path

import pytest

from tests.kubectl.conftest import DEPLOYMENT, Kubectl

CRONTABS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns: [{name: Spec, type: string, jsonPath: .spec.cronSpec}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What to run
            properties:
              cronSpec: {type: string, description: When to run it}
              replicas: {type: integer, minimum: 1, default: 2}
          status: {type: object, properties: {replicas: {type: integer}}}
"""
CRONTAB = """
apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: my}
spec: {cronSpec: "* * *"}
"""


def older() -> list[Path]:
    """Other versions of kubectl that are installed beside the one in PATH."""
    found = shutil.which("kubectl")
    return sorted(Path(found).resolve().parent.glob("kubectl.1.*")) if found else []


def words(text: str) -> str:
    """A text with single spaces."""
    return " ".join(text.split())


def test_explain_prints_the_fields_of_a_type(kubectl: Kubectl) -> None:
    said = words(kubectl("explain", "pod.spec.containers"))
    assert "KIND: Pod VERSION: v1 FIELD: containers <[]Container>" in said
    assert "name <string> -required-" in said
    assert "ports <[]ContainerPort>" in said


def test_explain_goes_down_to_the_last_field(kubectl: Kubectl) -> None:
    said = words(kubectl("explain", "deployment", "--recursive"))
    assert "GROUP: apps KIND: Deployment VERSION: v1" in said
    for field in ("rollingUpdate <RollingUpdateDeployment> maxSurge <IntOrString>", "limits <map[string]Quantity>", "replicas <integer>"):
        assert field in said


def test_explain_reads_version_2_as_well(kubectl: Kubectl) -> None:
    said = words(kubectl("explain", "pod.spec", "--output", "plaintext-openapiv2"))
    assert "containers <[]Object> -required-" in said


def test_a_dry_run_on_the_server_is_known_to_be_possible(kubectl: Kubectl) -> None:
    assert kubectl("apply", "--dry-run=server", "-f", "-", stdin=DEPLOYMENT) == "deployment.apps/web created (server dry run)\n"
    assert "NotFound" in kubectl.refused("get", "deployment", "web")


def test_an_unknown_field_is_an_error_a_warning_or_nothing(kubectl: Kubectl) -> None:
    wrong = DEPLOYMENT.replace("image:", "imag:").replace("replicas: 2", "replicas: 0")
    unknown = 'unknown field "spec.template.spec.containers[0].imag"'
    assert unknown in kubectl.refused("apply", "-f", "-", stdin=wrong)
    told = kubectl.run(
        "apply", "--validate=warn", "--dry-run=server", "-f", "-", stdin=DEPLOYMENT.replace("replicas:", "replica: 1\n  replicas:")
    )
    assert (told.returncode, told.stderr) == (0, 'Warning: unknown field "spec.replica"\n')
    ignored = kubectl.run(
        "apply", "--validate=false", "--dry-run=server", "-f", "-", stdin=DEPLOYMENT.replace("replicas:", "replica: 1\n  replicas:")
    )
    assert (ignored.returncode, ignored.stderr) == (0, "")


def test_a_definition_is_served_explained_and_gone_with_its_objects(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=CRONTABS)
    kubectl("wait", "--for", "condition=established", "crd/crontabs.stable.example.com")
    assert kubectl("apply", "-f", "-", stdin=CRONTAB) == "crontab.stable.example.com/my created\n"
    assert kubectl("get", "ct").split() == ["NAME", "SPEC", "my", "*", "*", "*"]
    assert "What to run" in kubectl("explain", "crontabs.spec")
    kubectl("scale", "ct/my", "--replicas", "5")
    assert kubectl("get", "ct", "my", "-o", "jsonpath={.spec.replicas}") == "5"
    refused = kubectl.refused("patch", "ct", "my", "--type", "merge", "-p", '{"spec":{"replicas":0}}')
    assert "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1" in refused
    assert 'unknown field "spec.foo"' in kubectl.refused("apply", "-f", "-", stdin=CRONTAB.replace("{cron", "{foo: 1, cron"))
    assert kubectl("apply", "-f", "-", stdin=CRONTAB.replace("* * *", "1 * *")) == "crontab.stable.example.com/my configured\n"
    kubectl("delete", "crd", "crontabs.stable.example.com")
    assert "stable.example.com" not in kubectl("api-resources")


@pytest.mark.parametrize("binary", older(), ids=lambda path: path.name)
def test_every_installed_kubectl_applies_and_explains(
    kubectl: Kubectl, binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubectl").symlink_to(binary)
    monkeypatch.setenv("PATH", str(tmp_path))
    older_one = Kubectl(tmp_path, kubectl.kubeconfig)
    wanted = DEPLOYMENT.replace("name: web,", "name: aged,").replace("replicas: 2", "replicas: 0")
    assert older_one("apply", "-f", "-", stdin=wanted) == "deployment.apps/aged created\n"
    assert older_one("apply", "-f", "-", stdin=wanted.replace("1.27", "1.28")) == "deployment.apps/aged configured\n"
    assert 'unknown field "spec.foo"' in older_one.refused("apply", "-f", "-", stdin=wanted.replace("replicas:", "foo: 1\n  replicas:"))
    assert "containers" in older_one("explain", "deployment.spec.template.spec")
    older_one("delete", "deployment", "aged")
