"""Who must go for a pod of higher priority, and what is said when nobody can."""

from engine.base.objects import Obj
from engine.scheduler import messages
from engine.scheduler.pods import PodInfo
from engine.scheduler.preemption import NoPreemption, Preemption, preempt
from tests.scheduler.objects import Board, node, pod


def attempt(board: Board, wanting: PodInfo, budgets: list[Obj] | None = None) -> Preemption | NoPreemption:
    results = board.results(wanting)
    return preempt(wanting, results.decide(board.rng), results, board.snapshot, budgets or [])


def test_only_as_many_victims_as_needed_and_the_least_important_ones() -> None:
    board = Board([node("n", cpu="4")])
    pods = {name: pod(name, cpu="2", priority=priority) for name, priority in (("low", 1), ("mid", 5))}
    for placed in pods.values():
        board.snapshot.place(placed, "n")
    found = attempt(board, pod(cpu="2", priority=10))
    assert isinstance(found, Preemption)
    assert (found.node, found.victims) == ("n", (pods["low"],))


def test_the_node_with_the_lowest_victim_is_chosen() -> None:
    board = Board([node("a", cpu="2"), node("b", cpu="2")])
    board.snapshot.place(pod(cpu="2", priority=5), "a")
    board.snapshot.place(pod(cpu="2", priority=3), "b")
    found = attempt(board, pod(cpu="2", priority=10))
    assert isinstance(found, Preemption)
    assert found.node == "b"


def test_budgets_are_violated_only_where_there_is_no_other_node() -> None:
    board = Board([node("a", cpu="2"), node("b", cpu="2")])
    board.snapshot.place(pod("guarded", cpu="2", priority=1, labels={"app": "g"}), "a")
    board.snapshot.place(pod("free", cpu="2", priority=5), "b")
    budget = {
        "metadata": {"name": "pdb", "namespace": "ns"},
        "spec": {"selector": {"matchLabels": {"app": "g"}}},
        "status": {"disruptionsAllowed": 0},
    }
    found = attempt(board, pod(cpu="2", priority=10), [budget])
    assert isinstance(found, Preemption)
    assert (found.node, found.budget_violations) == ("b", 0)
    board.snapshot.remove_node("b")
    forced = attempt(board, pod(cpu="2", priority=10), [budget])
    assert isinstance(forced, Preemption)
    assert (forced.node, forced.budget_violations) == ("a", 1)


def test_equal_priority_is_no_victim() -> None:
    board = Board([node("full", cpu="2"), node("tiny", cpu="1"), node("cordoned", unschedulable=True)])
    board.snapshot.place(pod(cpu="2", priority=10), "full")
    wanting = pod(cpu="2", priority=10)
    said = (
        "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )
    assert attempt(board, wanting) == NoPreemption(said, tried=True)


def test_a_pod_may_refuse_to_preempt() -> None:
    board = Board([node("n", cpu="2")])
    board.snapshot.place(pod(cpu="2"), "n")
    found = attempt(board, pod(cpu="2", priority=10, preemptionPolicy="Never"))
    assert found == NoPreemption("preemption: not eligible due to preemptionPolicy=Never.")


def test_reasons_are_counted_and_sorted_as_text() -> None:
    reasons = ["Insufficient memory"] * 10 + ["Insufficient cpu"] * 2
    assert messages.unavailable(12, reasons) == "0/12 nodes are available: 10 Insufficient memory, 2 Insufficient cpu."


def test_what_is_missing_without_the_victims_is_said() -> None:
    board = Board([node("n", cpu="4", memory="4Gi")])
    board.snapshot.place(pod(cpu="1", memory="1Gi", priority=1), "n")
    board.snapshot.place(pod(cpu="1", memory="3Gi", priority=10), "n")
    found = attempt(board, pod(cpu="1", memory="2Gi", priority=10))
    assert found == NoPreemption("preemption: 0/1 nodes are available: 1 Insufficient memory.", tried=True)


def test_budgets_of_the_same_name_in_other_namespaces_are_others() -> None:
    board = Board([node("a", cpu="2"), node("b", cpu="2")])
    board.snapshot.place(pod(cpu="2", priority=1, labels={"app": "g"}), "a")
    board.snapshot.place(pod(cpu="2", priority=5), "b")
    budget = {"spec": {"selector": {"matchLabels": {"app": "g"}}}, "status": {"disruptionsAllowed": 1}}
    mine, other = ({**budget, "metadata": {"name": "pdb", "namespace": name}} for name in ("ns", "other"))
    found = attempt(board, pod(cpu="2", priority=10), [{**other, "status": {"disruptionsAllowed": 0}}, mine])
    assert isinstance(found, Preemption)
    assert (found.node, found.budget_violations) == ("a", 0)


def test_who_waits_for_victims_does_not_look_for_more() -> None:
    board = Board([node("n", cpu="2"), node("m", cpu="2")])
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    leaving = pod(cpu="2", priority=1, status={"conditions": [condition]})
    leaving = PodInfo({**leaving.obj, "metadata": {**leaving.obj["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})
    board.snapshot.place(leaving, "n")
    board.snapshot.place(pod(cpu="2", priority=1), "m")
    wanting = pod(cpu="2", priority=10)
    board.snapshot.nominate(wanting, "n")
    assert attempt(board, wanting) == NoPreemption("preemption: not eligible due to a terminating pod on the nominated node.")
    board.snapshot.set_node(node("n", cpu="2", unschedulable=True))
    found = attempt(board, wanting)
    assert isinstance(found, Preemption) and found.node == "m"


def test_nominated_pods_are_counted_against_lesser_ones_only() -> None:
    board = Board([node("n", cpu="2")])
    nominee = pod(cpu="2", priority=5)
    board.snapshot.nominate(nominee, "n")
    assert board.decide(pod(cpu="1", priority=1)).node == ""
    assert board.decide(pod(cpu="1", priority=5)).node == ""
    assert board.decide(pod(cpu="1", priority=6)).node == "n"
    assert board.decide(nominee).node == "n"


def test_a_nominated_pod_goes_where_it_is_nominated() -> None:
    board = Board([node("small", cpu="2"), node("large", cpu="64")])
    wanting = pod(cpu="1")
    assert board.decide(wanting).node == "large"
    board.snapshot.nominate(wanting, "small")
    assert board.decide(wanting).node == "small"


def test_nominated_pods_keep_others_away_that_they_do_not_bear() -> None:
    board = Board([node("n"), node("m")])
    term = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}
    shy = pod(priority=5, affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    board.snapshot.nominate(shy, "n")
    assert board.decide(pod(labels={"app": "x"})).node == "m"
