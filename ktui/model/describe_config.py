"""What is told of configuration, storage, namespaces and events."""

from engine.base.objects import Obj, dig
from ktui.model.describe_parts import Related, pods_table
from ktui.model.health import of_word
from ktui.model.lines import Page, Span

VALUE_LINES_MAX = 200


def config_map(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Keys and values."""
    page.blank()
    page.field("Immutable", "yes" if obj.get("immutable") else "")
    for key, value in (obj.get("data") or {}).items():
        page.section(key)
        lines = str(value).rstrip("\n").split("\n")
        for line in lines[:VALUE_LINES_MAX]:
            page.line(Span(line, "string"))
        if len(lines) > VALUE_LINES_MAX:
            page.line(Span(f"… {len(lines) - VALUE_LINES_MAX} more lines", "dim"))
        page.end()
    for key, value in (obj.get("binaryData") or {}).items():
        page.field(key, f"{len(value) * 3 // 4} bytes of binary data", "dim")


def secret(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Type and keys; the values are masked before this sees them."""
    page.blank()
    page.field("Type", obj.get("type"))
    page.field("Immutable", "yes" if obj.get("immutable") else "")
    page.section("Data (x shows it)")
    for key, value in (obj.get("data") or {}).items():
        page.field(key, value, "masked")
    page.end()


def volume_claim(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Phase, size, class, and who uses it."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.blank()
    phase = status.get("phase") or ""
    page.field("Status", phase, of_word(phase))
    page.field("Volume", spec.get("volumeName"), "link")
    page.field("Capacity", dig(status, "capacity", "storage") or f"{dig(spec, 'resources', 'requests', 'storage')} requested")
    page.field("Access modes", ", ".join(spec.get("accessModes") or ()))
    page.field("Storage class", spec.get("storageClassName"))
    users = related.get("pods") or ()
    if users:
        page.section("Used by")
        pods_table(page, users, now)
        page.end()


def volume(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Phase, size, claim."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    page.blank()
    phase = status.get("phase") or ""
    page.field("Status", phase, of_word(phase))
    claim = spec.get("claimRef") or {}
    page.field("Claim", f"{claim.get('namespace')}/{claim.get('name')}" if claim else "", "link")
    page.field("Capacity", dig(spec, "capacity", "storage"))
    page.field("Access modes", ", ".join(spec.get("accessModes") or ()))
    page.field("Reclaim policy", spec.get("persistentVolumeReclaimPolicy"))
    page.field("Storage class", spec.get("storageClassName"))


def namespace(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Phase, and how many objects of the usual kinds are in it."""
    page.blank()
    phase = str(dig(obj, "status", "phase", default=""))
    page.field("Status", phase, of_word(phase))
    for resource, found in related.items():
        page.field(resource.partition(".")[0].capitalize(), str(len(found)))


def event(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Who saw what happen to whom."""
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    page.blank()
    page.field("About", f"{about.get('kind', '')} {about.get('namespace') or ''}/{about.get('name', '')}", "link")
    page.field("Type", obj.get("type"), "warn" if obj.get("type") == "Warning" else "text")
    page.field("Reason", obj.get("reason"))
    page.field("Message", obj.get("message") or obj.get("note"))
    page.field("From", dig(obj, "source", "component") or obj.get("reportingComponent"))
    page.field("Count", obj.get("count") or dig(obj, "series", "count"))
    page.field("First seen", obj.get("firstTimestamp"))
    page.field("Last seen", obj.get("lastTimestamp") or obj.get("eventTime"))
