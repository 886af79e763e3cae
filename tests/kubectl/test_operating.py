"""What an operator does with kubectl: roll out and back, wait, drain."""

import pytest

from tests.kubectl.conftest import DEPLOYMENT, Kubectl


@pytest.fixture(scope="module", autouse=True)
def deployment(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=DEPLOYMENT)


def test_rollouts(kubectl: Kubectl) -> None:
    assert kubectl("rollout", "status", "deploy/web", "--timeout=20s").endswith("successfully rolled out\n")
    kubectl("set", "image", "deploy/web", "web=nginx:1.28")
    kubectl("annotate", "deploy/web", "kubernetes.io/change-cause=newer")
    kubectl("rollout", "status", "deploy/web", "--timeout=20s")
    assert kubectl("rollout", "history", "deploy/web").split()[-2:] == ["2", "newer"]
    assert "nginx:1.27" in kubectl("rollout", "history", "deploy/web", "--revision=1")
    assert kubectl("rollout", "undo", "deploy/web") == "deployment.apps/web rolled back\n"
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}") == "nginx:1.27"
    kubectl("rollout", "pause", "deploy/web")
    assert "already paused" in kubectl.refused("rollout", "pause", "deploy/web")
    kubectl("rollout", "resume", "deploy/web")
    assert kubectl("rollout", "restart", "deploy/web") == "deployment.apps/web restarted\n"
    kubectl("rollout", "status", "deploy/web", "--timeout=20s")


def test_wait(kubectl: Kubectl) -> None:
    assert kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s") == "deployment.apps/web condition met\n"
    assert kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", "deploy/web", "--timeout=20s").endswith("met\n")
    assert "timed out waiting" in kubectl.refused("wait", "--for=jsonpath={.status.readyReplicas}=9", "deploy/web", "--timeout=300ms")
    kubectl("create", "configmap", "brief")
    kubectl("delete", "configmap", "brief", "--wait=false")
    kubectl("wait", "--for=delete", "configmap/brief", "--timeout=10s")


def test_cordon_drain_taint(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s")
    node = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].spec.nodeName}")
    assert kubectl("cordon", node) == f"node/{node} cordoned\n"
    assert kubectl("get", "node", node, "--no-headers").split()[1] == "Ready,SchedulingDisabled"
    drained = kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=25s")
    assert drained.endswith(f"node/{node} drained\n")
    assert kubectl("get", "pods", "--field-selector", f"spec.nodeName={node}", "-o", "name") == ""
    assert kubectl("uncordon", node) == f"node/{node} uncordoned\n"
    assert kubectl("taint", "node", node, "a=b:NoSchedule") == f"node/{node} tainted\n"
    assert kubectl("get", "node", node, "-o", "jsonpath={.spec.taints[*].key}") == "a"
    kubectl("taint", "node", node, "a-")


def test_namespaces_go_with_what_is_in_them(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "brief")
    kubectl("create", "configmap", "c", "-n", "brief")
    assert kubectl("delete", "namespace", "brief", "--timeout=20s") == 'namespace "brief" deleted\n'
    assert "NotFound" in kubectl.refused("get", "namespace", "brief")


def test_cluster_dump_reads_everything(kubectl: Kubectl) -> None:
    assert '"kind": "NodeList"' in kubectl("cluster-info", "dump", "--namespaces", "default")


def test_service_accounts_log_in_with_tokens_and_may_what_their_roles_say(kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "reader")
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:reader")
    token = kubectl("create", "token", "reader").strip()
    server = kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")
    authority = kubectl.home / "data" / "pki" / "ca.crt"
    login = ("--kubeconfig=/dev/null", f"--server={server}", f"--certificate-authority={authority}", f"--token={token}")
    kubectl("create", "configmap", "to-be-read")
    assert "to-be-read" in kubectl("get", "configmaps", *login)
    assert 'cannot list resource "secrets"' in kubectl.refused("get", "secrets", *login)
    assert kubectl("auth", "can-i", "list", "configmaps", "--as=system:serviceaccount:default:reader") == "yes\n"
    stranger = (*login[:3], "--token=wrong")
    assert "You must be logged in" in kubectl.refused("get", "secrets", *stranger)


def test_whoami(kubectl: Kubectl) -> None:
    done = kubectl.run("auth", "whoami")
    if "v1alpha1" in done.stderr:
        pytest.skip("this kubectl asks for versions of the review that Kubernetes has dropped")
    assert "kubernetes-admin" in done.stdout
    assert "system:masters" in done.stdout
