"""`ktui check`: manifests through a whole cluster in virtual time, and a report of what became of each object."""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.base.api import Client, ListQuery
from engine.base.objects import Obj, dig, uid_of
from engine.cluster import Cluster, ClusterOptions, simulated
from engine.gitops import desired as states
from engine.gitops.desired import Identity
from engine.gitops.folder import FolderSync
from engine.gitops.health import DEGRADED, HEALTHY, SUSPENDED, Health, health_of
from engine.sim.loop import VirtualLoop, run

TIMEOUT_S = 630.0
"""Virtual seconds: a little more than the default progress deadline of a Deployment."""
STEP_S = 1.0
REASONS_MAX = 3

OK, FAILED = "ok", "failed"


@dataclass(frozen=True, slots=True)
class Row:
    """One object: what became of it and why."""

    identity: Identity
    source: str
    health: Health
    reasons: tuple[str, ...] = ()

    def to_object(self) -> dict[str, Any]:
        """As JSON."""
        group, kind, namespace, name = self.identity
        return {
            "group": group, "kind": kind, "namespace": namespace, "name": name, "source": self.source,
            "health": self.health.status, "message": self.health.message, "reasons": list(self.reasons),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check; `virtual_s` is how long it took until everything was healthy, or until it was given up."""

    folder: str
    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    virtual_s: float

    @property
    def ok(self) -> bool:
        """Whether every object is there and healthy (or suspended on purpose), and every file was understood."""
        return not self.problems and all(row.health.status in (HEALTHY, SUSPENDED) for row in self.rows)

    def to_json(self) -> str:
        """The whole report as JSON."""
        content = {
            "folder": self.folder, "result": OK if self.ok else FAILED, "virtualSeconds": round(self.virtual_s, 1),
            "objects": [row.to_object() for row in self.rows], "problems": list(self.problems), "notes": list(self.notes),
        }  # fmt: skip
        return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()

    def to_text(self) -> str:
        """The report as a table."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        cells = [
            (r.health.status, r.identity.kind, r.identity.namespace or "-", r.identity.name, r.source, r.health.message) for r in self.rows
        ]
        if cells:
            header = ("HEALTH", "KIND", "NAMESPACE", "NAME", "SOURCE", "")
            widths = [max(len(row[at]) for row in (header, *cells)) for at in range(5)]
            for row, cell in zip((None, *self.rows), (header, *cells), strict=True):
                yield "  ".join([text.ljust(width) for text, width in zip(cell, widths, strict=False)] + [cell[5]]).rstrip()
                yield from (f"  {reason}" for reason in (row.reasons if row else ()))
        yield from (f"error: {problem}" for problem in self.problems)
        yield from (f"note: {note}" for note in self.notes)
        healthy = sum(row.health.status in (HEALTHY, SUSPENDED) for row in self.rows)
        counted = f"{healthy} of {len(self.rows)} objects healthy"
        errors = f", {len(self.problems)} error{'s' * (len(self.problems) != 1)}" if self.problems else ""
        yield f"{'ok' if self.ok else 'FAILED'}: {counted}{errors} after {self.virtual_s:g} s of virtual time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ktui check`."""
    parser.add_argument("--nodes", type=int, default=5, metavar="N", help="simulated nodes (default 5)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same history (default 0)")
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT_S, metavar="S", help=f"virtual seconds to wait for health (default {TIMEOUT_S:g})"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN", help="files to leave out, as in .ktuiignore; repeatable"
    )
    parser.add_argument("--output", choices=("table", "json"), default="table", help="format of the report")


def main(folder: Path, options: argparse.Namespace) -> int:
    """Check a folder and print the report; 0 when everything becomes healthy, 1 when not."""
    report = check(folder, CheckOptions(options.nodes, options.seed, options.timeout, tuple(options.exclude)))
    print(report.to_json() if options.output == "json" else report.to_text())
    return 0 if report.ok else 1


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to check: simulated nodes, the seed of all randomness, virtual seconds to wait for health, patterns of files to leave out."""

    nodes: int = 5
    seed: int = 0
    timeout_s: float = TIMEOUT_S
    exclude: tuple[str, ...] = ()


def check(folder: Path, options: CheckOptions) -> Report:
    """Run the manifests of a folder on a fresh cluster in virtual time until all is healthy, or the time is over."""
    loop = VirtualLoop()

    async def body() -> Report:
        cluster = simulated(loop, ClusterOptions(nodes=options.nodes, strict=True), options.seed)
        await cluster.bootstrap()
        cluster.start()
        try:
            return await _check(cluster, folder, options)
        finally:
            await cluster.stop()

    return run(body(), loop)


async def _check(cluster: Cluster, folder: Path, options: CheckOptions) -> Report:
    loop = asyncio.get_running_loop()
    sync = FolderSync(cluster.client, cluster.world, folder, watching=False, exclude=options.exclude)
    running = loop.create_task(sync.run())

    async def settled() -> bool:
        if running.done():
            running.result()
        view = sync.overview()
        nothing = view.last_sync and not sync.desired.objects
        return bool(nothing or view.unavailable) or _all_healthy(sync)

    try:
        started = loop.time()
        await cluster.until(settled, options.timeout_s, STEP_S)
        return await _report(cluster.client, sync, folder, loop.time() - started)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _all_healthy(sync: FolderSync) -> bool:
    wanted = [identity for identity, w in sync.desired.objects.items() if not w.stale]
    if not wanted or sync.errors:
        return False
    return all(i in sync.inventory and health_of(sync.live(i)).status in (HEALTHY, SUSPENDED) for i in wanted)


async def _report(client: Client, sync: FolderSync, folder: Path, virtual_s: float) -> Report:
    rows = []
    for identity, wanted in sync.desired.objects.items():
        error = sync.errors.get(identity)
        health = Health(DEGRADED, error) if error else health_of(sync.live(identity))
        reasons = () if health.status == HEALTHY or error else await _reasons(client, sync.live(identity))
        rows.append(Row(identity, wanted.document.source, health, reasons))
    view = sync.overview()
    problems = [str(problem) for problem in sync.desired.problems]
    if view.unavailable:
        problems.append(view.unavailable)
    notes = [
        f"{state.path}: {state.note}" for state in sync.desired.files.values() if state.state == states.SKIPPED and state.note != "followed"
    ]
    if not sync.desired.files and not view.unavailable:
        problems.append(f"{folder}: no manifests")
    return Report(str(folder), tuple(rows), tuple(dict.fromkeys(problems)), tuple(notes), virtual_s)


async def _reasons(client: Client, obj: Obj | None) -> tuple[str, ...]:
    """Why an object is not healthy: of a workload from the pods that it controls, directly or through ReplicaSets."""
    if obj is not None and obj["kind"] == "Ingress" and (name := dig(obj, "spec", "ingressClassName")):
        classes = [item["metadata"]["name"] for item in (await client.list("ingressclasses.networking.k8s.io"))["items"]]
        return () if name in classes else (f"there is no IngressClass {name!r}, only {', '.join(classes) or 'none'}",)
    if obj is None or not dig(obj, "spec", "template"):
        return ()
    namespace = obj["metadata"]["namespace"]
    owners = {uid_of(obj)}
    sets = await client.list("replicasets.apps", ListQuery(namespace))
    owners |= {uid_of(item) for item in sets["items"] if _owner_uids(item) & owners}
    pods = await client.list("pods", ListQuery(namespace))
    found: dict[str, None] = {}
    for pod in pods["items"]:
        verdict = health_of({"apiVersion": "v1", "kind": "Pod", **pod})
        if _owner_uids(pod) & owners and verdict.status != HEALTHY:
            found[f"pod {pod['metadata']['name']}: {verdict.message}"] = None
    return tuple(found)[:REASONS_MAX]


def _owner_uids(obj: Obj) -> set[str]:
    return {ref["uid"] for ref in obj["metadata"].get("ownerReferences") or ()}
