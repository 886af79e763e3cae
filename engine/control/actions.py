"""What a reconcile returns (decision 3): actions as data, done in order by the executor (engine/control/executor.py).

An action that fails ends the list: what follows it is not done, and the key is reconciled again with backoff.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.base.api import MERGE_PATCH
from engine.base.errors import StatusError
from engine.base.objects import Obj, name_of, namespace_of, uid_of


class Key(NamedTuple):
    """What a work queue holds: the namespace (empty for cluster scope) and name of the object to reconcile."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Create:
    """Create `obj`. `ignore_exists`: that it exists already (deterministic names) is success."""

    resource: str
    obj: Obj
    ignore_exists: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Replace `obj` (or its `subresource`), conditional on its resourceVersion: a conflict requeues the key."""

    resource: str
    obj: Obj
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """Patch an object; put metadata.resourceVersion or metadata.uid into the patch to make it conditional."""

    resource: str
    namespace: str
    name: str
    patch: Any
    subresource: str = ""
    content_type: str = MERGE_PATCH
    ignore_missing: bool = False

    @classmethod
    def status(cls, resource: str, obj: Obj, status: Obj, content_type: str = MERGE_PATCH) -> "Patch":
        """Patch the status of this very object; that it is gone is success."""
        patch = {"metadata": {"uid": uid_of(obj)}, "status": status}
        return cls(resource, namespace_of(obj), name_of(obj), patch, "status", content_type, ignore_missing=True)


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply as the controller."""

    resource: str
    obj: Obj
    force: bool = True


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object with this uid; that it is gone already is success."""

    resource: str
    namespace: str
    name: str
    uid: str
    grace_period_s: int | None = None
    propagation: str = ""
    resource_version: str = ""

    @classmethod
    def of(cls, resource: str, obj: Obj, grace_period_s: int | None = None) -> "Delete":
        """Delete this very object."""
        return cls(resource, namespace_of(obj), name_of(obj), uid_of(obj), grace_period_s)


@dataclass(frozen=True, slots=True)
class Emit:
    """Record an Event about `about` (an object with apiVersion, kind and metadata): type Normal or Warning, upstream's reason."""

    about: Obj
    type: str
    reason: str
    message: str
    related: Obj | None = None


@dataclass(frozen=True, slots=True)
class RequeueAfter:
    """Reconcile this key again after `seconds`, whatever happens before."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Post:
    """POST `body` to a subresource of an object: `eviction`, `binding`."""

    resource: str
    namespace: str
    name: str
    subresource: str
    body: Obj


@dataclass(frozen=True, slots=True)
class DeleteCollection:
    """Delete everything of a resource in a namespace."""

    resource: str
    namespace: str
    propagation: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Read the object from the server, past the cache: go on only where it is there with this uid and not terminating, or, with
    `present` false, only where there is none with this uid (of any, where empty). Otherwise the rest is left and the key reconciled
    again."""

    resource: str
    namespace: str
    name: str
    uid: str
    present: bool = True


@dataclass(frozen=True, slots=True)
class CheckEmpty:
    """Go on only where the server has no object of `resource` in `namespace`."""

    resource: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep `value` for this key until it is replaced or the object goes: `read.memory.get(key)` of the next reconcile. Never a
    substitute for what can be read from the cluster; a restarted controller begins with nothing."""

    value: Any


@dataclass(frozen=True, slots=True)
class Parallel:
    """Actions in slow-start batches of 1, 2, 4… (controller_utils.go slowStartBatch): after a batch with an error the rest is skipped.

    With `about`, each Create and Delete of a Pod is recorded about it as PodControl does: `SuccessfulCreate` "Created pod: x",
    `FailedCreate` "Error creating: …", `SuccessfulDelete` "Deleted pod: x", `FailedDelete` "Error deleting: …".
    `then` gets the failures (none: all succeeded) and returns what to do next, such as the status that names them, after which the
    list goes on; without it a failure ends the list as that of any action does. Failures count for the key's backoff in either case.
    A `Check` among the actions that does not hold skips `then`.
    """

    actions: tuple["Create | Delete | Patch | Update | Post | Check", ...]
    about: Obj | None = None
    slow_start: bool = True
    then: "Callable[[Sequence[Failure]], Actions] | None" = field(default=None, compare=False)


Action = Create | Update | Patch | Apply | Delete | Post | DeleteCollection | Check | CheckEmpty | Remember | Emit | RequeueAfter | Parallel

Actions = list[Action]


@dataclass(frozen=True, slots=True)
class Failure:
    """An action that did not succeed, with what the server said."""

    action: Action
    error: StatusError = field(compare=False)
