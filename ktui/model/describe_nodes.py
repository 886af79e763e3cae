"""What is told of a node: whether it takes pods, how full it is, what runs on it."""

from collections.abc import Sequence
from fractions import Fraction

from engine.base.objects import Obj, annotations_of, dig
from engine.base.quantity import parse
from ktui.model.describe_parts import Related, pods_table
from ktui.model.lines import Page, Span

POWER = "sim.ktui.dev/power"
BAR_CELLS = 20


def node(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Power, taints, addresses, capacity against requests, pods."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.blank()
    if annotations_of(obj).get(POWER) == "off":
        page.field("Power", "off (killed; B brings it back)", "bad")
    page.field(
        "Scheduling", "disabled (cordoned)" if spec.get("unschedulable") else "enabled", "warn" if spec.get("unschedulable") else "ok"
    )
    page.fields("Taints", [_taint(t) for t in spec.get("taints") or ()], "warn")
    page.field("Addresses", ", ".join(f"{a['type']} {a['address']}" for a in status.get("addresses") or ()))
    page.field("Pod CIDR", spec.get("podCIDR"))
    machine = status.get("nodeInfo") or {}
    page.field("Kubelet", f"{machine.get('kubeletVersion', '')}  {machine.get('containerRuntimeVersion', '')}".strip())
    page.field("System", f"{machine.get('osImage', '')}  {machine.get('kernelVersion', '')}  {machine.get('architecture', '')}".strip())
    pods = [p for p in related.get("pods") or () if dig(p, "status", "phase") not in ("Succeeded", "Failed")]
    page.section("Allocated")
    allocatable = status.get("allocatable") or {}
    page.table(
        ("Resource", "Requests", "Limits", "Allocatable", "Requested"), [_usage(r, allocatable, pods) for r in _resources(allocatable)]
    )
    page.end()
    page.section(f"Pods ({len(pods)})")
    pods_table(page, pods, now, node=False)
    page.end()


def _taint(t: Obj) -> str:
    return f"{t.get('key')}{'=' + t['value'] if t.get('value') else ''}:{t.get('effect')}"


def _resources(allocatable: Obj) -> list[str]:
    return [r for r in ("cpu", "memory", "ephemeral-storage", "pods") if r in allocatable]


def _asked(pods: Sequence[Obj], kind: str, resource: str) -> Fraction:
    if resource == "pods":
        return Fraction(len(pods))
    total = Fraction(0)
    for pod in pods:
        for container in dig(pod, "spec", "containers", default=[]):
            total += parse(dig(container, "resources", kind, resource, default="0"))
    return total


def _usage(resource: str, allocatable: Obj, pods: Sequence[Obj]) -> tuple[Span, ...]:
    room = parse(allocatable[resource])
    requests, limits = _asked(pods, "requests", resource), _asked(pods, "limits", resource)
    share = float(requests / room) if room else 0.0
    state = "bad" if share > 0.95 else "warn" if share > 0.8 else "ok"
    filled = min(BAR_CELLS, round(share * BAR_CELLS))
    bar = "█" * filled + "░" * (BAR_CELLS - filled)
    shown_limits = "" if resource == "pods" else amount(resource, limits)
    return (
        Span(resource),
        Span(amount(resource, requests)),
        Span(shown_limits),
        Span(amount(resource, room)),
        Span(f"{bar} {share:.0%}", state),
    )


def amount(resource: str, value: Fraction) -> str:
    """A quantity for reading: `250m`, `1.5`, `3.2Gi`."""
    if resource == "cpu":
        return f"{int(value * 1000)}m" if value < 10 and value.denominator != 1 else f"{float(value):g}"
    if resource == "pods":
        return str(int(value))
    for suffix, power in (("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)):
        if value >= 2**power:
            return f"{float(value / 2**power):.3g}{suffix}"
    return str(int(value))
