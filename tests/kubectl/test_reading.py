"""What kubectl reads: lists in every form, selections, watches, descriptions, discovery."""

import json

import pytest

from tests.kubectl.conftest import DEPLOYMENT, Kubectl

PODS = "".join(
    f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}, order: "{order}"}}}}
spec: {{containers: [{{name: main, image: "nginx:1.27"}}]}}
---"""
    for name, app, order in (("b", "shop", 1), ("a", "shop", 2), ("c", "blog", 0))
)


@pytest.fixture(scope="module", autouse=True)
def objects(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=PODS)
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    kubectl("wait", "--for=condition=Ready", "pod/a", "pod/b", "pod/c", "--timeout=20s")


def test_nodes_are_a_table(kubectl: Kubectl) -> None:
    head, *rows = kubectl("get", "nodes").splitlines()
    assert head.split() == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert [row.split()[:2] for row in rows] == [[f"node-{n}", "Ready"] for n in range(1, 6)]


@pytest.mark.parametrize(
    "arguments, lines",
    [
        (("-o", "name"), ["pod/a", "pod/b", "pod/c"]),
        (("-l", "app=shop", "-o", "name"), ["pod/a", "pod/b"]),
        (("-l", "app notin (shop, web)", "-o", "name"), ["pod/c"]),
        (("--field-selector", "metadata.name=b", "-o", "name"), ["pod/b"]),
        (("-l", "order", "--sort-by", ".metadata.labels.order", "-o", "name"), ["pod/c", "pod/b", "pod/a"]),
        (("-l", "order", "--chunk-size", "1", "-o", "name"), ["pod/a", "pod/b", "pod/c"]),
        (("-o", "jsonpath={.items[*].metadata.name}"), ["a b c"]),
        (("-o", "custom-columns=N:.metadata.name,I:.spec.containers[0].image", "--no-headers"), [f"{n}     nginx:1.27" for n in "abc"]),
        (("-o", "go-template={{range .items}}{{.metadata.name}}{{end}}"), ["abc"]),
    ],
    ids=str,
)
def test_lists_in_every_form(kubectl: Kubectl, arguments: tuple[str, ...], lines: list[str]) -> None:
    selected = () if "-l" in arguments or "--field-selector" in arguments else ("-l", "order")
    assert kubectl("get", "pods", *selected, *arguments).splitlines() == lines


def test_wide_tables_have_node_and_address(kubectl: Kubectl) -> None:
    head, row = kubectl("get", "pod", "a", "-o", "wide").splitlines()
    assert head.split()[5:7] == ["IP", "NODE"]
    assert row.split()[5].startswith("10.244.")
    assert row.split()[6].startswith("node-")


def test_json_and_yaml_say_the_same(kubectl: Kubectl) -> None:
    import yaml

    assert json.loads(kubectl("get", "pod", "a", "-o", "json"))["spec"] == yaml.safe_load(kubectl("get", "pod", "a", "-o", "yaml"))["spec"]


def test_what_is_not_there_is_not_found(kubectl: Kubectl) -> None:
    assert kubectl.refused("get", "pod", "nosuch") == 'Error from server (NotFound): pods "nosuch" not found\n'
    assert kubectl.refused("get", "nosuch").strip() == 'error: the server doesn\'t have a resource type "nosuch"'


def test_a_watch_sees_changes(kubectl: Kubectl) -> None:
    with kubectl.start("get", "configmaps", "--watch", "--field-selector", "metadata.name=watched", "-o", "jsonpath={.data.v};") as watch:
        try:
            assert watch.stdout is not None
            kubectl("create", "configmap", "watched", "--from-literal=v=1")
            kubectl("patch", "configmap", "watched", "-p", '{"data":{"v":"2"}}')
            assert watch.stdout.read(4) == "1;2;"
        finally:
            watch.terminate()


def test_descriptions_hold_conditions_and_events(kubectl: Kubectl) -> None:
    pod = kubectl("describe", "pod", "a")
    assert "Successfully assigned default/a to node-" in pod
    assert "QoS Class:                   BestEffort" in pod
    node = kubectl("describe", "node", "node-1")
    assert "KubeletReady" in node
    assert "PodCIDR:" in node
    assert "Replicas:               2 desired" in kubectl("describe", "deployment", "web")


def test_events_of_an_object(kubectl: Kubectl) -> None:
    reasons = {line.split()[2] for line in kubectl("events", "--for", "pod/a").splitlines()[1:]}
    assert reasons == {"Scheduled", "Pulling", "Pulled", "Created", "Started"}


def test_discovery(kubectl: Kubectl) -> None:
    rows = {row.split()[0]: row.split()[1:] for row in kubectl("api-resources", "--no-headers").splitlines()}
    assert rows["pods"] == ["po", "v1", "true", "Pod"]
    assert rows["deployments"] == ["deploy", "apps/v1", "true", "Deployment"]
    assert "apps/v1" in kubectl("api-versions").splitlines()
    assert "Kubernetes control plane" in kubectl("cluster-info")
    assert json.loads(kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"].startswith("v1.36")


def test_health_says_what_was_looked_at(kubectl: Kubectl) -> None:
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert kubectl("get", "--raw", "/readyz?verbose") == "[+]ping ok\nreadyz check passed\n"


def test_every_kind_can_be_listed(kubectl: Kubectl) -> None:
    names = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    assert len(names) > 50
    done = kubectl.run("get", ",".join(names), "-A", "-o", "name")
    assert done.returncode == 0, done.stderr


def test_logs(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s")
    lines = kubectl("logs", "deploy/web", "--timestamps", "--tail", "2").splitlines()
    assert len(lines) == 2
    assert all(line[10] == "T" and line[29:31] == "Z " for line in lines), lines
    assert "container nosuch is not valid for pod a" in kubectl.refused("logs", "a", "-c", "nosuch")


def test_followed_logs_go_on(kubectl: Kubectl) -> None:
    with kubectl.start("logs", "deploy/web", "--follow") as logs:
        try:
            assert logs.stdout is not None
            assert logs.stdout.readline() != ""
        finally:
            logs.terminate()


def test_what_no_simulated_container_can_is_said(kubectl: Kubectl) -> None:
    assert "exec is not supported" in kubectl.refused("exec", "a", "--", "ls")
    assert "portforward is not supported" in kubectl.refused("port-forward", "pod/a", "0:80")
