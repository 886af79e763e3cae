"""What is told of workloads: replicas, strategy, template, revisions, pods."""

from engine.base.objects import Obj, annotations_of, dig, name_of
from ktui.model.describe_parts import Related, ago, pairs, pods_table, selector_text, template
from ktui.model.health import BUSY, OK
from ktui.model.lines import Page, Span

REVISION = "deployment.kubernetes.io/revision"


def deployment(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Replicas, strategy, ReplicaSets by revision."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    wanted, available = int(spec.get("replicas", 1)), int(status.get("availableReplicas") or 0)
    page.blank()
    page.field(
        "Replicas",
        f"{wanted} desired, {status.get('updatedReplicas', 0)} updated, {status.get('replicas', 0)} total, "
        f"{available} available, {status.get('unavailableReplicas', 0)} unavailable",
        OK if available >= wanted else BUSY,
    )
    page.field("Paused", "yes" if spec.get("paused") else "", "warn")
    page.field("Selector", selector_text(obj))
    rolling = dig(spec, "strategy", "rollingUpdate", default={})
    limits = f", max unavailable {rolling.get('maxUnavailable')}, max surge {rolling.get('maxSurge')}" if rolling else ""
    page.field("Strategy", f"{dig(spec, 'strategy', 'type', default='RollingUpdate')}{limits}")
    page.field("Revision", annotations_of(obj).get(REVISION))
    template(page, spec.get("template") or {})
    sets = sorted(related.get("replicasets.apps") or (), key=lambda r: -int(annotations_of(r).get(REVISION) or 0))
    if sets:
        page.section("ReplicaSets")
        page.table(("Revision", "Name", "Replicas", "Images", "Age"), [_revision_row(r, now) for r in sets])
        page.end()
    _pods(page, related, now)


def _revision_row(replica_set: Obj, now: float) -> tuple[Span, ...]:
    images = ", ".join(c.get("image", "") for c in dig(replica_set, "spec", "template", "spec", "containers", default=[]))
    ratio = f"{dig(replica_set, 'status', 'readyReplicas', default=0)}/{dig(replica_set, 'spec', 'replicas', default=0)}"
    created = dig(replica_set, "metadata", "creationTimestamp")
    return (
        Span(annotations_of(replica_set).get(REVISION) or "?"),
        Span(name_of(replica_set)),
        Span(ratio, "dim" if ratio == "0/0" else "text"),
        Span(images),
        Span(ago(created, now) if created else "", "dim"),
    )


def _pods(page: Page, related: Related, now: float) -> None:
    pods = related.get("pods") or ()
    if pods:
        page.section(f"Pods ({len(pods)})")
        pods_table(page, pods, now)
        page.end()


def replica_set(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Replicas and template."""
    page.blank()
    _replicas(page, obj)
    page.field("Selector", selector_text(obj))
    template(page, dig(obj, "spec", "template", default={}))
    _pods(page, related, now)


def stateful_set(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Replicas, update strategy, claims."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.blank()
    _replicas(page, obj)
    page.field("Selector", selector_text(obj))
    page.field("Service", spec.get("serviceName"))
    partition = dig(spec, "updateStrategy", "rollingUpdate", "partition", default=0)
    page.field(
        "Update strategy",
        f"{dig(spec, 'updateStrategy', 'type', default='RollingUpdate')}{f', partition {partition}' if partition else ''}",
    )
    page.field("Pod management", spec.get("podManagementPolicy"))
    page.field(
        "Revision", f"{status.get('currentRevision', '')} → {status.get('updateRevision', '')}" if status.get("updateRevision") else ""
    )
    template(page, spec.get("template") or {})
    for claim in spec.get("volumeClaimTemplates") or ():
        page.section(f"Claim {name_of(claim)}")
        page.field("Storage", dig(claim, "spec", "resources", "requests", "storage"))
        page.field("Access modes", ", ".join(dig(claim, "spec", "accessModes", default=[])))
        page.field("Storage class", dig(claim, "spec", "storageClassName"))
        page.end()
    _pods(page, related, now)


def daemon_set(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Nodes wanted and covered."""
    status = obj.get("status") or {}
    page.blank()
    wanted, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
    page.field(
        "Nodes",
        f"{wanted} desired, {status.get('currentNumberScheduled', 0)} scheduled, {ready} ready, "
        f"{status.get('updatedNumberScheduled', 0)} up to date, {status.get('numberMisscheduled', 0)} misscheduled",
        OK if ready >= wanted else BUSY,
    )
    page.field("Selector", selector_text(obj))
    page.field("Update strategy", dig(obj, "spec", "updateStrategy", "type"))
    template(page, dig(obj, "spec", "template", default={}))
    _pods(page, related, now)


def job(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Completions, parallelism, limits."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.blank()
    page.field("Completions", f"{status.get('succeeded', 0)}/{spec.get('completions', 1)}, parallelism {spec.get('parallelism', 1)}")
    page.field(
        "Pods",
        f"{status.get('active', 0)} active, {status.get('succeeded', 0)} succeeded, {status.get('failed', 0)} failed",
        "bad" if status.get("failed") else "text",
    )
    page.field("Back-off limit", spec.get("backoffLimit"))
    page.field("Deadline", f"{spec['activeDeadlineSeconds']}s" if spec.get("activeDeadlineSeconds") else "")
    page.field("Started", status.get("startTime"))
    page.field("Completed", status.get("completionTime"))
    page.field("Suspended", "yes" if spec.get("suspend") else "", "warn")
    template(page, spec.get("template") or {})
    _pods(page, related, now)


def cron_job(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Schedule and policy."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.blank()
    page.field("Schedule", f"{spec.get('schedule')}{'  ' + spec['timeZone'] if spec.get('timeZone') else ''}")
    page.field("Concurrency", spec.get("concurrencyPolicy"))
    page.field("Suspended", "yes" if spec.get("suspend") else "no", "warn" if spec.get("suspend") else "text")
    page.field("Last schedule", status.get("lastScheduleTime"))
    page.field("Last success", status.get("lastSuccessfulTime"))
    page.fields("Active", [a.get("name", "") for a in status.get("active") or ()])
    template(page, dig(spec, "jobTemplate", "spec", "template", default={}), "Job template")


def _replicas(page: Page, obj: Obj) -> None:
    status = obj.get("status") or {}
    wanted, ready = int(dig(obj, "spec", "replicas", default=1)), int(status.get("readyReplicas") or 0)
    page.field("Replicas", f"{wanted} desired, {status.get('replicas', 0)} current, {ready} ready", OK if ready >= wanted else BUSY)
    page.field("Labels of pods", pairs(dig(obj, "spec", "template", "metadata", "labels")))
