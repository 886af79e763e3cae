"""Deletion: grace, finalizers, propagation, collections, evictions, expiry."""

import asyncio
from typing import Any

import pytest

from engine.apiserver.expiry import BATCH, EventExpiry
from engine.base.api import DeleteOptions, ListQuery, Response
from engine.base.limits import EVENT_TTL_S
from engine.base.objects import Obj
from tests.apiserver.servers import Rig, names, refused, serving


def test_a_bound_pod_gets_its_grace_and_is_gone_with_the_kubelets_delete() -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("p", "n1")
        stream = await rig.client.watch("pods", ListQuery("shop"))
        await stream.batch()
        marked = await rig.client.delete("pods", "p", "shop")
        assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
        assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
        assert marked["metadata"]["generation"] == 2
        again = await rig.client.delete("pods", "p", "shop", DeleteOptions(grace_period_s=60))
        assert again is marked
        last = await rig.client.delete("pods", "p", "shop", DeleteOptions(grace_period_s=0))
        assert last["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
        assert names(await stream.batch()) == [("MODIFIED", "p"), ("DELETED", "p")]
        assert rig.store.get("pods", "shop", "p") is None

    serving(body)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_gone_at_once(phase: str) -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("p", "n1")
        await rig.client.patch("pods", "p", {"status": {"phase": phase}}, "shop", "status")
        await rig.client.delete("pods", "p", "shop", DeleteOptions(grace_period_s=30))
        assert rig.store.get("pods", "shop", "p") is None

    serving(body)


def test_finalizers_keep_a_pod_after_its_grace() -> None:
    async def body(rig: Rig) -> None:
        await rig.pod("p", "n1", finalizers=["example.com/x"])
        await rig.client.delete("pods", "p", "shop", DeleteOptions(grace_period_s=0))
        assert rig.store.get("pods", "shop", "p") is not None
        await rig.client.patch("pods", "p", {"metadata": {"finalizers": None}}, "shop")
        assert rig.store.get("pods", "shop", "p") is None

    serving(body)


_JOB = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}


@pytest.mark.parametrize(
    ("propagation", "had", "has"),
    [
        ("", [], ["orphan"]),
        ("Background", [], None),
        ("Foreground", [], ["foregroundDeletion"]),
        ("Orphan", ["foregroundDeletion"], ["orphan"]),
        ("", ["foregroundDeletion"], ["foregroundDeletion"]),
        ("Background", ["orphan", "example.com/x"], ["example.com/x"]),
    ],
)
def test_propagation_becomes_finalizers(propagation: str, had: list[str], has: list[str] | None) -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("jobs.batch", {"metadata": {"name": "j", "finalizers": had}, **_JOB}, "shop")
        await rig.client.delete("jobs.batch", "j", "shop", DeleteOptions(propagation=propagation))
        left = rig.store.get("jobs.batch", "shop", "j")
        assert (left["metadata"]["finalizers"] if left else None) == has

    serving(body)


def test_a_job_deleted_without_a_policy_warns_that_its_pods_stay() -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("jobs.batch", {"metadata": {"name": "j"}, **_JOB}, "shop")
        answer = await rig.answer("DELETE", "/apis/batch/v1/namespaces/shop/jobs/j")
        assert answer.warnings[0].startswith("child pods are preserved by default when jobs are deleted")

    serving(body)


def test_preconditions_are_checked() -> None:
    async def body(rig: Rig) -> None:
        made = await rig.config("one")
        stale = str(int(made["metadata"]["resourceVersion"]) - 1)
        for options in (DeleteOptions(uid="other"), DeleteOptions(resource_version=stale)):
            error = await refused(rig.client.delete("configmaps", "one", "shop", options))
            assert (error.code, error.reason) == (409, "Conflict")
        await rig.client.delete("configmaps", "one", "shop", DeleteOptions(uid=made["metadata"]["uid"]))
        assert rig.store.get("configmaps", "shop", "one") is None

    serving(body)


def test_a_collection_is_deleted_by_selector() -> None:
    async def body(rig: Rig) -> None:
        for name, app in (("a", "web"), ("b", "db"), ("c", "web")):
            await rig.config(name, labels={"app": app})
        gone = await rig.client.delete_collection("configmaps", ListQuery("shop", label_selector="app=web"))
        assert [item["metadata"]["name"] for item in gone["items"]] == ["a", "c"]
        assert [obj["metadata"]["name"] for obj in rig.store.list("configmaps", "shop")] == ["b"]

    serving(body)


def test_a_namespace_waits_for_its_finalizers() -> None:
    async def body(rig: Rig) -> None:
        left = await rig.client.delete("namespaces", "shop")
        assert (left["status"]["phase"], left["spec"]["finalizers"]) == ("Terminating", ["kubernetes"])
        error = await refused(rig.config("one"))
        assert (error.details or {})["causes"][0]["reason"] == "NamespaceTerminating"
        await rig.answer("PUT", "/api/v1/namespaces/shop/finalize", {}, {**left, "spec": {"finalizers": []}})
        assert rig.store.get("namespaces", "", "shop") is None

    serving(body)


def test_events_disappear_an_hour_after_their_last_write() -> None:
    async def body(rig: Rig) -> None:
        about = {"kind": "Pod", "name": "p", "namespace": "shop"}
        for name in ("old", "kept"):
            await rig.client.create("events", {"metadata": {"name": name}, "involvedObject": about, "reason": "R"}, "shop")
        await asyncio.sleep(EVENT_TTL_S / 2)
        await rig.client.patch("events", "kept", {"count": 2}, "shop")
        await asyncio.sleep(EVENT_TTL_S / 2 + 1)
        assert [e["metadata"]["name"] for e in rig.store.list("events")] == ["kept"]
        await asyncio.sleep(EVENT_TTL_S / 2)
        assert rig.store.count("events") == 0

    serving(body)


def test_the_oldest_of_very_many_events_go_before_their_hour_is_over() -> None:
    async def body(rig: Rig) -> None:
        context = rig.server.context
        EventExpiry(context.kinds.by_resource["events"], context.storage, context.world, kept=100)
        about = {"kind": "Pod", "name": "p", "namespace": "shop"}
        made = [f"event-{i:03}" for i in range(100 + BATCH + 1)]
        for name in made:
            await rig.client.create("events", {"metadata": {"name": name}, "involvedObject": about, "reason": "R"}, "shop")
        await asyncio.sleep(1)
        left = [e["metadata"]["name"] for e in rig.store.list("events")]
        assert 100 <= len(left) <= 100 + BATCH and left == made[-len(left) :]

    serving(body)


async def _budget(rig: Rig, name: str, status: Obj, **spec: Any) -> None:
    selector = {"selector": {"matchLabels": {"app": "web"}}, "maxUnavailable": 1}
    await rig.client.create("poddisruptionbudgets.policy", {"metadata": {"name": name}, "spec": {**selector, **spec}}, "shop")
    await rig.client.patch("poddisruptionbudgets.policy", name, {"status": status}, "shop", "status")


async def _running(rig: Rig, name: str, ready: bool = True) -> None:
    await rig.pod(name, "n1", labels={"app": "web"})
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    await rig.client.patch("pods", name, {"status": {"phase": "Running", "conditions": conditions}}, "shop", "status")


async def _evict(rig: Rig, name: str) -> Response:
    return await rig.answer("POST", f"/api/v1/namespaces/shop/pods/{name}/eviction", {}, {"metadata": {"name": name}})


def test_an_eviction_spends_the_budget_and_says_why_the_pod_goes() -> None:
    async def body(rig: Rig) -> None:
        status = {"observedGeneration": 1, "disruptionsAllowed": 1, "desiredHealthy": 1, "currentHealthy": 2, "expectedPods": 2}
        await _budget(rig, "b", status)
        await _running(rig, "one")
        await _running(rig, "two")
        assert (await _evict(rig, "one")).status == 201
        pod = rig.store.get("pods", "shop", "one")
        assert pod is not None
        assert pod["metadata"]["deletionGracePeriodSeconds"] == 30
        reasons = {c["type"]: c.get("reason") for c in pod["status"]["conditions"]}
        assert reasons["DisruptionTarget"] == "EvictionByEvictionAPI"
        budget = rig.store.get("poddisruptionbudgets.policy", "shop", "b")
        assert budget is not None
        assert budget["status"]["disruptionsAllowed"] == 0
        assert list(budget["status"]["disruptedPods"]) == ["one"]
        refusal = await _evict(rig, "two")
        assert (refusal.status, refusal.body["reason"]) == (429, "TooManyRequests")
        assert refusal.body["details"]["causes"] == [
            {"reason": "DisruptionBudget", "message": "The disruption budget b needs 1 healthy pods and has 2 currently"}
        ]

    serving(body)


_NONE_ALLOWED = {"observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 1, "currentHealthy": 1, "expectedPods": 1}


@pytest.mark.parametrize(
    ("ready", "spec", "status", "code"),
    [
        (True, {}, _NONE_ALLOWED, 429),
        (False, {}, _NONE_ALLOWED, 201),
        (False, {}, {**_NONE_ALLOWED, "currentHealthy": 0}, 429),
        (False, {"unhealthyPodEvictionPolicy": "AlwaysAllow"}, {**_NONE_ALLOWED, "currentHealthy": 0}, 201),
        (True, {}, {**_NONE_ALLOWED, "disruptionsAllowed": 1, "observedGeneration": 0}, 429),
        (True, {"selector": {}}, _NONE_ALLOWED, 429),
        (True, {"selector": {"matchLabels": {"app": "db"}}}, _NONE_ALLOWED, 201),
    ],
)
def test_budgets_allow_and_refuse(ready: bool, spec: dict[str, Any], status: dict[str, Any], code: int) -> None:
    async def body(rig: Rig) -> None:
        await _budget(rig, "b", status, **spec)
        await _running(rig, "one", ready)
        answer = await _evict(rig, "one")
        assert answer.status == code
        assert answer.headers.get("Retry-After") == ("10" if status["observedGeneration"] == 0 else None)

    serving(body)


def test_a_pod_with_two_budgets_cannot_be_evicted() -> None:
    async def body(rig: Rig) -> None:
        await _budget(rig, "a", _NONE_ALLOWED)
        await _budget(rig, "b", _NONE_ALLOWED)
        await _running(rig, "one")
        answer = await _evict(rig, "one")
        assert (answer.status, answer.body["message"]) == (
            500,
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        )

    serving(body)
