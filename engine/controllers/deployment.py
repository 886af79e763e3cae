"""Deployments: a ReplicaSet per template, and rollouts from one to the next (pkg/controller/deployment)."""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.base.errors import StatusError
from engine.base.objects import Obj, annotations_of, controller_of, controller_ref, is_terminating, name_of, namespace_of, put, uid_of
from engine.control import progress, rollouts
from engine.control.actions import Action, Actions, Create, Delete, Emit, Failure, Key, Parallel, RequeueAfter, Update
from engine.control.controller import Controller, Watch, owned_or_selected
from engine.control.executor import namespace_terminating
from engine.control.pods import phase_of
from engine.control.read import Read
from engine.control.refs import claim
from engine.control.revisions import REVISION, desired_replicas, max_revision, numbered, with_replicas
from engine.control.selection import selector_of
from engine.control.templates import TEMPLATE_HASH_LABEL, hash_of

RESOURCE = "deployments.apps"
REPLICA_SETS = "replicasets.apps"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Bring the ReplicaSets one step closer to what the Deployment asks for, and write the status (syncDeployment)."""
    deployment = read.get(RESOURCE, key.namespace, key.name)
    if deployment is None:
        return []
    selector = selector_of(deployment)
    if selector.empty:
        return _selects_everything(deployment)
    known = read[REPLICA_SETS]
    candidates = [*known.owned_by(uid_of(deployment)), *known.orphans(key.namespace)]
    claimed = claim(deployment, RESOURCE, selector, REPLICA_SETS, candidates)
    if claimed.actions:
        return claimed.actions
    return _Sync(deployment, claimed.objects, now).run(read)


def _selects_everything(deployment: Obj) -> Actions:
    message = "This deployment is selecting all pods. A non-empty selector is required."
    actions: list[Action] = [Emit(deployment, "Warning", "SelectingAll", message)]
    generation = deployment["metadata"].get("generation", 0)
    if (deployment.get("status") or {}).get("observedGeneration", 0) < generation:
        actions.append(Update(RESOURCE, put(deployment, ("status", "observedGeneration"), generation), "status"))
    return actions


class _Sync:
    """One reconcile: collects what becomes of the ReplicaSets and the Deployment's status, then returns it as actions."""

    def __init__(self, deployment: Obj, replica_sets: Sequence[Obj], now: float) -> None:
        self.deployment = deployment
        self.now = now
        self.status: Obj = deployment.get("status") or {}
        self.revision = annotations_of(deployment).get(REVISION)
        self.sets = {name_of(rs): rs for rs in rollouts.oldest_first(replica_sets)}
        self.before = dict(self.sets)
        self.events: dict[str, list[Emit]] = {}
        new = rollouts.find_new(deployment, replica_sets)
        self.new_name = name_of(new) if new is not None else None
        self.clean = False

    @property
    def new(self) -> Obj | None:
        """The ReplicaSet of the current template."""
        return self.sets[self.new_name] if self.new_name is not None else None

    @property
    def old(self) -> list[Obj]:
        """All others, the oldest first."""
        return [rs for name, rs in self.sets.items() if name != self.new_name]

    @property
    def all(self) -> list[Obj]:
        """All ReplicaSets, the new one last."""
        return [*self.old, *([self.new] if self.new is not None else [])]

    def run(self, read: Read) -> Actions:
        """The actions of this reconcile."""
        deployment = self.deployment
        if is_terminating(deployment):
            return self._finish(rollout=False)
        self.status = progress.pause_condition(deployment, self.status, self.now)
        self._number_new()
        if deployment["spec"].get("paused") or self._resized():
            self._scale()
            self.clean = bool(deployment["spec"].get("paused"))
            return self._finish(rollout=False)
        if rollouts.is_rolling(deployment):
            return self._roll(read)
        return self._recreate(read)

    def _number_new(self) -> None:
        """Revision, annotations and minReadySeconds of the new ReplicaSet where it exists (getNewReplicaSet)."""
        new = self.new
        if new is None:
            return
        changed = numbered(self.deployment, new, max_revision(self.old) + 1)
        min_ready_s = self.deployment["spec"].get("minReadySeconds") or 0
        if (changed["spec"].get("minReadySeconds") or 0) != min_ready_s:
            changed = put(changed, ("spec", "minReadySeconds"), min_ready_s)
        self.sets[name_of(new)] = changed
        self.revision = annotations_of(changed).get(REVISION)
        if progress.has_deadline(self.deployment) and progress.progressing(self.status) is None:
            found = f'Found new replica set "{name_of(new)}"'
            self.status = progress.with_condition(
                self.status, progress.condition(progress.PROGRESSING, "True", "FoundNewReplicaSet", found, self.now)
            )

    def _resized(self) -> bool:
        """Whether spec.replicas changed since a ReplicaSet was sized (isScalingEvent)."""
        wanted = rollouts.replicas_of(self.deployment)
        return any(desired_replicas(rs) not in (None, wanted) for rs in rollouts.active(self.all))

    def _resize(self, name: str, size: int, only_if_different: bool = True) -> bool:
        """Give a ReplicaSet a size (scaleReplicaSet); whether that changed it."""
        rs = self.sets[name]
        was = rollouts.replicas_of(rs)
        if was == size and only_if_different:
            return False
        wanted = rollouts.replicas_of(self.deployment)
        self.sets[name] = with_replicas(
            put(rs, ("spec", "replicas"), size) if was != size else rs, wanted, wanted + rollouts.max_surge(self.deployment)
        )
        if was != size:
            message = f"Scaled {'up' if was < size else 'down'} replica set {name} from {was} to {size}"
            self.events.setdefault(name, []).append(Emit(self.deployment, "Normal", "ScalingReplicaSet", message))
        return was != size

    def _scale(self) -> None:
        """sync.go scale: spec.replicas changed, or the Deployment is paused."""
        only = rollouts.active_or_latest(self.new, self.old)
        if only is not None:
            self._resize(name_of(only), rollouts.replicas_of(self.deployment))
        elif rollouts.is_saturated(self.deployment, self.new):
            for rs in rollouts.active(self.old):
                self._resize(name_of(rs), 0)
        elif rollouts.is_rolling(self.deployment):
            for name, size in rollouts.proportional_sizes(self.deployment, self.all).items():
                self._resize(name, size, only_if_different=False)

    def _roll(self, read: Read) -> Actions:
        """rolloutRolling: grow the new ReplicaSet, else shrink the old ones, else clean up."""
        new = self.new
        if new is None:
            return self._create_new(read)
        wanted, size = rollouts.replicas_of(self.deployment), rollouts.replicas_of(new)
        target = wanted if size >= wanted else rollouts.new_size(self.deployment, self.all, size)
        if not self._resize(name_of(new), target):
            shrunk = [self._resize(name, less) for name, less in rollouts.scale_down_steps(self.deployment, new, self.old)]
            self.clean = not any(shrunk) and rollouts.is_complete(self.deployment, self.status)
        return self._finish(rollout=True)

    def _recreate(self, read: Read) -> Actions:
        """rolloutRecreate: the new ReplicaSet only when no pod of an old one is left."""
        shrunk = [self._resize(name_of(rs), 0) for rs in rollouts.active(self.old)]
        if any(shrunk) or self._old_pods_running(read):
            return self._finish(rollout=True)
        if self.new is None:
            return self._create_new(read)
        self._resize(name_of(self.new), rollouts.replicas_of(self.deployment))
        self.clean = rollouts.is_complete(self.deployment, self.status)
        return self._finish(rollout=True)

    def _old_pods_running(self, read: Read) -> bool:
        if rollouts.counted(self.old, "replicas"):
            return True
        pods = (pod for rs in self.old for pod in read["pods"].owned_by(uid_of(rs)))
        return any(phase_of(pod) not in ("Failed", "Succeeded") for pod in pods)

    def _create_new(self, read: Read) -> Actions:
        """Create the ReplicaSet of the current template (getNewReplicaSet); its appearance brings the key up again."""
        rs = self._new_replica_set()
        name, size = name_of(rs), rollouts.replicas_of(rs)
        if read.get(REPLICA_SETS, namespace_of(rs), name) is not None:
            self.status = {**self.status, "collisionCount": int(self.status.get("collisionCount") or 0) + 1}
            return self._write_status()

        def created(failures: Sequence[Failure]) -> Actions:
            if failures:
                return self._not_created(name, failures[0].error)
            scaled = Emit(self.deployment, "Normal", "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}")
            self.revision = annotations_of(rs)[REVISION]
            self._set_progressing("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
            return [*([scaled] if size else []), *self._write_status()]

        return [Parallel((Create(REPLICA_SETS, rs),), then=created)]

    def _set_progressing(self, status: str, reason: str, message: str) -> None:
        if progress.has_deadline(self.deployment):
            made = progress.condition(progress.PROGRESSING, status, reason, message, self.now)
            self.status = progress.with_condition(self.status, made)

    def _not_created(self, name: str, error: StatusError) -> Actions:
        if error.reason == "AlreadyExists" or namespace_terminating(error):
            return []
        message = f'Failed to create new replica set "{name}": {error}'
        self._set_progressing("False", "ReplicaSetCreateError", message)
        return [Emit(self.deployment, "Warning", "ReplicaSetCreateError", message), *self._write_status()]

    def _new_replica_set(self) -> Obj:
        deployment = self.deployment
        spec = deployment["spec"]
        template_hash = hash_of(spec["template"], self.status.get("collisionCount"))
        template = put(spec["template"], ("metadata", "labels", TEMPLATE_HASH_LABEL), template_hash)
        new_spec: dict[str, Any] = {
            "replicas": rollouts.new_size(deployment, self.all, 0),
            "selector": put(spec["selector"], ("matchLabels", TEMPLATE_HASH_LABEL), template_hash),
            "template": template,
        }
        if spec.get("minReadySeconds"):
            new_spec["minReadySeconds"] = spec["minReadySeconds"]
        rs: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name_of(deployment)}-{template_hash}",
                "namespace": namespace_of(deployment),
                "labels": template["metadata"]["labels"],
                "ownerReferences": [controller_ref(deployment)],
            },
            "spec": new_spec,
        }
        wanted = rollouts.replicas_of(deployment)
        return with_replicas(numbered(deployment, rs, max_revision(self.old) + 1), wanted, wanted + rollouts.max_surge(deployment))

    def _finish(self, rollout: bool) -> Actions:
        """What changed, as actions; `rollout`: with condition Progressing (syncRolloutStatus), else counts only (syncDeploymentStatus)."""
        actions: list[Action] = []
        for name, rs in self.sets.items():
            if rs is not self.before[name]:
                actions.append(Update(REPLICA_SETS, rs))
                actions += self.events.get(name, ())
        if self.clean:
            for rs in rollouts.expendable(self.deployment, self.old):
                actions.append(Delete.of(REPLICA_SETS, rs))
        before = self.status
        self.status = progress.counts(self.deployment, before, self.all, self.new, self.now)
        if rollout:
            self.status = progress.progress(self.deployment, before, self.status, self.new, self.now)
            self.status = progress.replica_failure(self.status, self.all, self.new)
        actions += self._write_status()
        wait = progress.deadline_in(self.deployment, self.status, self.now) if rollout else None
        return [*actions, RequeueAfter(wait)] if wait is not None else actions

    def _write_status(self) -> Actions:
        """The status with the revision annotation, which deploymentStatusStrategy lets through; nothing where both are as they were."""
        deployment = self.deployment
        changed = deployment
        if self.status != (deployment.get("status") or {}):
            changed = put(changed, ("status",), self.status)
        if self.revision is not None and self.revision != annotations_of(deployment).get(REVISION):
            changed = put(changed, ("metadata", "annotations", REVISION), self.revision)
        return [] if changed is deployment else [Update(RESOURCE, changed, "status")]


def _last_pod_gone(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """A Deployment of strategy Recreate goes on when an old pod is gone (deployment_controller.go deletePod)."""
    ref = controller_of(new) if kind == "DELETED" else None
    rs = read.get(REPLICA_SETS, namespace_of(new), ref["name"]) if ref is not None and ref["kind"] == "ReplicaSet" else None
    owner = controller_of(rs) if rs is not None else None
    if owner is None or owner["kind"] != "Deployment":
        return ()
    deployment = read.get(RESOURCE, namespace_of(new), owner["name"])
    return () if deployment is None or rollouts.is_rolling(deployment) else (Key(namespace_of(new), owner["name"]),)


CONTROLLER = Controller(
    name="deployment-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(
        Watch(REPLICA_SETS, owned_or_selected("apps", "Deployment", RESOURCE)),
        Watch("pods", _last_pod_gone),
    ),
)
