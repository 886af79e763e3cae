"""Turns, back-offs and second chances of pending pods."""

from engine.scheduler.framework import NODE_ADDED, POD_GONE
from engine.scheduler.queue import SchedulingQueue
from tests.scheduler.objects import pod


def test_highest_priority_first_then_first_come() -> None:
    queue = SchedulingQueue()
    for at, (name, priority) in enumerate((("a", 0), ("b", 5), ("c", 0), ("d", 5))):
        queue.add(pod(name, priority=priority), float(at))
    taken = []
    while (queued := queue.pop(10.0)) is not None:
        taken.append(queued.pod.name)
    assert taken == ["b", "d", "a", "c"]


def test_backoff_doubles_up_to_ten_seconds() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    now, waits = 0.0, []
    for _ in range(6):
        queued = queue.pop(now)
        assert queued is not None
        queue.put_back(queued, frozenset((POD_GONE,)), now)
        queue.happened(POD_GONE, now)
        due = queue.next_due()
        assert due is not None
        assert queue.pop(due - 0.01) is None
        waits.append(due - now)
        now = due
    assert waits == [1, 2, 4, 8, 10, 10]


def test_a_pod_waits_for_what_could_help_it() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    queued = queue.pop(0.0)
    assert queued is not None
    queue.put_back(queued, frozenset((NODE_ADDED,)), 0.0)
    queue.happened(POD_GONE, 5.0)
    assert queue.pop(5.0) is None
    queue.happened(NODE_ADDED, 6.0)
    assert queue.pop(6.0) is queued


def test_what_happens_during_the_cycle_is_not_missed() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    queued = queue.pop(0.0)
    assert queued is not None
    queue.happened(NODE_ADDED, 0.0)
    queue.put_back(queued, frozenset((NODE_ADDED,)), 0.0)
    assert queue.pop(1.0) is queued


def test_leftovers_are_tried_again_after_five_minutes() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    queued = queue.pop(0.0)
    assert queued is not None
    queue.put_back(queued, frozenset((NODE_ADDED,)), 0.0)
    queue.flush_leftovers(299.0)
    assert queue.pop(299.0) is None
    queue.flush_leftovers(301.0)
    assert queue.pop(301.0) is queued


def test_gated_pods_wait_for_their_gates_and_removed_pods_never_come() -> None:
    queue = SchedulingQueue()
    gated = pod("a", schedulingGates=[{"name": "g"}])
    queue.add(gated, 0.0)
    assert queue.pop(0.0) is None
    queue.update(gated, False, 1.0)
    assert queue.pop(1.0) is None
    queue.add(pod("b"), 2.0)
    queue.remove(gated.uid)
    taken = queue.pop(2.0)
    assert taken is not None
    assert taken.pod.name == "b"
    assert queue.pop(2.0) is None


def test_a_pod_that_was_tried_goes_behind_those_that_were_not() -> None:
    queue = SchedulingQueue()
    first, second = pod("first"), pod("second")
    queue.add(first, 0)
    tried = queue.pop(0)
    assert tried is not None
    queue.add(second, 1)
    queue.put_back(tried, frozenset((NODE_ADDED,)), 2)
    queue.happened(NODE_ADDED, 10)
    found = [queued.pod.name for queued in iter(lambda: queue.pop(10), None)]
    assert found == ["second", "first"]


def test_a_pod_that_changes_while_it_is_tried_is_tried_again() -> None:
    queue = SchedulingQueue()
    waiting = pod("p")
    queue.add(waiting, 0)
    tried = queue.pop(0)
    assert tried is not None
    queue.update(waiting, True, 0)
    queue.put_back(tried, frozenset((NODE_ADDED,)), 0)
    assert queue.next_due() == 1
