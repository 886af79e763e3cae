"""Whether an object does what it is for, by Argo CD's rules (gitops-engine/pkg/health)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from engine.base.conditions import condition_of, is_true
from engine.base.objects import Obj, dig, is_terminating

HEALTHY, PROGRESSING, DEGRADED, SUSPENDED, MISSING = "Healthy", "Progressing", "Degraded", "Suspended", "Missing"


class Health(NamedTuple):
    """A verdict and what is waited for or wrong."""

    status: str
    message: str = ""


GOOD = Health(HEALTHY)


def health_of(obj: Obj | None) -> Health:
    """The health of a live object; None where it does not exist. Kinds without a rule are healthy by being there."""
    if obj is None:
        return Health(MISSING, "does not exist")
    if is_terminating(obj):
        return Health(PROGRESSING, "is being deleted")
    group = obj["apiVersion"].rpartition("/")[0]
    rule = RULES.get((group, obj["kind"]))
    return rule(obj) if rule else GOOD


def _number(obj: Obj, *path: str, default: int = 0) -> int:
    found: int = dig(obj, *path, default=default)
    return found


def _unobserved(obj: Obj) -> bool:
    return _number(obj, "metadata", "generation") > _number(obj, "status", "observedGeneration")


def _deployment(obj: Obj) -> Health:
    if dig(obj, "spec", "paused"):
        return Health(SUSPENDED, "paused")
    if _unobserved(obj):
        return Health(PROGRESSING, "waiting for the rollout to be observed")
    progressing = condition_of(obj, "Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Health(DEGRADED, progressing.get("message") or "exceeded its progress deadline")
    wanted, updated = _number(obj, "spec", "replicas", default=1), _number(obj, "status", "updatedReplicas")
    if updated < wanted:
        return Health(PROGRESSING, f"{updated} of {wanted} replicas updated")
    old = _number(obj, "status", "replicas") - updated
    if old > 0:
        return Health(PROGRESSING, f"{old} old replicas are still there")
    available = _number(obj, "status", "availableReplicas")
    return Health(PROGRESSING, f"{available} of {updated} replicas available") if available < updated else GOOD


def _replica_set(obj: Obj) -> Health:
    if _unobserved(obj):
        return Health(PROGRESSING, "waiting to be observed")
    failure = condition_of(obj, "ReplicaFailure") or {}
    if failure.get("status") == "True":
        return Health(DEGRADED, failure.get("message") or "cannot create pods")
    available, wanted = _number(obj, "status", "availableReplicas"), _number(obj, "spec", "replicas", default=1)
    return Health(PROGRESSING, f"{available} of {wanted} replicas available") if available < wanted else GOOD


def _stateful_set(obj: Obj) -> Health:
    if not _number(obj, "status", "observedGeneration") or _unobserved(obj):
        return Health(PROGRESSING, "waiting to be observed")
    wanted, ready = _number(obj, "spec", "replicas", default=1), _number(obj, "status", "readyReplicas")
    if ready < wanted:
        return Health(PROGRESSING, f"{ready} of {wanted} replicas ready")
    strategy = dig(obj, "spec", "updateStrategy", default={})
    if strategy.get("type") == "OnDelete":
        return GOOD
    partition = _number(strategy, "rollingUpdate", "partition")
    updated = _number(obj, "status", "updatedReplicas")
    if partition:
        due = wanted - partition
        return Health(PROGRESSING, f"{updated} of {due} replicas updated") if updated < due else GOOD
    if dig(obj, "status", "updateRevision") != dig(obj, "status", "currentRevision"):
        return Health(PROGRESSING, f"{updated} of {wanted} replicas updated")
    return GOOD


def _daemon_set(obj: Obj) -> Health:
    if _unobserved(obj):
        return Health(PROGRESSING, "waiting to be observed")
    if dig(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return GOOD
    wanted, updated = _number(obj, "status", "desiredNumberScheduled"), _number(obj, "status", "updatedNumberScheduled")
    if updated < wanted:
        return Health(PROGRESSING, f"{updated} of {wanted} pods updated")
    available = _number(obj, "status", "numberAvailable")
    return Health(PROGRESSING, f"{available} of {wanted} pods available") if available < wanted else GOOD


def _job(obj: Obj) -> Health:
    failed = condition_of(obj, "Failed") or {}
    if failed.get("status") == "True":
        return Health(DEGRADED, failed.get("message") or "failed")
    if is_true(obj, "Complete"):
        return GOOD
    if is_true(obj, "Suspended"):
        return Health(SUSPENDED, "suspended")
    return Health(PROGRESSING, "running")


def _pod(obj: Obj) -> Health:
    phase = dig(obj, "status", "phase", default="Pending")
    policy = dig(obj, "spec", "restartPolicy", default="Always")
    statuses = [*dig(obj, "status", "initContainerStatuses", default=[]), *dig(obj, "status", "containerStatuses", default=[])]
    if policy == "Always":
        for status in statuses:
            waiting = dig(status, "state", "waiting", default={})
            reason = waiting.get("reason") or ""
            if reason.startswith("Err") or reason.endswith(("Error", "BackOff")):
                return Health(DEGRADED, f"{status['name']}: {reason}: {waiting.get('message') or ''}".rstrip(": "))
    if phase == "Succeeded":
        return GOOD
    if phase == "Failed":
        return Health(DEGRADED, dig(obj, "status", "message") or dig(obj, "status", "reason") or "failed")
    if phase == "Pending":
        unscheduled = condition_of(obj, "PodScheduled") or {}
        waiting_for = unscheduled.get("message") if unscheduled.get("status") == "False" else ""
        return Health(PROGRESSING, waiting_for or "pending")
    if policy != "Always":
        return Health(PROGRESSING, "running")
    if is_true(obj, "Ready"):
        return GOOD
    crashed = next((s for s in statuses if dig(s, "lastState", "terminated")), None)
    if crashed is not None:
        return Health(DEGRADED, f"{crashed['name']} ended with exit code {dig(crashed, 'lastState', 'terminated', 'exitCode')}")
    return Health(PROGRESSING, "not ready")


def _claim(obj: Obj) -> Health:
    phase = dig(obj, "status", "phase", default="Pending")
    return {"Bound": GOOD, "Lost": Health(DEGRADED, "its volume is lost")}.get(phase, Health(PROGRESSING, "not bound"))


def _service(obj: Obj) -> Health:
    if dig(obj, "spec", "type") != "LoadBalancer" or dig(obj, "status", "loadBalancer", "ingress"):
        return GOOD
    return Health(PROGRESSING, "waiting for the load balancer's address")


def _ingress(obj: Obj) -> Health:
    return GOOD if dig(obj, "status", "loadBalancer", "ingress") else Health(PROGRESSING, "waiting for an address")


def _autoscaler(obj: Obj) -> Health:
    for condition in dig(obj, "status", "conditions", default=[]):
        reason = condition.get("reason") or ""
        if condition.get("status") == "False" and (reason.startswith("FailedGet") or reason in ("FailedUpdateScale", "InvalidSelector")):
            return Health(DEGRADED, condition.get("message") or reason)
    if is_true(obj, "AbleToScale") or is_true(obj, "ScalingLimited"):
        return GOOD
    return Health(PROGRESSING, "waiting to autoscale")


RULES: Mapping[tuple[str, str], Callable[[Obj], Health]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("networking.k8s.io", "Ingress"): _ingress,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
}
