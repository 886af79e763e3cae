"""The numbers of a rollout: fenceposts, growth, shrinking, proportional scaling, history."""

from typing import Any

import pytest

from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, name_of
from engine.control import rollouts
from engine.control.revisions import MAX_REPLICAS, REVISION, REVISION_HISTORY, numbered
from tests.controllers.builders import deployment, replica_set


@pytest.mark.parametrize(
    ("value", "total", "up", "resolved"),
    [(3, 10, True, 3), ("25%", 10, True, 3), ("25%", 10, False, 2), ("0%", 10, True, 0), ("100%", 7, False, 7), ("1%", 1, True, 1)],
)
def test_percentages_round_as_told(value: int | str, total: int, up: bool, resolved: int) -> None:
    assert resolve(value, total, up) == resolved


@pytest.mark.parametrize(
    ("surge", "unavailable", "desired", "expected"),
    [
        ("25%", "25%", 4, (1, 1)),
        ("25%", "25%", 3, (1, 0)),
        (0, 0, 5, (0, 1)),
        ("0%", "10%", 5, (0, 1)),
        (0, "50%", 10, (0, 5)),
        ("150%", 0, 2, (3, 0)),
    ],
    ids=["both", "surge up, unavailable down", "both zero", "rounded to zero", "only unavailable", "above all"],
)
def test_fenceposts(surge: int | str, unavailable: int | str, desired: int, expected: tuple[int, int]) -> None:
    assert rollouts.resolve_fenceposts(surge, unavailable, desired) == expected


@pytest.mark.parametrize(
    ("replicas", "unavailable", "expected"),
    [(10, "30%", 3), (2, 5, 2), (0, 1, 0), (10, 0, 0)],
    ids=["a share", "capped at replicas", "none of none", "none"],
)
def test_max_unavailable_is_at_most_all(replicas: int, unavailable: int | str, expected: int) -> None:
    assert rollouts.max_unavailable(deployment(replicas, 1, unavailable)) == expected


@pytest.mark.parametrize(
    ("replicas", "surge", "old", "new", "expected"),
    [
        (10, 0, 10, 0, 0),
        (10, 2, 10, 0, 2),
        (10, 2, 5, 0, 7),
        (10, 2, 10, 2, 2),
        (10, 2, 0, 9, 10),
        (10, "50%", 10, 3, 5),
        (1, 1, 1, 0, 1),
    ],
    ids=["no room", "up to the surge", "up to the maximum", "full", "not beyond replicas", "percent", "one replica"],
)
def test_how_far_the_new_replica_set_grows(replicas: int, surge: int | str, old: int, new: int, expected: int) -> None:
    sets = [replica_set("old", old), replica_set("new", new)]
    assert rollouts.new_size(deployment(replicas, surge, 0), sets, new) == expected


def test_recreate_grows_to_all_at_once() -> None:
    assert rollouts.new_size(deployment(7, strategy="Recreate"), [], 0) == 7


SHRINK: list[tuple[str, tuple[int, int | str, int | str], tuple[int, int], list[tuple[int, int]], list[tuple[str, int]]]] = [
    ("nothing to spare", (10, 1, 0), (0, 0), [(10, 10)], []),
    ("as many as may be unavailable", (10, 0, 2), (0, 0), [(10, 10)], [("old0", 8)]),
    ("as many as the new ones that are available", (10, 2, 0), (2, 2), [(10, 10)], [("old0", 8)]),
    ("new ones that are not available do not count", (10, 2, 0), (2, 0), [(10, 10)], []),
    ("broken old ones first, whatever maxUnavailable", (10, 2, 0), (2, 0), [(10, 8)], []),
    ("broken old ones go, oldest first", (10, 0, 2), (0, 0), [(2, 1), (8, 7)], [("old0", 1), ("old1", 7)]),
    ("broken ones, then available ones", (10, 2, 2), (4, 2), [(8, 7)], [("old0", 7), ("old0", 6)]),
    ("several old ones, the oldest first", (10, 0, 3), (0, 0), [(2, 2), (8, 8)], [("old0", 0), ("old1", 7)]),
    ("all old ones when the new ones are there", (4, 1, 1), (4, 4), [(1, 1)], [("old0", 0)]),
]


@pytest.mark.parametrize(("spec", "new", "old", "expected"), [case[1:] for case in SHRINK], ids=[case[0] for case in SHRINK])
def test_how_old_replica_sets_shrink(spec: Any, new: tuple[int, int], old: list[tuple[int, int]], expected: list[tuple[str, int]]) -> None:
    sets = [replica_set(f"old{at}", size, available=available, created_ago=100 - at) for at, (size, available) in enumerate(old)]
    made = replica_set("new", new[0], available=new[1], created_ago=1)
    assert rollouts.scale_down_steps(deployment(*spec), made, sets) == expected


def sized(name: str, replicas: int, most: int, created_ago: int) -> Obj:
    return replica_set(name, replicas, created_ago=created_ago, annotations={MAX_REPLICAS: str(most)})


PROPORTIONS: list[tuple[str, tuple[int, int | str], list[int], int, list[int]]] = [
    ("grows in proportion", (20, 0), [5, 5], 10, [10, 10]),
    ("the leftover goes to the largest", (11, 0), [4, 3, 3], 10, [5, 3, 3]),
    ("of equals the newest gets it", (11, 0), [5, 5], 10, [5, 6]),
    ("shrinks in proportion", (5, 0), [8, 2], 10, [4, 1]),
    ("of equals the oldest loses", (9, 0), [5, 5], 10, [4, 5]),
    ("to nothing", (0, 0), [8, 2], 10, [0, 0]),
    ("keeps the surge", (20, 2), [10, 2], 12, [18, 4]),
    ("nothing to share out", (10, 0), [8, 2], 10, [8, 2]),
]


@pytest.mark.parametrize(("spec", "sizes", "before", "expected"), [c[1:] for c in PROPORTIONS], ids=[c[0] for c in PROPORTIONS])
def test_proportional_scaling(spec: tuple[int, int | str], sizes: list[int], before: int, expected: list[int]) -> None:
    """`sizes` are of ReplicaSets from the oldest to the newest; `before` is the most that there might be until now."""
    sets = [sized(f"rs{at}", size, before, 100 - at) for at, size in enumerate(sizes)]
    found = rollouts.proportional_sizes(deployment(*spec, 0), sets)
    assert [found[f"rs{at}"] for at in range(len(sizes))] == expected
    wanted, surge = spec
    assert sum(found.values()) == (wanted + rollouts.max_surge(deployment(wanted, surge, 0)) if wanted else 0)


def test_the_only_active_replica_set_takes_all() -> None:
    new, old, idle = replica_set("new", 0), replica_set("old", 3), replica_set("idle", 0, created_ago=900)
    assert rollouts.active_or_latest(new, [idle, old]) is old
    assert rollouts.active_or_latest(new, [idle]) is new
    later = replica_set("later", 0, created_ago=1)
    assert rollouts.active_or_latest(None, [idle, later]) is later
    assert rollouts.active_or_latest(replica_set("new", 1), [old]) is None


def numbered_set(name: str, revision: int, **more: Any) -> Obj:
    return replica_set(name, more.pop("replicas", 0), annotations={REVISION: str(revision)}, **{"pods": 0, **more})


def test_history_keeps_the_newest_revisions_and_everything_that_has_pods() -> None:
    old = [numbered_set("r4", 4), numbered_set("r1", 1), numbered_set("r2", 2, replicas=1), numbered_set("r3", 3)]
    assert [name_of(rs) for rs in rollouts.expendable(deployment(history=2), old)] == ["r1"]
    assert [name_of(rs) for rs in rollouts.expendable(deployment(history=0), old)] == ["r1", "r3", "r4"]
    assert rollouts.expendable(deployment(history=4), old) == []


def test_history_keeps_what_is_not_yet_observed() -> None:
    assert rollouts.expendable(deployment(history=0), [numbered_set("r1", 1, generation=2)]) == []


def test_a_rollback_renumbers_the_replica_set_and_remembers_its_old_revisions() -> None:
    rs = numbered_set("r", 1)
    again = numbered(deployment(annotations={"team": "a", REVISION: "3", "kubectl.kubernetes.io/last-applied-configuration": "{}"}), rs, 4)
    assert again["metadata"]["annotations"] == {"team": "a", REVISION: "4", REVISION_HISTORY: "1"}
    assert numbered(deployment(), again, 5)["metadata"]["annotations"][REVISION_HISTORY] == "1,4"
    assert numbered(deployment(), again, 2) is again, "revisions never go back"


def test_a_long_history_loses_its_oldest_revisions() -> None:
    history = ",".join(str(n) for n in range(1000, 1400))
    rs = replica_set("r", 0, annotations={REVISION: "1400", REVISION_HISTORY: history})
    kept = numbered(deployment(), rs, 1401)["metadata"]["annotations"][REVISION_HISTORY]
    assert len(kept) <= 2000 and kept.endswith(",1400") and not kept.startswith("1000,")
