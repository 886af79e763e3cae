"""Looking at things: describe, YAML, logs, drilling down, sorting."""

from engine.base.api import ListQuery, pages
from engine.base.objects import Obj, controller_of, dig, labels_of, namespace_of
from engine.base.selectors import from_label_selector, from_map
from ktui.keys import Action, Desk, local
from ktui.model.risk import WORKLOADS
from ktui.model.rows import Target

TABLES = ("table", "overview")
TEXTS = ("text", "yaml")
LOGGED = ("pods", *WORKLOADS, "services")
LOGGED_PODS_MAX = 12


def describe(desk: Desk) -> None:
    """Open the description of the selected object."""
    if desk.pane.target is not None:
        desk.open("describe", target=desk.pane.target)


def yaml(desk: Desk) -> None:
    """Open the YAML of the selected object."""
    if desk.pane.target is not None:
        desk.open("yaml", target=desk.pane.target)


def decode(desk: Desk) -> None:
    """Open a secret with its values in the clear."""
    if desk.pane.target is not None:
        desk.open("yaml", target=desk.pane.target, options={"reveal": True})


async def logs(desk: Desk) -> None:
    """Show the output of the selected pod, or of the pods of a workload or service."""
    target = desk.pane.target
    if target is None:
        return
    if target.resource == "pods":
        desk.open("logs", target=target, targets=(target,))
        return
    labels = await _selector(desk, target)
    client = await desk.session.client()
    found: list[Target] = []
    async for pod in pages(client, "pods", ListQuery(target.namespace, labels)):
        meta = pod["metadata"]
        found.append(Target("pods", meta.get("namespace") or "", meta["name"], meta.get("uid") or ""))
    if not found:
        desk.say(f"{target} has no pods", "warn")
        return
    desk.open("logs", target=target, targets=tuple(found[:LOGGED_PODS_MAX]))


async def previous_logs(desk: Desk) -> None:
    """Show what the containers before the last restart said."""
    target = desk.pane.target
    if target is not None:
        desk.open("logs", target=target, targets=(target,), options={"previous": True})


async def _selector(desk: Desk, target: Target) -> str:
    client = await desk.session.client()
    obj = await client.get(target.resource, target.name, target.namespace)
    return pod_selector(obj, target.resource)


def pod_selector(obj: Obj, resource: str) -> str:
    """The label selector of the pods behind a workload or service."""
    raw = dig(obj, "spec", "selector")
    return str(from_map(raw) if resource in ("services", "replicationcontrollers") else from_label_selector(raw))


async def drill(desk: Desk) -> None:
    """Go into the selected object: pods of a workload, service or node; a namespace; else its description."""
    target = desk.pane.target
    if target is None:
        return
    if target.resource == "namespaces":
        desk.choose_namespace(target.name)
        desk.open("pods", namespace=target.name)
    elif target.resource == "nodes":
        desk.open("pods", namespace="", fields=f"spec.nodeName={target.name}", note=f"on {target.name}")
    elif target.resource in WORKLOADS or target.resource == "services":
        labels = await _selector(desk, target)
        if not labels:
            describe(desk)
        else:
            desk.open("pods", namespace=target.namespace, labels=labels, note=f"of {target.name}")
    elif target.resource == "events":
        await _about(desk, target)
    else:
        describe(desk)


async def _about(desk: Desk, target: Target) -> None:
    """Describe the object that an event is about."""
    client = await desk.session.client()
    event = await client.get(target.resource, target.name, target.namespace)
    about = event.get("involvedObject") or event.get("regarding") or {}
    resource = _resource_of(desk, about.get("kind") or "", (about.get("apiVersion") or "").rpartition("/")[0])
    if resource:
        desk.open("describe", target=Target(resource, about.get("namespace") or "", about["name"], about.get("uid") or ""))
    else:
        describe(desk)


def _resource_of(desk: Desk, kind: str, group: str) -> str:
    return next((r for r, info in desk.session.resources.items() if info.kind == kind and info.group == group), "")


async def owner(desk: Desk) -> None:
    """Describe what controls the selected object."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    obj = await client.get(target.resource, target.name, target.namespace)
    ref = controller_of(obj)
    resource = _resource_of(desk, ref["kind"], ref["apiVersion"].rpartition("/")[0]) if ref is not None else ""
    if ref is None or not resource:
        desk.say(f"{target} has no owner", "warn")
        return
    namespace = namespace_of(obj) if desk.session.resources[resource].namespaced else ""
    desk.open("describe", target=Target(resource, namespace, ref["name"], ref["uid"]))


async def node_of(desk: Desk) -> None:
    """Describe the node that the selected pod runs on."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    name = dig(await client.get("pods", target.name, target.namespace), "spec", "nodeName")
    if not name:
        desk.say(f"{target} is on no node", "warn")
        return
    node = await client.get("nodes", name)
    desk.open("describe", target=Target("nodes", "", name, node["metadata"].get("uid") or ""))


async def replica_sets(desk: Desk) -> None:
    """Show the ReplicaSets of the selected Deployment."""
    target = desk.pane.target
    if target is None:
        return
    client = await desk.session.client()
    obj = await client.get(target.resource, target.name, target.namespace)
    if labels_of(dig(obj, "spec", "template", default={})):
        desk.open("replicasets.apps", namespace=target.namespace, labels=pod_selector(obj, target.resource), note=f"of {target.name}")


ACTIONS = (
    Action(
        "open",
        "Go into it: its pods, its namespace, or its description",
        ("enter",),
        drill,
        "Look",
        places=TABLES,
        row=True,
        hint=10,
        short="open",
    ),
    Action(
        "describe",
        "Describe",
        ("d",),
        describe,
        "Look",
        places=TABLES,
        row=True,
        hint=20,
        short="describe",
        kubectl="kubectl describe {object}",
    ),
    Action(
        "yaml",
        "YAML",
        ("y",),
        yaml,
        "Look",
        places=(*TABLES, "text"),
        row=True,
        hint=30,
        short="yaml",
        kubectl="kubectl get {object} -o yaml",
    ),
    Action(
        "logs",
        "Logs",
        ("l",),
        logs,
        "Look",
        places=TABLES,
        resources=LOGGED,
        row=True,
        hint=15,
        short="logs",
        kubectl="kubectl logs -f {object}",
    ),
    Action("previous-logs", "Logs of the container before", ("p",), previous_logs, "Look", places=TABLES, resources=("pods",), row=True),
    Action(
        "decode",
        "Show the values of a secret",
        ("x",),
        decode,
        "Look",
        places=TABLES,
        resources=("secrets",),
        row=True,
        hint=16,
        short="decode",
    ),
    Action("owner", "What controls it", ("J",), owner, "Look", places=TABLES, row=True),
    Action("node", "The node it runs on", ("o",), node_of, "Look", places=TABLES, resources=("pods",), row=True),
    Action("replicasets", "Its ReplicaSets", ("z",), replica_sets, "Look", places=("table",), resources=("deployments.apps",), row=True),
    Action("faults", "Only what is not well", ("ctrl+z",), local("faults"), "Look", places=TABLES),
    Action("wide", "All columns (← → scrolls)", ("ctrl+w",), local("wide"), "Table", places=TABLES),
    Action("mark", "Mark for an action on several", ("space",), local("mark"), "Table", places=TABLES),
    Action("unmark", "Take all marks away", ("ctrl+backslash",), local("unmark"), "Table", places=TABLES),
    Action("sort-name", "Sort by name", ("N",), local("sort Name"), "Table", places=TABLES),
    Action("sort-age", "Sort by age", ("A",), local("sort Age"), "Table", places=TABLES),
    Action("sort-status", "Sort by status", ("S",), local("sort Status"), "Table", places=TABLES),
    Action("sort-namespace", "Sort by namespace", ("P",), local("sort Namespace"), "Table", places=TABLES),
    Action("sort-next", "Sort by the next column", ("shift+right",), local("sort next"), "Table", places=TABLES),
    Action("sort-previous", "Sort by the previous column", ("shift+left",), local("sort previous"), "Table", places=TABLES),
    Action("reverse", "Turn the order around", ("O",), local("reverse"), "Table", places=TABLES),
    Action(
        "zoom", "This panel over the whole screen, and back", ("z",), local("zoom"), "Table", places=("overview",), hint=40, short="zoom"
    ),
    Action("wrap", "Wrap long lines", ("w",), local("wrap"), "Text", places=(*TEXTS, "logs", "folder"), hint=30, short="wrap"),
    Action(
        "find-next",
        "Next place of the searched text",
        ("n",),
        local("next"),
        "Text",
        places=(*TEXTS, "folder"),
        hint=40,
        short="next match",
    ),
    Action("find-previous", "Previous place of the searched text", ("N",), local("previous"), "Text", places=(*TEXTS, "folder")),
    Action("managed", "managedFields on or off", ("m",), local("managed"), "Text", places=("yaml",), hint=31, short="managed fields"),
    Action(
        "reveal",
        "Values of a secret on or off",
        ("x",),
        local("reveal"),
        "Text",
        places=("yaml",),
        resources=("secrets",),
        hint=20,
        short="show values",
    ),
    Action("follow", "Follow the end", ("f", "s"), local("follow"), "Logs", places=("logs",), hint=10, short="follow"),
    Action("stamps", "Time stamps", ("t",), local("stamps"), "Logs", places=("logs",), hint=31, short="time"),
    Action("context", "Filter, or only highlight", ("h",), local("highlight"), "Logs", places=("logs",), hint=32, short="highlight"),
    Action("container", "Next container alone, then all", ("c",), local("container"), "Logs", places=("logs",), hint=33, short="container"),
    Action("clear", "Forget the lines shown so far", ("C",), local("clear"), "Logs", places=("logs",)),
)
