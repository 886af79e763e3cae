"""What keys do to the cluster, as API requests. Each is bound to the uid of the object that the key was pressed on."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from engine.base.api import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Client, DeleteOptions, ListQuery, pages
from engine.base.causes import Cause
from engine.base.clock import rfc3339
from engine.base.errors import StatusError, conflict, is_reason, not_found
from engine.base.objects import Obj, annotations_of, controller_of, controller_ref, dig, drop, name_of, namespace_of, uid_of
from engine.base.selectors import from_label_selector
from ktui.model.rows import Target

ACTOR = "ktui"
POWER = "sim.ktui.dev/power"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
REVISION = "deployment.kubernetes.io/revision"
TEMPLATE_HASH = "pod-template-hash"

EVICTION_RETRY_S = 5.0
"""kubectl/pkg/drain/drain.go: pause after a 429."""
GONE_POLL_S = 1.0

Progress = Callable[[str], None]


def because(key: str) -> Cause:
    """The cause of a request: the person at the keyboard, and the key."""
    return Cause(ACTOR, 0, f"key {key}" if key else "")


async def checked(client: Client, target: Target) -> Obj:
    """The object as it is now, if it is still the one that was chosen.

    Raises:
        StatusError: 404 gone, 409 another object has its name by now.
    """
    obj = await client.get(target.resource, target.name, target.namespace)
    if uid_of(obj) != target.uid:
        raise conflict(target.resource, target.name, "it was deleted and made anew since it was selected")
    return obj


async def delete(client: Client, target: Target, cause: Cause, grace_s: int | None = None, propagation: str = "Background") -> None:
    """Delete; `grace_s` 0 kills at once."""
    options = DeleteOptions(grace_period_s=grace_s, propagation=propagation, uid=target.uid)
    await client.delete(target.resource, target.name, target.namespace, options, cause=cause)


async def cordon(client: Client, node: Target, on: bool, cause: Cause) -> None:
    """Make a node unschedulable, or schedulable again."""
    patch = {"metadata": {"uid": node.uid}, "spec": {"unschedulable": True if on else None}}
    await client.patch("nodes", node.name, patch, content_type=MERGE_PATCH, cause=cause)


async def power(client: Client, node: Target, on: bool, cause: Cause) -> None:
    """Stop a simulated node dead, or bring it back."""
    patch = {"metadata": {"uid": node.uid, "annotations": {POWER: None if on else "off"}}}
    await client.patch("nodes", node.name, patch, content_type=MERGE_PATCH, cause=cause)


async def scale(client: Client, target: Target, replicas: int, cause: Cause) -> None:
    """Set the number of replicas."""
    await checked(client, target)
    patch = {"spec": {"replicas": replicas}}
    await client.patch(target.resource, target.name, patch, target.namespace, "scale", MERGE_PATCH, cause)


async def restart(client: Client, target: Target, now: float, cause: Cause) -> None:
    """Roll all pods of a workload, as `kubectl rollout restart` does.

    Raises:
        StatusError: 400, the rollout is paused.
    """
    obj = await checked(client, target)
    if dig(obj, "spec", "paused"):
        raise StatusError(400, "BadRequest", f"{target} is paused: its rollout cannot be restarted")
    template = {"metadata": {"annotations": {RESTARTED_AT: rfc3339(now)}}}
    patch = {"metadata": {"uid": target.uid}, "spec": {"template": template}}
    await client.patch(target.resource, target.name, patch, target.namespace, content_type=STRATEGIC_PATCH, cause=cause)


async def previous_template(client: Client, target: Target) -> tuple[int, Obj]:
    """The revision before the current one, and its pod template (Deployments: of its ReplicaSet).

    Raises:
        StatusError: 404, there is no earlier revision.
    """
    obj = await checked(client, target)
    owned = "replicasets.apps" if target.resource == "deployments.apps" else "controllerrevisions.apps"
    query = ListQuery(target.namespace, str(from_label_selector(dig(obj, "spec", "selector"))))
    found: list[tuple[int, Obj]] = []
    async for item in pages(client, owned, query):
        if (controller_of(item) or {}).get("uid") != target.uid:
            continue
        number = int(annotations_of(item).get(REVISION) or item.get("revision") or 0)
        template = dig(item, "spec", "template") or dig(item, "data", "spec", "template")
        if template:
            found.append((number, template))
    found.sort(key=lambda pair: pair[0])
    if len(found) < 2:
        raise not_found(target.resource, f"{target.name}: no rollout history to go back to")
    return found[-2]


async def undo(client: Client, target: Target, cause: Cause) -> int:
    """Give a workload the pod template of its previous revision; that revision's number (kubectl/pkg/polymorphichelpers/rollback.go)."""
    number, template = await previous_template(client, target)
    template = drop(template, ("metadata", "labels", TEMPLATE_HASH)) if dig(template, "metadata") else template
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": target.uid},
        {"op": "replace", "path": "/spec/template", "value": {k: v for k, v in template.items() if k != "$patch"}},
    ]
    await client.patch(target.resource, target.name, patch, target.namespace, content_type=JSON_PATCH, cause=cause)
    return number


async def trigger(client: Client, target: Target, now: float, cause: Cause) -> str:
    """Start a CronJob's job now; the Job's name."""
    obj = await checked(client, target)
    template = dig(obj, "spec", "jobTemplate", default={})
    annotations = {**dig(template, "metadata", "annotations", default={}), "cronjob.kubernetes.io/instantiate": "manual"}
    name = f"{target.name[:40]}-manual-{int(now)}"
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": target.namespace,
            "annotations": annotations,
            "labels": dig(template, "metadata", "labels", default={}),
            "ownerReferences": [controller_ref({**obj, "apiVersion": "batch/v1", "kind": "CronJob"})],
        },
        "spec": template.get("spec") or {},
    }
    await client.create("jobs.batch", job, target.namespace, cause)
    return name


async def set_folder(client: Client, target: Target, spec: Obj, cause: Cause) -> None:
    """Change the watched folder's settings: `{"suspend": True}`, `{"confirm": "…"}`."""
    await client.patch(target.resource, target.name, {"metadata": {"uid": target.uid}, "spec": spec}, content_type=MERGE_PATCH, cause=cause)


def to_evict(pods: Sequence[Obj]) -> tuple[list[Obj], int]:
    """The pods that a drain moves, and how many stay (those of DaemonSets and mirror pods; kubectl/pkg/drain/filters.go)."""
    leaving = [pod for pod in pods if not _stays(pod)]
    return leaving, len(pods) - len(leaving)


def _stays(pod: Obj) -> bool:
    owner = controller_of(pod)
    return (owner is not None and owner["kind"] == "DaemonSet") or "kubernetes.io/config.mirror" in annotations_of(pod)


async def drain(client: Client, node: Target, cause: Cause, progress: Progress) -> int:
    """Cordon a node and evict its pods; a budget that refuses is asked again every 5 s, until cancelled. The number of evicted pods."""
    await cordon(client, node, True, cause)
    found = [pod async for pod in pages(client, "pods", ListQuery(field_selector=f"spec.nodeName={node.name}"))]
    leaving, _ = to_evict(found)
    done: list[str] = []
    blocked: dict[str, str] = {}

    def tell() -> None:
        waits = f" · waiting: {next(iter(blocked.values()))}" if blocked else ""
        progress(f"drain {node.name}: {len(done)}/{len(leaving)} pods gone{waits}")

    def refused(name: str, why: str) -> None:
        blocked[name] = why
        tell()

    async def one(pod: Obj) -> None:
        name = name_of(pod)
        await _evict(client, pod, cause, partial(refused, name))
        blocked.pop(name, None)
        await _until_gone(client, pod)
        done.append(name)
        tell()

    tell()
    try:
        async with asyncio.TaskGroup() as group:
            for pod in leaving:
                group.create_task(one(pod))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return len(leaving)


async def _evict(client: Client, pod: Obj, cause: Cause, refused: Callable[[str], None]) -> None:
    meta = {"name": name_of(pod), "namespace": namespace_of(pod)}
    options = {"preconditions": {"uid": uid_of(pod)}}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta, "deleteOptions": options}
    while True:
        try:
            await client.create_subresource("pods", name_of(pod), "eviction", body, namespace_of(pod), cause)
            return
        except StatusError as error:
            if is_reason(error, "NotFound", "Conflict"):
                return
            if error.code != 429:
                raise
            refused(error.message)
        await asyncio.sleep(EVICTION_RETRY_S)


async def _until_gone(client: Client, pod: Obj) -> None:
    while True:
        try:
            now = await client.get("pods", name_of(pod), namespace_of(pod))
        except StatusError as error:
            if error.code == 404:
                return
            raise
        if uid_of(now) != uid_of(pod):
            return
        await asyncio.sleep(GONE_POLL_S)
