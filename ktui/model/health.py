"""How well something is, read from the words that Kubernetes prints; each state has a glyph, so that colour is never alone."""

from collections.abc import Mapping, Sequence

OK, BUSY, WARN, BAD, IDLE = "ok", "busy", "warn", "bad", "idle"
"""Well; on its way; needs a look; broken; finished, or nothing to say."""

GLYPHS: Mapping[str, str] = {OK: "●", BUSY: "◐", WARN: "▲", BAD: "✖", IDLE: "○"}
SEVERITY: Mapping[str, int] = {IDLE: 0, OK: 1, BUSY: 2, WARN: 3, BAD: 4}

_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("Running", "Ready", "Active", "Bound", "Available", "Healthy", "Synced", "True", "Established"), OK),
    **dict.fromkeys(("Pending", "ContainerCreating", "PodInitializing", "Progressing", "Terminating", "Released", "Applying"), BUSY),
    **dict.fromkeys(("Planning", "SuccessCriteriaMet", "FailureTarget", "Settling", "Deploying", "Waiting"), BUSY),
    **dict.fromkeys(("Unknown", "NodeLost", "SchedulingGated", "NotTriggerScaleUp", "Held", "Warning", "Stale", "Drifted"), WARN),
    **dict.fromkeys(("Failed", "Error", "NotReady", "Evicted", "OOMKilled", "Lost", "CrashLoopBackOff", "ImagePullBackOff"), BAD),
    **dict.fromkeys(("ErrImagePull", "InvalidImageName", "CreateContainerError", "CreateContainerConfigError", "RunContainerError"), BAD),
    **dict.fromkeys(("ErrImageNeverPull", "StartError", "DeadlineExceeded", "ContainerCannotRun", "UnexpectedAdmissionError"), BAD),
    **dict.fromkeys(("Preempting", "NodeAffinity", "OutOfcpu", "OutOfmemory", "OutOfpods", "Shutdown", "Degraded", "Broken"), BAD),
    **dict.fromkeys(("Completed", "Succeeded", "Complete", "Suspended", "Normal", "False"), IDLE),
}

STATUS_COLUMNS = ("Status", "Phase", "State", "Condition", "Type", "Health", "Sync")
"""Columns whose word tells the state of the row; `Type` counts for events only, whose words no other Type column has."""


def of_word(word: str) -> str:
    """The state a status word tells; IDLE for words that tell none."""
    known = _WORDS.get(word)
    if known is not None:
        return known
    if "," in word:
        return max((of_word(part) for part in word.split(",")), key=SEVERITY.__getitem__, default=IDLE)
    if word == "SchedulingDisabled":
        return WARN
    if word.startswith("Init:"):
        rest = word[5:]
        return BUSY if "/" in rest else max(BUSY, of_word(rest), key=SEVERITY.__getitem__)
    if word.startswith(("ExitCode:", "Signal:", "Err")) or word.endswith(("Error", "BackOff")):
        return BAD
    return IDLE


def of_ratio(text: str) -> str:
    """The state of `ready/wanted`: none of some is BUSY, all is OK, zero of zero IDLE."""
    have, slash, want = text.partition("/")
    if not slash or not have.isdecimal() or not want.isdecimal():
        return IDLE
    if want == "0":
        return IDLE
    return OK if int(have) >= int(want) else BUSY


def of_row(names: Sequence[str], cells: Sequence[str]) -> str:
    """The state of a table's row, from its Status-like column and its Ready column."""
    state = IDLE
    for name, cell in zip(names, cells, strict=False):
        if name in STATUS_COLUMNS:
            state = max(state, of_word(cell), key=SEVERITY.__getitem__)
        elif name == "Ready":
            ratio = of_ratio(cell)
            if ratio == BUSY and state in (OK, IDLE) and cell and "Completed" not in cells:
                state = BUSY
            elif ratio == OK and state == IDLE and "Completed" not in cells:
                state = OK
        elif name == "Endpoints" and cell[:1].isdecimal():
            state = max(state, WARN if cell.startswith("0 ") else OK, key=SEVERITY.__getitem__)
        elif name == "Desired" and "Ready" in names:
            state = max(state, of_ratio(f"{cells[list(names).index('Ready')]}/{cell}"), key=SEVERITY.__getitem__)
    return state


def of_cell(name: str, cell: str) -> str | None:
    """The state that colours one cell; None for cells that tell no state."""
    if name in STATUS_COLUMNS:
        return of_word(cell)
    if name == "Ready" and "/" in cell:
        return of_ratio(cell)
    if name == "Endpoints" and cell.startswith("0 "):
        return WARN
    return None
