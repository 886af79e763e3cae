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
