"""Pieces that descriptions of several kinds share: ages, selectors, pod templates, lists of pods."""

from collections.abc import Mapping, Sequence

from engine.base.clock import human_duration, parse_time
from engine.base.objects import Obj, dig, name_of
from engine.base.selectors import from_label_selector
from ktui.model.health import of_ratio, of_word
from ktui.model.lines import Page, Span

Related = Mapping[str, Sequence[Obj]]


def ago(moment: str, now: float) -> str:
    """The age of an RFC 3339 time."""
    return human_duration(now - parse_time(moment))


def pairs(values: Mapping[str, object] | None, joint: str = "=") -> str:
    """A map in one line."""
    return ", ".join(f"{k}{joint}{v}" for k, v in (values or {}).items())


def selector_text(obj: Obj) -> str:
    """A workload's label selector as kubectl prints it."""
    return str(from_label_selector(dig(obj, "spec", "selector")))


def pod_status(pod: Obj) -> str:
    """The Status column's word of a pod, in short: terminating, the first reason a container waits or ended badly, or the phase."""
    if dig(pod, "metadata", "deletionTimestamp"):
        return "Terminating"
    for status in dig(pod, "status", "containerStatuses", default=[]):
        waiting = dig(status, "state", "waiting", "reason")
        if waiting:
            return str(waiting)
        ended = dig(status, "state", "terminated")
        if ended:
            return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}")
    return str(dig(pod, "status", "reason") or dig(pod, "status", "phase") or "Unknown")


def ready_ratio(pod: Obj) -> str:
    """Ready containers of all, `1/2`."""
    statuses = dig(pod, "status", "containerStatuses", default=[])
    total = len(dig(pod, "spec", "containers", default=[]))
    return f"{sum(1 for s in statuses if s.get('ready'))}/{total}"


def pods_table(page: Page, pods: Sequence[Obj], now: float, node: bool = True) -> None:
    """A small table of pods."""
    rows = []
    for pod in pods:
        created = dig(pod, "metadata", "creationTimestamp")
        word, ratio = pod_status(pod), ready_ratio(pod)
        place = dig(pod, "spec", "nodeName", default="<none>") if node else dig(pod, "metadata", "namespace", default="")
        rows.append(
            (
                Span(name_of(pod)),
                Span(ratio, of_ratio(ratio)),
                Span(word, of_word(word)),
                Span(place, "dim"),
                Span(ago(created, now) if created else "", "dim"),
            )
        )
    page.table(("Name", "Ready", "Status", "Node" if node else "Namespace", "Age"), rows)


def template(page: Page, spec: Obj, indent_title: str = "Pod template") -> None:
    """A pod template: containers with image, command, ports, resources."""
    page.section(indent_title)
    page.field("Labels", pairs(dig(spec, "metadata", "labels")))
    pod = spec.get("spec") or {}
    page.field("Service account", pod.get("serviceAccountName"))
    for container in pod.get("initContainers") or ():
        page.section(f"Init container {container['name']}")
        container_spec(page, container)
        page.end()
    for container in pod.get("containers") or ():
        page.section(f"Container {container['name']}")
        container_spec(page, container)
        page.end()
    page.field("Volumes", ", ".join(f"{v['name']} ({volume_source(v)})" for v in pod.get("volumes") or ()))
    page.field("Node selector", pairs(pod.get("nodeSelector")))
    page.end()


def volume_source(volume: Obj) -> str:
    """What a volume is made of: `configMap web-config`, `emptyDir`, `persistentVolumeClaim db-0`."""
    kind = next((k for k in volume if k != "name"), "")
    source = volume.get(kind) or {}
    named = source.get("name") or source.get("secretName") or source.get("claimName") or source.get("path") or ""
    return f"{kind} {named}".strip()


def container_spec(page: Page, container: Obj) -> None:
    """What a container is asked to be."""
    page.field("Image", container.get("image"))
    page.field("Command", " ".join(container.get("command") or ()))
    page.field("Args", " ".join(container.get("args") or ()))
    page.field("Ports", ", ".join(_port(p) for p in container.get("ports") or ()))
    page.field("Requests", pairs(dig(container, "resources", "requests"), " "))
    page.field("Limits", pairs(dig(container, "resources", "limits"), " "))
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        if container.get(kind):
            page.field(kind[:-5].capitalize(), probe(container[kind]))
    page.fields("Environment", [_variable(e) for e in container.get("env") or ()])
    sources = [_env_source(e) for e in container.get("envFrom") or ()]
    page.fields("Environment from", sources)
    mounts = [f"{m['mountPath']} from {m['name']} ({'ro' if m.get('readOnly') else 'rw'})" for m in container.get("volumeMounts") or ()]
    page.fields("Mounts", mounts)


def _port(port: Obj) -> str:
    name = f"{port['name']} " if port.get("name") else ""
    return f"{name}{port.get('containerPort')}/{port.get('protocol') or 'TCP'}"


def _variable(variable: Obj) -> str:
    source = variable.get("valueFrom")
    if not source:
        return f"{variable['name']}={variable.get('value') or ''}"
    kind = next(iter(source), "")
    inner = source.get(kind) or {}
    where = inner.get("fieldPath") or inner.get("resource") or f"{inner.get('name', '')}[{inner.get('key', '')}]"
    return f"{variable['name']} ← {kind.removesuffix('Ref').removesuffix('Key')} {where}"


def _env_source(source: Obj) -> str:
    kind = "configMap" if "configMapRef" in source else "secret"
    return f"{kind} {dig(source, f'{kind}Ref', 'name', default='')}"


def probe(spec: Obj) -> str:
    """A probe in one line, as kubectl prints it."""
    if spec.get("httpGet"):
        get = spec["httpGet"]
        what = f"http-get {(get.get('scheme') or 'HTTP').lower()}://{get.get('host') or ''}:{get.get('port')}{get.get('path') or ''}"
    elif spec.get("exec"):
        what = f"exec {spec['exec'].get('command')}"
    elif spec.get("tcpSocket"):
        what = f"tcp-socket {spec['tcpSocket'].get('host') or ''}:{spec['tcpSocket'].get('port')}"
    else:
        what = f"grpc :{dig(spec, 'grpc', 'port')}"
    times = f"delay={spec.get('initialDelaySeconds', 0)}s timeout={spec.get('timeoutSeconds', 1)}s period={spec.get('periodSeconds', 10)}s"
    return f"{what} {times} #success={spec.get('successThreshold', 1)} #failure={spec.get('failureThreshold', 3)}"
