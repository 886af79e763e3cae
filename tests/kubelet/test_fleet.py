"""Simulated nodes against the real API server, in virtual time."""

import asyncio
from itertools import pairwise

import pytest

from engine.base.api import MERGE_PATCH, DeleteOptions, ListQuery
from engine.base.clock import parse_time
from engine.base.errors import StatusError
from engine.kubelet.nodes import NodeSpec
from engine.sim.loop import run
from tests.kubelet.clusters import cluster

POWER = {"metadata": {"annotations": {"sim.ktui.dev/power": "off"}}}
LEASES = "leases.coordination.k8s.io"


def test_nodes_register_as_kubelets_do():
    async def main():
        async with cluster(5) as c:
            nodes = (await c.client.list("nodes"))["items"]
            assert [n["metadata"]["name"] for n in nodes] == [f"node-{i}" for i in range(1, 6)]
            node = nodes[3]
            labels = node["metadata"]["labels"]
            assert labels["kubernetes.io/hostname"] == "node-4"
            assert [n["metadata"]["labels"]["topology.kubernetes.io/zone"][-1] for n in nodes] == [*"abcab"]
            assert node["spec"]["podCIDR"] == "10.244.3.0/24"
            assert node["status"]["allocatable"] == {"cpu": "8", "ephemeral-storage": "100Gi", "memory": "32Gi", "pods": "110"}
            assert [(x["type"], x["status"], x["reason"]) for x in node["status"]["conditions"]] == [
                ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
                ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                ("PIDPressure", "False", "KubeletHasSufficientPID"),
                ("Ready", "True", "KubeletReady"),
            ]
            assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.2"

    run(main())


def test_leases_are_renewed_every_ten_seconds_each_in_its_own_beat():
    async def main():
        async with cluster(5) as c:
            seen: dict[str, list[float]] = {}
            stop = c.store.subscribe(LEASES, "", 0, lambda e: seen.setdefault(e.name, []).append(parse_time(e.object["spec"]["renewTime"])))
            await asyncio.sleep(65)
            stop()
            assert sorted(seen) == [f"node-{i}" for i in range(1, 6)]
            for times in seen.values():
                assert {round(b - a, 3) for a, b in pairwise(times)} == {10.0}
            assert len({round(times[0] % 10, 2) for times in seen.values()}) == 5
            lease = await c.client.get(LEASES, "node-1", "kube-node-lease")
            assert (lease["spec"]["leaseDurationSeconds"], lease["spec"]["holderIdentity"]) == (40, "node-1")

    run(main())


def test_node_status_is_posted_every_five_minutes_or_when_others_changed_it():
    async def main():
        async with cluster(1) as c:
            posted: list[float] = []
            c.store.subscribe("nodes", "", 0, lambda e: posted.append(c.world.clock.now()))
            await asyncio.sleep(610)
            assert len(posted) == 2
            node = await c.client.get("nodes", "node-1")
            conditions = [{**x, "status": "Unknown"} for x in node["status"]["conditions"]]
            await c.client.patch("nodes", "node-1", {"status": {"conditions": conditions}}, subresource="status")
            await asyncio.sleep(11)
            node = await c.client.get("nodes", "node-1")
            assert node["status"]["conditions"][3]["status"] == "True"

    run(main())


def test_a_pod_without_delays_costs_one_status_write():
    async def main():
        async with cluster(delays=False) as c:
            for i in range(20):
                await c.pod(f"p{i}")
            await asyncio.sleep(0.1)
            assert {(await c.get(f"p{i}"))["status"]["phase"] for i in range(20)} == {"Running"}
            assert c.fleet.status_writes == 20
            assert sorted(await c.events("p0")) == ["Created x1", "Pulled x1", "Pulling x1", "Started x1"]
            ips = {(await c.get(f"p{i}"))["status"]["podIP"] for i in range(20)}
            assert len(ips) == 20
            assert all(ip.startswith("10.244.0.") for ip in ips)
            await asyncio.sleep(600)
            assert c.fleet.status_writes == 20, "a pod that does nothing is not written"

    run(main())


def test_status_writes_name_the_node_as_their_cause_and_share_one_field_manager():
    async def main():
        async with cluster(delays=False) as c:
            await c.pod("p")
            await asyncio.sleep(0.1)
            last = c.store.history("pods", "default", "p")[-1]
            assert last.cause.actor == "kubelet/node-1"
            assert ("kubelet", "status") in [(f["manager"], f.get("subresource")) for f in last.object["metadata"]["managedFields"]]

    run(main())


def test_a_deleted_pod_is_stopped_and_then_gone():
    async def main():
        async with cluster() as c:
            await c.pod("p", knobs={"stop-seconds": "3"})
            await asyncio.sleep(5)
            await c.client.delete("pods", "p", "default")
            await asyncio.sleep(2)
            assert await c.names() == ["p"]
            await asyncio.sleep(2)
            assert await c.names() == []
            assert "Killing x1" in await c.events("p")

    run(main())


def test_a_pod_that_ignores_term_is_killed_after_its_grace():
    async def main():
        async with cluster() as c:
            await c.pod("p", knobs={"ignore-term": "true"}, terminationGracePeriodSeconds=7)
            await asyncio.sleep(5)
            await c.client.delete("pods", "p", "default")
            await asyncio.sleep(6.5)
            assert await c.names() == ["p"]
            await asyncio.sleep(1)
            assert await c.names() == []
            codes = [e.object["status"]["containerStatuses"][0]["state"] for e in c.store.history("pods", "default", "p")[-2:]]
            assert codes[0]["terminated"]["exitCode"] == 137

    run(main())


def test_finalizers_keep_the_object_after_its_containers_stopped():
    async def main():
        async with cluster(delays=False) as c:
            await c.pod("p")
            patch = {"metadata": {"finalizers": ["example.com/wait"]}}
            await c.client.patch("pods", "p", patch, "default", content_type=MERGE_PATCH)
            await asyncio.sleep(1)
            await c.client.delete("pods", "p", "default")
            await asyncio.sleep(60)
            assert (await c.get("p"))["status"]["phase"] == "Succeeded"
            await c.client.patch("pods", "p", {"metadata": {"finalizers": None}}, "default", content_type=MERGE_PATCH)
            await asyncio.sleep(1)
            assert await c.names() == []

    run(main())


def test_other_writers_do_not_lose_against_the_kubelet():
    async def main():
        async with cluster() as c:
            await c.pod("p", knobs={"pull-seconds": "1", "start-seconds": "1"})
            for i in range(40):
                await asyncio.sleep(0.1)
                await c.client.patch("pods", "p", {"metadata": {"labels": {"n": str(i)}}}, "default", content_type=MERGE_PATCH)
            await asyncio.sleep(2)
            pod = await c.get("p")
            assert (pod["metadata"]["labels"]["n"], pod["status"]["phase"]) == ("39", "Running")

    run(main())


def test_power_off_and_on():
    async def main():
        async with cluster() as c:
            await c.pod("stays")
            await c.pod("goes")
            await asyncio.sleep(20)
            boot = (await c.client.get("nodes", "node-1"))["status"]["nodeInfo"]["bootID"]
            await c.client.patch("nodes", "node-1", POWER, content_type=MERGE_PATCH)
            await asyncio.sleep(5)
            lease = (await c.client.get(LEASES, "node-1", "kube-node-lease"))["spec"]["renewTime"]
            await c.client.delete("pods", "goes", "default")
            await asyncio.sleep(120)
            assert (await c.client.get(LEASES, "node-1", "kube-node-lease"))["spec"]["renewTime"] == lease
            assert await c.names() == ["goes", "stays"], "nobody confirms the deletion"
            assert (await c.state("stays"))["restartCount"] == 0
            await c.client.patch("nodes", "node-1", {"metadata": {"annotations": {"sim.ktui.dev/power": None}}}, content_type=MERGE_PATCH)
            await asyncio.sleep(20)
            assert await c.names() == ["stays"]
            status = await c.state("stays")
            assert (status["restartCount"], status["ready"]) == (1, True)
            assert (status["lastState"]["terminated"]["exitCode"], status["lastState"]["terminated"]["reason"]) == (255, "Unknown")
            assert (await c.client.get("nodes", "node-1"))["status"]["nodeInfo"]["bootID"] != boot
            assert "Rebooted x1" in await c.events("node-1")

    run(main())


def test_a_graceful_shutdown_ends_regular_pods_before_critical_ones():
    async def main():
        async with cluster(1) as c:
            await c.pod("web", knobs={"ignore-term": "true"})
            await c.pod("dns", priorityClassName="system-cluster-critical")
            await asyncio.sleep(5)
            down = {"metadata": {"annotations": {"sim.ktui.dev/power": "shutdown"}}}
            await c.client.patch("nodes", "node-1", down, content_type=MERGE_PATCH)
            await c.pod("late")
            await asyncio.sleep(19)
            assert (await c.get("late"))["status"]["reason"] == "NodeShutdown"
            assert (await c.get("web"))["status"]["phase"] == "Running"
            ready = (await c.client.get("nodes", "node-1"))["status"]["conditions"][3]
            assert (ready["status"], ready["message"]) == ("False", "node is shutting down")
            await asyncio.sleep(1.01)
            web = (await c.get("web"))["status"]
            assert (web["phase"], web["reason"]) == ("Failed", "Terminated")
            assert web["message"] == "Pod was terminated in response to imminent node shutdown."
            await asyncio.sleep(5)
            assert (await c.get("dns"))["status"]["phase"] == "Failed"
            await asyncio.sleep(60)
            lease = await c.client.get(LEASES, "node-1", "kube-node-lease")
            assert c.world.clock.now() - parse_time(lease["spec"]["renewTime"]) > 50, "off"
            await c.client.patch("nodes", "node-1", {"metadata": {"annotations": {"sim.ktui.dev/power": None}}}, content_type=MERGE_PATCH)
            await asyncio.sleep(11)
            assert (await c.client.get("nodes", "node-1"))["status"]["conditions"][3]["status"] == "True"

    run(main())


def test_a_restarted_engine_goes_on_with_its_pods():
    async def main():
        async with cluster() as c:
            await c.pod("web")
            await c.pod("timed", knobs={"run-seconds": "100"}, restartPolicy="Never")
            await c.pod("crash", knobs={"crash-after-seconds": "1"})
            await asyncio.sleep(60)
            await c.stop()
            before = {name: await c.get(name) for name in ("web", "timed")}
            await asyncio.sleep(10)
            await c.start()
            await asyncio.sleep(5)
            for name, pod in before.items():
                assert (await c.get(name))["status"] == pod["status"]
            assert (await c.state("crash"))["restartCount"] <= 6
            await asyncio.sleep(30)
            timed = (await c.get("timed"))["status"]
            ended = timed["containerStatuses"][0]["state"]["terminated"]
            assert timed["phase"] == "Succeeded"
            assert parse_time(ended["finishedAt"]) - parse_time(ended["startedAt"]) == 100
            await c.pod("new")
            await asyncio.sleep(5)
            assert (await c.get("new"))["status"]["podIP"] != before["web"]["status"]["podIP"]

    run(main())


def test_a_full_node_rejects():
    async def main():
        async with cluster(delays=False) as c:
            await c.pod("big", {"resources": {"requests": {"cpu": "7"}}})
            await c.pod("too-big", {"resources": {"requests": {"cpu": "2"}}})
            await asyncio.sleep(1)
            status = (await c.get("too-big"))["status"]
            assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
            message = "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 7000, capacity: 8000"
            assert status["message"] == message
            await c.client.delete("pods", "big", "default", DeleteOptions(grace_period_s=1))
            await asyncio.sleep(5)
            await c.pod("fits-now", {"resources": {"requests": {"cpu": "2"}}})
            await asyncio.sleep(1)
            assert (await c.get("fits-now"))["status"]["phase"] == "Running"

    run(main())


def test_a_config_map_that_comes_later_lets_the_pod_go_on():
    async def main():
        async with cluster(delays=False) as c:
            await c.pod("p", {"envFrom": [{"configMapRef": {"name": "settings"}}]})
            await asyncio.sleep(2)
            assert (await c.state("p"))["state"]["waiting"]["reason"] == "CreateContainerConfigError"
            config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
            await c.client.create("configmaps", config, "default")
            await asyncio.sleep(15)
            assert (await c.get("p"))["status"]["phase"] == "Running"

    run(main())


def test_an_outage_of_the_server_is_waited_out():
    async def main():
        async with cluster(1) as c:
            await c.pod("p", knobs={"run-seconds": "20"}, restartPolicy="Never")
            await asyncio.sleep(10)
            c.gate.shut = True
            await asyncio.sleep(60)
            assert c.gate.refused < 150, "tried again about once a second"
            assert (await c.get("p"))["status"]["phase"] == "Running"
            c.gate.shut = False
            await asyncio.sleep(15)
            assert (await c.get("p"))["status"]["phase"] == "Succeeded"
            lease = await c.client.get(LEASES, "node-1", "kube-node-lease")
            assert c.world.clock.now() - parse_time(lease["spec"]["renewTime"]) <= 10

    run(main())


def test_a_node_may_join_later():
    async def main():
        async with cluster(1) as c:
            await c.fleet.add(NodeSpec("extra", 7, cpu="1"))
            spec = {"nodeName": "extra", "containers": [{"name": "c", "image": "nginx:1"}]}
            await c.client.create("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}, "default")
            await asyncio.sleep(5)
            assert (await c.get("p"))["status"]["podIP"].startswith("10.244.7.")

    run(main())


def test_a_node_that_is_deleted_takes_its_containers_with_it():
    async def main():
        async with cluster(1) as c:
            await c.pod("p")
            await asyncio.sleep(5)
            pod = await c.get("p")
            assert c.fleet.usage(pod, "c", c.world.clock.now()).memory_bytes > 0
            await c.client.delete("nodes", "node-1")
            await asyncio.sleep(30)
            assert c.fleet.usage(pod, "c", c.world.clock.now()).memory_bytes == 0
            with pytest.raises(StatusError, match="no route to host"):
                await c.logs("p")

    run(main())


def test_the_same_seed_gives_the_same_history():
    async def main():
        async with cluster() as c:
            await c.pod("web", {"readinessProbe": {"httpGet": {"port": 80}}})
            await c.pod("crash", {"image": "busybox", "command": ["sh", "-c", "echo hi; exit 1"]})
            await asyncio.sleep(120)
            return [(await c.client.list(r, ListQuery()))["items"] for r in ("pods", "events", "nodes", LEASES)]

    assert run(main()) == run(main())
