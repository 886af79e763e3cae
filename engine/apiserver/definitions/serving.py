"""Follows the definitions in the store: serves their kinds, writes their status, and empties those that are deleted.

Upstream does this in controllers of the API server (pkg/controller/{status,establish,finalizer}); here it is the server itself, right
after the commit that calls for it.
"""

import asyncio
import logging
from collections.abc import Callable

from engine.apiserver.context import Call, Context
from engine.apiserver.definitions.acceptance import FINALIZER, TERMINATING, accepted_status, condition, is_served, with_condition
from engine.apiserver.deletion import DEFINITIONS, delete_collection
from engine.apiserver.options import WriteOptions
from engine.apiserver.updating import replace_object
from engine.base.api import Request, User
from engine.base.causes import Cause
from engine.base.errors import StatusError
from engine.base.objects import Obj, is_terminating, name_of, namespace_of, revision_of
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry
from engine.store.events import DELETED, Event, Put, Write

ACTOR = "kube-apiserver"
USER = User("system:apiserver", ("system:masters", "system:authenticated"))

log = logging.getLogger(__name__)


class Definitions:
    """The kinds of all definitions. `changed` is called with the registry whenever what is served changes."""

    def __init__(self, ctx: Context, changed: Callable[[Registry], None]) -> None:
        self._ctx = ctx
        self._changed = changed
        self._builtin = ctx.kinds
        self._kind = ctx.kinds.by_resource[DEFINITIONS]
        self._known: dict[str, tuple[Obj, Obj, bool, Kind]] = {}
        self._draining: dict[str, Callable[[], None]] = {}
        self._due: dict[str, None] = {}
        self._scheduled = False
        self._serve()

    def start(self) -> None:
        """Follow the definitions, first those that a store which was opened again has."""
        self._ctx.storage.subscribe(self._kind, "", 0, self._hear)
        for definition in self._ctx.storage.list(self._kind):
            self._call_for(name_of(definition))

    def _hear(self, event: Event) -> None:
        """A definition changed; what follows is done after its commit."""
        self._call_for(event.name)

    def _call_for(self, name: str) -> None:
        self._due[name] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._scheduled = False
        due, self._due = list(self._due), {}
        for name in due:
            try:
                self._reconcile(name)
            except StatusError as error:
                log.warning("definition %s: %s", name, error)
        try:
            self._serve()
        except StatusError as error:
            log.warning("definitions: %s", error)

    def _serve(self) -> None:
        """Make the registry what the definitions say."""
        before = {name: entry[3] for name, entry in self._known.items()}
        found: dict[str, tuple[Obj, Obj, bool, Kind]] = {}
        for definition in self._ctx.storage.list(self._kind):
            name = name_of(definition)
            if not is_served(definition) or name in self._builtin.by_resource:
                continue
            spec, names, ending = definition["spec"], definition["status"]["acceptedNames"], is_terminating(definition)
            known = self._known.get(name)
            if known is not None and known[0] is spec and known[1] == names and known[2] == ending:
                found[name] = known
            else:
                found[name] = (spec, names, ending, _kind_of(definition))
        self._known = found
        now = {name: entry[3] for name, entry in found.items()}
        if len(before) != len(now) or any(before.get(name) is not kind for name, kind in now.items()):
            self._ctx.kinds = self._builtin.extended(now[name] for name in sorted(now))
            self._changed(self._ctx.kinds)
            for name, kind in now.items():
                if before.get(name) is not kind:
                    self._migrate(kind)

    def _migrate(self, kind: Kind) -> None:
        """Store objects in the storage version, with its defaults, as if they had been read and written.

        Upstream does this to what it reads. With the conversion None versions differ in apiVersion only; nothing is pruned here, so
        that a field that was left out of a schema by mistake is not lost.
        """
        wanted, stored = kind.api_version(), kind.per_version.get(kind.storage)
        writes: list[Write] = []
        for obj in self._ctx.storage.list(kind):
            made = stored.defaults(obj) if stored is not None else obj
            made = made if made["apiVersion"] == wanted else {**made, "apiVersion": wanted}
            if made is not obj:
                writes.append(Put(kind.resource, namespace_of(obj), name_of(obj), made, revision_of(obj)))
        if writes:
            self._ctx.storage.commit(writes, Cause(ACTOR, 0, "definition"))

    def _reconcile(self, name: str) -> None:
        definition = self._ctx.storage.get(self._kind, "", name)
        if definition is None:
            self._stop_draining(name)
            for other in self._ctx.storage.list(self._kind):
                if other["spec"]["group"] == name.partition(".")[2]:
                    self._accept(other)
        elif is_terminating(definition):
            self._drain(definition)
        else:
            self._accept(definition)

    def _accept(self, definition: Obj) -> None:
        group = definition["spec"]["group"]
        others = [d for d in self._ctx.storage.list(self._kind) if d["spec"]["group"] == group and name_of(d) != name_of(definition)]
        status = accepted_status(definition, others, self._ctx.time())
        if status is not definition.get("status"):
            self._write(definition, {**definition, "status": status}, "status")

    def _drain(self, definition: Obj) -> None:
        """Delete all objects of a terminating definition; when the last is gone, let it go (pkg/controller/finalizer)."""
        name = name_of(definition)
        if FINALIZER not in (definition["metadata"].get("finalizers") or ()):
            return
        kind = self._known[name][3] if name in self._known else _stored_kind(definition)
        if kind is None or not self._ctx.storage.list(kind):
            done = condition(TERMINATING, "False", "InstanceDeletionCompleted", "removed all instances")
            self._finish(self._say(definition, done))
        elif name not in self._draining:
            self._draining[name] = self._ctx.storage.subscribe(kind, "", 0, lambda event: self._gone(name, event))
            text = "CustomResource deletion is in progress"
            self._say(definition, condition(TERMINATING, "True", "InstanceDeletionInProgress", text))
            request = Request("DELETE", "", user=USER, cause=Cause(ACTOR, revision_of(definition)), user_agent=ACTOR)
            delete_collection(self._ctx, Call(request, kind, kind.versions[0], "", "", ""))

    def _gone(self, name: str, event: Event) -> None:
        if event.type == DELETED:
            self._call_for(name)

    def _stop_draining(self, name: str) -> None:
        stop = self._draining.pop(name, None)
        if stop is not None:
            stop()

    def _say(self, definition: Obj, made: Obj) -> Obj:
        status = definition.get("status") or {}
        conditions = with_condition(status.get("conditions"), made, self._ctx.time())
        return self._write(definition, {**definition, "status": {**status, "conditions": conditions}}, "status")

    def _finish(self, definition: Obj) -> None:
        metadata = definition["metadata"]
        left = [f for f in metadata["finalizers"] if f != FINALIZER]
        self._write(definition, {**definition, "metadata": {**metadata, "finalizers": left}}, "")

    def _write(self, old: Obj, new: Obj, subresource: str) -> Obj:
        request = Request("PUT", "", user=USER, cause=Cause(ACTOR, revision_of(old)), user_agent=ACTOR)
        call = Call(request, self._kind, self._kind.storage, "", name_of(old), subresource)
        return replace_object(self._ctx, call, old, new, WriteOptions(ACTOR))


def _kind_of(definition: Obj) -> Kind:
    # Most clusters have no definitions when they start; what makes kinds of them takes 10 ms to import.
    from engine.apiserver.definitions.kinds import kind_of

    return kind_of(definition)


def _stored_kind(definition: Obj) -> Kind | None:
    from engine.apiserver.definitions.kinds import stored_kind

    return stored_kind(definition)
