"""Plays the scenarios of golden/converged and compares what our controllers made of them with what the real ones did.

    recorded, ours = replay("deployment", [CONTROLLER, ...])
    assert differences(recorded[0], ours[0]) == []

A state is {kind: [objects], "events": [...]}, normalised: times, template hashes (`h1`, `h2`… in order of appearance), suffixes of
generated names, nodes and zones.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.base.api import MERGE_PATCH, Client
from engine.base.errors import StatusError
from engine.base.objects import Obj, dig
from engine.control.controller import Controller
from tests.cluster import Cluster, play
from tests.shared import shared

State = dict[str, list[Any]]
Extra = Callable[[Cluster], Any]

HASH_LABELS = ("pod-template-hash", "controller-revision-hash")
DEVICE_CLAIMS = " no new claims to deallocate,"
"""What the recorded scheduler's plugin for device claims adds to FailedScheduling."""
DROPPED_LABELS = frozenset({"topology.kubernetes.io/zone"})


def scenario(name: str) -> Obj:
    """The recording."""
    found: Obj = json.loads(shared(f"golden/converged/{name}.json").read_text())
    return found


def replay(
    name: str,
    controllers: Iterable[Controller],
    bind: bool = True,
    prepare: Extra | None = None,
    before: Mapping[int, Extra] | None = None,
    steps: int | None = None,
) -> tuple[list[State], list[State]]:
    """(recorded states, ours), one per step, normalised.

    `prepare(cluster)` starts further components (a scheduler, with `bind` False) or creates objects, in namespace `c-<name>`;
    `before[step]` does what a recording only tells of (`gc`: the deletions). Both may be coroutine functions.
    """
    recording = scenario(name)
    played = recording["steps"][:steps]

    async def main(cluster: Cluster) -> list[State]:
        await cluster.namespace(f"c-{name}")
        await asyncio.sleep(1)
        await _maybe(prepare, cluster)
        ours = []
        for at, step in enumerate(played):
            await _maybe((before or {}).get(at), cluster)
            for request in step["requests"]:
                await _request(cluster.client, f"c-{name}", request)
            await asyncio.sleep(step["after_s"])
            ours.append(await _state(cluster, f"c-{name}", [k for k in step["state"] if k != "events"]))
        return _normalised(ours, cluster.stand_in.names)

    ours = play(main, controllers, bind)
    return _normalised([step["state"] for step in played], {}), ours


async def _maybe(extra: Extra | None, cluster: Cluster) -> None:
    if extra is not None:
        result = extra(cluster)
        if asyncio.iscoroutine(result):
            await result


async def _resource(client: Client, kind: str) -> Any:
    found = [info for info in await client.discover() if info.kind == kind and "create" in info.verbs]
    return min(found, key=lambda info: (info.group == "events.k8s.io", info.group))


async def _request(client: Client, namespace: str, request: Obj) -> None:
    info = await _resource(client, request["kind"])
    where = namespace if info.namespaced else ""
    status = 200
    try:
        if request["method"] == "POST":
            body = {"apiVersion": info.api_version, "kind": info.kind, **request["body"]}
            await client.create(info.resource, body, where)
            status = 201
        elif request["method"] == "PATCH":
            content_type = request.get("contentType", MERGE_PATCH)
            await client.patch(info.resource, request["name"], request["body"], where, content_type=content_type)
        else:
            await client.call(request["method"], info.path(where, request["name"]), {}, request.get("body"))
    except StatusError as error:
        status = error.code
    assert status == request["status"], f"{request['method']} {request['kind']} {request['name']}: {status}"


async def _state(cluster: Cluster, namespace: str, kinds: Sequence[str]) -> State:
    for runner in cluster.manager.runners.values():
        await runner.recorder.flush()
    state: State = {}
    for kind in kinds:
        info = await _resource(cluster.client, kind)
        state[kind] = await cluster.items(info.resource, namespace if info.namespaced else "")
    state["events"] = [_event(e) for e in await cluster.items("events", namespace)]
    return state


def _event(event: Obj) -> Obj:
    about = event["involvedObject"]
    return {
        "object": f"{about['kind']}/{about['name']}",
        "type": event["type"],
        "reason": event["reason"],
        "message": event["message"],
        "count": event.get("count"),
        "from": dig(event, "source", "component") or event.get("reportingComponent"),
    }


def _normalised(states: Sequence[State], names: Mapping[str, str]) -> list[State]:
    """The states with everything replaced that is different in each run."""
    hashes: dict[str, str] = {}
    for state in states:
        for obj in sorted((o for k, objs in state.items() if k != "events" for o in objs), key=lambda o: str(o["metadata"]["name"])):
            labels = obj["metadata"].get("labels") or {}
            for label in HASH_LABELS:
                if label in labels:
                    value = labels[label].rpartition("-")[2]
                    hashes.setdefault(value, f"h{len(hashes) + 1}")
    made = []
    for state in states:
        text = json.dumps({kind: [_trimmed(kind, obj) for obj in objs] for kind, objs in state.items()}).replace(DEVICE_CLAIMS, "")
        if names:
            text = re.sub("|".join(map(re.escape, sorted(names, key=len, reverse=True))), lambda m: names[m[0]], text)
        if hashes:
            text = re.sub("|".join(map(re.escape, hashes)), lambda m: hashes[m[0]], text)
        found: State = json.loads(re.sub(r" to fake-\d", " to <node>", text))
        for objs in found.values():
            objs.sort(key=lambda obj: json.dumps(obj, sort_keys=True))
        made.append(found)
    return made


def _trimmed(kind: str, obj: Obj) -> Any:
    if kind == "events":
        return obj
    metadata = {
        k: v for k, v in obj["metadata"].items() if k not in ("uid", "resourceVersion", "managedFields", "creationTimestamp", "generation")
    }
    metadata["ownerReferences"] = [{k: v for k, v in r.items() if k != "uid"} for r in metadata.get("ownerReferences") or ()]
    for field in ("labels", "annotations"):
        metadata[field] = {k: v for k, v in (metadata.get(field) or {}).items() if k not in DROPPED_LABELS}
    return _timeless({**{k: v for k, v in obj.items() if k not in ("apiVersion", "kind")}, "metadata": metadata})


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "<time>" if _is_time(k) and v else _timeless(v) for k, v in value.items() if k not in ("nodeName", "lastProbeTime")}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def _is_time(field: str) -> bool:
    return field.endswith(("Time", "Timestamp"))


def differences(recorded: State, ours: State, events: bool = True, ignored: Iterable[str] = ("default-scheduler",)) -> list[str]:
    """What differs, one line each: status of everything but pods exactly, other fields where the recording has them."""
    found: list[str] = []
    for kind, expected in recorded.items():
        if kind == "events":
            continue
        if len(expected) != len(ours[kind]):
            names = [o["metadata"]["name"] for o in ours[kind]]
            found.append(f"{kind}: {[o['metadata']['name'] for o in expected]} expected, {names} found")
            continue
        for a, b in zip(expected, _aligned(expected, ours[kind]), strict=True):
            found += _compare(a, b, f"{kind}/{a['metadata']['name']}", exact=False, pod=kind == "Pod")
    return [*found, *event_differences(recorded, ours, ignored)] if events else found


def _aligned(expected: list[Any], ours: list[Any]) -> list[Any]:
    """Ours in the order of the expected ones, by name; of the same name as they come."""
    left = list(ours)
    order = []
    for obj in expected:
        match = next((o for o in left if o["metadata"]["name"] == obj["metadata"]["name"]), left[0])
        left.remove(match)
        order.append(match)
    return order


def _compare(a: Any, b: Any, path: str, exact: bool, pod: bool) -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [*a, *(k for k in b if exact and k not in a)]
        return [
            line
            for k in keys
            for line in _compare(a.get(k), b.get(k), f"{path}.{k}", exact or (k in ("status", "labels", "annotations") and not pod), pod)
        ]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        if all(isinstance(x, dict) and "type" in x for x in [*a, *b]):
            a, b = sorted(a, key=lambda c: str(c["type"])), sorted(b, key=lambda c: str(c["type"]))
        return [line for at, (x, y) in enumerate(zip(a, b, strict=True)) for line in _compare(x, y, f"{path}[{at}]", exact, pod)]
    if a != b and not (a in (None, [], {}) and b in (None, [], {})):
        return [f"{path}: {json.dumps(a)} expected, {json.dumps(b)} found"]
    return []


def event_differences(recorded: State, ours: State, ignored: Iterable[str] = ("default-scheduler",)) -> list[str]:
    """Events that only one side has, as (object, type, reason, message, count, component)."""
    skip = set(ignored)
    a, b = (Counter(tuple(e.values()) for e in state["events"] if e["from"] not in skip) for state in (recorded, ours))
    return [f"missing event {e} x{n}" for e, n in (a - b).items()] + [f"unexpected event {e} x{n}" for e, n in (b - a).items()]
