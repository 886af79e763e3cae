"""The watched folder as a page: where it stands, what is wrong in which line, what is planned, which files it has."""

from collections.abc import Sequence
from typing import Any

from engine.base.objects import Obj, dig
from ktui.model.describe_parts import ago
from ktui.model.health import GLYPHS, of_word
from ktui.model.lines import Line, Page, Span

FOLDERS = "folders.ktui.dev"

_CHANGES = {"create": ("+", "ok"), "update": ("~", "busy"), "recreate": ("±", "warn"), "prune": ("-", "bad"), "delete": ("-", "bad")}


def is_held(obj: Obj) -> bool:
    """Whether a prune waits for a yes."""
    return bool(dig(obj, "status", "held"))


def plan_token(obj: Obj) -> str:
    """What spec.confirm has to be for the held plan to go on."""
    return str(dig(obj, "status", "held", "token", default=""))


def held_notes(obj: Obj) -> list[str]:
    """What a confirmation would delete, and why it is held."""
    held = dig(obj, "status", "held", default={})
    return [text for text in (held.get("reason"), *(_object(entry) for entry in held.get("objects") or ())) if text]


def folder_lines(obj: Obj, now: float) -> list[Line]:
    """The page about a Folder."""
    page = Page()
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    phase = str(status.get("phase") or "Waiting")
    page.field("Folder", spec.get("path"), "title")
    page.line(Span(f"{'State:':<18}", "key"), Span(f"{GLYPHS[of_word(phase)]} {phase}", of_word(phase)), Span(_since(status, now), "dim"))
    page.field("Message", status.get("message"), "warn")
    if spec.get("suspend"):
        page.field("Suspended", "yes: changes are planned, not applied (s resumes)", "warn")
    page.field("Objects", _count(status.get("inventory")))
    _held(page, obj)
    _errors(page, status.get("errors") or ())
    _plan(page, status.get("plan") or ())
    _files(page, status.get("files") or ())
    return page.lines


def _since(status: Obj, now: float) -> str:
    when = status.get("lastSyncTime") or status.get("syncedAt")
    return f"  {ago(when, now)} ago" if when else ""


def _count(value: Any) -> str:
    return str(len(value)) if isinstance(value, list | dict) else str(value or "")


def _held(page: Page, obj: Obj) -> None:
    if is_held(obj):
        page.section("▲ Held back (c confirms)")
        for note in held_notes(obj):
            page.line(Span(note, "bad"))
        page.end()


def _errors(page: Page, errors: Sequence[Any]) -> None:
    if errors:
        page.section(f"✖ Errors ({len(errors)})")
        for error in errors:
            page.line(Span(_place(error), "link"), Span("  "), Span(str(error.get("message") or error.get("reason") or ""), "bad"))
        page.end()


def _place(entry: Obj) -> str:
    parts = [str(entry.get("file") or entry.get("path") or "")]
    parts += [str(entry[k]) for k in ("line", "column") if entry.get(k)]
    return ":".join(p for p in parts if p)


def _object(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    place = f"{entry['namespace']}/{entry['name']}" if entry.get("namespace") else str(entry.get("name") or "")
    return f"{entry.get('kind') or entry.get('resource') or ''} {place}".strip()


def _plan(page: Page, plan: Any) -> None:
    steps = (
        plan if isinstance(plan, list) else [{"action": a, **_as_object(o)} for a, objects in (plan or {}).items() for o in objects or ()]
    )
    if not steps:
        return
    page.section(f"Plan ({len(steps)})")
    for step in steps:
        action = str(step.get("action") or step.get("operation") or "")
        sign, style = _CHANGES.get(action.lower(), ("·", "text"))
        detail = step.get("reason") or step.get("summary") or step.get("detail") or ""
        page.line(Span(f"{sign} {action:<9}", style), Span(_object(step)), Span(f"  {_place(step)}", "link"), Span(f"  {detail}", "dim"))
    page.end()


def _as_object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {"name": str(value)}


def _files(page: Page, files: Any) -> None:
    entries = files if isinstance(files, list) else [{"path": path, **_as_object(value)} for path, value in (files or {}).items()]
    page.section(f"Files ({len(entries)})")
    if not entries:
        page.line(Span("none yet", "dim"))
    rows = []
    for entry in entries:
        state = str(entry.get("state") or entry.get("phase") or entry.get("status") or "")
        style = of_word(state)
        note = str(entry.get("message") or entry.get("error") or "")
        objects = _count(entry.get("objects"))
        rows.append(
            (Span(f"{GLYPHS[style]} {state}", style), Span(_place(entry)), Span(objects), Span(note, "bad" if style == "bad" else "dim"))
        )
    if rows:
        page.table(("State", "File", "Objects", ""), rows)
    page.end()
