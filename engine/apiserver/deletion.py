"""Delete and deletecollection: grace, finalizers, propagation.

apiserver/pkg/registry/rest/delete.go, registry/generic/registry/store.go.
"""

from dataclasses import replace as with_fields
from typing import Any

from engine.apiserver.admission_chain import DELETE, Attributes
from engine.apiserver.context import Call, Context
from engine.apiserver.definitions.acceptance import FINALIZER, TERMINATING, condition, with_condition
from engine.apiserver.options import BACKGROUND, FOREGROUND, ORPHAN, DeletionOptions, deletion_options
from engine.apiserver.representation import show, show_list, success
from engine.apiserver.selection import selection_of
from engine.apiserver.updating import current, finished_deletion
from engine.base.api import Response
from engine.base.clock import parse_time, rfc3339
from engine.base.errors import conflict
from engine.base.objects import Obj, is_terminating, name_of, namespace_of, revision_of, uid_of
from engine.kinds.common.model import Kind

ORPHAN_FINALIZER, FOREGROUND_FINALIZER = "orphan", "foregroundDeletion"

RETURNS_DELETED_OBJECT = frozenset(
    {"persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "resourcequotas", "serviceaccounts", "services"}
)
"""Kinds whose deletion is answered with the object as it was (ReturnDeletedObject of their stores)."""

ORPHANS_BY_DEFAULT = frozenset({"replicationcontrollers", "jobs.batch"})
"""Kinds whose dependents stay unless the client says otherwise, for compatibility (DefaultGarbageCollectionPolicy)."""

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
_PENDING = (
    "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
)

NOT_COLLECTED = frozenset({"events", "events.events.k8s.io"})

_JOBS_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
    "or set propagationPolicy=Orphan to suppress this warning"
)


def delete(ctx: Context, call: Call) -> Response:
    """DELETE of one object: answered with the object where it stays for now, or its kind says so, else with a Status.

    Raises:
        StatusError: 404, 409 for a failed precondition, or what admission says.
    """
    options = deletion_options(call.request)
    old = current(ctx, call)
    left, gone = delete_object(ctx, call, old, options)
    revision = 0 if options.dry_run or left is old else revision_of(left)
    if not gone or call.kind.resource in RETURNS_DELETED_OBJECT:
        return show(ctx, call, 200, left, revision)
    details: dict[str, Any] = {"name": call.name}
    if call.kind.group:
        details["group"] = call.kind.group
    return success(call, 0, {**details, "kind": call.kind.plural, "uid": uid_of(left)}, revision)


def delete_collection(ctx: Context, call: Call) -> Response:
    """DELETE of everything that the query selects; answered with the list of it."""
    options = deletion_options(call.request)
    selected = selection_of(call)
    found = [obj for obj in ctx.storage.list(call.kind, call.namespace) if selected.matches(obj)]
    revision = ctx.storage.revision
    for obj in found:
        one = _with_name(call, obj)
        delete_object(ctx, one, obj, options)
        for text in one.warnings:
            call.warn(text)
    answer = show_list(ctx, call, found, {"resourceVersion": str(revision)})
    return with_fields(answer, revision=ctx.storage.revision)


def _with_name(call: Call, obj: Obj) -> Call:
    """The call as if it named one object of its collection."""
    return with_fields(call, namespace=namespace_of(obj), name=name_of(obj), warnings=[])


def delete_object(ctx: Context, call: Call, old: Obj, options: DeletionOptions) -> tuple[Obj, bool]:
    """Delete `old`, or mark it as terminating; what is left of it, and whether it is gone.

    Raises:
        StatusError: 409 for a failed precondition, or what admission says.
    """
    kind = call.kind
    _check_preconditions(kind, old, options)
    ctx.admission.admit(Attributes(kind, DELETE, call.namespace, call.name, "", old, old, call.request.user, options.dry_run))
    if kind.resource == "jobs.batch" and not options.propagation and not _collection_finalizer(old):
        call.warn(_JOBS_WARNING)
    marked: Obj | None
    if kind.resource == "namespaces":
        marked = _terminating_namespace(ctx, old, options)
    elif kind.resource == DEFINITIONS and not is_terminating(old):
        marked = _terminating_definition(ctx, kind, old, options)
    else:
        marked = _marked(ctx, kind, old, options)
    if marked is None or ((is_terminating(old) or kind.resource != "namespaces") and finished_deletion(kind.resource, marked)):
        last = old if marked is None else marked
        if options.dry_run:
            return last, True
        last = ctx.storage.remove(kind, old, last, call.cause)
        ctx.services.deleted(kind, last)
        return last, True
    if marked is old or options.dry_run:
        return marked, False
    return ctx.storage.replace(kind, old, marked, call.cause), False


def _check_preconditions(kind: Kind, old: Obj, options: DeletionOptions) -> None:
    shown = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    metadata = old["metadata"]
    if options.uid and options.uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(shown, metadata["name"], why)
    if options.resource_version and options.resource_version != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion in record "
            f"({metadata['resourceVersion']}). The object might have been modified"
        )
        raise conflict(shown, metadata["name"], why)


def _marked(ctx: Context, kind: Kind, old: Obj, options: DeletionOptions) -> Obj | None:
    """`old` with what the deletion writes into its metadata; `old` itself where a deletion under way covers this one.

    None: it is deleted as it is.
    """
    metadata = old["metadata"]
    if kind.default_grace_s is None:
        finalizers = _finalizers(kind, metadata, options)
        if not finalizers:
            return None
        marks: dict[str, Any] = {"deletionGracePeriodSeconds": 0}
        if not metadata.get("deletionTimestamp"):
            marks["deletionTimestamp"] = ctx.time()
        return _with(old, finalizers, marks)
    if metadata.get("deletionTimestamp"):
        return _shortened(old, options)
    grace_s = kind.default_grace_s(old)
    if options.grace_period_s is not None and grace_s:
        grace_s = options.grace_period_s if options.grace_period_s >= 0 else 1
    deadline = rfc3339(ctx.world.clock.now() + grace_s)
    return _with(old, _finalizers(kind, metadata, options), {"deletionTimestamp": deadline, "deletionGracePeriodSeconds": grace_s})


def _shortened(old: Obj, options: DeletionOptions) -> Obj:
    """A graceful deletion under way may only be shortened."""
    metadata = old["metadata"]
    left_s, wanted_s = metadata.get("deletionGracePeriodSeconds"), options.grace_period_s
    if left_s is None or wanted_s is None:
        return old
    wanted_s = wanted_s if wanted_s >= 0 else 1
    if wanted_s >= left_s:
        return old
    deadline = rfc3339(parse_time(metadata["deletionTimestamp"]) - left_s + wanted_s)
    return {**old, "metadata": {**metadata, "deletionTimestamp": deadline, "deletionGracePeriodSeconds": wanted_s}}


def _with(old: Obj, finalizers: list[str], marks: dict[str, Any]) -> Obj:
    metadata = old["metadata"]
    made = {**metadata, **marks}
    if metadata.get("generation") and not metadata.get("deletionTimestamp"):
        made["generation"] = metadata["generation"] + 1
    made.pop("finalizers", None)
    if finalizers:
        made["finalizers"] = finalizers
    return old if made == metadata else {**old, "metadata": made}


def _collection_finalizer(old: Obj) -> bool:
    finalizers = old["metadata"].get("finalizers") or ()
    return ORPHAN_FINALIZER in finalizers or FOREGROUND_FINALIZER in finalizers


def _finalizers(kind: Kind, metadata: Obj, options: DeletionOptions) -> list[str]:
    """The finalizers after the deletion's propagation policy is written into them (deletionFinalizersForGarbageCollection)."""
    have: list[str] = metadata.get("finalizers") or []
    if kind.resource in NOT_COLLECTED:
        return have
    policy = options.propagation
    if not policy:
        if ORPHAN_FINALIZER in have:
            policy = ORPHAN
        elif FOREGROUND_FINALIZER in have:
            policy = FOREGROUND
        else:
            policy = ORPHAN if kind.resource in ORPHANS_BY_DEFAULT else BACKGROUND
    made = [f for f in have if f not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER)]
    if policy == ORPHAN:
        made.append(ORPHAN_FINALIZER)
    if policy == FOREGROUND:
        made.append(FOREGROUND_FINALIZER)
    return have if set(made) == set(have) else made


def _terminating_namespace(ctx: Context, old: Obj, options: DeletionOptions) -> Obj:
    """A namespace first becomes Terminating; its content and its finalizers are the namespace controller's."""
    metadata = old["metadata"]
    if metadata.get("deletionTimestamp"):
        return old
    finalizers = _finalizers_if_asked(metadata, options)
    marked = _with(old, finalizers, {"deletionTimestamp": ctx.time()})
    return {**marked, "status": {**(old.get("status") or {}), "phase": "Terminating"}}


def _terminating_definition(ctx: Context, kind: Kind, old: Obj, options: DeletionOptions) -> Obj:
    """A definition first loses its objects (apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go Delete)."""
    time, status = ctx.time(), old.get("status") or {}
    have = _finalizers(kind, old["metadata"], options)
    marked = _with(old, have if FINALIZER in have else [*have, FINALIZER], {"deletionTimestamp": time})
    conditions = with_condition(status.get("conditions"), condition(TERMINATING, "True", *_PENDING), time)
    return {**marked, "status": {**status, "conditions": conditions}}


def _finalizers_if_asked(metadata: Obj, options: DeletionOptions) -> list[str]:
    have: list[str] = list(metadata.get("finalizers") or ())
    wanted = {ORPHAN: ORPHAN_FINALIZER, FOREGROUND: FOREGROUND_FINALIZER}.get(options.propagation)
    return [*have, wanted] if wanted and wanted not in have else have
