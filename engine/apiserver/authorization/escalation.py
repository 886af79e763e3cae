"""Nobody grants what he does not have (pkg/registry/rbac/{role,rolebinding}/policybased/storage.go, escalation_check.go).

An admission plugin that the server puts behind the others, as it needs the authorizer.
"""

from collections.abc import Sequence

from engine.apiserver.admission_chain import CREATE, UPDATE
from engine.apiserver.admission_chain import Attributes as Write
from engine.apiserver.admission_chain import Objects as Everything
from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.authorizer import MASTERS, Authorizer
from engine.apiserver.authorization.resolver import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GROUP, ROLE_BINDINGS, ROLES
from engine.apiserver.authorization.rules import EVERYTHING, described, quoted, uncovered
from engine.apiserver.patching.gotext import show_string
from engine.base.api import User
from engine.base.errors import forbidden
from engine.base.objects import Obj, name_of

AGGREGATION_REFUSED = "must have cluster-admin privileges to use an aggregationRule"


class EscalationCheck:
    """Holds writers of roles and bindings to the rights that they have."""

    name = "RBACEscalationCheck"
    operations = frozenset({CREATE, UPDATE})
    resources = frozenset({ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS})
    subresources = False

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, write: Write, objects: Everything) -> Obj:
        """The object as it is.

        Raises:
            StatusError: 403, it grants what its writer does not have; 404, a binding refers to no role.
        """
        if MASTERS in write.user.groups or _only_for_collection(write):
            return write.obj
        if write.kind.resource in (ROLES, CLUSTER_ROLES):
            self._check_role(write)
        else:
            self._check_binding(write)
        return write.obj

    def _check_role(self, write: Write) -> None:
        user, role = write.user, write.obj
        name = name_of(role)
        escalate = Attributes("escalate", GROUP, write.kind.plural, "", write.namespace, write.name)
        if self._authorizer.decide(user, escalate)[0]:
            return
        self._confirm(write, role.get("rules") or (), name)
        if role.get("aggregationRule") or (write.old or {}).get("aggregationRule"):
            owned, _ = self._authorizer.resolver.rules_for(user, "")
            if uncovered(owned, EVERYTHING):
                raise forbidden(write.kind.resource, name, AGGREGATION_REFUSED)

    def _check_binding(self, write: Write) -> None:
        ref = write.obj.get("roleRef") or {}
        plural = "clusterroles" if ref.get("kind") == "ClusterRole" else "roles"
        bind = Attributes("bind", ref.get("apiGroup") or "", plural, "", write.namespace, ref.get("name") or "")
        if self._authorizer.decide(write.user, bind)[0]:
            return
        self._confirm(write, self._authorizer.resolver.role_rules(ref, write.namespace), name_of(write.obj))

    def _confirm(self, write: Write, wanted: Sequence[Obj], name: str) -> None:
        """ConfirmNoEscalation."""
        owned, errors = self._authorizer.resolver.rules_for(write.user, write.namespace)
        missing = uncovered(owned, wanted)
        if missing:
            raise forbidden(write.kind.resource, name, _text(write.user, missing, errors))


def _only_for_collection(write: Write) -> bool:
    """Whether an update changes nothing but what garbage collection needs (IsOnlyMutatingGCFields)."""
    if write.old is None:
        return False
    return _without_references(write.obj) == _without_references(write.old)


def _without_references(obj: Obj) -> Obj:
    left = ("ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation", "selfLink")
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k not in left}}


def _text(user: User, missing: list[Obj], errors: list[str]) -> str:
    """What is missing, in upstream's words."""
    who = f"user {show_string(user.name)} (groups={quoted(user.groups)})"
    text = f"{who} is attempting to grant RBAC permissions not currently held:\n" + "\n".join(described(missing))
    return f"{text}; resolution errors: [{' '.join(errors)}]" if errors else text
