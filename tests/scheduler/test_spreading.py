"""Where pods go because of other pods."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.objects import Obj
from engine.base.selectors import from_map
from engine.scheduler.cycle import TemplateResults
from engine.scheduler.pods import PodInfo
from tests.scheduler.objects import PROFILE, Board, node, pod

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"
SKEWED = ("node(s) didn't match pod topology spread constraints",)
MISSING = ("node(s) didn't match pod topology spread constraints (missing required label)",)


def three_zones(per_zone: int = 2) -> list[Obj]:
    return [node(f"{zone}{i}", zone=zone) for zone in "abc" for i in range(per_zone)]


def constraint(key: str = ZONE, skew: int = 1, when: str = "DoNotSchedule", **more: Any) -> Obj:
    return {"topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": when, "labelSelector": {"matchLabels": {"app": "x"}}, **more}


def spread(*constraints: Obj, **more: Any) -> PodInfo:
    return pod(labels={"app": "x"}, topologySpreadConstraints=list(constraints), **more)


def zones(board: Board) -> dict[str, int]:
    counts: dict[str, int] = {}
    for info in board.snapshot.nodes.values():
        zone = info.labels.get(ZONE, "")
        counts[zone] = counts.get(zone, 0) + len(info.pods)
    return counts


def test_hard_constraint_keeps_zones_even() -> None:
    board = Board(three_zones())
    for _ in range(7):
        assert board.run(spread(constraint()))
    assert sorted(zones(board).values()) == [2, 2, 3]


def test_skew_beyond_the_maximum_is_rejected() -> None:
    board = Board([node("a0", zone="a"), node("b0", zone="b", unschedulable=True)])
    assert board.run(spread(constraint())) == "a0"
    assert board.reasons(spread(constraint())) == {"a0": SKEWED, "b0": ("node(s) were unschedulable",)}


def test_a_node_without_the_label_never_takes_the_pod() -> None:
    rejection = Board([node("n")]).decide(spread(constraint("no-such-key"))).rejections["n"]
    assert (rejection.reasons, rejection.unresolvable) == (MISSING, True)


def test_too_few_domains_count_as_an_empty_one() -> None:
    board = Board([node("a0", zone="a"), node("a1", zone="a")])
    assert board.run(spread(constraint(minDomains=2)))
    assert set(board.reasons(spread(constraint(minDomains=2))).values()) == {SKEWED}


def test_match_label_keys_narrow_to_the_pods_own_revision() -> None:
    board = Board([node("a0", zone="a"), node("b0", zone="b")])
    keyed = constraint(matchLabelKeys=["rev"])
    old = pod(labels={"app": "x", "rev": "1"}, topologySpreadConstraints=[keyed])
    board.snapshot.place(old, "a0")
    new = pod(labels={"app": "x", "rev": "2"}, topologySpreadConstraints=[keyed])
    assert board.results(new).scores().keys() == {"a0", "b0"}


def test_terminating_pods_are_not_counted() -> None:
    board = Board([node("a0", zone="a"), node("b0", zone="b")])
    first = spread(constraint())
    board.snapshot.place(first, "a0")
    results = board.results(spread(constraint()))
    assert results.decide(board.rng).node == "b0"
    leaving = PodInfo({**first.obj, "metadata": {**first.obj["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})
    board.snapshot.place(leaving, "a0")
    assert results.refresh()
    assert results.scores().keys() == {"a0", "b0"}


def test_replicas_of_a_workload_are_spread_without_being_told() -> None:
    board = Board(three_zones())
    board.selector = from_map({"app": "x"})
    for _ in range(6):
        assert board.run(pod(labels={"app": "x"}, cpu="100m"))
    assert [len(info.pods) for info in board.snapshot.nodes.values()] == [1] * 6


def affinity(kind: str, key: str, app: str, weight: int = 0) -> Obj:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}
    rules: Obj = (
        {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": term}]}
        if weight
        else {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    )
    return {"affinity": {kind: rules}}


def test_required_affinity_goes_where_the_other_is() -> None:
    board = Board(three_zones())
    board.snapshot.place(pod(labels={"app": "db"}), "b1")
    assert board.results(pod(**affinity("podAffinity", ZONE, "db"))).scores().keys() == {"b0", "b1"}
    assert board.run(pod(**affinity("podAffinity", HOST, "db"))) == "b1"


def test_affinity_to_nobody_fits_nowhere_but_the_first_of_its_own_kind_may_start() -> None:
    board = Board(three_zones())
    alone = board.decide(pod(**affinity("podAffinity", ZONE, "db"))).rejections
    assert {r.reasons for r in alone.values()} == {("node(s) didn't match pod affinity rules",)}
    first = board.run(pod(labels={"app": "db"}, **affinity("podAffinity", ZONE, "db")))
    second = board.run(pod(labels={"app": "db"}, **affinity("podAffinity", ZONE, "db")))
    assert first[0] == second[0]


def test_anti_affinity_holds_in_both_directions() -> None:
    board = Board([node("a0", zone="a")])
    board.snapshot.place(pod(labels={"app": "shy"}, **affinity("podAntiAffinity", HOST, "loud")), "a0")
    assert board.reasons(pod(labels={"app": "loud"})) == {"a0": ("node(s) didn't satisfy existing pods anti-affinity rules",)}
    assert board.reasons(pod(**affinity("podAntiAffinity", HOST, "shy"))) == {"a0": ("node(s) didn't match pod anti-affinity rules",)}


def test_preferred_affinity_weighs() -> None:
    board = Board(three_zones())
    board.snapshot.place(pod(labels={"app": "db"}), "c0")
    assert board.run(pod(cpu="10m", memory="1Mi", **affinity("podAffinity", ZONE, "db", weight=100)))[0] == "c"


RULES: list[dict[str, Any]] = [
    {},
    dict(affinity("podAntiAffinity", HOST, "x")),
    {"topologySpreadConstraints": [constraint(skew=2)]},
    {"topologySpreadConstraints": [{**constraint(skew=1), "nodeTaintsPolicy": "Honor"}], "nodeSelector": {"kubernetes.io/hostname": "a0"}},
    {"topologySpreadConstraints": [{**constraint(skew=2), "nodeTaintsPolicy": "Honor"}]},
]
HAPPENINGS = ("own", "other", "shy", "remove", "cordon", "taint", "nominate", "withdraw")


@pytest.mark.parametrize("rules", RULES)
@given(steps=st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 5)), max_size=25))
def test_followed_results_equal_results_made_anew(rules: dict[str, Any], steps: list[tuple[str, int]]) -> None:
    """The heart of the cache: whatever happens, catching up gives what looking at all nodes again gives."""
    board = Board(three_zones())
    board.selector = from_map({"app": "x"})
    ours = pod(cpu="200m", labels={"app": "x"}, **rules)
    kept = board.results(ours)
    placed: list[PodInfo] = []
    nominated: list[PodInfo] = []
    for what, at in steps:
        name = list(board.snapshot.nodes)[at]
        if what == "remove":
            if placed:
                board.snapshot.remove(placed.pop(at % len(placed)).uid)
        elif what == "cordon":
            board.snapshot.set_node(node(name, zone=name[0], unschedulable=not board.snapshot.nodes[name].unschedulable))
        elif what == "taint":
            taints = [] if board.snapshot.nodes[name].taints else [{"key": "k", "effect": "NoSchedule"}]
            board.snapshot.set_node(node(name, zone=name[0], taints=taints))
        elif what == "nominate":
            nominated.append(pod(cpu="3500m", priority=1, **(affinity("podAntiAffinity", ZONE, "x") if at % 2 else {})))
            board.snapshot.nominate(nominated[-1], name)
        elif what == "withdraw":
            if nominated:
                board.snapshot.nominate(nominated.pop(at % len(nominated)), "")
        else:
            made = {
                "own": pod(cpu="200m", labels={"app": "x"}, **rules),
                "other": pod(cpu="500m"),
                "shy": pod(**affinity("podAntiAffinity", ZONE, "x")),
            }[what]
            board.snapshot.place(made, name)
            placed.append(made)
        if not kept.refresh():
            kept = board.results(ours)
        fresh = TemplateResults(PROFILE, ours, board.around)
        assert kept.scores() == fresh.scores()
        assert kept.decide(board.rng).rejections == fresh.decide(board.rng).rejections
