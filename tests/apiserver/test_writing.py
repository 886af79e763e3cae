"""Create, update, patch: what is filled in, kept, counted and refused."""

import pytest

from engine.base.api import Client
from engine.base.causes import Cause
from engine.base.objects import Obj
from engine.client.inprocess import InProcess
from tests.apiserver.servers import Rig, refused, serving

DEPLOYMENT: Obj = {
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}},
    },
}


def test_generated_names_are_cut_and_free() -> None:
    async def body(rig: Rig) -> None:
        made = await rig.client.create("configmaps", {"metadata": {"generateName": "x" * 70}}, "shop")
        assert made["metadata"]["name"][:58] == "x" * 58
        assert len(made["metadata"]["name"]) == 63
        names = set()
        for _ in range(200):
            names.add((await rig.client.create("configmaps", {"metadata": {"generateName": "a-"}}, "shop"))["metadata"]["name"])
        assert len(names) == 200

    serving(body)


def test_what_a_client_may_not_set_is_set_by_the_server() -> None:
    async def body(rig: Rig) -> None:
        forged = {"uid": "mine", "creationTimestamp": "1999-01-01T00:00:00Z", "generation": 7, "deletionTimestamp": "1999-01-01T00:00:00Z"}
        made = await rig.client.create("deployments.apps", {**DEPLOYMENT, "metadata": {"name": "web", **forged}}, "shop")
        metadata = made["metadata"]
        assert metadata["uid"] != "mine"
        assert (metadata["creationTimestamp"], metadata["generation"]) == ("2026-01-01T00:00:00Z", 1)
        assert "deletionTimestamp" not in metadata
        assert made["status"] == {}

    serving(body)


def test_pods_of_one_template_share_their_spec_and_owners() -> None:
    async def body(rig: Rig) -> None:
        template = (await rig.client.create("deployments.apps", DEPLOYMENT, "shop"))["spec"]["template"]
        client = Client(InProcess(rig.server), "replicaset-controller")
        pods = [
            await client.create("pods", {"metadata": {"generateName": "web-", **template["metadata"]}, "spec": template["spec"]}, "shop")
            for _ in range(3)
        ]
        assert pods[0]["spec"] is pods[1]["spec"] is pods[2]["spec"]
        assert pods[0]["metadata"]["managedFields"] is pods[2]["metadata"]["managedFields"]
        assert pods[0]["spec"]["serviceAccountName"] == "default"
        for pod in pods[:2]:
            binding = {"metadata": {"name": pod["metadata"]["name"]}, "target": {"name": "n1"}}
            await client.create_subresource("pods", pod["metadata"]["name"], "binding", binding, "shop")
        first, second = [await client.get("pods", pod["metadata"]["name"], "shop") for pod in pods[:2]]
        assert first["spec"] is second["spec"]
        assert first["spec"]["nodeName"] == "n1"
        assert "nodeName" not in pods[2]["spec"]

    serving(body)


def test_a_dry_run_changes_nothing() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("one")
        before = rig.store.revision
        made = await rig.client.create("configmaps", {"metadata": {"name": "two"}}, "shop", dry_run=True)
        assert "uid" in made["metadata"]
        assert "resourceVersion" not in made["metadata"]
        patched = await rig.client.patch("configmaps", "one", {"data": {"a": "2"}}, "shop", dry_run=True)
        assert patched["data"] == {"a": "2"}
        applied = await rig.client.apply(
            "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "three"}}, "shop", dry_run=True
        )
        assert applied.status == 201
        gone = await rig.answer("DELETE", "/api/v1/namespaces/shop/configmaps/one", {"dryRun": "All"})
        assert gone.body["status"] == "Success"
        assert rig.store.revision == before

    serving(body)


BUDGET: Obj = {
    "metadata": {"name": "b", "generation": 1},
    "spec": {"minAvailable": 0, "selector": {"matchLabels": {"app": "web"}}},
}
DRY_RUNS: dict[str, tuple[str, str, Obj]] = {
    "update": ("PUT", "configmaps/one", {"metadata": {"name": "one"}, "data": {"a": "2"}}),
    "a service with an address and node ports": (
        "POST",
        "services",
        {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}},
    ),
    "a service that gives up its node ports": ("PUT", "services/np", {"metadata": {"name": "np"}, "spec": {"ports": [{"port": 80}]}}),
    "the deletion of a service": ("DELETE", "services/np", {}),
    "deletion of a collection": ("DELETE", "configmaps", {}),
    "graceful deletion": ("DELETE", "pods/bound", {}),
    "eviction": ("POST", "pods/bound/eviction", {"metadata": {"name": "bound"}}),
    "binding": ("POST", "pods/free/binding", {"metadata": {"name": "free"}, "target": {"name": "n1"}}),
    "scale": ("PUT", "deployments/web/scale", {"metadata": {"name": "web"}, "spec": {"replicas": 3}}),
    "status": ("PUT", "pods/bound/status", {"metadata": {"name": "bound"}, "status": {"phase": "Running", "qosClass": "BestEffort"}}),
    "the last finalizer": ("PUT", "configmaps/leaving", {"metadata": {"name": "leaving"}, "data": {"a": "1"}}),
}


@pytest.mark.parametrize(("method", "path", "content"), DRY_RUNS.values(), ids=DRY_RUNS)
def test_a_dry_run_of_any_write_is_answered_and_leaves_nothing(method: str, path: str, content: Obj) -> None:
    async def body(rig: Rig) -> None:
        for name in ("one", "leaving"):
            await rig.config(name, **({"finalizers": ["example.com/hold"]} if name == "leaving" else {}))
        await rig.client.delete("configmaps", "leaving", "shop")
        ports = {"type": "NodePort", "ports": [{"port": 80}]}
        service = await rig.client.create("services", {"metadata": {"name": "np"}, "spec": ports}, "shop")
        await rig.pod("bound", "n1", labels={"app": "web"})
        await rig.pod("free")
        await rig.client.create("deployments.apps", DEPLOYMENT, "shop")
        await rig.client.create("poddisruptionbudgets.policy", BUDGET, "shop")
        before = rig.store.revision
        group = "/apis/apps/v1" if path.startswith("deployments") else "/api/v1"
        answer = await rig.answer(method, f"{group}/namespaces/shop/{path}", {"dryRun": "All"}, content or None)
        assert answer.status in (200, 201), answer.body
        assert answer.revision in (0, before)
        assert rig.store.revision == before
        wanted = {"clusterIP": service["spec"]["clusterIP"], "ports": [{"port": 80}]}
        error = await refused(rig.client.create("services", {"metadata": {"name": "thief"}, "spec": wanted}, "shop"))
        assert "provided IP is already allocated" in error.message

    serving(body)


def test_a_write_that_changes_nothing_keeps_the_revision() -> None:
    async def body(rig: Rig) -> None:
        made = await rig.config("one", {"a": "1"})
        again = await rig.client.update("configmaps", made)
        patched = await rig.client.patch("configmaps", "one", {"data": {"a": "1"}}, "shop")
        assert again is made
        assert patched is made

    serving(body)


def test_spec_and_status_change_through_their_own_resource_only() -> None:
    async def body(rig: Rig) -> None:
        made = await rig.client.create("deployments.apps", DEPLOYMENT, "shop")
        both = {"spec": {"replicas": 3}, "status": {"replicas": 3}}
        main = await rig.client.patch("deployments.apps", "web", both, "shop")
        assert (main["spec"]["replicas"], main["status"], main["metadata"]["generation"]) == (3, {}, 2)
        status = await rig.client.patch("deployments.apps", "web", {"spec": {"replicas": 9}, "status": {"replicas": 2}}, "shop", "status")
        assert (status["spec"]["replicas"], status["status"], status["metadata"]["generation"]) == (3, {"replicas": 2}, 2)
        assert status["spec"]["template"] is made["spec"]["template"]
        note = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}}}
        noted = await rig.client.patch("deployments.apps", "web", note, "shop", "status")
        assert (noted["metadata"]["annotations"], noted["metadata"]["generation"]) == (note["metadata"]["annotations"], 2)

    serving(body)


def test_leases_are_created_by_update_and_need_their_revision_afterwards() -> None:
    async def body(rig: Rig) -> None:
        lease = {"metadata": {"name": "l", "namespace": "shop"}, "spec": {"holderIdentity": "me"}}
        made = await rig.client.update("leases.coordination.k8s.io", lease)
        assert made["metadata"]["uid"]
        error = await refused(rig.client.update("leases.coordination.k8s.io", {**lease, "spec": {"holderIdentity": "you"}}))
        assert (error.code, (error.details or {})["causes"][0]["field"]) == (422, "metadata.resourceVersion")

    serving(body)


def test_unknown_and_repeated_fields_warn_unless_told_otherwise() -> None:
    async def body(rig: Rig) -> None:
        sent = b'{"metadata":{"name":"%s"},"data":{"a":"1","a":"2"},"junk":1}'
        path = "/api/v1/namespaces/shop/configmaps"
        warned = await rig.answer("POST", path, body=sent % b"w")
        ignored = await rig.answer("POST", path, {"fieldValidation": "Ignore"}, sent % b"i")
        strict = await rig.answer("POST", path, {"fieldValidation": "Strict"}, sent % b"s")
        assert (warned.status, warned.warnings) == (201, ('duplicate field "data.a"', 'unknown field "junk"'))
        assert (ignored.status, ignored.warnings) == (201, ())
        assert strict.status == 400
        assert "junk" not in warned.body

    serving(body)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"\x00", 400, "invalid character"),
        (b"null", 400, "must be of type ConfigMap"),
        (b'{"metadata":"x"}', 400, "cannot unmarshal string into Go struct field"),
        (b'{"metadata":{"name":"x","labels":["a"]}}', 400, "cannot unmarshal array"),
        (b'{"apiVersion":"v2","metadata":{"name":"x"}}', 400, "does not match the expected API version (v1)"),
        (b'{"metadata":{"name":"x"},"data":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}", 400, "cannot unmarshal"),
        (b'{"metadata":{"name":"x"},"data":{"a":"' + b"a" * (3 * 1024 * 1024) + b'"}}', 413, "Request entity too large"),
    ],
)
def test_malformed_bodies_are_refused(body: bytes, status: int, message: str) -> None:
    async def check(rig: Rig) -> None:
        answer = await rig.answer("POST", "/api/v1/namespaces/shop/configmaps", body=body)
        assert answer.status == status
        assert message in answer.body["message"]

    serving(check)


def test_yaml_bodies_are_read_without_turning_times_into_anything() -> None:
    async def body(rig: Rig) -> None:
        text = b"metadata: {name: y, annotations: {at: 2026-01-01}}\ndata: {a: '1'}\n"
        answer = await rig.answer("POST", "/api/v1/namespaces/shop/configmaps", body=text, content_type="application/yaml")
        assert answer.body["metadata"]["annotations"] == {"at": "2026-01-01"}

    serving(body)


def test_an_apply_creates_and_a_second_one_of_the_same_changes_nothing() -> None:
    async def body(rig: Rig) -> None:
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}}
        first = await rig.client.apply("configmaps", wanted, "shop")
        second = await rig.client.apply("configmaps", wanted, "shop")
        assert (first.status, second.status) == (201, 200)
        assert second.body is first.body
        assert second.revision == 0

    serving(body)


def test_an_autoscaler_is_one_object_in_two_versions() -> None:
    async def body(rig: Rig) -> None:
        path = "/apis/autoscaling/{}/namespaces/shop/horizontalpodautoscalers"
        sent = {
            "metadata": {"name": "h"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50},
        }
        made = await rig.answer("POST", path.format("v1"), body=sent)
        read = await rig.answer("GET", path.format("v2") + "/h")
        patch = {"spec": {"maxReplicas": 5}}
        patched = await rig.answer("PATCH", path.format("v1") + "/h", {}, patch, content_type="application/merge-patch+json")
        assert made.body["spec"]["targetCPUUtilizationPercentage"] == 50
        assert read.body["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
        assert (patched.body["apiVersion"], patched.body["spec"]["maxReplicas"]) == ("autoscaling/v1", 5)

    serving(body)


def test_every_commit_knows_its_cause() -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("configmaps", {"metadata": {"name": "one"}}, "shop", cause=Cause("ktui-gitops", 0, "shop/web.yaml:12"))
        await rig.answer(
            "PATCH", "/api/v1/namespaces/shop/configmaps/one", {}, {"data": {"a": "1"}}, content_type="application/merge-patch+json"
        )
        causes = [event.cause for event in rig.store.history("configmaps", "shop", "one")]
        assert causes == [Cause("ktui-gitops", 0, "shop/web.yaml:12"), Cause("kubernetes-admin", 0, "")]

    serving(body)


def test_an_answer_says_which_revision_must_be_durable() -> None:
    async def body(rig: Rig) -> None:
        path = "/api/v1/namespaces/shop/configmaps"
        made = await rig.answer("POST", path, body={"metadata": {"name": "one"}})
        read = await rig.answer("GET", f"{path}/one")
        gone = await rig.answer("DELETE", f"{path}/one")
        assert (made.revision, read.revision, gone.revision) == (rig.store.revision - 1, 0, rig.store.revision)

    serving(body)


def test_parts_of_a_pod_change_through_their_subresources() -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("p", "n1")
        debug = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox", "targetContainerName": "c"}]}}
        made = await rig.client.patch("pods", "p", debug, "shop", "ephemeralcontainers")
        assert [c["name"] for c in made["spec"]["ephemeralContainers"]] == ["debug"]
        changed = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "other"}]}}
        error = await refused(rig.client.patch("pods", "p", changed, "shop", "ephemeralcontainers"))
        assert "may not be changed" in error.message
        resources = {"requests": {"cpu": "1"}}
        grown = {"spec": {"containers": [{"name": "c", "image": "other:2", "resources": resources}]}}
        error = await refused(rig.client.patch("pods", "p", grown, "shop", "resize"))
        assert "QOS Class may not change" in error.message

    serving(body)
