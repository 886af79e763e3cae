"""pods/eviction: deletion that disruption budgets may refuse (pkg/registry/core/pod/storage/eviction.go)."""

from collections.abc import Sequence
from typing import Any

from engine.apiserver.context import Call, Context
from engine.apiserver.decoding import decode_as
from engine.apiserver.deletion import delete_object
from engine.apiserver.options import DeletionOptions, write_options
from engine.apiserver.representation import success
from engine.apiserver.updating import current
from engine.base.api import Response
from engine.base.conditions import find, is_true, without
from engine.base.errors import StatusError, bad_request, forbidden, too_many_requests
from engine.base.objects import Obj, is_terminating, labels_of, name_of, revision_of
from engine.base.selectors import from_label_selector

BUDGETS = "poddisruptionbudgets.policy"
DISRUPTED_PODS_MAX = 2_000
STALE_RETRY_S = 10

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_TOO_MANY = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


def evict(ctx: Context, call: Call) -> Response:
    """POST of an Eviction: deletes the pod if its budget allows.

    Raises:
        StatusError: 400 for another name, 404, 429 where the budget does not allow it, 500 for a pod with several budgets.
    """
    options = write_options(call.request, "CreateOptions")
    body = decode_as(call, "policy/v1", "Eviction")
    if ((body.get("metadata") or {}).get("name") or call.name) != call.name:
        raise bad_request("name in URL does not match name in Eviction object")
    given = body.get("deleteOptions") or {}
    dry_run = options.dry_run or bool(given.get("dryRun"))
    preconditions = given.get("preconditions") or {}
    deletion = DeletionOptions(
        given.get("gracePeriodSeconds"),
        given.get("propagationPolicy") or "",
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        dry_run,
    )
    pod = current(ctx, call)
    if not _ignores_budgets(pod):
        budget = _budget_of(ctx, call, pod)
        if budget is not None and not _free_of(budget, pod):
            _spend(ctx, call, budget, dry_run)
        pod = _with_condition(ctx, pod)
    left, _ = delete_object(ctx, call, pod, deletion)
    return success(call, 201, None, 0 if dry_run else revision_of(left))


def _ignores_budgets(pod: Obj) -> bool:
    """canIgnorePDB: the pod does not run, or no longer."""
    return is_terminating(pod) or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed", "Pending")


def _budget_of(ctx: Context, call: Call, pod: Obj) -> Obj | None:
    labels = labels_of(pod)
    if not labels:
        return None
    kind = ctx.kinds.by_resource[BUDGETS]
    found: Sequence[Obj] = [
        b for b in ctx.storage.list(kind, call.namespace) if from_label_selector((b.get("spec") or {}).get("selector")).matches(labels)
    ]
    if len(found) > 1:
        raise StatusError(500, "", _TOO_MANY)
    return found[0] if found else None


def _free_of(budget: Obj, pod: Obj) -> bool:
    """Whether the pod does not count: it is not ready, and the policy or the number of healthy pods lets it go."""
    if is_true(pod, "Ready"):
        return False
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = status.get("desiredHealthy") or 0
    return desired > 0 and (status.get("currentHealthy") or 0) >= desired


def _spend(ctx: Context, call: Call, budget: Obj, dry_run: bool) -> None:
    """checkAndDecrement: one disruption less is allowed, and the controller is told which pod goes."""
    status, name = budget.get("status") or {}, name_of(budget)
    if (status.get("observedGeneration") or 0) < (budget["metadata"].get("generation") or 0):
        why = f"The disruption budget {name} is still being processed by the server."
        raise too_many_requests(_REFUSED, STALE_RETRY_S, [{"reason": "DisruptionBudget", "message": why}])
    allowed = status.get("disruptionsAllowed") or 0
    if allowed < 0:
        raise forbidden(BUDGETS, name, "pdb disruptions allowed is negative")
    disrupted = status.get("disruptedPods") or {}
    if len(disrupted) > DISRUPTED_PODS_MAX:
        raise forbidden(BUDGETS, name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
    if allowed == 0:
        needs, has = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
        why = f"The disruption budget {name} needs {needs} healthy pods and has {has} currently"
        raise too_many_requests(_REFUSED, 0, [{"reason": "DisruptionBudget", "message": why}])
    if dry_run:
        return
    after: dict[str, Any] = {
        **status,
        "disruptionsAllowed": allowed - 1,
        "disruptedPods": {**disrupted, call.name: ctx.time()},
    }
    if allowed == 1:
        after["conditions"] = _insufficient(status, ctx.time())
    ctx.storage.replace(ctx.kinds.by_resource[BUDGETS], budget, {**budget, "status": after}, call.cause)


def _insufficient(status: Obj, now: str) -> list[Obj]:
    conditions: list[Obj] = list(status.get("conditions") or ())
    before = find(conditions, "DisruptionAllowed") or {}
    condition = {
        "type": "DisruptionAllowed",
        "status": "False",
        "observedGeneration": status.get("observedGeneration") or 0,
        "lastTransitionTime": before.get("lastTransitionTime") if before.get("status") == "False" else now,
        "reason": "InsufficientPods",
        "message": "",
    }
    return [*without(conditions, "DisruptionAllowed"), condition]


def _with_condition(ctx: Context, pod: Obj) -> Obj:
    status = pod.get("status") or {}
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": ctx.time(),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    return {**pod, "status": {**status, "conditions": [*without(status.get("conditions") or (), "DisruptionTarget"), condition]}}
