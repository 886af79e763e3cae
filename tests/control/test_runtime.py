"""Informers, executor and manager against the real server in process, in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from engine.apiserver.server import ApiServer
from engine.base.api import Client, Request, Response, Stream
from engine.base.causes import Cause
from engine.base.errors import gone, unavailable
from engine.base.objects import Obj, name_of
from engine.base.selectors import parse
from engine.base.world import World, simulated_world
from engine.client.inprocess import InProcess
from engine.control.actions import Actions, Check, CheckEmpty, Create, Delete, Emit, Key, Parallel, Patch, Remember, RequeueAfter, Update
from engine.control.controller import Controller
from engine.control.events import Recorder
from engine.control.executor import Executor, Outcome
from engine.control.informers import PAGE_OBJECTS, Informer
from engine.control.manager import Manager
from engine.control.read import Read
from engine.sim.loop import VirtualLoop, run
from engine.store.store import Store

T = TypeVar("T")


class Lossy:
    """A transport that can be told to fail: `down` refuses, `cut` ends streams, `forget` answers watches with 410."""

    def __init__(self, server: ApiServer) -> None:
        self.inner = InProcess(server)
        self.down = self.forget = False
        self.lists = self.watches = 0
        self.streams: list[Stream] = []
        self.held: asyncio.Event | None = None

    async def send(self, request: Request) -> Response:
        if self.down:
            raise unavailable("down")
        self.lists += request.method == "GET" and request.path.endswith("configmaps")
        return await self.inner.send(request)

    async def open(self, request: Request) -> Stream:
        if self.down:
            raise unavailable("down")
        if self.forget:
            self.forget = False
            raise gone("too old resource version")
        self.watches += 1
        stream = Held(await self.inner.open(request), self)
        self.streams.append(stream)
        return stream

    def cut(self) -> None:
        for stream in self.streams:
            stream.close()
        self.streams.clear()

    async def close(self) -> None:
        await self.inner.close()


class Held:
    """A stream that gives nothing while its transport holds it back."""

    def __init__(self, inner: Stream, transport: Lossy) -> None:
        self.inner, self.transport = inner, transport

    async def batch(self) -> list[Any]:
        items = await self.inner.batch()
        if self.transport.held is not None:
            await self.transport.held.wait()
        return items

    def close(self) -> None:
        self.inner.close()


class Setting:
    """A server with a client whose connection can be broken."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = Store(world.clock)
        self.transport = Lossy(ApiServer(self.store, world))
        self.client = Client(self.transport, "test")
        self.tasks: list[asyncio.Task[None]] = []

    async def config(self, name: str, namespace: str = "default", **labels: str) -> Obj:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}
        return await self.client.create("configmaps", body, namespace)


def play(main: Callable[[Setting], Coroutine[Any, Any, T]]) -> T:
    loop = VirtualLoop()

    async def whole() -> T:
        return await main(Setting(simulated_world(loop)))

    return run(whole(), loop)


def names(informer: Informer) -> list[str]:
    return sorted(name_of(obj) for obj in informer.lister.list("default"))


async def follow(setting: Setting, **more: Any) -> tuple[Informer, list[tuple[str, str]]]:
    informer = Informer(setting.client, "configmaps", **more)
    seen: list[tuple[str, str]] = []
    informer.on(lambda kind, old, new: seen.append((kind, name_of(new))))
    setting.tasks.append(asyncio.ensure_future(informer.run()))
    await informer.synced.wait()
    return informer, seen


def test_an_informer_lists_in_pages_and_then_follows() -> None:
    async def main(setting: Setting) -> None:
        for at in range(PAGE_OBJECTS + 20):
            await setting.config(f"c{at:04}")
        informer, seen = await follow(setting)
        assert len(informer.lister.list("default")) == PAGE_OBJECTS + 20 and setting.transport.lists == 2
        seen.clear()
        made = await setting.config("x", app="a")
        await setting.client.patch("configmaps", "x", {"data": {"k": "v"}}, "default")
        await setting.client.delete("configmaps", "x", "default")
        await asyncio.sleep(0.1)
        assert seen == [("ADDED", "x"), ("MODIFIED", "x"), ("DELETED", "x")]
        assert informer.revision > int(made["metadata"]["resourceVersion"]) and informer.lister.get("default", "x") is None

    play(main)


@pytest.mark.parametrize("forgotten", [False, True], ids=["resumes", "lists again after 410"])
def test_a_cut_stream_loses_nothing(forgotten: bool) -> None:
    async def main(setting: Setting) -> None:
        for name in ("kept", "removed", "changed"):
            await setting.config(name)
        informer, seen = await follow(setting)
        seen.clear()
        lists = setting.transport.lists
        setting.transport.down = True
        setting.transport.cut()
        await asyncio.sleep(1)
        setting.transport.down = False
        await setting.client.delete("configmaps", "removed", "default")
        await setting.client.patch("configmaps", "changed", {"data": {"k": "v"}}, "default")
        await setting.config("new")
        setting.transport.forget = forgotten
        setting.transport.down = True
        await asyncio.sleep(3)
        setting.transport.down = False
        await asyncio.sleep(60)
        assert names(informer) == ["changed", "kept", "new"]
        assert sorted(seen) == [("ADDED", "new"), ("DELETED", "removed"), ("MODIFIED", "changed")]
        assert (setting.transport.lists > lists) == forgotten

    play(main)


def test_an_unreachable_server_is_asked_ever_more_rarely() -> None:
    async def main(setting: Setting) -> float:
        setting.transport.down = True
        informer = Informer(setting.client, "configmaps")
        task = asyncio.ensure_future(informer.run())
        await asyncio.sleep(100)
        setting.transport.down = False
        before = asyncio.get_running_loop().time()
        await informer.synced.wait()
        task.cancel()
        return asyncio.get_running_loop().time() - before

    assert 0 < play(main) <= 30


def test_who_listens_late_first_hears_of_what_is_there() -> None:
    async def main(setting: Setting) -> None:
        await setting.config("a")
        informer, _ = await follow(setting)
        late: list[str] = []
        informer.on(lambda kind, old, new: late.append(f"{kind} {name_of(new)}"))
        assert "ADDED a" in late

    play(main)


def test_objects_are_found_by_namespace_label_and_index() -> None:
    async def main(setting: Setting) -> None:
        await setting.config("a", app="x", tier="1")
        await setting.config("b", app="x")
        informer, _ = await follow(setting)
        lister = informer.lister
        lister.add_index("tier", lambda obj: tuple(v for k, v in (obj["metadata"].get("labels") or {}).items() if k == "tier"))
        assert [name_of(o) for o in lister.select("default", parse("app=x,tier!=1"))] == ["b"]
        await setting.client.patch("configmaps", "b", {"metadata": {"labels": {"app": "y", "tier": "2"}}}, "default")
        await asyncio.sleep(0.1)
        assert [name_of(o) for o in lister.select("default", parse("app=x"))] == ["a"]
        assert [name_of(o) for o in lister.select("", parse("app"))] == ["a", "b"]
        assert [name_of(o) for o in lister.by_index("tier", "2")] == ["b"]
        assert lister.select("kube-public", parse("app=x")) == []

    play(main)


CM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made", "namespace": "default"}}


async def execute(setting: Setting, *actions: Any, cause: Cause | None = None) -> Outcome:
    recorder = Recorder(setting.client, setting.world, "tester")
    outcome = await Executor(setting.client, recorder).run(actions, cause or Cause("tester", 7))
    await recorder.flush()
    return outcome


def test_actions_run_in_order_and_stop_at_the_first_failure() -> None:
    async def main(setting: Setting) -> None:
        outcome = await execute(setting, Create("configmaps", CM), Create("configmaps", CM), Delete("configmaps", "default", "made", ""))
        assert [f.error.reason for f in outcome.failures] == ["AlreadyExists"] and outcome.failed
        assert setting.store.get("configmaps", "default", "made") is not None
        assert not (await execute(setting, Create("configmaps", CM, ignore_exists=True))).failed

    play(main)


def test_every_write_carries_its_cause() -> None:
    async def main(setting: Setting) -> None:
        await execute(setting, Create("configmaps", CM), cause=Cause("some-controller", 42))
        (event,) = setting.store.history("configmaps", "default", "made")
        assert event.cause == Cause("some-controller", 42)

    play(main)


def test_the_outcome_says_which_revisions_must_be_seen() -> None:
    async def main(setting: Setting) -> None:
        outcome = await execute(setting, Create("configmaps", CM), Patch("configmaps", "default", "made", {"data": {"a": "b"}}))
        assert outcome.written == {"configmaps": setting.store.revision}
        again = await execute(setting, Patch("configmaps", "default", "made", {"data": {"a": "b"}}))
        assert again.written == outcome.written, "a write that changes nothing makes no revision"
        gone = await execute(setting, Delete("configmaps", "default", "made", ""))
        assert gone.written == {"configmaps": setting.store.revision} and gone.written != outcome.written
        assert (await execute(setting, Delete("configmaps", "default", "made", ""))).failures == []

    play(main)


def test_a_stale_version_is_a_failure_but_a_wrong_uid_means_gone() -> None:
    async def main(setting: Setting) -> None:
        made = await setting.client.create("configmaps", CM)
        await setting.client.patch("configmaps", "made", {"data": {"a": "b"}}, "default")
        assert (await execute(setting, Update("configmaps", made))).failures[0].error.reason == "Conflict"
        assert not (await execute(setting, Delete("configmaps", "default", "made", "another"))).failed
        stale = Delete("configmaps", "default", "made", made["metadata"]["uid"], resource_version=made["metadata"]["resourceVersion"])
        assert (await execute(setting, stale)).failures[0].error.reason == "Conflict"
        assert setting.store.get("configmaps", "default", "made") is not None

    play(main)


def test_checks_look_past_the_cache() -> None:
    async def main(setting: Setting) -> None:
        made = await setting.client.create("configmaps", CM)
        uid = made["metadata"]["uid"]
        write = Patch("configmaps", "default", "made", {"data": {"written": "yes"}})
        for holds, check in (
            (True, Check("configmaps", "default", "made", uid)),
            (False, Check("configmaps", "default", "made", "other")),
            (False, Check("configmaps", "default", "made", uid, present=False)),
            (True, Check("configmaps", "default", "made", "other", present=False)),
            (True, Check("configmaps", "default", "none", "", present=False)),
            (False, CheckEmpty("configmaps", "default")),
            (True, CheckEmpty("secrets", "default")),
        ):
            outcome = await execute(setting, check, write)
            assert (not outcome.failed, bool(outcome.written)) == (holds, holds), check

    play(main)


def pods_of(count: int) -> tuple[Create, ...]:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-", "namespace": "nowhere"}, "spec": {"containers": []}}
    return (Create("pods", pod),) * count


def test_slow_start_gives_up_after_the_first_batch_that_fails() -> None:
    async def main(setting: Setting) -> list[str]:
        about = await setting.client.get("namespaces", "default")
        told: list[str] = []

        def then(failures: Any) -> Actions:
            told.extend(type(f.action).__name__ for f in failures)
            return [Create("configmaps", CM)]

        outcome = await execute(setting, Parallel(pods_of(100), about=about, then=then), RequeueAfter(3))
        assert len(outcome.failures) == 1 and outcome.requeue_after_s == 3 and "configmaps" in outcome.written
        assert told == ["Create"]
        return [f"{e['reason']}: {e['message']}"[:30] for e in setting.store.list("events", "default")]

    assert [e.startswith("FailedCreate: Error creating: ") for e in play(main)] == [True]


def test_a_batch_runs_to_its_end_and_counts_every_failure() -> None:
    async def main(setting: Setting) -> int:
        return len((await execute(setting, Parallel(pods_of(20), slow_start=False))).failures)

    assert play(main) == 20


class Counter:
    """A controller that makes as many ConfigMaps as the namespace's label `want` says."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, int]] = []

    def reconcile(self, key: Key, read: Read, now: float) -> Actions:
        namespace = read.get("namespaces", "", key.name)
        have = [o for o in read["configmaps"].list(key.name) if name_of(o).startswith("n-")]
        self.calls.append((now, len(have)))
        want = int((namespace or {"metadata": {}})["metadata"].get("labels", {}).get("want", 0))
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "n-", "namespace": key.name}}
        actions: Actions = [Create("configmaps", body) for _ in range(want - len(have))]
        doomed = have[: max(0, len(have) - want)]
        actions += [Delete("configmaps", key.name, name_of(o), o["metadata"]["uid"]) for o in doomed]
        return [*actions, Remember(read.memory.get(key, 0) + 1)]

    def controller(self) -> Controller:
        return Controller("counter", "namespaces", self.reconcile, reads=("configmaps",))


@pytest.mark.parametrize("lag_s", [0.0, 30.0], ids=["at once", "events are held back for 30 s"])
def test_a_key_is_not_reconciled_before_its_own_writes_are_seen(lag_s: float) -> None:
    async def main(setting: Setting) -> int:
        counter = Counter()
        manager = Manager(setting.client, setting.world, [counter.controller()], strict=True)
        task = asyncio.ensure_future(manager.run())
        await asyncio.sleep(1)
        for want in (5, 2):
            await setting.client.patch("namespaces", "default", {"metadata": {"labels": {"want": str(want)}}})
            await asyncio.sleep(0)
            if lag_s:
                setting.transport.held = asyncio.Event()
                await asyncio.sleep(lag_s)
                await setting.client.patch("namespaces", "default", {"metadata": {"labels": {"poke": str(want)}}})
                setting.transport.held.set()
                setting.transport.held = None
            await asyncio.sleep(5)
            made = [o for o in setting.store.list("configmaps", "default") if name_of(o).startswith("n-")]
            assert len(made) == want
        assert manager.quiet
        task.cancel()
        return len([o for o in setting.store.list("configmaps", "default") if name_of(o).startswith("n-")])

    assert play(main) == 2


def test_a_reconcile_that_raises_ends_a_strict_manager_and_is_retried_by_another(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    def broken(key: Key, read: Read, now: float) -> Actions:
        nonlocal calls
        calls += 1
        raise LookupError("what a surprise")

    async def main(setting: Setting, strict: bool) -> None:
        manager = Manager(setting.client, setting.world, [Controller("broken", "namespaces", broken)], strict=strict)
        async with asyncio.timeout(2):
            await manager.run()

    with pytest.raises(TimeoutError):
        play(lambda setting: main(setting, False))
    assert calls > 10 and "what a surprise" in caplog.text
    with pytest.raises(ExceptionGroup):
        play(lambda setting: main(setting, True))


def test_a_manager_can_be_run_again() -> None:
    async def main(setting: Setting) -> tuple[int, int]:
        counter = Counter()
        manager = Manager(setting.client, setting.world, [counter.controller()])
        for want in (3, 1):
            task = asyncio.ensure_future(manager.run())
            await asyncio.sleep(1)
            await setting.client.patch("namespaces", "default", {"metadata": {"labels": {"want": str(want)}}})
            await asyncio.sleep(1)
            calls = len(counter.calls)
            task.cancel()
            await asyncio.wait([task])
            await setting.client.patch("namespaces", "default", {"metadata": {"labels": {"want": "9"}}})
            await asyncio.sleep(1)
            assert len(counter.calls) == calls, "it has stopped"
        return len([o for o in setting.store.list("configmaps", "default") if name_of(o).startswith("n-")]), len(manager.runners)

    assert play(main) == (1, 1)


def test_what_is_remembered_comes_back_and_goes_with_the_object() -> None:
    memories: list[Any] = []

    def reconcile(key: Key, read: Read, now: float) -> Actions:
        if key.name != "mine":
            return []
        memories.append(read.memory.get(key))
        return [Remember(len(memories))]

    async def main(setting: Setting) -> None:
        manager = Manager(setting.client, setting.world, [Controller("rememberer", "configmaps", reconcile, resync_s=10)], strict=True)
        task = asyncio.ensure_future(manager.run())
        await setting.config("mine")
        await asyncio.sleep(15)
        await setting.client.delete("configmaps", "mine", "default")
        await asyncio.sleep(1)
        await setting.config("mine")
        await asyncio.sleep(1)
        task.cancel()

    play(main)
    assert memories[:2] == [None, 1] and memories[-1] in (None, 3)


def test_errors_of_the_server_are_answers_not_exceptions() -> None:
    async def main(setting: Setting) -> str:
        await setting.client.discover()
        setting.transport.down = True
        outcome = await execute(setting, Create("configmaps", CM), Emit(CM, "Normal", "Never", "not reached"))
        return outcome.failures[0].error.reason

    assert play(main) == "ServiceUnavailable"
