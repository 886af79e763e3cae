"""The rules that a user has, found among the stored roles and bindings (pkg/registry/rbac/validation/rule.go)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.rules import allows, concerns
from engine.apiserver.patching.gotext import show_string
from engine.base.api import User
from engine.base.errors import StatusError, not_found
from engine.base.objects import Obj, name_of, namespace_of
from engine.store.events import Event, Listener

GROUP = "rbac.authorization.k8s.io"
ROLES, CLUSTER_ROLES = f"roles.{GROUP}", f"clusterroles.{GROUP}"
ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS = f"rolebindings.{GROUP}", f"clusterrolebindings.{GROUP}"

DECISIONS_MAX = 16_384
ACCOUNT_PREFIX = "system:serviceaccount:"


class Objects(Protocol):
    """What the resolver reads: the store."""

    def get(self, resource: str, namespace: str, name: str) -> Obj | None:
        """The object; None where there is none."""

    def list(self, resource: str, namespace: str = "") -> Sequence[Obj]:
        """All objects of a resource, in order."""

    def subscribe(self, resource: str, namespace: str, since: int, listener: Listener) -> object:
        """Call `listener` with every change from now on (`since` 0)."""


class Grant(NamedTuple):
    """A binding that concerns a user, and the subject by which it does."""

    binding: Obj
    subject: Obj


class Verdict(NamedTuple):
    """What a user's rules say of a verb on a resource: allowed for any name (with the reason), for some names, or not at all."""

    allowed: str
    names: dict[str, str]
    denied: str
    """Why the answer may be incomplete; empty where nothing went wrong."""


class RuleResolver:
    """Knows the bindings of each subject, and remembers verdicts until a role or a binding changes."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._by_subject: dict[tuple[str, str], list[Grant]] | None = None
        self._verdicts: dict[tuple[object, ...], Verdict] = {}
        for resource in (ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
            objects.subscribe(resource, "", 0, self._changed)

    def _changed(self, event: Event) -> None:
        if self._verdicts:
            self._verdicts.clear()
        if event.resource in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
            self._by_subject = None

    def allowed(self, user: User, attributes: Attributes) -> tuple[bool, str]:
        """Whether the user's roles allow it, and the reason."""
        key = (user.name, user.groups, *attributes[:5], attributes.path)
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= DECISIONS_MAX:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._decide(user, attributes)
        reason = verdict.allowed or verdict.names.get(attributes.name, "")
        return (True, reason) if reason else (False, verdict.denied)

    def _decide(self, user: User, attributes: Attributes) -> Verdict:
        names: dict[str, str] = {}
        missing: dict[str, None] = {}
        for grant in self.grants(user, attributes.namespace):
            try:
                rules = self.role_rules(grant.binding["roleRef"], namespace_of(grant.binding))
            except StatusError as error:
                missing[error.message] = None
                continue
            for rule in rules:
                if attributes.path:
                    if allows(rule, attributes):
                        return Verdict(_reason(grant), {}, "")
                elif concerns(rule, attributes):
                    only = rule.get("resourceNames")
                    if not only:
                        return Verdict(_reason(grant), {}, "")
                    names |= {name: _reason(grant) for name in only if name and name not in names}
        texts = [*missing]
        denied = "" if not texts else f"RBAC: {texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}"
        return Verdict("", names, denied)

    def rules_for(self, user: User, namespace: str) -> tuple[list[Obj], list[str]]:
        """All rules that a user has in a namespace (empty: in the cluster), and what kept others from being found."""
        rules: list[Obj] = []
        errors: list[str] = []
        for grant in self.grants(user, namespace):
            try:
                rules += self.role_rules(grant.binding["roleRef"], namespace_of(grant.binding))
            except StatusError as error:
                errors.append(error.message)
        return rules, errors

    def role_rules(self, ref: Obj, namespace: str) -> Sequence[Obj]:
        """The rules of the role that a binding in `namespace` refers to.

        Raises:
            StatusError: 404, there is no such role.
        """
        in_cluster = ref.get("kind") == "ClusterRole"
        resource, where = (CLUSTER_ROLES, "") if in_cluster else (ROLES, namespace)
        role = self._objects.get(resource, where, ref.get("name") or "")
        if role is None:
            raise not_found(resource.replace("roles", "role", 1), ref.get("name") or "")
        return role.get("rules") or ()

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """The bindings that concern a user: those of the cluster, then those of the namespace."""
        index = self._by_subject
        if index is None:
            index = self._by_subject = self._index()
        subjects = [("User", user.name), *(("Group", group) for group in user.groups)]
        found = [grant for subject in subjects for grant in index.get(subject, ())]
        yield from (grant for grant in found if not namespace_of(grant.binding))
        if namespace:
            yield from (grant for grant in found if namespace_of(grant.binding) == namespace)

    def _index(self) -> dict[tuple[str, str], list[Grant]]:
        index: dict[tuple[str, str], list[Grant]] = {}
        for resource in (CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS):
            for binding in self._objects.list(resource):
                for subject in binding.get("subjects") or ():
                    index.setdefault(_identity(subject, namespace_of(binding)), []).append(Grant(binding, subject))
        return index


def _identity(subject: Obj, namespace: str) -> tuple[str, str]:
    """The user or group that a subject is; an account without a namespace is of its binding's."""
    kind, name = subject.get("kind") or "", subject.get("name") or ""
    if kind == "ServiceAccount":
        return "User", f"{ACCOUNT_PREFIX}{subject.get('namespace') or namespace}:{name}"
    return kind, name


def _reason(grant: Grant) -> str:
    """clusterRoleBindingDescriber and roleBindingDescriber."""
    binding, ref, subject = grant.binding, grant.binding["roleRef"], grant.subject
    namespace, name = namespace_of(binding), name_of(binding)
    shown = f"RoleBinding {show_string(f'{name}/{namespace}')}" if namespace else f"ClusterRoleBinding {show_string(name)}"
    who = subject.get("name") or ""
    if subject.get("kind") == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or namespace}"
    return f"RBAC: allowed by {shown} of {ref.get('kind')} {show_string(ref.get('name') or '')} to {subject.get('kind')} {show_string(who)}"
