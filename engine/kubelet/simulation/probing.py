"""What probes and hooks find in a simulated container."""

from engine.base.objects import Obj
from engine.kubelet.plan import READINESS, STARTUP, ContainerPlan, ProbePlan
from engine.kubelet.simulation import scripts
from engine.kubelet.simulation.behaviour import Behaviour

NEVER = float("inf")

Answer = tuple[bool, str, float]
"""(success, what a failure says, how long a success holds)"""


def answer(probe: ProbePlan, container: ContainerPlan, does: Behaviour, age_s: float, ip: str, ready_after_s: float) -> Answer:
    """What a probe finds at an age; the third part is the age until which a success holds."""
    fails_at = _fails_at(probe.kind, does)
    if age_s >= fails_at:
        return False, _failure(probe.spec), 0.0
    if "exec" in probe.spec:
        waits = probe.kind in (READINESS, STARTUP) and does.knobs.ready_after_s is not None and age_s < ready_after_s
        return (False, "", 0.0) if waits else (True, "", fails_at)
    port = _port(probe.spec, container.spec)
    if age_s < ready_after_s or not (does.any_port or port in does.ports):
        return False, _refused(probe, ip, port), 0.0
    return True, "", fails_at


def _fails_at(kind: str, does: Behaviour) -> float:
    knobs = does.knobs
    if kind == STARTUP:
        return 0.0 if knobs.startup_fails else NEVER
    set_to = knobs.readiness_fails_after_s if kind == READINESS else knobs.liveness_fails_after_s
    return NEVER if set_to is None else set_to


def _failure(spec: Obj) -> str:
    if "httpGet" in spec:
        return "HTTP probe failed with statuscode: 500"
    if "grpc" in spec:
        return 'service unhealthy (responded with "NOT_SERVING")'
    return "" if "exec" in spec else "i/o timeout"


def _port(spec: Obj, container: Obj) -> int:
    handler = spec.get("httpGet") or spec.get("tcpSocket") or spec.get("grpc") or {}
    port = handler.get("port")
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return int(port) if isinstance(port, str) and port.isdigit() else 0


def _refused(probe: ProbePlan, ip: str, port: int) -> str:
    """The words of Go's HTTP client, dialler and gRPC (pkg/probe)."""
    http = probe.spec.get("httpGet")
    host = (http or probe.spec.get("tcpSocket") or {}).get("host") or ip
    refused = f"dial tcp {host}:{port}: connect: connection refused"
    if http is not None:
        path = http.get("path") or "/"
        return f'Get "{(http.get("scheme") or "HTTP").lower()}://{host}:{port}{path if path.startswith("/") else "/" + path}": {refused}'
    if "grpc" in probe.spec:
        return f'timeout: failed to connect service "{host}:{port}" within {probe.timeout_s:g}s: context deadline exceeded'
    return refused


def hook_s(hook: Obj) -> float:
    """How long a hook takes: what its sleep or script says, a tenth of a second for a request."""
    if "sleep" in hook:
        return float(hook["sleep"].get("seconds") or 0)
    command = (hook.get("exec") or {}).get("command") or []
    if len(command) >= 3 and command[1].startswith("-") and "c" in command[1]:
        return scripts.walk(command[2], {}, False).ends_s
    if command and command[0].rpartition("/")[2] in scripts.PLAIN:
        return scripts.walk_words(command, {}).ends_s
    return 0.1
