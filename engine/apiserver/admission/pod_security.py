"""PodSecurity: holds pods to the level that their namespace's labels name (k8s.io/pod-security-admission/admission/admission.go).

`enforce` refuses pods, `warn` warns of pods and of what makes them; `audit` has no place to go, as there is no audit log. Levels of older
versions (`enforce-version`) are those of this one.
"""

from collections.abc import Mapping

from engine.apiserver.admission_chain import CREATE, UPDATE, Attributes, Objects
from engine.apiserver.pod_security import PRIVILEGED, violations
from engine.base.errors import forbidden
from engine.base.objects import Obj, dig, labels_of, name_of

PREFIX = "pod-security.kubernetes.io/"
LEVELS = frozenset({PRIVILEGED, "baseline", "restricted"})

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "podtemplates": ("template",),
    "replicationcontrollers": ("spec", "template"),
    "replicasets.apps": ("spec", "template"),
    "deployments.apps": ("spec", "template"),
    "statefulsets.apps": ("spec", "template"),
    "daemonsets.apps": ("spec", "template"),
    "jobs.batch": ("spec", "template"),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
}


class PodSecurity:
    """Looks at new pods, pods whose spec changes, and templates of pods."""

    name = "PodSecurity"
    operations = frozenset({CREATE, UPDATE})
    resources = frozenset({"pods", *TEMPLATES})
    subresources = True

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The object as it is: this plugin only judges."""
        return write.obj

    def validate(self, write: Attributes, objects: Objects) -> None:
        """Hold a pod to its namespace's level; warn of what would violate the level of warnings.

        Raises:
            StatusError: 403, with all that is wrong.
        """
        if write.subresource not in ("", "ephemeralcontainers"):
            return
        namespace = objects.get("namespaces", "", write.namespace)
        labels = labels_of(namespace) if namespace is not None else {}
        if not any(label.startswith(PREFIX) for label in labels):
            return
        pod = _pod(write)
        if pod is None or (write.old is not None and write.old.get("spec") == write.obj.get("spec")):
            return
        if write.kind.resource == "pods":
            text = _violated(pod, labels, "enforce")
            if text:
                raise forbidden("pods", name_of(write.obj), f"violates {text}")
        text = _violated(pod, labels, "warn")
        if text:
            write.warnings.append(f"would violate {text}")


def _pod(write: Attributes) -> Obj | None:
    path = TEMPLATES.get(write.kind.resource)
    found: Obj | None = write.obj if path is None else dig(write.obj, *path)
    return found


def _violated(pod: Obj, labels: Mapping[str, str], mode: str) -> str:
    """`PodSecurity "restricted:latest": …`; a level that is none counts as the strictest, as upstream fails closed."""
    level = labels.get(PREFIX + mode)
    if level is None or level == PRIVILEGED:
        return ""
    level = level if level in LEVELS else "restricted"
    found = violations(pod, level)
    return f'PodSecurity "{level}:{labels.get(f"{PREFIX}{mode}-version") or "latest"}": {", ".join(found)}' if found else ""


PLUGIN = PodSecurity()
