"""Preemption in a cluster: victims, their notice, and the place that is kept until they are gone."""

from engine.base.objects import dig, is_terminating
from engine.store.events import DELETED, Event
from tests.scheduler.clusters import Site, play

SLOW = {"sim.ktui.dev/stop-seconds": "20"}


async def fill(site: Site, grace_s: int = 30) -> None:
    """A pod of 6 of the 8 CPUs on each node, those that take 20 s to stop."""
    await site.priority("high", 1_000)
    await site.priority("middle", 500)
    for number in range(3):
        await site.pod(f"low-{number}", cpu="6", terminationGracePeriodSeconds=grace_s, annotations=SLOW)
    await site.wait()
    assert sorted(site.by_node()) == ["node-1", "node-2", "node-3"]


def victim(site: Site) -> str:
    (name,) = [pod["metadata"]["name"] for pod in site.pods() if is_terminating(pod)]
    return str(name)


def test_a_victim_is_told_and_its_place_is_kept() -> None:
    async def test(site: Site) -> None:
        await fill(site)
        await site.pod("high", cpu="6", priorityClassName="high")
        await site.wait(2)
        lost = victim(site)
        node = site.host(lost)
        condition = site.condition(lost, "DisruptionTarget")
        assert (condition["status"], condition["reason"]) == ("True", "PreemptionByScheduler")
        assert condition["message"] == "default-scheduler: preempting to accommodate a higher priority pod"
        (event,) = site.events(lost, "Preempted")
        assert event["message"] == f"Preempted by pod {site.get('high')['metadata']['uid']} on node {node}"
        assert (event["action"], event["related"]["name"]) == ("Preempting", "high")
        assert dig(site.get("high"), "status", "nominatedNodeName") == node
        assert site.condition("high")["message"] == "0/3 nodes are available: 3 Insufficient cpu."
        await site.wait(30)
        assert site.host("high") == node

    play(test)


def test_lesser_pods_do_not_take_the_place_that_a_victim_leaves() -> None:
    async def test(site: Site) -> None:
        await fill(site)
        taken: list[str] = []

        def on_pod(event: Event) -> None:
            if event.type != DELETED and event.object["spec"].get("nodeName") and event.name not in taken:
                taken.append(event.name)

        await site.pod("high", cpu="6", priorityClassName="high")
        await site.wait(2)
        node = site.host(victim(site))
        site.cluster.store.subscribe("pods", "default", 0, on_pod)
        for number in range(5):
            await site.pod(f"late-{number}", cpu="4")
        await site.wait(60)
        assert site.host("high") == node
        assert all(site.host(f"late-{number}") == "" for number in range(5))
        assert "late-0" not in taken and "high" in taken

    play(test)


def test_what_fits_beside_a_nominated_pod_comes_when_the_victim_is_gone() -> None:
    async def test(site: Site) -> None:
        await fill(site)
        await site.pod("high", cpu="6", priorityClassName="high")
        await site.wait(2)
        node = site.host(victim(site))
        await site.pod("small", cpu="1500m", nodeSelector={"kubernetes.io/hostname": node})
        await site.wait(2)
        assert site.host("small") == ""
        await site.wait(40)
        assert site.host("high") == site.host("small") == node

    play(test)


def test_a_higher_priority_takes_over_the_place_of_a_nominated_pod() -> None:
    async def test(site: Site) -> None:
        await site.patch_node("node-2", unschedulable=True)
        await site.patch_node("node-3", unschedulable=True)
        await site.priority("high", 1_000)
        await site.priority("middle", 500)
        await site.pod("low", cpu="6", terminationGracePeriodSeconds=30, annotations=SLOW)
        await site.wait()
        await site.pod("middle", cpu="6", priorityClassName="middle")
        await site.wait(2)
        assert dig(site.get("middle"), "status", "nominatedNodeName") == "node-1"
        await site.pod("high", cpu="6", priorityClassName="high")
        await site.wait(40)
        assert site.host("high") == "node-1"
        assert site.host("middle") == ""
        assert not dig(site.get("middle"), "status", "nominatedNodeName")

    play(test)


def test_a_pod_that_never_preempts_says_so() -> None:
    async def test(site: Site) -> None:
        await fill(site)
        await site.priority("polite", 1_000, preemptionPolicy="Never")
        await site.pod("polite", cpu="6", priorityClassName="polite")
        await site.wait()
        message = "0/3 nodes are available: 3 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."
        assert site.condition("polite")["message"] == message
        assert not any(is_terminating(pod) for pod in site.pods())

    play(test)
