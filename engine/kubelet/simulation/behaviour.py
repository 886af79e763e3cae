"""What a simulated container does, from its spec, its image and the pod's knobs; pure and shared by all containers of a template."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.base import quantity
from engine.base.objects import Obj, annotations_of
from engine.kubelet.plan import EPHEMERAL, SIDECAR, ContainerPlan
from engine.kubelet.simulation import images, scripts
from engine.kubelet.simulation.curves import Curve
from engine.kubelet.simulation.images import Known
from engine.kubelet.simulation.knobs import Knobs, knobs_of, sim_annotations
from engine.kubelet.simulation.scripts import NEVER, Script

HOST = "\0host\0"
"""Stands in a line for the pod's hostname."""

JOB_S = 4.0
"""How long a command runs of which nothing is known, in a pod that is meant to end."""
NAMED_RUN_S = 2.0
"""When an exit code is set for a container that would otherwise run for ever."""
CACHED_MAX = 4_096

_HELLO = Script(((0.0, "Hello from Docker!"), (0.0, "This message shows that your installation appears to be working correctly.")), 0.1, 0)
_PI = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211707"

SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
INTERPRETERS = frozenset({"python", "python3", "perl", "node", "ruby", "php"})
EXIT_KILLED, EXIT_TERMED = 137, 143


class Behaviour(NamedTuple):
    """The life of an instance, in seconds since its start. `script` is what it prints, or `log` the kind of its output."""

    runs_s: float
    code: int
    reason: str
    message: str
    stop_code: int
    ignores_term: bool
    log: str
    script: Script | None
    ports: tuple[int, ...]
    any_port: bool
    cpu: Curve
    memory: Curve
    memory_limit: int
    message_from_output: bool
    """terminationMessagePolicy FallbackToLogsOnError."""
    knobs: Knobs


_cache: dict[tuple[int, tuple[tuple[str, str], ...], str], tuple[Obj, Behaviour]] = {}


def behaviour_of(pod: Obj, container: ContainerPlan, pod_policy: str) -> Behaviour:
    """What a container does.

    Raises:
        KnobError: an annotation cannot be read.
        InvalidImageError: the image's name is none.
    """
    annotations = annotations_of(pod)
    knobs = sim_annotations(annotations) if annotations else ()
    policy = container.restart or pod_policy
    key = (id(container.spec), knobs, policy)
    found = _cache.get(key)
    if found is not None and found[0] is container.spec:
        return found[1]
    if len(_cache) >= CACHED_MAX:
        _cache.clear()
    behaviour = _behaviour(container, policy == "Always" or container.role in (SIDECAR, EPHEMERAL), knobs_of(knobs, container.name))
    _cache[key] = (container.spec, behaviour)
    return behaviour


def _behaviour(container: ContainerPlan, keeps_running: bool, knobs: Knobs) -> Behaviour:
    spec = container.spec
    image = images.known(images.parse(container.image))
    command = [*(spec.get("command") or ()), *(spec.get("args") or ())]
    script, shell = _script(spec, command, image, keeps_running and container.role != "init")
    server = command[0].rpartition("/")[2] in scripts.SERVERS if command else image is not images.UNKNOWN
    runs_s, code = (script.ends_s, script.code) if script else (NEVER if keeps_running or server else JOB_S, 0)
    resources = spec.get("resources") or {}
    limit = (resources.get("limits") or {}).get("memory")
    limit_bytes = quantity.whole(limit) if limit else 0
    memory = knobs.memory or _memory(resources, image, limit_bytes)
    runs_s, code, reason = _end(runs_s, code, knobs, memory, limit_bytes)
    ports = tuple(p["containerPort"] for p in spec.get("ports") or ()) or (() if shell else image.ports)
    return Behaviour(
        runs_s=runs_s,
        code=code,
        reason=reason,
        message=script.message if script else "",
        stop_code=EXIT_TERMED if shell else 0,
        ignores_term=knobs.ignore_term or bool(script and script.ignores_term),
        log="none" if script else image.log,
        script=script,
        ports=ports,
        any_port=not shell and image.log == "app" and not spec.get("ports"),
        cpu=knobs.cpu or _cpu(resources, idle=shell),
        memory=memory,
        memory_limit=limit_bytes,
        message_from_output=spec.get("terminationMessagePolicy") == "FallbackToLogsOnError",
        knobs=knobs,
    )


def _end(runs_s: float, code: int, knobs: Knobs, memory: Curve, limit_bytes: int) -> tuple[float, int, str]:
    """When and how an instance ends by itself: knobs go before the command, running out of memory before both."""
    if knobs.run_s is not None:
        runs_s, code = knobs.run_s, knobs.exit_code or 0
    elif knobs.exit_code is not None:
        runs_s, code = (NAMED_RUN_S if runs_s == NEVER else runs_s), knobs.exit_code
    if knobs.crash_after_s is not None and knobs.crash_after_s <= runs_s:
        runs_s, code = knobs.crash_after_s, knobs.exit_code or 1
    oom_s = memory.first_above(limit_bytes) if limit_bytes else NEVER
    if oom_s < runs_s:
        return max(oom_s, 0.5), EXIT_KILLED, "OOMKilled"
    return runs_s, code, ""


def _script(spec: Obj, command: list[str], image: Known, keeps_running: bool) -> tuple[Script | None, bool]:
    """What the command does where that can be told, and whether it is a shell."""
    if not command:
        if image.log == "hello":
            return _HELLO, True
        if image.shell:
            interactive = spec.get("stdin") or spec.get("tty")
            return Script((), NEVER if interactive else 0.1, 0), True
        return None, False
    variables = {"HOSTNAME": HOST, **{e["name"]: e["value"] for e in spec.get("env") or () if e.get("value") is not None}}
    name = command[0].rpartition("/")[2]
    if name in SHELLS and any(a.startswith("-") and "c" in a for a in command[1:-1]):
        flag = next(i for i, a in enumerate(command) if i and a.startswith("-") and "c" in a)
        return scripts.walk(command[flag + 1], variables, keeps_running), True
    if name in SHELLS:
        return (None, False) if len(command) > 1 and keeps_running else (Script((), JOB_S if len(command) > 1 else 0.1, 0), True)
    if name in scripts.PLAIN:
        return scripts.walk_words(command, variables), name != "tail"
    if name in INTERPRETERS and any(a in ("-c", "-e", "-Mbignum=bpi", "-wle") for a in command[1:]) and not keeps_running:
        return _one_liner(command), True
    return None, False


def _one_liner(command: list[str]) -> Script:
    """A line of Perl or Python: takes a few seconds; the customary one that prints pi prints it."""
    if "bpi(" in command[-1]:
        return Script(((JOB_S, _PI),), JOB_S, 0)
    return Script((), JOB_S, 0)


def _amount(resources: Obj, of: str, resource: str) -> str | None:
    found: Mapping[str, str] = resources.get(of) or {}
    return found.get(resource)


def _cpu(resources: Obj, idle: bool) -> Curve:
    """About a quarter of the request, in slow waves; next to nothing for what sleeps."""
    if idle:
        return Curve("constant", 0.001, 0.001)
    request = _amount(resources, "requests", "cpu") or _amount(resources, "limits", "cpu")
    cores = float(quantity.parse(request)) if request else 0.02
    return Curve("sine", cores * 0.1, cores * 0.4, 900.0)


def _memory(resources: Obj, image: Known, limit_bytes: int) -> Curve:
    """What the image usually takes, or 60% of the request, after a minute of growth; below 80% of the limit."""
    request = _amount(resources, "requests", "memory")
    full = max(float(quantity.whole(request)) * 0.6 if request else 0.0, image.memory_mib * 2.0**20)
    if limit_bytes:
        full = min(full, limit_bytes * 0.8)
    return Curve("ramp", full * 0.5, full, 60.0)
