"""Simulated containers: commands, knobs, output, use of resources."""

import asyncio

import pytest

from engine.base.errors import StatusError
from engine.kubelet.simulation import curves, images
from engine.kubelet.simulation.images import InvalidImageError
from engine.kubelet.simulation.knobs import KnobError, knobs_of
from engine.kubelet.simulation.scripts import NEVER, walk
from engine.kubelet.simulation.words import DATE
from engine.sim.loop import run
from tests.kubelet.clusters import cluster


@pytest.mark.parametrize(
    ("script", "lines", "ends", "code"),
    [
        ("exit 3", [], 0, 3),
        ("echo hi; sleep 5; exit 1", [(0, "hi")], 5, 1),
        ("sleep 2 && echo done", [(2, "done")], 2, 0),
        ("false && echo no", [], 0, 1),
        ("false || echo rescued", [(0, "rescued")], 0, 0),
        ("for i in 1 2 3; do echo $i; sleep 1; done; echo end", [(0, "1"), (1, "2"), (2, "3"), (3, "end")], 3, 0),
        ('i=0; while [ $i -lt 3 ]; do echo "n $i"; i=$((i+1)); sleep 1; done; exit 7', [(0, "n 0"), (1, "n 1"), (2, "n 2")], 3, 7),
        ('if [ -z "$NOPE" ]; then echo empty; exit 4; else echo full; fi', [(0, "empty")], 0, 4),
        ("echo $GREETING ${OTHER:-there}", [(0, "hello there")], 0, 0),
        ("for i in $(seq 1 2); do printf 'x %s\\n' $i; done", [(0, "x 1"), (0, "x 2")], 0, 0),
        ("until nslookup db; do sleep 2; done; echo ok", [(1, "ok")], 1, 0),
        ("echo a\n# a comment\necho b", [(0, "a"), (0, "b")], 0, 0),
        ("for i in 1 2 3; do if [ $i = 2 ]; then break; fi; echo $i; done", [(0, "1")], 0, 0),
        ("date; sleep 1m", [(0, DATE)], 60, 0),
        ("sleep infinity", [], NEVER, 0),
        ("tail -f /dev/null", [], NEVER, 0),
        ("echo up; exec nginx -g 'daemon off;'", [(0, "up")], NEVER, 0),
        ("echo 'no end", [(0, "sh: syntax error: No closing quotation")], 0, 2),
    ],
)
def test_scripts_do_what_they_say(script, lines, ends, code):
    found = walk(script, {"GREETING": "hello"}, keeps_running=False)
    assert ([*found.lines], found.ends_s, found.code) == (lines, ends, code)


def test_a_loop_without_end_repeats_its_lines():
    found = walk("while true; do echo tick; sleep 2; done", {}, keeps_running=False)
    assert (found.ends_s, found.loop_s, found.loop) == (NEVER, 2, ((0, "tick"),))


def test_a_script_may_leave_a_message_and_ignore_term():
    assert walk("echo bye > /dev/termination-log; exit 1", {}, keeps_running=False).message == "bye\n"
    assert walk("trap '' TERM; sleep infinity", {}, keeps_running=False).ignores_term


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
        ("ghcr.io/x/y@sha256:" + "a" * 64, "ghcr.io/x/y@sha256:" + "a" * 64),
    ],
)
def test_image_names_are_normalised(image, shown):
    assert str(images.parse(image)) == shown


@pytest.mark.parametrize("image", ["Nginx", "a b", "nginx::1", "/nginx", "nginx:"])
def test_image_names_that_are_none(image):
    with pytest.raises(InvalidImageError, match="invalid reference format"):
        images.parse(image)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("250m", [0.25, 0.25, 0.25]),
        ("10..20/60s", [10, 15, 20]),
        ("sine(100m..900m/60s)", [0.1, 0.9, 0.1]),
        ("1.5..2.5/1m", [1.5, 2.0, 2.5]),
    ],
)
def test_curves(text, values):
    curve = curves.parse(text)
    assert [round(curve.at(age), 6) for age in (0, 30, 60)] == values


def test_when_a_curve_crosses_a_limit():
    assert curves.parse("0..100/10s").first_above(50) == 5
    assert round(curves.parse("sine(0..100/10s)").first_above(50), 6) == 2.5
    assert curves.parse("40").first_above(50) == NEVER


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run-seconds", "soon"),
        ("nonsense", "1"),
        ("ignore-term", "yes"),
        ("liveness", "fails"),
        ("memory", "10Mi..20Mi"),
        ("cpu", "sine(1..2/3s"),
    ],
)
def test_knobs_that_cannot_be_read_are_named(key, value):
    with pytest.raises(KnobError, match=f"sim.ktui.dev/{key}"):
        knobs_of(((f"sim.ktui.dev/{key}", value),), "c")


def test_a_containers_own_knob_goes_before_the_pods():
    annotations = (("sim.ktui.dev/run-seconds", "1"), ("sim.ktui.dev/run-seconds.b", "2"))
    assert (knobs_of(annotations, "a").run_s, knobs_of(annotations, "b").run_s) == (1, 2)


SH = {"image": "busybox", "command": ["sh", "-c"]}


@pytest.mark.parametrize(
    ("container", "knobs", "policy", "shown"),
    [
        ({}, {}, "Never", ("Running", None, None)),
        ({"image": "busybox"}, {}, "Never", ("Succeeded", 0, "Completed")),
        ({"image": "busybox", "command": ["sleep", "10"]}, {}, "Never", ("Succeeded", 0, "Completed")),
        ({"image": "busybox", "command": ["sleep", "infinity"]}, {}, "Never", ("Running", None, None)),
        ({**SH, "args": ["exit 5"]}, {}, "Never", ("Failed", 5, "Error")),
        ({"image": "perl", "command": ["perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"]}, {}, "Never", ("Succeeded", 0, "Completed")),
        ({"image": "acme/task", "command": ["./do-it"]}, {}, "OnFailure", ("Succeeded", 0, "Completed")),
        ({"image": "acme/task", "command": ["./do-it"]}, {}, "Always", ("Running", None, None)),
        ({}, {"run-seconds": "5", "exit-code": "9"}, "Never", ("Failed", 9, "Error")),
        ({}, {"crash-after-seconds": "5"}, "Never", ("Failed", 1, "Error")),
        (
            {"resources": {"limits": {"memory": "100Mi"}}},
            {"memory": "10Mi..200Mi/20s"},
            "Never",
            ("Failed", 137, "OOMKilled"),
        ),
    ],
)
def test_what_containers_do(container, knobs, policy, shown):
    async def main():
        async with cluster(1) as c:
            await c.pod("p", container, knobs, restartPolicy=policy)
            await asyncio.sleep(30)
            ended = (await c.state("p"))["state"].get("terminated", {})
            return (await c.get("p"))["status"]["phase"], ended.get("exitCode"), ended.get("reason")

    assert run(main()) == shown


@pytest.mark.parametrize(
    ("container", "knobs", "reason", "said"),
    [
        ({"image": "Nginx"}, {}, "InvalidImageName", "invalid reference format"),
        ({"image": "registry.invalid/x"}, {}, "ImagePullBackOff", "lookup registry.invalid: no such host"),
        ({}, {"pull-error": "denied"}, "ImagePullBackOff", "denied"),
        ({"imagePullPolicy": "Never"}, {}, "ErrImageNeverPull", "is not present with pull policy of Never"),
    ],
)
def test_images_that_cannot_be_had(container, knobs, reason, said):
    async def main():
        async with cluster(1) as c:
            await c.pod("p", container, knobs)
            await asyncio.sleep(9)
            return (await c.state("p"))["state"]["waiting"]

    waiting = run(main())
    assert waiting["reason"] == reason
    assert said in waiting["message"]


def test_probes_find_what_the_knobs_say():
    async def main():
        async with cluster(1) as c:
            http = {"httpGet": {"port": 80}, "periodSeconds": 1}
            await c.pod("late", {"readinessProbe": http}, {"ready-after-seconds": "30"})
            await c.pod("wrong-port", {"readinessProbe": {"httpGet": {"port": 81}}})
            await c.pod("dies", {"livenessProbe": http}, {"liveness": "fail-after:20"})
            await asyncio.sleep(15)
            assert [(await c.state(n))["ready"] for n in ("late", "wrong-port", "dies")] == [False, False, True]
            await asyncio.sleep(30)
            assert [(await c.state(n))["ready"] for n in ("late", "wrong-port")] == [True, False]
            assert (await c.state("dies"))["restartCount"] >= 1
            annotations = {"sim.ktui.dev/readiness": "fail"}
            await c.client.patch("pods", "late", {"metadata": {"annotations": annotations}}, "default")
            await asyncio.sleep(5)
            assert (await c.state("late"))["ready"] is False, "a turned knob is noticed"

    run(main())


def test_an_unreadable_annotation_is_told():
    async def main():
        async with cluster(1) as c:
            await c.pod("p")
            await asyncio.sleep(5)
            await c.client.patch("pods", "p", {"metadata": {"annotations": {"sim.ktui.dev/cpu": "lots"}}}, "default")
            await asyncio.sleep(1)
            assert "InvalidAnnotation x1" in await c.events("p")

    run(main())


def test_use_of_resources_is_a_function_of_time():
    async def main():
        async with cluster(1, delays=False) as c:
            pod = await c.pod("p", {"resources": {"requests": {"cpu": "1", "memory": "100Mi"}}}, {"memory": "10Mi..20Mi/100s"})
            await asyncio.sleep(1)
            begun = c.world.clock.now() - 1
            usage = [c.fleet.usage(pod, "c", begun + age) for age in (0, 50, 100, 1000)]
            assert [round(u.memory_bytes / 2**20) for u in usage] == [10, 15, 20, 20]
            assert all(100 <= u.cpu_milli <= 400 for u in usage)
            assert c.fleet.usage(pod, "other", begun).cpu_milli == 0

    run(main())


# -- logs

COUNT = {"image": "busybox", "command": ["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; sleep 10; done; exit 1"]}


def test_logs_by_their_options():
    async def main():
        async with cluster(1, delays=False) as c:
            await c.pod("p", COUNT, restartPolicy="Never")
            await asyncio.sleep(25)
            assert await c.logs("p") == "line 1\nline 2\nline 3\n"
            assert await c.logs("p", tailLines="1") == "line 3\n"
            assert await c.logs("p", sinceSeconds="16") == "line 2\nline 3\n"
            assert await c.logs("p", sinceTime="2026-01-01T00:00:15Z") == "line 3\n"
            assert await c.logs("p", limitBytes="9") == "line 1\nli"
            assert await c.logs("p", timestamps="true", tailLines="1") == "2026-01-01T00:00:20.000000000Z line 3\n"
            for options, said in (
                ({"previous": "true"}, 'previous terminated container "c" in pod "p" not found'),
                ({"container": "x"}, "container x is not valid for pod p"),
                ({"tailLines": "x"}, "unable to decode query"),
            ):
                with pytest.raises(StatusError, match=said):
                    await c.logs("p", **options)

    run(main())


def test_following_ends_with_the_container():
    async def main():
        async with cluster(1, delays=False) as c:
            await c.pod("p", COUNT, restartPolicy="Never")
            await asyncio.sleep(5)
            stream = await c.client.logs("p", "default", {"follow": "true"})
            seen = []
            while batch := await stream.batch():
                seen.append((round(c.world.clock.now() % 1000), b"".join(batch)))
            assert [line for _, line in seen] == [b"line %d\n" % i for i in range(1, 6)]
            assert (seen[1][0] - seen[0][0], c.world.clock.now() % 100 - seen[0][0] % 100) == (5, 45)

    run(main())


def test_following_can_be_given_up():
    async def main():
        async with cluster(1, delays=False) as c:
            await c.pod("p", {"image": "redis:7"})
            await asyncio.sleep(1)
            stream = await c.client.logs("p", "default", {"follow": "true", "tailLines": "0"})
            asyncio.get_running_loop().call_later(3, stream.close)
            assert await stream.batch() == []

    run(main())


def test_previous_logs_are_those_of_the_instance_before():
    async def main():
        async with cluster(1, delays=False) as c:
            await c.pod("p", {"image": "busybox", "command": ["sh", "-c", "echo $HOSTNAME; date; sleep 5; exit 1"]})
            await asyncio.sleep(7)
            now, before = await c.logs("p"), await c.logs("p", previous="true")
            assert before == "p\nThu Jan  1 00:00:00 UTC 2026\n"
            assert now == "p\nThu Jan  1 00:00:05 UTC 2026\n"

    run(main())


def test_the_termination_message_may_be_the_end_of_the_output():
    async def main():
        async with cluster(1, delays=False) as c:
            for name, policy in (("says", "FallbackToLogsOnError"), ("silent", "File")):
                container = {"image": "busybox", "command": ["sh", "-c", "echo cannot find $HOSTNAME; exit 1"]}
                await c.pod(name, {**container, "terminationMessagePolicy": policy}, restartPolicy="Never")
            await asyncio.sleep(5)
            ended = [(await c.state(n))["state"]["terminated"] for n in ("says", "silent")]
            assert [e.get("message") for e in ended] == ["cannot find says\n", None]

    run(main())


def test_output_is_bounded_and_always_the_same():
    async def main():
        async with cluster(1, delays=False) as c:
            await c.pod("p", {}, {"log-every-seconds": "0.1"})
            await asyncio.sleep(3600)
            first = await c.logs("p")
            assert first.count("\n") == 10_000
            assert await c.logs("p") == first
            assert "status=" in first

    run(main())
