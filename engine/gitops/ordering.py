"""In which order objects are applied: waves, then Argo CD's order of kinds, CRDs right after namespaces (gitops-engine sync_tasks.go)."""

from engine.base.objects import Obj, annotations_of

KINDS = (
    "Namespace", "CustomResourceDefinition", "PriorityClass", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget",
    "ServiceAccount", "Secret", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "ClusterRole",
    "ClusterRoleBinding", "Role", "RoleBinding", "Service", "DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment",
    "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}

WAVE_ANNOTATIONS = ("ktui.dev/sync-wave", "argocd.argoproj.io/sync-wave")


def wave(obj: Obj) -> int:
    """The sync wave of an object, 0 where none is given.

    Raises:
        ValueError: the annotation is no whole number.
    """
    for name in WAVE_ANNOTATIONS:
        text = annotations_of(obj).get(name)
        if text is not None:
            try:
                return int(text)
            except ValueError:
                raise ValueError(f"annotation {name} must be a whole number, not {text!r}") from None
    return 0


def rank(kind: str) -> int:
    """The place of a kind; unknown kinds come last."""
    return _RANK.get(kind, len(KINDS))
