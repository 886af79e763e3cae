"""Finished Jobs are deleted ttlSecondsAfterFinished later (pkg/controller/ttlafterfinished/ttlafterfinished_controller.go)."""

from engine.base.clock import parse_time
from engine.base.objects import Obj, is_terminating, uid_of
from engine.control.actions import Actions, Check, Delete, Key, RequeueAfter
from engine.control.controller import Controller
from engine.control.read import Read

RESOURCE = "jobs.batch"


def finished_at(job: Obj) -> float | None:
    """When the Job became Complete or Failed; None while it is neither."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return parse_time(condition["lastTransitionTime"])
    return None


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Delete the Job with its pods when its time has come, else come back then."""
    job = read.get(RESOURCE, key.namespace, key.name)
    ttl_s = job["spec"].get("ttlSecondsAfterFinished") if job is not None else None
    ended = finished_at(job) if job is not None and ttl_s is not None else None
    if job is None or ttl_s is None or ended is None or is_terminating(job):
        return []
    left = ended + float(ttl_s) - now
    if left > 0:
        return [RequeueAfter(left)]
    uid, version = uid_of(job), job["metadata"].get("resourceVersion") or ""
    check = Check(RESOURCE, key.namespace, key.name, uid)
    return [check, Delete(RESOURCE, key.namespace, key.name, uid, propagation="Foreground", resource_version=version)]


CONTROLLER = Controller(name="ttl-after-finished-controller", resource=RESOURCE, reconcile=reconcile)
