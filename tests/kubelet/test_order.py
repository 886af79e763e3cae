"""Init containers, sidecars, probes, hooks and termination: what comes after what, and when."""

import pytest

from engine.kubelet import effects, inputs
from engine.kubelet.effects import KILL, POST_START, PRE_STOP, TERM
from engine.kubelet.podstate import NEVER
from tests.kubelet.driving import START, Driver, pod

SIDECAR = {"name": "side", "restartPolicy": "Always"}


def started(d):
    names = [c.name for c in d.state.plan.containers]
    return [names[e.container] for e in d.of(effects.StartContainer)]


def signals(d):
    names = [c.name for c in d.state.plan.containers]
    return [(round(t - START, 3), names[e.container], e.signal) for t, e in d.effects if isinstance(e, effects.SignalContainer)]


def test_init_containers_run_one_after_the_other():
    d = Driver(pod({}, init=({"name": "one"}, {"name": "two"})))
    assert started(d) == ["one"]
    assert d.status()["phase"] == "Pending"
    assert d.condition("Initialized") == ("False", "ContainersNotInitialized", "containers with incomplete status: [one two]")
    assert d.container("c")["state"] == {"waiting": {"reason": "PodInitializing"}}
    d.exit("one")
    assert started(d) == ["one", "two"]
    assert d.container("one")["ready"] is True
    d.exit("two")
    assert started(d) == ["one", "two", "c"]
    assert (d.status()["phase"], d.condition("Initialized")[0]) == ("Running", "True")


@pytest.mark.parametrize(("policy", "phase"), [("Never", "Failed"), ("OnFailure", "Pending"), ("Always", "Pending")])
def test_a_failing_init_container(policy, phase):
    d = Driver(pod({}, init=({"name": "one"},), restartPolicy=policy))
    d.exit("one", 1)
    assert d.status()["phase"] == phase
    assert started(d) == (["one"] if policy == "Never" else ["one", "one"])


def test_a_sidecar_starts_before_what_follows_it_and_is_waited_for():
    probe = {"startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1}}
    d = Driver(pod({}, init=({**SIDECAR, **probe}, {"name": "two"})), hold=(effects.RunProbe,))
    assert started(d) == ["side"]
    d.feed(inputs.ProbeResult(0, 0, "startup", True))
    assert started(d) == ["side", "two"]
    d.exit("two")
    assert started(d) == ["side", "two", "c"]
    assert d.condition("Ready")[0] == "True"


def test_a_sidecar_restarts_alone_and_does_not_take_the_pod_back():
    d = Driver(pod({}, init=(SIDECAR,)))
    d.exit("side", 1)
    assert started(d) == ["side", "c", "side"]
    d.exit("side", 1)
    assert (d.status()["phase"], d.condition("Initialized")[0]) == ("Running", "True")
    assert d.condition("Ready")[1:] == ("ContainersNotReady", "containers with unready status: [side]")


def test_sidecars_end_last_in_reverse_order_and_do_not_hold_up_completion():
    d = Driver(pod({}, init=({**SIDECAR, "name": "s1"}, {**SIDECAR, "name": "s2"}), restartPolicy="Never"))
    d.exit("c")
    assert signals(d) == [(0, "s2", TERM)]
    assert d.status()["phase"] == "Running"
    d.exit("s2")
    assert signals(d)[1:] == [(0, "s1", TERM)]
    d.exit("s1", 143)
    assert d.status()["phase"] == "Succeeded"


def test_deletion_terms_mains_then_sidecars_and_removes_the_pod_at_last():
    d = Driver(pod({"name": "a"}, {"name": "b"}, init=(SIDECAR,)))
    d.delete()
    assert signals(d) == [(0, "b", TERM), (0, "a", TERM)]
    d.exit("a", 0)
    assert len(signals(d)) == 2
    d.exit("b", 143)
    assert signals(d)[2:] == [(0, "side", TERM)]
    assert d.of(effects.DeletePod) == []
    d.exit("side", 0)
    assert len(d.of(effects.DeletePod)) == 1
    assert d.status()["phase"] == "Failed"
    assert d.events("Killing") == ["Stopping container b", "Stopping container a", "Stopping container side"]


@pytest.mark.parametrize(("grace", "killed_at"), [(30, 30), (5, 5), (1, 2), (0, 2)])
def test_kill_comes_at_the_end_of_the_grace(grace, killed_at):
    d = Driver(pod({}))
    d.delete(grace)
    d.until(100)
    assert signals(d) == [(0, "c", TERM), (killed_at, "c", KILL)]


def test_a_later_deletion_may_shorten_the_grace_only():
    d = Driver(pod({}))
    d.delete(30)
    d.until(3)
    d.delete(60)
    d.delete(10)
    d.until(100)
    assert signals(d) == [(0, "c", TERM), (13, "c", KILL)]


@pytest.mark.parametrize(
    ("takes", "expected"),
    [(4, [(4, "c", TERM), (30, "c", KILL)]), (29, [(29, "c", TERM), (31, "c", KILL)]), (None, [(30, "c", TERM), (32, "c", KILL)])],
)
def test_pre_stop_uses_up_the_grace_but_leaves_two_seconds(takes, expected):
    d = Driver(pod({"lifecycle": {"preStop": {"sleep": {"seconds": 4}}}}))
    d.delete()
    assert [(h.kind, h.timeout_s) for h in d.of(effects.RunHook)] == [(PRE_STOP, 30)]
    if takes is not None:
        d.until(takes)
        d.feed(inputs.HookDone(0, 0, PRE_STOP))
    d.until(100)
    assert signals(d) == expected


def test_post_start_holds_back_running():
    d = Driver(pod({"lifecycle": {"postStart": {"exec": {"command": ["true"]}}}}))
    assert d.container()["state"] == {"waiting": {"reason": "ContainerCreating"}}
    d.feed(inputs.HookDone(0, 0, POST_START))
    assert d.container()["ready"] is True


def test_a_failed_post_start_stops_the_container():
    d = Driver(pod({"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}))
    d.feed(inputs.HookDone(0, 0, POST_START, "exit code 1"))
    assert signals(d) == [(0, "c", TERM)]
    assert d.events("FailedPostStartHook") == ["PostStartHook failed"]
    assert d.events("Killing") == ["FailedPostStartHook"]
    d.exit("c", 143)
    assert d.state.containers[0].restarts == 1


def test_deletion_before_anything_runs_is_quick():
    d = Driver(pod({}), hold=(effects.PullImage,))
    d.delete()
    assert len(d.of(effects.DeletePod)) == 1
    ended = d.container()["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "ContainerStatusUnknown")


def test_deletion_while_a_container_starts_terms_it_once_it_runs():
    d = Driver(pod({}), hold=(effects.StartContainer,))
    d.delete()
    assert signals(d) == []
    d.feed(inputs.Started(0, 0, "x", d.now))
    assert signals(d) == [(0, "c", TERM)]


def test_a_force_deleted_pod_is_still_stopped_and_not_written():
    d = Driver(pod({}))
    written = len(d.of(effects.PatchStatus))
    d.feed(inputs.PodRemoved())
    assert signals(d) == [(0, "c", TERM)]
    d.exit("c", 143)
    assert len(d.of(effects.RemoveSandbox)) == 1
    assert d.of(effects.DeletePod) == []
    assert len(d.of(effects.PatchStatus)) == written


# -- probes


def probing(kind, **probe):
    return pod({f"{kind}Probe": {"httpGet": {"port": 80}, **probe}})


def test_probe_times_follow_delay_and_period():
    d = Driver(probing("readiness", initialDelaySeconds=3, periodSeconds=5))
    d.until(20)
    assert d.at(effects.RunProbe) == [3, 8, 13, 18]


def test_readiness_begins_false_and_follows_its_thresholds():
    d = Driver(probing("readiness", periodSeconds=10, successThreshold=2, failureThreshold=3))
    assert d.container()["ready"] is False
    d.until(10)
    assert d.container()["ready"] is True
    d.probe_ok = False
    d.until(30)
    assert d.container()["ready"] is True
    d.until(40)
    assert d.container()["ready"] is False
    assert signals(d) == []
    assert d.events("Unhealthy") == ["Readiness probe failed: connection refused"] * 3


def test_liveness_stops_the_container_after_three_failures():
    d = Driver(probing("liveness", periodSeconds=5))
    assert d.container()["ready"] is True
    d.probe_ok = False
    d.until(15)
    assert signals(d) == [(15, "c", TERM)]
    assert d.events("Killing") == ["Container c failed liveness probe, will be restarted"]
    d.exit("c", 0)
    assert d.container()["restartCount"] == 1


def test_a_probe_may_have_its_own_grace():
    d = Driver(probing("liveness", failureThreshold=1, terminationGracePeriodSeconds=1), hold=(effects.RunProbe,))
    d.feed(inputs.ProbeResult(0, 0, "liveness", False))
    d.until(5)
    assert signals(d) == [(0, "c", TERM), (1, "c", KILL)]


def test_startup_gates_the_other_probes_and_has_them_asked_at_once():
    both = {"startupProbe": {"httpGet": {"port": 80}, "periodSeconds": 4}, "readinessProbe": {"httpGet": {"port": 80}}}
    d = Driver(pod(both), hold=(effects.RunProbe,))
    assert [p.probe.kind for p in d.of(effects.RunProbe)] == ["startup"]
    assert (d.container()["started"], d.container()["ready"]) == (False, False)
    d.feed(inputs.ProbeResult(0, 0, "startup", False))
    d.until(4)
    d.feed(inputs.ProbeResult(0, 0, "startup", True))
    assert [p.probe.kind for p in d.of(effects.RunProbe)] == ["startup", "startup", "readiness"]
    assert d.container()["started"] is True
    d.until(60)
    assert "startup" not in [p.probe.kind for p in d.of(effects.RunProbe)][3:]


def test_startup_failure_restarts():
    d = Driver(probing("startup", periodSeconds=1, failureThreshold=3), hold=(effects.RunProbe,))
    for second in range(3):
        d.until(second)
        d.feed(inputs.ProbeResult(0, 0, "startup", False, "refused"))
    assert signals(d) == [(2, "c", TERM)]
    assert d.events("Killing") == ["Container c failed startup probe, will be restarted"]


def test_a_success_that_is_known_to_hold_is_not_asked_again():
    d = Driver(probing("readiness", periodSeconds=10), hold=(effects.RunProbe,))
    d.feed(inputs.ProbeResult(0, 0, "readiness", True, until=START + 35))
    assert d.state.timer == START + 40
    d.until(40)
    d.feed(inputs.ProbeResult(0, 0, "readiness", True, until=NEVER))
    assert d.state.timer == NEVER


def test_while_a_pod_stops_only_readiness_is_asked():
    both = {"livenessProbe": {"httpGet": {"port": 80}}, "readinessProbe": {"httpGet": {"port": 80}}}
    d = Driver(pod(both))
    d.delete()
    d.until(25)
    assert {p.probe.kind for t, p in d.effects if isinstance(p, effects.RunProbe) and t > START} == {"readiness"}


# -- taking over


def test_a_restarted_kubelet_takes_pods_over_as_they_are():
    first = Driver(pod({"readinessProbe": {"httpGet": {"port": 80}}}))
    first.exit("c", 1)
    first.until(60)
    before = first.status()
    again = Driver(first.state.pod)
    assert [(a.instance, a.id) for a in again.of(effects.AdoptContainer)] == [(1, "containerd://0-1")]
    assert again.of(effects.StartContainer) == []
    after = again.status()
    assert after["containerStatuses"][0]["state"] == before["containerStatuses"][0]["state"]
    assert after["containerStatuses"][0]["restartCount"] == 1
    assert after["conditions"] == before["conditions"]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_pod_that_was_over_is_left_alone_or_deleted(deleted):
    first = Driver(pod({}, restartPolicy="Never"))
    first.exit("c")
    first.status()
    obj = first.state.pod
    if deleted:
        obj = {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    again = Driver(obj)
    assert again.of(effects.StartContainer) == []
    assert again.of(effects.PatchStatus) == []
    assert len(again.of(effects.DeletePod)) == int(deleted)
