"""The status of a definition: which names it got, and whether it is served (pkg/controller/status/naming_controller.go)."""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.base.conditions import find, is_true
from engine.base.objects import Obj, dig
from engine.kinds.common.approval import approval_of

NAMES_ACCEPTED, ESTABLISHED, TERMINATING = "NamesAccepted", "Established", "Terminating"
APPROVED = "KubernetesAPIApprovalPolicyConformant"
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def condition(type: str, status: str, reason: str, message: str) -> dict[str, Any]:
    """A condition without its time."""
    return {"type": type, "status": status, "reason": reason, "message": message}


def with_condition(conditions: Sequence[Obj] | None, new: Obj, time: str) -> list[Obj]:
    """`conditions` with `new` in place of the one of its type; its time is that of the last change of its status
    (pkg/apis/apiextensions/helpers.go SetCRDCondition)."""
    have = list(conditions or ())
    current = find(have, new["type"])
    if current is None:
        return [*have, {**_timed(new, time)}]
    at = time if current["status"] != new["status"] else current.get("lastTransitionTime") or time
    return [_timed(new, at) if c is current else c for c in have]


def _timed(new: Obj, time: str) -> Obj:
    return {"type": new["type"], "status": new["status"], "lastTransitionTime": time, "reason": new["reason"], "message": new["message"]}


def is_served(definition: Obj) -> bool:
    """Whether a definition has what it takes to be served: accepted names, and a version."""
    served = any(version.get("served") for version in definition["spec"]["versions"])
    return served and is_true(definition, "Established") and bool(dig(definition, "status", "acceptedNames", "plural"))


def accepted_status(definition: Obj, others: Iterable[Obj], time: str) -> Obj:
    """The status of a definition among `others`, the other definitions of its group; the same object where nothing changes."""
    status = definition.get("status") or {}
    names, conflict = _accepted(definition, list(others))
    first = conflict or condition(NAMES_ACCEPTED, "True", "NoConflicts", "no conflicts found")
    conditions = with_condition(status.get("conditions"), first, time)
    established = find(conditions, ESTABLISHED)
    if established is None or established["status"] != "True":
        if conflict is None:
            made = condition(ESTABLISHED, "True", "InitialNamesAccepted", "the initial names have been accepted")
        else:
            made = condition(ESTABLISHED, "False", "NotAccepted", "not all names are accepted")
        conditions = with_condition(conditions, made, time)
    approval = approval_of(definition)
    if approval is not None:
        conditions = with_condition(conditions, condition(APPROVED, *approval), time)
    wanted = {**status, "conditions": conditions, "acceptedNames": names}
    return status if wanted == status else wanted


def _accepted(definition: Obj, others: Sequence[Obj]) -> tuple[Obj, Obj | None]:
    """The names that a definition has from now on, and the condition that says which it did not get (the last conflict, as upstream).

    A name that is taken stays as it was; the others are given.
    """
    requested = definition["spec"]["names"]
    have = (definition.get("status") or {}).get("acceptedNames") or {}
    taken, kinds = _taken(others)
    names: dict[str, Any] = {"plural": have.get("plural") or "", "kind": have.get("kind") or ""}
    names |= {k: v for k, v in have.items() if v}
    conflict: Obj | None = None
    for field, among, reason in (("plural", taken, "PluralConflict"), ("singular", taken, "SingularConflict")):
        value = requested.get(field) or ""
        if value and value in among:
            conflict = condition(NAMES_ACCEPTED, "False", reason, f'"{value}" is already in use')
        elif value:
            names[field] = value
    clashes = [short for short in requested.get("shortNames") or () if short in taken]
    if clashes:
        text = ", ".join(f'"{short}" is already in use' for short in clashes)
        conflict = condition(NAMES_ACCEPTED, "False", "ShortNamesConflict", text if len(clashes) == 1 else f"[{text}]")
    else:
        names["shortNames"] = requested.get("shortNames")
    for field, reason in (("kind", "KindConflict"), ("listKind", "ListKindConflict")):
        value = requested.get(field) or ""
        if value and value in kinds:
            conflict = condition(NAMES_ACCEPTED, "False", reason, f'"{value}" is already in use')
        elif value:
            names[field] = value
    names["categories"] = requested.get("categories")
    order = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
    return {name: names[name] for name in order if names.get(name) or (name in ("plural", "kind") and name in names)}, conflict


def _taken(others: Sequence[Obj]) -> tuple[set[str], set[str]]:
    """The resource names and the kinds that other definitions of the group have."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources |= {names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ())}
        kinds |= {names.get("kind") or "", names.get("listKind") or ""}
    return resources, kinds
