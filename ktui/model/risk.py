"""What a destructive action will touch: pods, services that lose endpoints, disruption budgets. Told before anything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.base.api import Client, ListQuery, pages
from engine.base.errors import StatusError
from engine.base.objects import Obj, controller_of, dig, labels_of, name_of, namespace_of, uid_of
from engine.base.selectors import from_label_selector, from_map
from ktui.model.operations import previous_template, to_evict
from ktui.model.rows import Target

NONE, SOME, HIGH = "none", "some", "high"

NAMES_SHOWN_MAX = 4


@dataclass(frozen=True)
class Note:
    """One line of what will happen; `style` is `text`, `warn` or `bad`."""

    text: str
    style: str = "text"


@dataclass(frozen=True)
class Risk:
    """What is told in the dialog; `typed` is the name that has to be typed for the worst."""

    notes: Sequence[Note] = ()
    typed: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What an object lives among, as far as it matters for the question."""

    obj: Obj = field(default_factory=dict)
    pods: Sequence[Obj] = ()
    """Those that go."""
    neighbours: Sequence[Obj] = ()
    """All pods of the namespaces concerned."""
    services: Sequence[Obj] = ()
    budgets: Sequence[Obj] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


WORKLOADS = ("deployments.apps", "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "replicationcontrollers")


async def survey(client: Client, target: Target) -> Surroundings:
    """Read what an action on `target` touches. Raises StatusError 404 where the object is gone."""
    obj = await client.get(target.resource, target.name, target.namespace)
    if target.resource == "nodes":
        return await _survey_node(client, obj)
    if target.resource == "namespaces":
        return Surroundings(obj, counts=await _counts(client, target.name))
    if target.resource == "pods" or target.resource in WORKLOADS:
        neighbours = await _all(client, "pods", ListQuery(target.namespace))
        gone = [obj] if target.resource == "pods" else _pods_of(obj, neighbours, target.resource)
        return Surroundings(obj, gone, neighbours, *await _protection(client, target.namespace))
    if target.resource in ("configmaps", "secrets", "persistentvolumeclaims", "services"):
        neighbours = await _all(client, "pods", ListQuery(target.namespace))
        users = _users(obj, neighbours, target)
        return Surroundings(obj, users, neighbours)
    return Surroundings(obj)


async def _survey_node(client: Client, obj: Obj) -> Surroundings:
    found = await _all(client, "pods", ListQuery(field_selector=f"spec.nodeName={name_of(obj)}"))
    gone = [pod for pod in found if dig(pod, "status", "phase") not in ("Succeeded", "Failed")]
    services, budgets = await _protection(client, "")
    namespaces = sorted({namespace_of(pod) for pod in gone})
    neighbours = [pod for ns in namespaces for pod in await _all(client, "pods", ListQuery(ns))]
    return Surroundings(obj, gone, neighbours, services, budgets)


async def _protection(client: Client, namespace: str) -> tuple[list[Obj], list[Obj]]:
    services = await _all(client, "services", ListQuery(namespace))
    return services, await _all(client, "poddisruptionbudgets.policy", ListQuery(namespace))


async def _counts(client: Client, namespace: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for resource in ("pods", "deployments.apps", "statefulsets.apps", "services", "configmaps", "secrets", "persistentvolumeclaims"):
        count = len(await _all(client, resource, ListQuery(namespace)))
        if count:
            found[resource.partition(".")[0]] = count
    return found


async def _all(client: Client, resource: str, query: ListQuery) -> list[Obj]:
    """Every object; none where the server does not serve the resource or does not let us look."""
    try:
        return [item async for item in pages(client, resource, query)]
    except StatusError as error:
        if error.code in (403, 404):
            return []
        raise


def _pods_of(obj: Obj, pods: Sequence[Obj], resource: str) -> list[Obj]:
    raw = dig(obj, "spec", "selector")
    selector = from_map(raw) if resource == "replicationcontrollers" else from_label_selector(raw)
    return [pod for pod in pods if selector.matches(labels_of(pod)) and controller_of(pod) is not None]


def _users(obj: Obj, pods: Sequence[Obj], target: Target) -> list[Obj]:
    if target.resource == "services":
        selector = from_map(dig(obj, "spec", "selector"))
        return [pod for pod in pods if selector.matches(labels_of(pod))]
    return [pod for pod in pods if target.name in _references(pod, target.resource)]


def _references(pod: Obj, resource: str) -> set[str]:
    """Names of the ConfigMaps, Secrets or claims that a pod uses."""
    volume, key, env = {
        "configmaps": ("configMap", "name", "configMap"),
        "secrets": ("secret", "secretName", "secret"),
        "persistentvolumeclaims": ("persistentVolumeClaim", "claimName", ""),
    }[resource]
    found = {dig(v, volume, key) for v in dig(pod, "spec", "volumes", default=[])}
    for container in (*dig(pod, "spec", "containers", default=[]), *dig(pod, "spec", "initContainers", default=[])):
        found |= {dig(source, f"{env}Ref", "name") for source in container.get("envFrom") or ()}
        found |= {dig(variable, "valueFrom", f"{env}KeyRef", "name") for variable in container.get("env") or ()}
    return {name for name in found if name}


def is_ready(pod: Obj) -> bool:
    """Whether a pod serves: its Ready condition is true and it is not being deleted."""
    if dig(pod, "metadata", "deletionTimestamp"):
        return False
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in dig(pod, "status", "conditions", default=[]))


def of_delete(target: Target, around: Surroundings, kill: bool = False) -> Risk:
    """What deleting (or killing) an object touches."""
    if target.resource == "namespaces":
        notes = [
            Note(
                f"everything in it goes: {_counted(around.counts)}" if around.counts else "it is empty", "bad" if around.counts else "text"
            )
        ]
        return Risk(notes, target.name)
    if target.resource == "nodes":
        return Risk(_disruption(around, "stop being looked after and are deleted"), target.name)
    if target.resource == "pods":
        return Risk(_of_pod(around, kill))
    if target.resource in WORKLOADS:
        return Risk([*_disruption(around, "go with it"), *_owner(around.obj, "makes a new one")])
    if target.resource == "services":
        return Risk([Note(f"its address and name stop answering; {_pods(around.pods)} behind it stay", "warn")])
    if around.pods:
        return Risk([Note(f"used by {_pods(around.pods)}, which will not start again without it", "bad")])
    return Risk([*_owner(around.obj, "makes a new one")])


def of_power_off(target: Target, around: Surroundings) -> Risk:
    """What killing a node touches."""
    seconds = Note("NotReady after about 50 s; its pods are evicted 300 s later", "text")
    return Risk([*_disruption(around, "stop at once"), seconds], target.name)


def of_drain(target: Target, around: Surroundings) -> Risk:
    """What draining a node touches."""
    leaving, staying = to_evict(around.pods)
    notes = _disruption(Surroundings(around.obj, leaving, around.neighbours, around.services, around.budgets), "are evicted")
    if staying:
        notes.append(Note(f"{_plural(staying, 'pod')} of DaemonSets stay"))
    bare = [pod for pod in leaving if controller_of(pod) is None]
    if bare:
        notes.append(Note(f"no controller will replace {_names(bare)}", "bad"))
    return Risk(notes)


def of_scale(target: Target, around: Surroundings, old: int, new: int) -> Risk:
    """What scaling touches; growing touches nothing."""
    notes = [Note(f"{old} → {new} replicas")]
    if new == 0 and old:
        notes += _disruption(around, "stop")
    elif new < old:
        notes.append(Note(f"{_plural(old - new, 'pod')} stop", "warn"))
    return Risk(notes)


def of_restart(target: Target, around: Surroundings) -> Risk:
    """What restarting a rollout touches."""
    notes = [Note(f"{_pods(around.pods)} are replaced, a few at a time")]
    if dig(around.obj, "spec", "strategy", "type") == "Recreate":
        notes = [Note(f"{_pods(around.pods)} stop all at once (strategy Recreate)", "bad"), *_services(around)]
    return Risk(notes)


async def of_undo(client: Client, target: Target, around: Surroundings) -> Risk:
    """What undoing a rollout changes: the images of the revision it goes back to."""
    number, template = await previous_template(client, target)
    now = _images(dig(around.obj, "spec", "template", default={}))
    then = _images(template)
    changes = [
        Note(f"{name}: {now.get(name, '—')} → {then.get(name, '—')}") for name in sorted({*now, *then}) if now.get(name) != then.get(name)
    ]
    notes = [Note(f"back to revision {number}; {_pods(around.pods)} are replaced"), *changes]
    return Risk(notes if changes else [*notes, Note("same images; something else in the template differs")])


def _images(template: Obj) -> dict[str, str]:
    return {c["name"]: c.get("image", "") for c in dig(template, "spec", "containers", default=[])}


def _of_pod(around: Surroundings, kill: bool) -> list[Note]:
    notes = _owner(around.obj, "replaces it")
    if not notes:
        notes = [Note("nothing will replace it: no controller owns it", "bad")]
    if kill:
        notes.append(Note("killed at once, without its grace period", "warn"))
    return [*notes, *_services(around), *_budgets(around)]


def _owner(obj: Obj, does: str) -> list[Note]:
    owner = controller_of(obj)
    return [Note(f"{owner['kind']} {owner['name']} {does}")] if owner is not None else []


def _disruption(around: Surroundings, what: str) -> list[Note]:
    if not around.pods:
        return [Note("no pods are touched")]
    return [Note(f"{_pods(around.pods)} {what}", "warn"), *_services(around), *_budgets(around)]


def _services(around: Surroundings) -> list[Note]:
    """Services whose ready pods become fewer."""
    gone = {uid_of(pod) for pod in around.pods}
    notes = []
    for service in around.services:
        selector = from_map(dig(service, "spec", "selector"))
        if selector.nothing or selector.empty:
            continue
        namespace = namespace_of(service)
        behind = [p for p in around.neighbours if namespace_of(p) == namespace and selector.matches(labels_of(p)) and is_ready(p)]
        left = [p for p in behind if uid_of(p) not in gone]
        if len(left) == len(behind):
            continue
        if left:
            notes.append(Note(f"service {namespace}/{name_of(service)} keeps {len(left)} of {len(behind)} endpoints"))
        else:
            notes.append(Note(f"service {namespace}/{name_of(service)} loses its last endpoint", "bad"))
    return notes


def _budgets(around: Surroundings) -> list[Note]:
    notes = []
    for budget in around.budgets:
        selector = from_label_selector(dig(budget, "spec", "selector"))
        hit = [p for p in around.pods if namespace_of(p) == namespace_of(budget) and selector.matches(labels_of(p))]
        allowed = int(dig(budget, "status", "disruptionsAllowed", default=0))
        if hit:
            style = "warn" if len(hit) > allowed else "text"
            notes.append(Note(f"budget {namespace_of(budget)}/{name_of(budget)} allows {_plural(allowed, 'disruption')} now", style))
    return notes


def _pods(pods: Sequence[Obj]) -> str:
    return f"{_plural(len(pods), 'pod')} ({_names(pods)})" if pods else "no pods"


def _names(pods: Sequence[Obj]) -> str:
    names = [name_of(pod) for pod in pods[:NAMES_SHOWN_MAX]]
    more = len(pods) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {plural}" for plural, count in counts.items())
