"""The scheduler among controllers and kubelets: spreading, nodes that come, close and go, verdicts, restarts."""

import pytest

from engine.base.errors import StatusError
from engine.base.objects import dig
from tests.scheduler.clusters import Site, play

TAINT = {"key": "reserved", "value": "yes", "effect": "NoSchedule"}


def test_replicas_are_spread_over_zones_and_nodes() -> None:
    async def test(site: Site) -> None:
        await site.deploy("web", 6)
        await site.wait()
        assert sorted(site.by_node().values()) == [1] * 6
        assert sorted(site.by_zone().values()) == [2, 2, 2]

    play(test, nodes=6)


def test_a_thousand_replicas_are_balanced() -> None:
    async def test(site: Site) -> None:
        await site.deploy("web", 1_000)
        await site.wait(30)
        counts = site.by_node()
        assert sum(counts.values()) == 1_000 and len(counts) == 50
        assert max(counts.values()) - min(counts.values()) <= 4
        zones = site.by_zone()
        assert max(zones.values()) - min(zones.values()) <= 20

    play(test, nodes=50)


def test_pods_that_fit_nowhere_run_when_a_node_joins() -> None:
    async def test(site: Site) -> None:
        await site.deploy("big", 4, cpu="6")
        await site.wait(20)
        assert site.by_node()[""] == 1
        name = await site.add_node(3)
        await site.wait(20)
        assert site.by_node()[name] == 1 and site.by_node()[""] == 0

    play(test)


def test_a_cordoned_node_takes_nothing_until_it_is_opened_again() -> None:
    async def test(site: Site) -> None:
        await site.patch_node("node-1", unschedulable=True)
        await site.deploy("web", 4)
        await site.wait()
        assert site.by_node() == {"node-2": 2, "node-3": 2}
        await site.pod("here", nodeSelector={"kubernetes.io/hostname": "node-1"})
        await site.wait()
        message = (
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. "
            "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        )
        assert site.condition("here")["message"] == message
        await site.patch_node("node-1", unschedulable=None)
        await site.wait(15)
        assert site.host("here") == "node-1"

    play(test)


def test_a_tainted_node_takes_those_that_tolerate_it() -> None:
    async def test(site: Site) -> None:
        await site.patch_node("node-2", taints=[TAINT])
        await site.deploy("web", 4)
        await site.deploy("special", 3, tolerations=[{"key": "reserved", "operator": "Exists"}])
        await site.wait()
        assert site.by_node("web") == {"node-1": 2, "node-3": 2}
        assert site.by_node("special")["node-2"] == 1

    play(test)


def test_a_pod_waits_for_the_one_it_wants_to_be_near() -> None:
    async def test(site: Site) -> None:
        term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
        await site.pod("near", affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
        await site.wait()
        assert site.host("near") == ""
        await site.pod("db", labels={"app": "db"})
        await site.wait(15)
        assert site.host("near") == site.host("db") != ""

    play(test)


def test_gates_hold_a_pod_back() -> None:
    async def test(site: Site) -> None:
        await site.pod("p", schedulingGates=[{"name": "example.com/a"}, {"name": "example.com/b"}])
        await site.wait()
        assert site.condition("p")["reason"] == "SchedulingGated"
        assert site.events("p", "FailedScheduling") == []
        assert (await site.verdict("p"))["message"] == "waiting for scheduling gates: [example.com/a example.com/b]"
        await site.client.patch("pods", "p", {"spec": {"schedulingGates": None}}, "default")
        await site.wait()
        assert site.host("p")

    play(test)


def test_verdicts_say_what_each_node_lacks() -> None:
    async def test(site: Site) -> None:
        await site.patch_node("node-1", unschedulable=True)
        await site.pod("huge", cpu="64")
        await site.pod("small")
        await site.wait()
        verdict = await site.verdict("huge")
        assert verdict["message"] == site.condition("huge")["message"]
        assert verdict["rejections"] == [
            {"plugin": "NodeUnschedulable", "reasons": ["node(s) were unschedulable"], "unresolvable": True, "nodes": ["node-1"]},
            {"plugin": "NodeResourcesFit", "reasons": ["Insufficient cpu"], "unresolvable": True, "nodes": ["node-2", "node-3"]},
        ]
        with pytest.raises(StatusError) as error:
            await site.verdict("small")
        assert error.value.code == 404

    play(test)


def test_events_and_conditions_are_in_the_schedulers_style() -> None:
    async def test(site: Site) -> None:
        await site.pod("huge", cpu="64")
        await site.pod("small")
        await site.wait()
        for name, reason, type, action in (
            ("huge", "FailedScheduling", "Warning", "Scheduling"),
            ("small", "Scheduled", "Normal", "Binding"),
        ):
            (event,) = site.events(name, reason)
            assert (event["type"], event["action"], event["reportingComponent"]) == (type, action, "default-scheduler")
            assert event["eventTime"] and not event.get("source") and not event.get("count")
        condition = site.condition("huge")
        assert (condition["status"], condition["reason"], condition["observedGeneration"]) == ("False", "Unschedulable", 1)
        assert site.condition("small")["status"] == "True"

    play(test)


def test_a_daemon_pod_looks_at_its_node_only() -> None:
    async def test(site: Site) -> None:
        await site.deploy("full", 3, cpu="7800m")
        await site.wait()
        container = {"name": "c", "image": "nginx:1.27", "resources": {"requests": {"cpu": "500m"}}}
        template = {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [container]}}
        spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": template}
        obj = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": spec}
        await site.client.create("daemonsets.apps", obj, "default")
        await site.wait()
        assert {site.condition(pod["metadata"]["name"])["message"] for pod in site.pods("agent")} == {
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. "
            "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, "
            "2 Preemption is not helpful for scheduling."
        }

    play(test)


def test_a_restarted_scheduler_goes_on_where_the_cluster_is() -> None:
    async def test(site: Site) -> None:
        await site.deploy("web", 40, cpu="500m")
        await site.pod("gone", cpu="64")
        await site.wait(0)
        scheduler = site.cluster._tasks["kube-scheduler"]
        scheduler.cancel()
        await site.wait()
        await site.client.delete("pods", "gone", "default")
        await site.deploy("late", 8, cpu="500m")
        await site.wait()
        assert site.by_node("late") == {"": 8}
        site.cluster._run("kube-scheduler", 1.0)
        await site.wait()
        assert site.by_node()[""] == 0
        assert max(site.by_node().values()) == 16
        assert all(dig(pod, "status", "phase") == "Running" for pod in site.pods())

    play(test)


def test_pods_of_a_deleted_node_go_elsewhere() -> None:
    async def test(site: Site) -> None:
        await site.deploy("web", 6)
        await site.wait()
        await site.client.delete("nodes", "node-2")
        await site.wait(90)
        assert site.by_node() == {"node-1": 3, "node-3": 3}
        assert all(dig(pod, "status", "phase") == "Running" for pod in site.pods())

    play(test)
