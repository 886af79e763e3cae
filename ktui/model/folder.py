"""The watched folder as a page: where it stands, what is wrong in which line, what is planned or held back, its files, its objects."""

from collections.abc import Mapping, Sequence

from engine.base.objects import Obj, dig
from ktui.model.describe_parts import ago
from ktui.model.health import BAD, BUSY, GLYPHS, IDLE, OK, WARN
from ktui.model.lines import Line, Page, Span

FOLDERS = "folders.ktui.dev"

STATES: Mapping[str, str] = {
    "Synced": OK,
    "Healthy": OK,
    "OutOfSync": WARN,
    "Applying": BUSY,
    "Progressing": BUSY,
    "Settling": BUSY,
    "Held": WARN,
    "Suspended": WARN,
    "Stale": WARN,
    "SourceUnavailable": BAD,
    "Error": BAD,
    "Degraded": BAD,
    "Missing": BAD,
    "Skipped": IDLE,
}
"""States of a folder, a file, an object (engine/kinds/folders.py, engine/gitops/health.py), and how well that is."""

_CHANGES = {"create": ("+", "ok"), "update": ("~", "busy"), "recreate": ("±", "warn"), "prune": ("−", "bad"), "blocked": ("✖", "bad")}

DIFF_LINES_MAX = 6


def is_held(obj: Obj) -> bool:
    """Whether prunes wait for a yes."""
    return bool(dig(obj, "status", "plan", "held"))


def plan_token(obj: Obj) -> str:
    """What spec.confirm has to be for exactly the shown prunes to go on."""
    return str(dig(obj, "status", "plan", "hash", default=""))


def held_notes(obj: Obj) -> list[str]:
    """Why prunes are held, and what they would delete."""
    plan = dig(obj, "status", "plan", default={})
    return [plan.get("reason") or "", *(_object(step) for step in plan.get("actions") or () if step.get("action") == "prune")]


def folder_lines(obj: Obj, now: float) -> list[Line]:
    """The page about a Folder at `now` (epoch seconds)."""
    page = Page()
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    phase = str(status.get("phase") or "Applying")
    state = STATES.get(phase, IDLE)
    files, inventory = status.get("files") or (), status.get("inventory") or ()
    page.field("Folder", spec.get("path"), "title")
    since = f"  synced {ago(status['lastSync'], now)} ago" if status.get("lastSync") else ""
    page.line(Span(f"{'State:':<18}", "key"), Span(f"{GLYPHS[state]} {phase}", state), Span(since, "dim"))
    page.field("Says", status.get("message"), state if state != OK else "dim")
    page.field("Has", f"{len(files)} files, {len(inventory)} objects")
    page.field("Prunes", "" if spec.get("prune", True) else "no: what is taken out of the folder stays in the cluster", "warn")
    _problems(page, files, inventory)
    done = phase == "Synced"
    if not done:
        _plan(page, obj, "Plan")
    _files(page, files)
    _objects(page, inventory)
    if done:
        _plan(page, obj, "Last plan")
    return page.lines


def _problems(page: Page, files: Sequence[Obj], inventory: Sequence[Obj]) -> None:
    found = [
        (f"{file['path']}:{p.get('line')}:{p.get('column')}", p.get("message") or "") for file in files for p in file.get("problems") or ()
    ]
    found += [
        (entry.get("source") or "", f"{_object(entry)}: {entry.get('message')}") for entry in inventory if entry.get("state") == "Error"
    ]
    if found:
        page.section(f"✖ Errors ({len(found)})")
        for place, message in found:
            page.line(Span(f"{place}  ", "link"), Span(message, "bad"))
        page.end()


def _plan(page: Page, obj: Obj, title: str) -> None:
    plan = dig(obj, "status", "plan", default={})
    steps = plan.get("actions") or ()
    if not steps:
        return
    held = is_held(obj)
    page.section(f"▲ Plan, prunes held back: c confirms ({len(steps)})" if held else f"{title} ({len(steps)})")
    if held:
        page.line(Span(plan.get("reason") or "", "warn"))
    for step in steps:
        sign, style = _CHANGES.get(step.get("action") or "", ("·", "text"))
        page.line(Span(f"{sign} {step.get('action', ''):<9}", style), Span(_object(step)), Span(f"  {step.get('source') or ''}", "link"))
        if step.get("error"):
            page.line(Span("            "), Span(step["error"], "bad"))
        for line in (step.get("diff") or ())[:DIFF_LINES_MAX]:
            page.line(Span("            "), Span(line, "dim"))
    page.end()


def _files(page: Page, files: Sequence[Obj]) -> None:
    page.section(f"Files ({len(files)})")
    if not files:
        page.line(Span("none yet", "dim"))
    else:
        rows = [
            (_state(file), Span(file["path"]), Span(str(file.get("objects", 0))), Span(file.get("note") or "", "dim")) for file in files
        ]
        page.table(("State", "File", "Objects", ""), rows)
    page.end()


def _objects(page: Page, inventory: Sequence[Obj]) -> None:
    if not inventory:
        return
    page.section(f"Objects ({len(inventory)})")
    rows = []
    for entry in inventory:
        health = entry.get("health") or ""
        note = entry.get("drift") or entry.get("message") or ""
        rows.append(
            (
                _state(entry),
                Span(health, STATES.get(health, IDLE)),
                Span(_object(entry)),
                Span(entry.get("source") or "", "link"),
                Span(note, "dim" if entry.get("state") == "Synced" else "warn"),
            )
        )
    page.table(("State", "Health", "Object", "From", ""), rows)
    page.end()


def _state(entry: Obj) -> Span:
    word = str(entry.get("state") or "")
    style = STATES.get(word, IDLE)
    return Span(f"{GLYPHS[style]} {word}", style)


def _object(entry: Obj) -> str:
    place = f"{entry['namespace']}/{entry['name']}" if entry.get("namespace") else str(entry.get("name") or "")
    return f"{entry.get('kind') or ''} {place}".strip()
