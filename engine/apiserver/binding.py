"""pods/binding: the scheduler's decision (pkg/registry/core/pod/storage/storage.go BindingREST)."""

from dataclasses import replace as with_fields
from typing import Any

from engine.apiserver.context import Call, Context
from engine.apiserver.decoding import decode_as
from engine.apiserver.identity import IdentityMemo
from engine.apiserver.options import write_options
from engine.apiserver.representation import success
from engine.apiserver.updating import current
from engine.base.api import Response
from engine.base.conditions import without
from engine.base.errors import StatusError, bad_request, conflict
from engine.base.objects import Obj, name_of, revision_of, uid_of

SPECS_MAX, NODES_MAX = 64, 512

_on_nodes: IdentityMemo[dict[str, Obj]] = IdentityMemo(SPECS_MAX)
"""Specs with their node, by the spec without one: replicas on one node go on sharing theirs."""


def bind(ctx: Context, call: Call) -> Response:
    """POST of a Binding: sets spec.nodeName and the PodScheduled condition.

    Raises:
        StatusError: 400 for another name, 404, 409 for a pod that is bound, terminating or another one.
    """
    options = write_options(call.request, "CreateOptions")
    body = decode_as(call, "v1", "Binding")
    metadata = body.get("metadata") or {}
    if metadata.get("name") != call.name:
        raise bad_request("name in URL does not match name in Binding object")
    target = body.get("target") or {}
    pod = current(ctx, call)
    _check(call, pod, metadata, target)
    bound = _bound(ctx, pod, target["name"], metadata)
    if options.dry_run:
        return success(call, 201)
    stored = ctx.storage.replace(call.kind, pod, bound, call.cause)
    return success(call, 201, None, revision_of(stored))


def bind_posted(ctx: Context, call: Call) -> Response:
    """POST of a Binding to /bindings: the same, with the pod's name in the body."""
    name = name_of(decode_as(call, "v1", "Binding"))
    if not name:
        raise bad_request("name must be provided")
    return bind(ctx, with_fields(call, kind=ctx.kinds.by_resource["pods"], name=name, subresource="binding"))


def _check(call: Call, pod: Obj, metadata: Obj, target: Obj) -> None:
    """assignPod and setPodNodeAndMetadata."""
    if (target.get("kind") or "Node") != "Node" or not target.get("name"):
        field = "target.name" if not target.get("name") else "target.kind"
        why = "Required value" if not target.get("name") else f'Unsupported value: "{target["kind"]}": supported values: "Node", "<empty>"'
        raise StatusError(422, "Invalid", f'Binding "{call.name}" is invalid: {field}: {why}', {"name": call.name, "kind": "Binding"})
    uid, node = metadata.get("uid"), (pod.get("spec") or {}).get("nodeName")
    if uid and uid != uid_of(pod):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(pod)}"
        raise conflict("pods/binding", call.name, why)
    if pod["metadata"].get("deletionTimestamp"):
        raise conflict("pods/binding", call.name, f"pod {call.name} is being deleted, cannot be assigned to a host")
    if node:
        raise conflict("pods/binding", call.name, f'pod {call.name} is already assigned to node "{node}"')
    if (pod.get("spec") or {}).get("schedulingGates"):
        raise conflict("pods/binding", call.name, f"pod {call.name} has non-empty .spec.schedulingGates")


def _bound(ctx: Context, pod: Obj, node: str, binding: Obj) -> Obj:
    status = pod.get("status") or {}
    condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": ctx.time()}
    others = without(status.get("conditions") or (), "PodScheduled")
    metadata: dict[str, Any] = pod["metadata"]
    for field in ("labels", "annotations"):
        if binding.get(field):
            metadata = {**metadata, field: {**(metadata.get(field) or {}), **binding[field]}}
    return {
        **pod,
        "metadata": metadata,
        "spec": _on_node(pod["spec"], node),
        "status": {**status, "conditions": [*others, condition]},
    }


def _on_node(spec: Obj, node: str) -> Obj:
    known = _on_nodes.get(spec)
    if known is None:
        known = _on_nodes.put(spec, {})
    if node not in known:
        if len(known) >= NODES_MAX:
            known.clear()
        known[node] = {**spec, "nodeName": node}
    return known[node]
