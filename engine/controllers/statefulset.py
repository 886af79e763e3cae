"""StatefulSets: pods with identities, one after another, each with its volumes (pkg/controller/statefulset/stateful_set_control.go)."""

from collections.abc import Iterable, Sequence
from typing import Any

from engine.base.int_or_percent import resolve
from engine.base.objects import Obj, is_terminating, labels_of, name_of, namespace_of, put, uid_of
from engine.control import history
from engine.control.actions import Action, Actions, Create, Delete, Emit, Failure, Key, Parallel, RequeueAfter, Update
from engine.control.batches import settling, succeeded
from engine.control.controller import Controller, Watch, owned_by, owned_or_selected
from engine.control.pods import available_in, is_ready, phase_of
from engine.control.read import Read
from engine.control.refs import claim
from engine.control.selection import selector_of
from engine.control.stateful_claims import being_deleted, claims_of, is_stale, new_claim, reowned
from engine.control.stateful_pods import REVISION_LABEL, claim_templates, conformed, conforms, new_pod, ordinal_of, start_of

RESOURCE = "statefulsets.apps"
CLAIMS = "persistentvolumeclaims"
HASH_LABEL = "controller.kubernetes.io/hash"
DONE = {"Create": "SuccessfulCreate", "Delete": "SuccessfulDelete", "Update": "SuccessfulUpdate"}
FAILED = {"Create": "FailedCreate", "Delete": "FailedDelete", "Update": "FailedUpdate"}


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Bring pods and claims a step closer to what the StatefulSet asks for, and write the status (UpdateStatefulSet)."""
    stateful_set = read.get(RESOURCE, key.namespace, key.name)
    if stateful_set is None:
        return []
    selector, uid, name = selector_of(stateful_set), uid_of(stateful_set), name_of(stateful_set)
    revisions = read[history.RESOURCE]
    known = [*revisions.owned_by(uid), *revisions.orphans(key.namespace)]
    of_revisions = claim(stateful_set, RESOURCE, selector, history.RESOURCE, known)
    orphans = [pod for pod in read["pods"].orphans(key.namespace) if ordinal_of(name, pod) >= 0]
    of_pods = claim(stateful_set, RESOURCE, selector, "pods", [*read["pods"].owned_by(uid), *orphans])
    sync = _Sync(stateful_set, read, now, history.oldest_first(of_revisions.objects), of_pods.objects)
    return [*of_revisions.actions, *of_pods.actions, *sync.run()]


class _Replica:
    """A pod of the StatefulSet as far as it decides anything; `pod` is None while an ordinal has none."""

    __slots__ = ("available", "available_in", "created", "ended", "name", "ordinal", "pod", "ready", "revision", "terminating")

    def __init__(self, ordinal: int, name: str, pod: Obj | None, revision: str, wait: float | None) -> None:
        self.ordinal, self.name, self.pod, self.revision = ordinal, name, pod, revision
        self.available_in = wait
        self.ready, self.available = wait is not None, wait == 0.0
        phase = phase_of(pod) if pod is not None else ""
        self.created = bool(phase)
        self.ended = phase in ("Failed", "Succeeded")
        self.terminating = pod is not None and bool(pod["metadata"].get("deletionTimestamp"))

    @property
    def unavailable(self) -> bool:
        """isUnavailable."""
        return not self.available or self.terminating


def _replica(pod: Obj, ordinal: int, min_ready_s: int, now: float) -> _Replica:
    running = phase_of(pod) == "Running" and is_ready(pod)
    wait = available_in(pod, min_ready_s, now) if running else None
    return _Replica(ordinal, name_of(pod), pod, labels_of(pod).get(REVISION_LABEL) or "", wait)


class _Sync:
    """One reconcile. `revisions` and `pods` are those that belong to the StatefulSet."""

    def __init__(self, stateful_set: Obj, read: Read, now: float, revisions: list[Obj], pods: Sequence[Obj]) -> None:
        self.set = stateful_set
        self.spec = stateful_set["spec"]
        self.read = read
        self.revisions = revisions
        self.actions: list[Action] = []
        self.collisions = int((stateful_set.get("status") or {}).get("collisionCount") or 0)
        self.update = self._update_revision()
        current = (stateful_set.get("status") or {}).get("currentRevision")
        self.current = next((r for r in revisions if name_of(r) == current), self.update)
        self.monotonic = self.spec.get("podManagementPolicy") != "Parallel"
        self.replicas, self.condemned = self._partitioned(pods, now)
        self.fewer = 0

    def _update_revision(self) -> Obj:
        """The revision of the current template: the newest, an older one made the newest, or a new one (getStatefulSetRevisions)."""
        template = self.spec["template"]
        number = history.number_of(self.revisions[-1]) + 1 if self.revisions else 1
        equal = [r for r in self.revisions if history.keeps(r, template)]
        if equal and equal[-1] is self.revisions[-1]:
            return equal[-1]
        if equal:
            rolled_back = {**equal[-1], "revision": number}
            self.actions.append(Update(history.RESOURCE, rolled_back))
            return rolled_back
        template_hash, collisions = history.free_hash(self.set, self.collisions, self.read)
        self.collisions = collisions or 0
        made = history.new_revision(self.set, number, HASH_LABEL, template_hash)
        self.actions.append(Create(history.RESOURCE, made))
        return made

    def _partitioned(self, pods: Sequence[Obj], now: float) -> tuple[list[_Replica], list[_Replica]]:
        """Replicas by ordinal, those without a pod as well, and condemned ones, the highest ordinal first."""
        name, start, wanted = name_of(self.set), start_of(self.set), int(self.spec.get("replicas", 1))
        min_ready_s = self.spec.get("minReadySeconds") or 0
        found: dict[int, _Replica] = {}
        for pod in pods:
            ordinal = ordinal_of(name, pod)
            if ordinal >= 0:
                found[ordinal] = _replica(pod, ordinal, min_ready_s, now)
        replicas = []
        for ordinal in range(start, start + wanted):
            known = found.pop(ordinal, None)
            replicas.append(known or _Replica(ordinal, f"{name}-{ordinal}", None, name_of(self._revision_for(ordinal)), None))
        return replicas, [found[ordinal] for ordinal in sorted(found, reverse=True)]

    def _revision_for(self, ordinal: int) -> Obj:
        """Which revision a new pod gets (isCurrentRevisionNeeded): below the partition the current one."""
        strategy = self.spec.get("updateStrategy") or {}
        if strategy.get("type") != "RollingUpdate":
            return self.update
        rolling = strategy.get("rollingUpdate")
        kept = (self.set.get("status") or {}).get("currentReplicas") if rolling is None else rolling.get("partition")
        return self.current if ordinal < start_of(self.set) + int(kept or 0) else self.update

    def run(self) -> Actions:
        """The actions: revision, claims and pods, status, revisions that are too many."""
        if not is_terminating(self.set):
            if self.monotonic:
                self._in_order()
            else:
                self._all_at_once()
        self._write_status()
        self._truncate()
        waits = [r.available_in for r in self.replicas if r.available_in]
        return [*self.actions, RequeueAfter(min(waits))] if waits else self.actions

    def _in_order(self) -> None:
        """OrderedReady: the first replica that is not as it should be is all that is worked on."""
        for replica in self.replicas:
            if replica.ended:
                self._delete([] if replica.terminating else [replica])
                return
            if replica.pod is None:
                self._create([replica])
                return
            self._provide_claims([replica])
            if replica.unavailable:
                return
            self._conform([replica])
        self._retain(self.condemned)
        first = self._first_unavailable()
        for replica in self.condemned:
            if replica.terminating or (not replica.available and replica is not first):
                return
            self._delete([replica])
            return
        self._roll()

    def _all_at_once(self) -> None:
        """Parallel: scaling and replacement wait for nothing."""
        self._delete([r for r in self.replicas if r.ended and not r.terminating])
        living = [r for r in self.replicas if not r.ended]
        self._create([r for r in living if r.pod is None])
        there = [r for r in living if r.pod is not None]
        self._provide_claims(there)
        self._conform(there)
        self._retain(self.condemned)
        self._delete([r for r in self.condemned if not r.terminating])
        if not any(r.ended for r in self.replicas):
            self._roll()

    def _first_unavailable(self) -> _Replica | None:
        return next((r for r in [*self.replicas, *reversed(self.condemned)] if r.unavailable), None)

    def _roll(self) -> None:
        """Replace pods of another revision, from the highest ordinal down to the partition."""
        strategy = self.spec.get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        rolling = strategy.get("rollingUpdate") or {}
        partition, limit = int(rolling.get("partition") or 0), rolling.get("maxUnavailable")
        targets = list(reversed(self.replicas[partition:]))
        update = name_of(self.update)
        if limit is None:
            doomed = next((r for r in targets if r.unavailable or r.revision != update), None)
            outdated = [doomed] if doomed is not None and doomed.revision != update else []
        else:
            allowed = max(1, resolve(limit, len(self.replicas), up=False)) - sum(r.unavailable for r in self.replicas)
            outdated = [r for r in targets if r.revision != update and not r.terminating][: max(0, allowed)]
        doomed_now = [r for r in outdated if r.pod is not None and not r.terminating]
        self._delete(doomed_now)
        self.fewer = len(doomed_now)

    def _event(self, verb: str, subject: str, error: object = None) -> Emit:
        """recordPodEvent, recordClaimEvent; `subject` is `Pod x` or `Claim c Pod x`."""
        text = f"{verb} {subject} in StatefulSet {name_of(self.set)}"
        if error is not None:
            return Emit(self.set, "Warning", FAILED[verb], f"{text} failed error: {error}")
        return Emit(self.set, "Normal", DONE[verb], f"{text} {'success' if subject.startswith('Claim') else 'successful'}")

    def _recorded(self, verb: str, actions: Sequence[Any], subjects: dict[int, str], slow_start: bool = True) -> Parallel:
        """Actions in a batch with an event each; `subjects` by id of the action."""

        def recorded(failures: Sequence[Failure]) -> Actions:
            done = succeeded(actions, failures, slow_start)
            told = [f for f in failures if f.error.reason != "AlreadyExists"]
            return [
                *(self._event(verb, subjects[id(action)]) for action in done),
                *(self._event(verb, _named(subjects[id(f.action)]), f.error) for f in told),
            ]

        return Parallel(tuple(actions), slow_start=slow_start, then=recorded)

    def _delete(self, replicas: Sequence[_Replica]) -> None:
        subjects, deletes = {}, []
        for replica in replicas:
            pod = replica.pod or {}
            deletes.append(Delete("pods", namespace_of(pod), replica.name, uid_of(pod)))
            subjects[id(deletes[-1])] = f"Pod {replica.name}"
        if deletes:
            self.actions.append(self._recorded("Delete", deletes, subjects, slow_start=False))

    def _create(self, replicas: Sequence[_Replica]) -> None:
        """Claims that are missing, then the pods whose claims are there (CreateStatefulPod)."""
        ready: list[_Replica] = []
        for replica in replicas:
            gone = being_deleted(self.set, replica.ordinal, self.read)
            if is_stale(self.set, replica.ordinal, self.read):
                continue
            if gone is not None:
                self.actions.append(self._event("Create", f"Pod {replica.name}", f"pvc {gone} is being deleted"))
                continue
            ready.append(replica)
        if not ready:
            return
        templates = {name_of(r): history.template_of(r) for r in (self.current, self.update)}
        if history.keeps(self.update, self.spec["template"]):
            templates[name_of(self.update)] = self.spec["template"]
        pods = {r.name: Create("pods", new_pod(self.set, templates[r.revision], r.revision, r.ordinal)) for r in ready}
        subjects = {id(action): f"Pod {name}" for name, action in pods.items()}
        claims, claim_subjects, pod_of = self._missing_claims(ready)
        if not claims:
            self.actions.append(self._recorded("Create", list(pods.values()), subjects))
            return
        recorded = self._recorded("Create", claims, claim_subjects)

        def with_claims(failures: Sequence[Failure]) -> Actions:
            there = {id(action) for action in succeeded(claims, failures)}
            lacking = {pod_of[id(action)] for action in claims if id(action) not in there}
            told = [
                self._event("Create", f"Pod {pod_of[id(f.action)]}", f"failed to create PVC {name_of(f.action.obj)}: {f.error}")
                for f in failures
                if isinstance(f.action, Create)
            ]
            left = [action for name, action in pods.items() if name not in lacking]
            events = recorded.then(failures) if recorded.then is not None else []
            return [*events, *told, *([self._recorded("Create", left, subjects)] if left else [])]

        self.actions.append(Parallel(tuple(claims), then=with_claims))

    def _missing_claims(self, replicas: Sequence[_Replica]) -> tuple[list[Create], dict[int, str], dict[int, str]]:
        """Creations of claims, with the subject of their event and their pod by id."""
        claims: list[Create] = []
        subjects: dict[int, str] = {}
        pods: dict[int, str] = {}
        for replica in replicas:
            for template, name, known in claims_of(self.set, replica.ordinal, self.read):
                if known is None:
                    claims.append(Create(CLAIMS, new_claim(self.set, template, name, replica.ordinal)))
                    subjects[id(claims[-1])] = f"Claim {name} Pod {replica.name}"
                    pods[id(claims[-1])] = replica.name
        return claims, subjects, pods

    def _provide_claims(self, replicas: Sequence[_Replica]) -> None:
        """Claims that somebody deleted under a pending pod (createMissingPersistentVolumeClaims)."""
        if claim_templates(self.set):
            claims, subjects, _ = self._missing_claims([r for r in replicas if phase_of(r.pod or {}) == "Pending"])
            if claims:
                self.actions.append(self._recorded("Create", claims, subjects))

    def _conform(self, replicas: Sequence[_Replica]) -> None:
        """Identity, volumes and retention of claims (UpdateStatefulPod)."""
        updates, subjects = [], {}
        for replica in replicas:
            if replica.pod is not None and not conforms(self.set, replica.pod, replica.ordinal):
                updates.append(Update("pods", conformed(self.set, replica.pod, replica.ordinal)))
                subjects[id(updates[-1])] = f"Pod {replica.name}"
        if updates:
            self.actions.append(self._recorded("Update", updates, subjects))
        self._retain(replicas)

    def _retain(self, replicas: Sequence[_Replica]) -> None:
        if claim_templates(self.set):
            for replica in replicas:
                if replica.pod is not None:
                    changed = reowned(self.set, replica.pod, replica.ordinal, self.read)
                    self.actions += [Update(CLAIMS, claim) for claim in changed]

    def _write_status(self) -> None:
        """updateStatus, completeRollingUpdate; conditions are not kept, as upstream."""
        both = [*self.replicas, *self.condemned]
        current, update = name_of(self.current), name_of(self.update)
        living = [r for r in both if r.created and not r.terminating]
        counts = {
            "replicas": sum(r.created for r in both),
            "readyReplicas": sum(r.ready for r in both),
            "currentReplicas": sum(r.revision == current for r in living) - self.fewer,
            "updatedReplicas": sum(r.revision == update for r in living),
            "availableReplicas": sum(r.available for r in both),
        }
        wanted = len(self.replicas)
        rolling = (self.spec.get("updateStrategy") or {}).get("type") == "RollingUpdate"
        if rolling and counts["updatedReplicas"] == counts["replicas"] == counts["readyReplicas"] == wanted:
            counts["currentReplicas"], current = counts["updatedReplicas"], update
        status: dict[str, Any] = {k: v for k, v in counts.items() if v or k in ("replicas", "availableReplicas")}
        status["observedGeneration"] = self.set["metadata"].get("generation", 0)
        status.update(currentRevision=current, updateRevision=update, collisionCount=self.collisions)
        if status != self.set.get("status"):
            self.actions.append(Update(RESOURCE, put(self.set, ("status",), status), "status"))

    def _truncate(self) -> None:
        """Delete revisions that nothing uses beyond revisionHistoryLimit, the oldest first (truncateHistory)."""
        live = {name_of(self.current), name_of(self.update), *(r.revision for r in [*self.replicas, *self.condemned])}
        old = [r for r in self.revisions if name_of(r) not in live]
        limit = self.spec.get("revisionHistoryLimit")
        surplus = len(old) - (10 if limit is None else int(limit))
        for revision in old[: max(0, surplus)]:
            self.actions.append(Delete.of(history.RESOURCE, revision))


def _named(subject: str) -> str:
    """`Claim c for Pod x` in events of failures."""
    return subject.replace(" Pod ", " for Pod ") if subject.startswith("Claim") else subject


def _claim_gone(kind: str, old: Obj | None, new: Obj, read: Read) -> Iterable[Key]:
    """A claim that is gone may be what a pod waits for."""
    if kind != "DELETED":
        return
    for candidate in read[RESOURCE].list(namespace_of(new)):
        if any(name_of(new).startswith(f"{name_of(t)}-{name_of(candidate)}-") for t in claim_templates(candidate)):
            yield Key(namespace_of(candidate), name_of(candidate))


CONTROLLER = Controller(
    name="statefulset-controller",
    resource=RESOURCE,
    reconcile=reconcile,
    watches=(
        Watch(
            "pods",
            owned_or_selected("apps", "StatefulSet", RESOURCE),
            settling(RESOURCE, lambda obj, read: obj["spec"].get("replicas") or 0),
        ),
        Watch(CLAIMS, _claim_gone),
        Watch(history.RESOURCE, owned_by("apps", "StatefulSet")),
    ),
)
