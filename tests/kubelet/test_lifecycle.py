"""A pod's way from bound to running to done: phases, conditions, statuses, restarts."""

import json

import pytest

from engine.kubelet import effects, inputs
from engine.kubelet.references import Problem
from tests.kubelet.driving import IMAGE, START, Driver, pod
from tests.shared import shared


def test_a_pod_starts_and_becomes_ready():
    d = Driver(pod({}))
    made = d.status()
    assert made["phase"] == "Running"
    assert (made["podIP"], made["hostIP"], made["qosClass"], made["observedGeneration"]) == ("10.244.0.2", "172.18.0.2", "BestEffort", 1)
    assert made["startTime"] == "2026-01-01T00:00:00Z"
    assert made["containerStatuses"] == [
        {
            "name": "c",
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            "lastState": {},
            "ready": True,
            "restartCount": 0,
            "image": IMAGE.name,
            "imageID": IMAGE.id,
            "containerID": "containerd://0-0",
            "started": True,
            "resources": {},
        }
    ]
    assert d.events() == [
        'Pulled: Container image "nginx:1.27" already present on machine and can be accessed by the pod',
        "Created: Container created",
        "Started: Container started",
    ]


def test_conditions_are_the_recorded_ones_in_their_order():
    recorded = json.loads(shared("golden/converged/deployment.json").read_text())["steps"][0]["state"]["Pod"][0]["status"]["conditions"]
    ours = Driver(pod({})).status()["conditions"]
    shape = ["type", "status", "lastProbeTime"]
    assert [[c[f] for f in shape] for c in ours] == [[c[f] for f in shape] for c in recorded]
    assert all(set(a) - {"observedGeneration"} == set(b) for a, b in zip(ours, recorded, strict=True))


def test_a_completed_pod_has_the_recorded_conditions():
    steps = json.loads(shared("golden/converged/jobs.json").read_text())["steps"]
    recorded = [p["status"] for s in steps for p in s["state"].get("Pod", ()) if p["status"]["phase"] == "Succeeded"]
    d = Driver(pod({}, restartPolicy="Never"))
    d.status()
    d.exit("c")
    ours = {c["type"]: (c["status"], c.get("reason")) for c in d.status()["conditions"]}
    # The stand-in's Initialized has no reason; upstream's kubelet says PodCompleted (status/generate.go).
    for condition in recorded[0]["conditions"]:
        if condition["type"] != "Initialized":
            assert ours[condition["type"]] == (condition["status"], condition.get("reason"))


def test_status_while_the_image_is_fetched():
    d = Driver(pod({}), hold=(effects.PullImage,))
    assert d.status()["phase"] == "Pending"
    assert d.container()["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert d.condition("PodReadyToStartContainers")[0] == "True"
    assert d.condition("Ready") == ("False", "ContainersNotReady", "containers with unready status: [c]")
    d.feed(inputs.Pulling(0, 0), inputs.Pulled(0, 0, IMAGE, 1.2345, 1.2345, 70_000_000))
    assert d.events()[:2] == [
        'Pulling: Pulling image "nginx:1.27"',
        'Pulled: Successfully pulled image "nginx:1.27" in 1.234s (1.234s including waiting). Image size: 70000000 bytes.',
    ]


def test_transition_times_stay_where_nothing_changed():
    d = Driver(pod({}), hold=(effects.PullImage,))
    d.status()
    d.until(7)
    d.feed(inputs.Pulled(0, 0, IMAGE))
    when = {c["type"]: c["lastTransitionTime"] for c in d.status()["conditions"]}
    assert (when["Initialized"], when["Ready"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:07Z")


@pytest.mark.parametrize(
    ("policy", "codes", "phase"),
    [
        ("Always", (0, 0), "Running"),
        ("Always", (1, 0), "Running"),
        ("OnFailure", (0, 0), "Succeeded"),
        ("OnFailure", (1, 0), "Running"),
        ("Never", (0, 0), "Succeeded"),
        ("Never", (1, 0), "Failed"),
        ("Never", (0, None), "Running"),
    ],
)
def test_phase_after_containers_end(policy, codes, phase):
    d = Driver(pod({"name": "a"}, {"name": "b"}, restartPolicy=policy), hold=(effects.SignalContainer,))
    for name, code in zip("ab", codes, strict=True):
        if code is not None:
            d.exit(name, code)
    assert d.status()["phase"] == phase


def test_crash_loop_waits_0_10_20_40_80_160_300_300_seconds():
    d = Driver(pod({}))
    for _ in range(8):
        ended = d.now
        before = len(d.at(effects.StartContainer))
        d.exit("c", 1)
        while len(d.at(effects.StartContainer)) == before:
            d.until(d.state.timer - START)
        assert d.now - ended == (0, 10, 20, 40, 80, 160, 300, 300)[before - 1]
    assert d.container()["restartCount"] == 8


def test_crash_loop_status_and_event():
    d = Driver(pod({}))
    d.exit("c", 1)
    d.exit("c", 3)
    c = d.container()
    assert c["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=c pod=p_ns(u)"}}
    assert (c["lastState"]["terminated"]["exitCode"], c["restartCount"], c["ready"]) == (3, 1, False)
    assert d.events("BackOff") == ["Back-off restarting failed container c in pod p_ns(u)"]


def test_back_off_is_forgotten_after_ten_good_minutes():
    d = Driver(pod({}))
    for _ in range(4):
        d.exit("c", 1)
        d.until(d.now - START + 100)
    d.until(d.now - START + 601)
    d.exit("c", 1)
    assert "running" in d.container()["state"], "restarted at once"


def test_a_container_rule_restarts_on_its_exit_codes():
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    d = Driver(pod({"restartPolicy": "Never", "restartPolicyRules": rules}, restartPolicy="Never"))
    d.exit("c", 42)
    assert (d.container()["restartCount"], d.status()["phase"]) == (1, "Running")
    d.exit("c", 1)
    assert d.status()["phase"] == "Failed"


def test_image_pull_errors_turn_into_back_off_and_are_retried():
    d = Driver(pod({}), hold=(effects.PullImage,))
    d.feed(inputs.Pulling(0, 0), inputs.PullFailed(0, 0, "ErrImagePull", "no such host"))
    assert d.container()["state"]["waiting"] == {"reason": "ErrImagePull", "message": "no such host"}
    d.until(5)
    assert d.container()["state"]["waiting"] == {
        "reason": "ImagePullBackOff",
        "message": 'Back-off pulling image "nginx:1.27": ErrImagePull: no such host',
    }
    assert d.events() == [
        'Pulling: Pulling image "nginx:1.27"',
        'Failed: Failed to pull image "nginx:1.27": no such host',
        "Failed: Error: ErrImagePull",
        'BackOff: Back-off pulling image "nginx:1.27"',
        "Failed: Error: ImagePullBackOff",
    ]
    for wait in (10, 20, 40, 80, 160, 300, 300):
        asked = len(d.at(effects.PullImage))
        failed = d.now if asked > 1 else START
        while len(d.at(effects.PullImage)) == asked:
            d.until(d.state.timer - START)
        assert d.now - failed == wait
        d.feed(inputs.PullFailed(0, 0, "ErrImagePull", "no such host"))


def test_a_missing_variable_holds_up_its_container_only():
    env = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "x"}}}]
    obj = pod({"name": "a", "env": env}, {"name": "b"})
    d = Driver(obj, hold=(effects.Resolve,))
    d.problems = (Problem("env", "a", 'configmap "settings" not found'),)
    d.feed(inputs.Resolved(d.problems))
    assert d.container("a")["state"]["waiting"] == {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}
    assert "running" in d.container("b")["state"]
    assert d.events("Failed") == ['Error: configmap "settings" not found']
    d.until(13)
    d.feed(inputs.Resolved(()))
    assert d.status()["phase"] == "Running"
    assert "running" in d.container("a")["state"]


def test_a_missing_volume_holds_up_the_pod():
    d = Driver(pod({}, volumes=[{"name": "v", "secret": {"secretName": "s"}}]), hold=(effects.Resolve,))
    for _ in range(3):
        d.feed(inputs.Resolved((Problem("volume", "v", 'secret "s" not found'),)))
        d.until(d.state.timer - START)
    assert d.events("FailedMount")[0] == 'MountVolume.SetUp failed for volume "v" : secret "s" not found'
    assert d.at(effects.Resolve) == [0, 0.5, 1.5, 3.5]
    assert d.container()["state"]["waiting"] == {"reason": "ContainerCreating"}
    d.feed(inputs.Resolved(()))
    assert d.status()["phase"] == "Running"


def test_active_deadline_fails_the_pod():
    d = Driver(pod({}, activeDeadlineSeconds=60))
    d.until(60)
    assert d.status()["phase"] == "Running", "still stopping"
    d.exit("c", 143)
    made = d.status()
    assert (made["phase"], made["reason"]) == ("Failed", "DeadlineExceeded")
    assert made["message"] == "Pod was active on the node longer than the specified deadline"
    assert d.condition("Ready")[:2] == ("False", "PodFailed")


def test_rejection():
    obj = pod({})
    d = Driver(obj, hold=(effects.PrepareSandbox,))
    d.feed(inputs.Rejected("OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110"))
    made = d.status()
    assert (made["phase"], made["reason"]) == ("Failed", "OutOfpods")
    assert made["message"].startswith("Pod was rejected: Node didn't have enough resource: pods")
    assert "containerStatuses" not in made


def test_readiness_gates():
    d = Driver(pod({}, readinessGates=[{"conditionType": "lb"}]))
    assert d.condition("Ready") == (
        "False",
        "ReadinessGatesNotReady",
        'corresponding condition of pod readiness gate "lb" does not exist.',
    )
    assert d.condition("ContainersReady")[0] == "True"
    gate = {"type": "lb", "status": "True"}
    obj = {**d.state.pod, "status": {**d.state.pod["status"], "conditions": [*d.state.pod["status"]["conditions"], gate]}}
    d.feed(inputs.PodUpdated(obj))
    assert d.condition("Ready")[0] == "True"
    assert d.status()["conditions"][0] == gate


def test_start_error():
    d = Driver(pod({}, restartPolicy="Never"), hold=(effects.StartContainer,))
    d.feed(inputs.StartFailed(0, 0, "containerd://x", 'exec: "nope": executable file not found in $PATH'))
    ended = d.container()["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert d.status()["phase"] == "Failed"


def test_news_of_earlier_instances_change_nothing():
    d = Driver(pod({}))
    d.exit("c", 1)
    before = d.state
    d.feed(inputs.Exited(0, 0, 1, d.now), inputs.Started(0, 0, "old", d.now), inputs.HookDone(0, 0, "preStop"))
    assert d.state == before


def test_an_eviction_fails_the_pod_with_its_reason():
    d = Driver(pod({}))
    d.feed(inputs.Evict("Evicted", "The node was low on resource: memory.", 1))
    d.until(1)
    assert [s.signal for s in d.of(effects.SignalContainer)] == [effects.TERM, effects.KILL]
    d.exit("c", 137)
    assert (d.status()["phase"], d.status()["reason"]) == ("Failed", "Evicted")
    assert d.condition("DisruptionTarget")[:2] == ("True", "TerminationByKubelet")


def test_an_ephemeral_container_joins_a_running_pod():
    d = Driver(pod({}))
    spec = {**d.state.pod["spec"], "ephemeralContainers": [{"name": "debug", "image": "busybox"}]}
    d.feed(inputs.PodUpdated({**d.state.pod, "spec": spec}))
    assert "running" in d.container("debug")["state"]
    d.exit("debug", 1)
    assert (d.container("debug")["state"]["terminated"]["exitCode"], d.status()["phase"]) == (1, "Running")
    assert d.condition("Ready")[0] == "True"


def test_another_image_restarts_the_container():
    d = Driver(pod({}))
    changed = [{**d.state.pod["spec"]["containers"][0], "image": "nginx:1.28"}]
    d.feed(inputs.PodUpdated({**d.state.pod, "spec": {**d.state.pod["spec"], "containers": changed}}))
    assert d.events("Killing") == ["Container c definition changed, will be restarted"]
    d.exit("c", 0)
    assert (d.container()["restartCount"], "running" in d.container()["state"]) == (1, True)
