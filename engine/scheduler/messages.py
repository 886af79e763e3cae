"""What events and conditions say about a pod that fits nowhere (pkg/scheduler/framework/types.go FitError)."""

from collections import Counter
from collections.abc import Iterable

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"


def histogram(reasons: Iterable[str]) -> str:
    """`1 Insufficient cpu, 3 node(s) were unschedulable`: counted, then sorted as text, as upstream does."""
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))


def unavailable(nodes: int, reasons: Iterable[str]) -> str:
    """`0/4 nodes are available: 4 Insufficient cpu.`"""
    counted = histogram(reasons)
    return f"0/{nodes} nodes are available: {counted}." if counted else f"0/{nodes} nodes are available"


def rejected_before(nodes: int, reason: str) -> str:
    """What a pod is told that a plugin rejected before any node was looked at. The end is upstream's since 1.34: its PostFilter plugins
    find no state of a cycle that went no further than PreFilter, and that error is all they say."""
    return f"0/{nodes} nodes are available: {reason}. not found"
