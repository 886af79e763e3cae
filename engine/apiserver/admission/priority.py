"""Priority: a pod's number from its priority class (plugin/pkg/admission/priority/admission.go)."""

from typing import Any

from engine.apiserver.admission_chain import CREATE, UPDATE, Attributes, Objects
from engine.base.errors import forbidden
from engine.base.objects import Obj, name_of
from engine.kinds.common.memo import Memo

CLASSES = "priorityclasses.scheduling.k8s.io"
DEFAULT_PRIORITY = 0
DEFAULT_POLICY = "PreemptLowerPriority"


class Priority:
    """Resolves `priorityClassName`; there is at most one class that is the default."""

    name = "Priority"
    operations = frozenset({CREATE, UPDATE})
    resources = frozenset({"pods", CLASSES})
    subresources = False

    def __init__(self) -> None:
        self._without_class: Memo[Obj] = Memo(lambda spec: {**spec, "priority": DEFAULT_PRIORITY, "preemptionPolicy": DEFAULT_POLICY})
        self._for_class: Memo[Memo[Obj]] = Memo(_given_class)

    def admit(self, write: Attributes, objects: Objects) -> Obj:
        """The pod with `priority` and `preemptionPolicy`.

        Raises:
            StatusError: 403, no such class, or the pod states other values than its class; a second default class.
        """
        if write.kind.resource == CLASSES:
            return self._class(write, objects)
        if write.operation == UPDATE:
            return write.obj
        pod, spec = write.obj, write.obj["spec"]
        chosen = _class_of(write, spec, objects)
        made = self._for_class(chosen)(spec) if chosen else self._without_class(spec)
        _check_given(write, spec, made)
        return {**pod, "spec": made}

    def _class(self, write: Attributes, objects: Objects) -> Obj:
        if write.obj.get("globalDefault"):
            for other in objects.list(CLASSES):
                if other.get("globalDefault") and name_of(other) != name_of(write.obj):
                    why = f"PriorityClass {name_of(other)} is already marked as default. Only one default can exist"
                    raise forbidden(CLASSES, write.name, why)
        return write.obj


def _class_of(write: Attributes, spec: Obj, objects: Objects) -> Obj | None:
    name = spec.get("priorityClassName")
    if not name:
        return next((c for c in objects.list(CLASSES) if c.get("globalDefault")), None)
    found = objects.get(CLASSES, "", name)
    if found is None:
        raise forbidden("pods", write.name, f"no PriorityClass with name {name} was found")
    return found


def _given_class(chosen: Obj) -> Memo[Obj]:
    """What a class does to a spec, remembered by the spec's identity."""
    values: dict[str, Any] = {
        "priorityClassName": name_of(chosen),
        "priority": chosen.get("value") or 0,
        "preemptionPolicy": chosen.get("preemptionPolicy") or DEFAULT_POLICY,
    }
    return Memo(lambda spec: {**spec, **values})


def _check_given(write: Attributes, spec: Obj, made: Obj) -> None:
    given, computed = spec.get("priority"), made["priority"]
    if given is not None and given != computed:
        why = (
            f"the integer value of priority ({given}) must not be provided in pod spec; "
            f"priority admission controller computed {computed} from the given PriorityClass name"
        )
        raise forbidden("pods", write.name, why)
    policy = spec.get("preemptionPolicy")
    if policy and policy != made["preemptionPolicy"]:
        why = (
            f"the string value of PreemptionPolicy ({policy}) must not be provided in pod spec; "
            f"priority admission controller computed {made['preemptionPolicy']} from the given PriorityClass name"
        )
        raise forbidden("pods", write.name, why)


PLUGIN = Priority()
