"""What a pod's spec asks of a kubelet, read once and shared by all pods that share the spec's containers."""

from typing import Any, NamedTuple

from engine.base import quantity
from engine.base.objects import Obj
from engine.kinds.common.podspec import pull_policy
from engine.kinds.common.quantities import qos_class
from engine.kubelet.references import Reference, references_of

INIT, SIDECAR, MAIN, EPHEMERAL = "init", "sidecar", "main", "ephemeral"
STARTUP, LIVENESS, READINESS = "startup", "liveness", "readiness"

PLANS_CACHED_MAX = 4_096


class ProbePlan(NamedTuple):
    """A probe with Kubernetes' defaults applied (pkg/apis/core/v1/defaults.go SetDefaults_Probe). Times in seconds."""

    kind: str
    spec: Obj
    initial_delay_s: float
    period_s: float
    timeout_s: float
    successes: int
    failures: int
    grace_s: int | None


class ContainerPlan(NamedTuple):
    """One container of a pod. `restart` is the container's own restartPolicy, or empty for the pod's."""

    name: str
    role: str
    spec: Obj
    image: str
    pull_policy: str
    restart: str
    probes: tuple[ProbePlan, ...]
    post_start: Obj | None
    pre_stop: Obj | None
    field_path: str
    mounts: list[Obj]

    def probe(self, kind: str) -> ProbePlan | None:
        """The probe of a kind, if the container has one."""
        for probe in self.probes:
            if probe.kind == kind:
                return probe
        return None


class PodPlan(NamedTuple):
    """The containers in the order init and sidecar, main, ephemeral; `first_main` is the index of the first main one."""

    containers: tuple[ContainerPlan, ...]
    first_main: int
    first_ephemeral: int
    restart_policy: str
    grace_s: int
    deadline_s: int | None
    host_network: bool
    references: tuple[Reference, ...]
    qos: str
    cpu_milli: int
    memory_bytes: int

    @property
    def mains(self) -> range:
        """Indices of the main containers."""
        return range(self.first_main, self.first_ephemeral)

    def position(self, name: str) -> int:
        """Where a container stands.

        Raises:
            KeyError: there is none of that name.
        """
        for i, container in enumerate(self.containers):
            if container.name == name:
                return i
        raise KeyError(name)


_cache: dict[tuple[int, ...], tuple[tuple[Any, ...], PodPlan]] = {}


def plan_of(pod: Obj) -> PodPlan:
    """The plan of a pod's spec, the same object for pods that share their lists of containers and volumes."""
    spec: Obj = pod["spec"]
    lists = (spec.get("initContainers"), spec.get("containers"), spec.get("ephemeralContainers"), spec.get("volumes"))
    scalars = (
        spec.get("restartPolicy") or "Always",
        spec.get("terminationGracePeriodSeconds"),
        spec.get("activeDeadlineSeconds"),
        bool(spec.get("hostNetwork")),
    )
    key = (*(id(part) for part in lists), hash(scalars))
    found = _cache.get(key)
    if found is not None and found[0][4:] == scalars:
        return found[1]
    if len(_cache) >= PLANS_CACHED_MAX:
        _cache.clear()
    plan = _read(spec)
    _cache[key] = ((*lists, *scalars), plan)
    return plan


def _read(spec: Obj) -> PodPlan:
    containers = [_container(c, SIDECAR if c.get("restartPolicy") == "Always" else INIT) for c in spec.get("initContainers") or ()]
    first_main = len(containers)
    containers += [_container(c, MAIN) for c in spec.get("containers") or ()]
    first_ephemeral = len(containers)
    containers += [_container(c, EPHEMERAL) for c in spec.get("ephemeralContainers") or ()]
    grace = spec.get("terminationGracePeriodSeconds")
    return PodPlan(
        containers=tuple(containers),
        first_main=first_main,
        first_ephemeral=first_ephemeral,
        restart_policy=spec.get("restartPolicy") or "Always",
        grace_s=30 if grace is None else int(grace),
        deadline_s=spec.get("activeDeadlineSeconds"),
        host_network=bool(spec.get("hostNetwork")),
        references=references_of(spec),
        qos=qos_class(spec),
        cpu_milli=_request(spec, "cpu", quantity.milli),
        memory_bytes=_request(spec, "memory", quantity.whole),
    )


_LIST_OF_ROLE = {INIT: "initContainers", SIDECAR: "initContainers", MAIN: "containers", EPHEMERAL: "ephemeralContainers"}


def _container(c: Obj, role: str) -> ContainerPlan:
    lifecycle = c.get("lifecycle") or {}
    image = c.get("image") or ""
    return ContainerPlan(
        name=c["name"],
        role=role,
        spec=c,
        image=image,
        pull_policy=c.get("imagePullPolicy") or pull_policy(image),
        restart=c.get("restartPolicy") or "",
        probes=tuple(_probe(kind, c[f"{kind}Probe"]) for kind in (STARTUP, LIVENESS, READINESS) if c.get(f"{kind}Probe")),
        post_start=lifecycle.get("postStart"),
        pre_stop=lifecycle.get("preStop"),
        field_path=f"spec.{_LIST_OF_ROLE[role]}{{{c['name']}}}",
        mounts=[_mount(m) for m in c.get("volumeMounts") or ()],
    )


def _mount(mount: Obj) -> Obj:
    shown: dict[str, Any] = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        shown |= {"readOnly": True, "recursiveReadOnly": mount.get("recursiveReadOnly") or "Disabled"}
    return shown


def _probe(kind: str, p: Obj) -> ProbePlan:
    return ProbePlan(
        kind,
        p,
        initial_delay_s=p.get("initialDelaySeconds") or 0,
        period_s=p.get("periodSeconds") or 10,
        timeout_s=p.get("timeoutSeconds") or 1,
        successes=p.get("successThreshold") or 1,
        failures=p.get("failureThreshold") or 3,
        grace_s=p.get("terminationGracePeriodSeconds"),
    )


def _request(spec: Obj, resource: str, measure: Any) -> int:
    """What the pod asks for: mains and sidecars together, or the highest step of initialisation, plus overhead."""

    def of(c: Obj) -> int:
        resources = c.get("resources") or {}
        asked = (resources.get("requests") or {}).get(resource) or (resources.get("limits") or {}).get(resource) or 0
        return int(measure(asked))

    sidecars = peak = 0
    for c in spec.get("initContainers") or ():
        if c.get("restartPolicy") == "Always":
            sidecars += of(c)
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + of(c))
    mains = sum(of(c) for c in spec.get("containers") or ())
    overhead = int(measure((spec.get("overhead") or {}).get(resource) or 0))
    return max(mains + sidecars, peak) + overhead
