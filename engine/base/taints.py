"""Taints and tolerations (component-helpers/scheduling/corev1/helpers.go, api/core/v1/toleration.go)."""

from collections.abc import Iterable, Sequence

from engine.base.objects import Obj


def tolerates_one(toleration: Obj, taint: Obj) -> bool:
    """Whether a toleration tolerates a taint: an empty effect or key matches all, `Exists` ignores the value, Lt and Gt compare numbers."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    wanted, value = toleration.get("value") or "", taint.get("value") or ""
    if operator == "Equal":
        return bool(wanted == value and toleration.get("key"))
    return _compares(value, operator, wanted)


def _compares(value: str, operator: str, bound: str) -> bool:
    if not value.lstrip("-").isdecimal() or not bound.lstrip("-").isdecimal():
        return False
    return int(value) < int(bound) if operator == "Lt" else int(value) > int(bound)


def tolerates(tolerations: Iterable[Obj], taint: Obj) -> bool:
    """Whether any of the tolerations tolerates a taint."""
    return any(tolerates_one(toleration, taint) for toleration in tolerations)


def untolerated(taints: Iterable[Obj], tolerations: Sequence[Obj], effects: Sequence[str]) -> Obj | None:
    """The first taint with one of `effects` that is not tolerated."""
    for taint in taints:
        if taint.get("effect") in effects and not tolerates(tolerations, taint):
            return taint
    return None
