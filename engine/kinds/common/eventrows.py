"""Events in both API groups: one stored shape, two views (pkg/apis/events/v1/conversion.go), one row (printEvent)."""

from collections.abc import Sequence
from typing import Any

from engine.base import fields
from engine.base.fields import FieldError
from engine.base.objects import Obj, name_of, namespace_of
from engine.kinds.common import names, tables
from engine.kinds.common.lifecycle import text_at
from engine.kinds.common.metadata import validate_create, validate_update
from engine.kinds.common.model import Column

COLUMNS = (
    tables.text("Last Seen"),
    tables.text("Type"),
    tables.text("Reason"),
    tables.text("Object"),
    *tables.wide("Subobject", "Source"),
    tables.text("Message"),
    *tables.wide("First Seen", "Count"),
    Column("Name", format="name", priority=1),
)
# Field of events.k8s.io/v1 -> field of v1.
_RENAMED = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_RENAMED_BACK = {core: event for event, core in _RENAMED.items()}
_ALWAYS_WRITTEN: dict[str, Any] = {
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
    "involvedObject": {},
}


def defaults(event: Obj) -> Obj:
    """Fields that encoding never leaves out; an event that has them comes back itself."""
    missing = {name: value for name, value in _ALWAYS_WRITTEN.items() if name not in event}
    return {**event, **missing} if missing else event


def to_core(event: Obj) -> Obj:
    """An event of events.k8s.io/v1 as core v1."""
    return {"apiVersion": "v1", **{_RENAMED.get(k, k): v for k, v in event.items() if k != "apiVersion"}}


def from_core(event: Obj) -> Obj:
    """An event of core v1 as events.k8s.io/v1; the server writes neither an empty controller nor an empty instance there."""
    renamed = {_RENAMED_BACK.get(k, k): v for k, v in event.items() if k != "apiVersion"}
    for name in ("reportingController", "reportingInstance"):
        if renamed.get(name) == "":
            del renamed[name]
    return {"apiVersion": "events.k8s.io/v1", **renamed}


def validate_core(event: Obj, old: Obj | None) -> Sequence[FieldError]:
    """legacyValidateEvent (pkg/apis/core/validation/events.go): the event's namespace is its object's, or default for cluster scope."""
    found = validate_create(event, True, names.dns_subdomain) if old is None else validate_update(event, old)
    about, namespace = event.get("involvedObject") or {}, namespace_of(event)
    if not about.get("namespace") and namespace not in ("default", "kube-system") and about.get("kind") in ("Node", "Namespace"):
        found.append(fields.invalid("involvedObject.namespace", "", "does not match event.namespace"))
    elif about.get("namespace") and about["namespace"] != namespace:
        found.append(fields.invalid("involvedObject.namespace", about["namespace"], "does not match event.namespace"))
    return found


def validate_new(event: Obj, old: Obj | None) -> Sequence[FieldError]:
    """ValidateEventCreate of events.k8s.io: time, controller, instance, action and reason are needed."""
    found = list(validate_core(event, old))
    if old is not None:
        return found
    if not event.get("eventTime"):
        found.append(fields.required("eventTime"))
    if event.get("type") not in ("Normal", "Warning"):
        found.append(fields.invalid("type", event.get("type") or "", 'has invalid value: must be "Normal" or "Warning"'))
    if event.get("firstTimestamp"):
        found.append(fields.invalid("firstTimestamp", event["firstTimestamp"], "needs to be unset"))
    if not event.get("reportingComponent"):
        found.append(fields.required("reportingController"))
    for name in ("reportingInstance", "action", "reason"):
        if not event.get(name):
            found.append(fields.required(name))
    for name, longest in (("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024)):
        if len(event.get(name) or "") > longest:
            found.append(fields.too_long("note" if name == "message" else name, longest))
    return found


def cells(event: Obj, now: float) -> list[Any]:
    """One event's row."""
    about, series = event.get("involvedObject") or {}, event.get("series")
    first = tables.ago(event.get("firstTimestamp") or event.get("eventTime"), now)
    last = tables.ago(event["lastTimestamp"], now) if event.get("lastTimestamp") else first
    count = event.get("count") or 1
    if series is not None:
        last, count = tables.ago(series.get("lastObservedTime"), now), series.get("count") or 0
    kind = (about.get("kind") or "").lower()
    source = event.get("source") or {}
    parts = (source.get("component") or event.get("reportingComponent"), source.get("host") or event.get("reportingInstance"))
    return [
        last,
        event.get("type") or "",
        event.get("reason") or "",
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath") or "",
        ", ".join(part for part in parts if part),
        (event.get("message") or "").strip(),
        first,
        count,
        name_of(event),
    ]


_ABOUT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _source(event: Obj) -> str:
    text: str = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
    return text


def field_values(about: str) -> dict[str, Any]:
    """Field selectors; `about` is what the group calls the object: `involvedObject` or `regarding`."""
    return {
        **{f"{about}.{field}": text_at("involvedObject", field) for field in _ABOUT},
        "reason": text_at("reason"),
        "reportingComponent" if about == "involvedObject" else "reportingController": text_at("reportingComponent"),
        "source": _source,
        "type": text_at("type"),
    }
