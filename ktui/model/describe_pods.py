"""What is told of a pod: where it runs, how each container is, what it was asked to be."""

from engine.base.objects import Obj, dig
from ktui.model.describe_parts import Related, ago, container_spec, pairs, pod_status, volume_source
from ktui.model.health import of_word
from ktui.model.lines import Page


def pod(page: Page, obj: Obj, related: Related, now: float) -> None:
    """Status, node, addresses, containers, volumes, tolerations."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    word = pod_status(obj)
    page.blank()
    page.field("Status", word, of_word(word))
    page.field("Reason", status.get("reason"), "warn")
    page.field("Message", status.get("message"), "warn")
    page.field("Node", spec.get("nodeName") or "<none>", "link" if spec.get("nodeName") else "warn")
    page.field("Nominated node", status.get("nominatedNodeName"))
    page.field("IP", ", ".join(ip.get("ip", "") for ip in status.get("podIPs") or ()) or status.get("podIP"))
    page.field("QoS class", status.get("qosClass"))
    page.field("Priority", f"{spec.get('priority', 0)} {spec.get('priorityClassName') or ''}".strip())
    page.field("Service account", spec.get("serviceAccountName"))
    states = {s["name"]: s for s in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))}
    for kind, title in (("initContainers", "Init container"), ("containers", "Container"), ("ephemeralContainers", "Ephemeral container")):
        for container in spec.get(kind) or ():
            page.section(f"{title} {container['name']}")
            _state(page, states.get(container["name"]), now)
            container_spec(page, container)
            page.end()
    page.blank()
    page.fields("Volumes", [f"{v['name']}: {volume_source(v)}" for v in spec.get("volumes") or ()])
    page.field("Node selectors", pairs(spec.get("nodeSelector")))
    page.fields("Tolerations", [_toleration(t) for t in spec.get("tolerations") or ()], "dim")


def _state(page: Page, status: Obj | None, now: float) -> None:
    if status is None:
        page.field("State", "not started", "idle")
        return
    page.field("State", *_one_state(status.get("state") or {}, now))
    if status.get("lastState"):
        page.field("Last state", *_one_state(status["lastState"], now))
    page.field("Ready", str(bool(status.get("ready"))), "ok" if status.get("ready") else "warn")
    restarts = int(status.get("restartCount") or 0)
    page.field("Restarts", str(restarts), "warn" if restarts else "text")


def _one_state(state: Obj, now: float) -> tuple[str, str]:
    if "running" in state:
        started = dig(state, "running", "startedAt")
        return (f"Running for {ago(started, now)}" if started else "Running", "ok")
    if "terminated" in state:
        end = state["terminated"]
        code = end.get("exitCode", 0)
        when = f", {ago(end['finishedAt'], now)} ago" if end.get("finishedAt") else ""
        note = f": {end['message']}" if end.get("message") else ""
        return (f"Terminated, {end.get('reason') or ''} (exit code {code}){when}{note}", "idle" if code == 0 else "bad")
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason") or "Waiting"
    note = f": {waiting['message']}" if waiting.get("message") else ""
    return (f"Waiting, {reason}{note}", of_word(reason) if of_word(reason) != "idle" else "busy")


def _toleration(t: Obj) -> str:
    key = t.get("key") or "*"
    value = f"={t['value']}" if t.get("value") else ""
    effect = f":{t['effect']}" if t.get("effect") else ""
    seconds = f" for {t['tolerationSeconds']}s" if t.get("tolerationSeconds") is not None else ""
    return f"{key}{value}{effect} op={t.get('operator') or 'Equal'}{seconds}"
