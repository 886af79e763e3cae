"""A readable account of any object: who and when, what is specific to its kind, conditions, events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.base.clock import human_duration, parse_time
from engine.base.objects import Obj, annotations_of, controller_of, dig, labels_of, name_of, namespace_of
from ktui.model import describe_config, describe_network, describe_nodes, describe_pods, describe_workloads
from ktui.model.describe_parts import ago
from ktui.model.health import of_word
from ktui.model.lines import Line, Page, Span
from ktui.model.yaml_view import LAST_APPLIED, masked

ANNOTATION_CELLS_MAX = 200


@dataclass(frozen=True)
class Subject:
    """An object with what is told along with it: its events (oldest first) and related objects by resource."""

    resource: str
    obj: Obj
    events: Sequence[Obj] = ()
    related: Mapping[str, Sequence[Obj]] = field(default_factory=dict)


Describer = Callable[[Page, Subject, float], None]

_KINDS: Mapping[str, Callable[[Page, Obj, Mapping[str, Sequence[Obj]], float], None]] = {
    "pods": describe_pods.pod,
    "nodes": describe_nodes.node,
    "services": describe_network.service,
    "ingresses.networking.k8s.io": describe_network.ingress,
    "endpointslices.discovery.k8s.io": describe_network.endpoint_slice,
    "deployments.apps": describe_workloads.deployment,
    "replicasets.apps": describe_workloads.replica_set,
    "statefulsets.apps": describe_workloads.stateful_set,
    "daemonsets.apps": describe_workloads.daemon_set,
    "jobs.batch": describe_workloads.job,
    "cronjobs.batch": describe_workloads.cron_job,
    "configmaps": describe_config.config_map,
    "secrets": describe_config.secret,
    "persistentvolumeclaims": describe_config.volume_claim,
    "persistentvolumes": describe_config.volume,
    "namespaces": describe_config.namespace,
    "events": describe_config.event,
}


def describe(subject: Subject, now: float) -> list[Line]:
    """The page about an object at `now` (epoch seconds). Values of secrets are never in it."""
    page = Page()
    obj = masked(subject.obj)
    _head(page, obj, now)
    kind = _KINDS.get(subject.resource)
    if kind is not None:
        kind(page, obj, subject.related, now)
    else:
        _anything(page, obj)
    _conditions(page, obj, now)
    _events(page, subject.events, now)
    return page.lines


def _head(page: Page, obj: Obj, now: float) -> None:
    meta = obj.get("metadata") or {}
    page.field("Name", name_of(obj), "title")
    page.field("Namespace", namespace_of(obj))
    page.field("Kind", f"{obj.get('kind', '')}  ({obj.get('apiVersion', '')})")
    created = meta.get("creationTimestamp")
    if created:
        page.field("Created", f"{human_duration(now - parse_time(created))} ago  ({created})")
    if meta.get("deletionTimestamp"):
        page.field("Terminating", f"since {ago(meta['deletionTimestamp'], now)}", "busy")
        page.fields("Finalizers", meta.get("finalizers") or [], "warn")
    owner = controller_of(obj)
    if owner is not None:
        page.field("Controlled by", f"{owner['kind']}/{owner['name']}", "link")
    page.fields("Labels", [f"{k}={v}" for k, v in labels_of(obj).items()])
    shown = [f"{k}: {_short(v)}" for k, v in annotations_of(obj).items() if k != LAST_APPLIED]
    page.fields("Annotations", shown, "dim")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= ANNOTATION_CELLS_MAX else flat[: ANNOTATION_CELLS_MAX - 1] + "…"


def _conditions(page: Page, obj: Obj, now: float) -> None:
    conditions = dig(obj, "status", "conditions", default=[])
    if not conditions or not all(isinstance(c, dict) and "type" in c for c in conditions):
        return
    page.section("Conditions")
    rows = []
    for c in conditions:
        state = _condition_state(c.get("type", ""), c.get("status", ""))
        when = c.get("lastTransitionTime")
        rows.append(
            (
                Span(c.get("type", ""), "text"),
                Span(c.get("status", ""), state),
                Span(ago(when, now) if when else "", "dim"),
                Span(c.get("reason") or "", "text"),
                Span(c.get("message") or "", "dim"),
            )
        )
    page.table(("Type", "Status", "Since", "Reason", "Message"), rows)
    page.end()


_BAD_WHEN_TRUE = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", "Failed", "ReplicaFailure", "DisruptionTarget")


def _condition_state(kind: str, status: str) -> str:
    if status == "Unknown":
        return "warn"
    if kind in _BAD_WHEN_TRUE:
        return "bad" if status == "True" else "ok"
    return "ok" if status == "True" else "warn"


def _events(page: Page, events: Sequence[Obj], now: float) -> None:
    page.section("Events")
    if not events:
        page.line(Span("none", "dim"))
    else:
        rows = [_event_row(event, now) for event in events]
        page.table(("Last seen", "Type", "Reason", "From", "Message"), rows)
    page.end()


def _event_row(event: Obj, now: float) -> tuple[Span, ...]:
    last = event_moment(event)
    count = int(event.get("count") or dig(event, "series", "count") or 1)
    since = ago(last, now) if last else "<unknown>"
    state = "warn" if event.get("type") == "Warning" else "dim"
    source = dig(event, "source", "component") or event.get("reportingComponent") or event.get("reportingController") or ""
    return (
        Span(f"{since} (x{count})" if count > 1 else since, "dim"),
        Span(event.get("type") or "", state),
        Span(event.get("reason") or "", "text" if state == "dim" else "warn"),
        Span(source, "dim"),
        Span(event.get("message") or event.get("note") or "", "text"),
    )


def event_moment(event: Obj) -> str:
    """When an event was last seen, RFC 3339; empty where it does not say."""
    found = dig(event, "series", "lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(found or dig(event, "metadata", "creationTimestamp") or "")


_SKIPPED = ("apiVersion", "kind", "metadata", "conditions")


def _anything(page: Page, obj: Obj) -> None:
    for name, value in obj.items():
        if name in _SKIPPED or value in (None, "", [], {}):
            continue
        if isinstance(value, dict | list):
            page.section(_words(name))
            _tree(page, value)
            page.end()
        else:
            page.field(_words(name), value, of_word(str(value)) if name in ("phase", "status") else "text")


def _tree(page: Page, value: Any) -> None:
    pairs = value.items() if isinstance(value, dict) else ((f"[{i}]", item) for i, item in enumerate(value))
    for name, item in pairs:
        if name in _SKIPPED or item in (None, "", [], {}):
            continue
        if isinstance(item, list) and all(not isinstance(part, dict | list) for part in item):
            page.fields(_words(name), [str(part) for part in item])
        elif isinstance(item, dict | list):
            page.section(_words(name))
            _tree(page, item)
            page.end()
        else:
            page.field(_words(name), item)


def _words(name: str) -> str:
    """`maxUnavailable` as `Max unavailable`; names that are no field names (labels, keys) as they are."""
    if not name.isidentifier():
        return name
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in name)
    return spaced[:1].upper() + spaced[1:]
