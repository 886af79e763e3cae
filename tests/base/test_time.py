"""Times as Kubernetes writes them, ages as kubectl prints them, and time that jumps."""

import asyncio

import pytest

from engine.base import clock
from engine.base.world import SIMULATION_EPOCH, simulated_world
from engine.sim.loop import DeadlockError, VirtualLoop, run


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 120, "3h2m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
        (400 * 86400, "400d"),
        (2 * 365 * 86400, "2y"),
        (3 * 365 * 86400 + 86400, "3y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_are_printed_as_kubectl_does(seconds: float, text: str) -> None:
    assert clock.human_duration(seconds) == text


def test_times_round_trip() -> None:
    assert clock.rfc3339(SIMULATION_EPOCH + 0.9) == "2026-01-01T00:00:00Z"
    assert clock.rfc3339_micro(SIMULATION_EPOCH + 0.25) == "2026-01-01T00:00:00.250000Z"
    assert clock.parse_time("2026-01-01T01:00:00+01:00") == SIMULATION_EPOCH
    with pytest.raises(ValueError, match="no time zone"):
        clock.parse_time("2026-01-01T00:00:00")


def test_virtual_time_passes_only_while_everything_waits() -> None:
    loop = VirtualLoop()
    world = simulated_world(loop)

    async def main() -> list[float]:
        seen = []
        for delay in (300.0, 0.0, 86_400.0):
            await asyncio.sleep(delay)
            seen.append(world.clock.now() - SIMULATION_EPOCH)
        return seen

    assert run(main(), loop) == [300.0, 300.0, 86_700.0]


def test_timers_fire_in_order_of_time() -> None:
    async def main() -> list[str]:
        fired: list[str] = []
        loop = asyncio.get_running_loop()
        for delay, name in ((3, "c"), (1, "a"), (2, "b")):
            loop.call_later(delay, fired.append, name)
        await asyncio.sleep(5)
        return fired

    assert run(main()) == ["a", "b", "c"]


def test_waiting_for_nothing_is_an_error_not_a_hang() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run(main())


def test_the_same_seed_gives_the_same_ids_and_streams_do_not_shift_each_other() -> None:
    first, second = (simulated_world(VirtualLoop(), seed=7) for _ in range(2))
    first.rng.stream("scheduler").random()
    assert first.ids.uid() == second.ids.uid()
    assert first.rng.stream("kubelet").random() == second.rng.stream("kubelet").random()
    assert simulated_world(VirtualLoop(), seed=8).ids.uid() != simulated_world(VirtualLoop(), seed=7).ids.uid()
