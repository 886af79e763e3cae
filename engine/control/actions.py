"""What a reconcile returns (decision 3): actions as data, done by the executor."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.base.api import MERGE_PATCH
from engine.base.objects import Obj


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
class Parallel:
    """Actions in slow-start batches of 1, 2, 4… (controller_utils.go slowStartBatch): after a batch with an error the rest is skipped.

    `on_success` and `on_failure` name the event reasons that are emitted about `about` for each Create and Delete
    (`SuccessfulCreate` "Created pod: x", `FailedCreate` "Error creating: …"); empty for none.
    """

    actions: tuple["Create | Delete | Patch | Update", ...]
    about: Obj | None = None
    slow_start: bool = True


Action = Create | Update | Patch | Apply | Delete | Emit | RequeueAfter | Parallel

Actions = list[Action]


@dataclass(frozen=True, slots=True)
class Failure:
    """An action that did not succeed, with what the server said."""

    action: Action
    error: Exception = field(compare=False)
