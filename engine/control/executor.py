"""Does what a reconcile returned: requests in order, events about them, and what must be seen before the key's next turn."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.base.api import APPLY_PATCH, JSON, Client, DeleteOptions, Response
from engine.base.causes import Cause
from engine.base.errors import StatusError, is_reason
from engine.base.objects import Obj, name_of, namespace_of, revision_of, uid_of
from engine.control.actions import (
    Action,
    Apply,
    Check,
    CheckEmpty,
    Create,
    Delete,
    DeleteCollection,
    Emit,
    Failure,
    Parallel,
    Patch,
    Post,
    Remember,
    RequeueAfter,
    Update,
)
from engine.control.events import Recorder

FIELD_MANAGER = "kube-controller-manager"
SLOW_START_INITIAL = 1
"""controller_utils.go SlowStartInitialBatchSize."""
LANES = 16
"""Requests of a batch that are under way at a time."""
TURN_WRITES = 32
"""Requests after which other tasks get a turn, however quickly they are answered."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What became of the actions. `written` is, per resource, the highest revision that their writes made."""

    written: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    again: bool = False
    """A check did not hold: the cache is behind."""
    requeue_after_s: float | None = None
    remembered: list[Any] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the key is to be tried again with backoff."""
        return self.again or bool(self.failures)

    def wrote(self, resource: str, revision: int) -> None:
        """A write of `resource` made `revision`."""
        if revision > self.written.get(resource, 0):
            self.written[resource] = revision


class Executor:
    """Executes actions as one controller: its name is the actor of every write's cause and the component of its events."""

    def __init__(self, client: Client, recorder: Recorder) -> None:
        self._client = client
        self._recorder = recorder
        self._turn = 0
        self._doers: dict[type, Callable[[Any, Cause, Outcome], Awaitable[bool]]] = {
            Create: self._create,
            Update: self._update,
            Patch: self._patch,
            Apply: self._apply,
            Delete: self._delete,
            Post: self._post,
            DeleteCollection: self._delete_collection,
            Check: self._check,
            CheckEmpty: self._check_empty,
            Remember: self._remember,
            Emit: self._emit,
            RequeueAfter: self._requeue_after,
            Parallel: self._parallel,
        }

    async def run(self, actions: Sequence[Action], cause: Cause) -> Outcome:
        """Do `actions` in order until one fails. Errors of the server are in the outcome, never raised."""
        outcome = Outcome()
        await self._sequence(actions, cause, outcome)
        return outcome

    async def _sequence(self, actions: Sequence[Action], cause: Cause, outcome: Outcome) -> bool:
        for action in actions:
            try:
                if not await self._doers[type(action)](action, cause, outcome):
                    return False
            except StatusError as error:
                outcome.failures.append(Failure(action, error))
                log.debug("%s: %s: %s", cause.actor, type(action).__name__, error)
                return False
        return True

    async def _send(
        self, method: str, path: str, body: Any, cause: Cause, content_type: str = JSON, query: dict[str, str] | None = None
    ) -> Response:
        self._turn += 1
        if self._turn >= TURN_WRITES:
            self._turn = 0
            await asyncio.sleep(0)
        return await self._client.call(method, path, query or {"fieldManager": FIELD_MANAGER}, body, content_type, cause)

    async def _create(self, action: Create, cause: Cause, outcome: Outcome) -> bool:
        await self._created(action, cause, outcome)
        return True

    async def _created(self, action: Create, cause: Cause, outcome: Outcome) -> Obj | None:
        """The created object; None where it exists already and may."""
        info = await self._client.info(action.resource)
        try:
            response = await self._send("POST", info.path(namespace_of(action.obj)), action.obj, cause)
        except StatusError as error:
            if action.ignore_exists and is_reason(error, "AlreadyExists"):
                return None
            raise
        created: Obj = response.body
        outcome.wrote(action.resource, revision_of(created))
        return created

    async def _update(self, action: Update, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        path = info.path(namespace_of(action.obj), name_of(action.obj), action.subresource)
        response = await self._send("PUT", path, action.obj, cause)
        outcome.wrote(action.resource, _changed_revision(response))
        return True

    async def _patch(self, action: Patch, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        path = info.path(action.namespace, action.name, action.subresource)
        try:
            response = await self._send("PATCH", path, action.patch, cause, action.content_type)
        except StatusError as error:
            if action.ignore_missing and error.code == 404:
                return True
            raise
        outcome.wrote(action.resource, _changed_revision(response))
        return True

    async def _apply(self, action: Apply, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if action.force else "false"}
        path = info.path(namespace_of(action.obj), name_of(action.obj))
        response = await self._send("PATCH", path, action.obj, cause, APPLY_PATCH, query)
        outcome.wrote(action.resource, _changed_revision(response))
        return True

    async def _delete(self, action: Delete, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        options = DeleteOptions(action.grace_period_s, action.propagation, action.uid, action.resource_version)
        try:
            response = await self._send("DELETE", info.path(action.namespace, action.name), options.body(), cause, query={})
        except StatusError as error:
            if error.code == 404 or (error.reason == "Conflict" and not action.resource_version):
                return True
            raise
        outcome.wrote(action.resource, _revision(response))
        return True

    async def _post(self, action: Post, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        response = await self._send("POST", info.path(action.namespace, action.name, action.subresource), action.body, cause)
        outcome.wrote(action.resource, response.revision)
        return True

    async def _delete_collection(self, action: DeleteCollection, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        options = DeleteOptions(propagation=action.propagation)
        await self._send("DELETE", info.path(action.namespace), options.body(), cause, query={})
        return True

    async def _check(self, action: Check, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        try:
            found: Obj | None = (await self._client.call("GET", info.path(action.namespace, action.name), {}, None)).body
        except StatusError as error:
            if error.code != 404:
                raise
            found = None
        there = found is not None and action.uid in ("", uid_of(found))
        holds = there and not (found or {})["metadata"].get("deletionTimestamp") if action.present else not there
        outcome.again = outcome.again or not holds
        return holds

    async def _check_empty(self, action: CheckEmpty, cause: Cause, outcome: Outcome) -> bool:
        info = await self._client.info(action.resource)
        page = (await self._client.call("GET", info.path(action.namespace), {"limit": "1"}, None)).body
        empty = not page.get("items")
        outcome.again = outcome.again or not empty
        return empty

    async def _remember(self, action: Remember, cause: Cause, outcome: Outcome) -> bool:
        outcome.remembered = [action.value]
        return True

    async def _emit(self, action: Emit, cause: Cause, outcome: Outcome) -> bool:
        self._recorder.event(action.about, action.type, action.reason, action.message, action.related)
        return True

    async def _requeue_after(self, action: RequeueAfter, cause: Cause, outcome: Outcome) -> bool:
        if outcome.requeue_after_s is None or action.seconds < outcome.requeue_after_s:
            outcome.requeue_after_s = action.seconds
        return True

    async def _parallel(self, action: Parallel, cause: Cause, outcome: Outcome) -> bool:
        failures: list[Failure] = []
        rest = list(action.actions)
        size = SLOW_START_INITIAL if action.slow_start else len(rest)
        held = True
        while rest and not failures and held:
            batch, rest = rest[:size], rest[size:]
            held = await self._batch(batch, action.about, cause, outcome, failures)
            size *= 2
        outcome.failures += failures
        if action.then is None:
            return held and not failures
        return not held or await self._sequence(action.then(failures), cause, outcome)

    async def _batch(self, actions: Sequence[Action], about: Obj | None, cause: Cause, outcome: Outcome, failures: list[Failure]) -> bool:
        """Do `actions` in lanes that each take the next one: answers that need no waiting cost no task switch."""
        queue = iter(actions)
        held = True

        async def lane() -> None:
            nonlocal held
            for action in queue:
                try:
                    held = await self._one(action, about, cause, outcome) and held
                except StatusError as error:
                    failures.append(Failure(action, error))

        if len(actions) == 1:
            await lane()
        else:
            await asyncio.gather(*(lane() for _ in range(min(LANES, len(actions)))))
        return held

    async def _one(self, action: Action, about: Obj | None, cause: Cause, outcome: Outcome) -> bool:
        if about is None or not isinstance(action, Create | Delete) or action.resource != "pods":
            return await self._doers[type(action)](action, cause, outcome)
        record = self._recorder.event
        try:
            if isinstance(action, Create):
                created = await self._created(action, cause, outcome)
                if created is not None:
                    record(about, "Normal", "SuccessfulCreate", f"Created pod: {name_of(created)}")
            else:
                await self._delete(action, cause, outcome)
                record(about, "Normal", "SuccessfulDelete", f"Deleted pod: {action.name}")
        except StatusError as error:
            if isinstance(action, Create) and namespace_terminating(error):
                return True
            if isinstance(action, Create):
                record(about, "Warning", "FailedCreate", f"Error creating: {error}")
            else:
                record(about, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        return True


def namespace_terminating(error: StatusError) -> bool:
    """Whether an object cannot be created as its namespace is being deleted: nothing to tell of (replica_set.go manageReplicas)."""
    causes = (error.details or {}).get("causes") or ()
    return any(c.get("reason") == "NamespaceTerminating" for c in causes)


def _changed_revision(response: Response) -> int:
    """The revision of a write that changed the object, or changed nothing, or removed it with its last finalizer."""
    body = response.body
    return _revision(response) if body["metadata"].get("deletionTimestamp") else revision_of(body)


def _revision(response: Response) -> int:
    """The revision of a write that may have removed the object: then the answer is a Status, or the object as it was last."""
    body = response.body
    return max(response.revision, revision_of(body) if isinstance(body, dict) else 0)
