"""The plan: what a sync would create, update, recreate and prune, and whether it may prune on its own. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from engine.base.objects import Obj, annotations_of, put
from engine.gitops.desired import Desired, Identity, Wanted, has_option

CREATE, UPDATE, RECREATE, PRUNE, UNCHANGED, BLOCKED = "create", "update", "recreate", "prune", "unchanged", "blocked"

TRACKING = "ktui.dev/tracking-id"
PRUNE_FREE = 3
PRUNE_FREE_PERCENT = 20
"""A sync prunes up to max(3 objects, 20% of the inventory) on its own; more is held until it is confirmed."""
PRECIOUS = frozenset(("Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition"))
"""Kinds whose deletion takes more with them than themselves: always held."""


@dataclass(frozen=True, slots=True)
class Owned:
    """An inventory entry: an object that this folder applied."""

    identity: Identity
    version: str
    resource: str
    uid: str
    source: str
    digest: str

    def to_object(self) -> dict[str, Any]:
        """As the Folder's status keeps it."""
        group, kind, namespace, name = self.identity
        return {
            "group": group, "version": self.version, "kind": kind, "namespace": namespace, "name": name, "resource": self.resource,
            "uid": self.uid, "source": self.source, "hash": self.digest,
        }  # fmt: skip

    @classmethod
    def of(cls, entry: Obj) -> "Owned":
        """From a Folder's status."""
        identity = Identity(*(entry.get(name) or "" for name in ("group", "kind", "namespace", "name")))
        return cls(identity, *(entry.get(name) or "" for name in ("version", "resource", "uid", "source", "hash")))


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a plan. `error` says why it cannot be carried out (then `action` is blocked)."""

    action: str
    identity: Identity
    source: str
    wanted: Wanted | None = None
    owned: Owned | None = None
    diff: tuple[str, ...] = ()
    error: str = ""

    def to_object(self) -> dict[str, Any]:
        """As the Folder's status shows it."""
        group, kind, namespace, name = self.identity
        shown: dict[str, Any] = {
            "action": self.action, "group": group, "kind": kind, "namespace": namespace, "name": name, "source": self.source,
        }  # fmt: skip
        if self.diff:
            shown["diff"] = list(self.diff)
        if self.error:
            shown["error"] = self.error
        return shown


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order of carrying them out; `held` says why the prunes wait for a confirmation."""

    steps: tuple[Step, ...]
    held: str = ""

    @property
    def digest(self) -> str:
        """What `spec.confirm` must say to let held prunes happen: it names exactly these prunes."""
        prunes = sorted([*step.identity, step.owned.uid if step.owned else ""] for step in self.prunes)
        return hashlib.sha256(orjson.dumps(prunes)).hexdigest()[:12]

    @property
    def prunes(self) -> list[Step]:
        """The prunes, in the order of carrying them out."""
        return [step for step in self.steps if step.action == PRUNE]

    def count(self, *actions: str) -> int:
        """How many steps have one of these actions."""
        return sum(step.action in actions for step in self.steps)

    def to_object(self) -> dict[str, Any]:
        """As the Folder's status shows it; what does not change is only counted."""
        shown = [step.to_object() for step in self.steps if step.action != UNCHANGED]
        return {
            "hash": self.digest,
            "held": bool(self.held),
            "reason": self.held,
            "unchanged": self.count(UNCHANGED),
            "actions": shown,
        }


def digest_of(obj: Obj) -> str:
    """The hash of what a file wants of an object."""
    return hashlib.sha256(orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def tracking_id(folder: str, identity: Identity) -> str:
    """The annotation value that says: this very object, applied from that folder."""
    return f"{folder}:{identity.group}/{identity.kind}:{identity.namespace}/{identity.name}"


def tracked(folder: str, wanted: Wanted) -> Obj:
    """The object to apply: what the file says, with our tracking annotation."""
    return put(wanted.obj, ("metadata", "annotations", TRACKING), tracking_id(folder, wanted.identity))


def may_recreate(obj: Obj) -> bool:
    """Whether an object may be deleted and created anew where a change is not possible otherwise."""
    return has_option(obj, "ktui.dev/recreate=true", "Replace=true", ("kustomize.toolkit.fluxcd.io/force", "enabled"))


def never_prune(obj: Obj) -> bool:
    """Whether an object is annotated to be left when its manifest goes."""
    return has_option(obj, "ktui.dev/prune=disabled", "Prune=false", ("kustomize.toolkit.fluxcd.io/prune", "disabled"))


def prune_steps(folder: str, desired: Desired, inventory: Iterable[Owned], live: Mapping[Identity, Obj]) -> list[Step]:
    """What the inventory owns and no file wants any more, in reverse order of applying.

    Kept are: objects from files that are broken now; objects that are not, or no longer, the ones that were applied (another uid,
    no or another tracking annotation); objects annotated so.
    """
    steps = []
    for owned in inventory:
        if owned.identity in desired.objects or owned.source.rpartition(":")[0] in desired.broken:
            continue
        obj = live.get(owned.identity)
        if obj is None or obj["metadata"].get("uid") != owned.uid or never_prune(obj):
            continue
        if annotations_of(obj).get(TRACKING) != tracking_id(folder, owned.identity):
            continue
        steps.append(Step(PRUNE, owned.identity, owned.source, owned=owned))
    return list(reversed(steps))


def guard(prunes: Sequence[Step], inventory_size: int, moved_from: str = "") -> str:
    """Why these prunes need a confirmation; empty where they do not. `moved_from`: the inventory was made from another folder."""
    if not prunes:
        return ""
    if moved_from:
        return f"prunes {_count(len(prunes))} that came from {moved_from}"
    precious = sorted({step.identity.kind for step in prunes} & PRECIOUS)
    if precious:
        return f"prunes {_count(len(prunes))}, among them a {' and a '.join(precious)}"
    if len(prunes) > max(PRUNE_FREE, inventory_size * PRUNE_FREE_PERCENT // 100):
        return f"prunes {_count(len(prunes))} of {inventory_size}"
    return ""


def _count(number: int) -> str:
    return f"{number} object" if number == 1 else f"{number} objects"
