"""A volume that is being deleted goes when it is not bound any more (pkg/controller/volume/pvprotection)."""

from engine.base.objects import is_terminating
from engine.control.actions import Actions, Key
from engine.control.controller import Controller
from engine.control.finalizers import added, removed
from engine.control.read import Read
from engine.control.volumes import VOLUMES

FINALIZER = "kubernetes.io/pv-protection"


def reconcile(key: Key, read: Read, now: float) -> Actions:
    """Take the finalizer from a terminating volume that is not bound; put it on one that has none."""
    volume = read.get(VOLUMES, "", key.name)
    if volume is None:
        return []
    if not is_terminating(volume):
        return [*added(VOLUMES, volume, FINALIZER)]
    return [] if (volume.get("status") or {}).get("phase") == "Bound" else [*removed(VOLUMES, volume, FINALIZER)]


CONTROLLER = Controller(name="persistentvolume-protection-controller", resource=VOLUMES, reconcile=reconcile)
