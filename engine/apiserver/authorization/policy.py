"""The roles and bindings that every cluster has (plugin/pkg/auth/authorizer/rbac/bootstrappolicy), written and kept up to date at start as
upstream's post-start hook does (pkg/registry/rbac/rest/storage_rbac.go)."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.apiserver.authorization.resolver import GROUP
from engine.apiserver.authorization.rules import uncovered
from engine.apiserver.context import Context
from engine.base.causes import Cause
from engine.base.objects import Obj
from engine.base.world import Ids
from engine.store.events import Put

TABLE = Path(__file__).with_name("policy.txt")
ACTOR = "kube-apiserver"
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_PREFIX = f"{GROUP}/"
_PLURALS = {
    "ClusterRole": f"clusterroles.{GROUP}",
    "Role": f"roles.{GROUP}",
    "ClusterRoleBinding": f"clusterrolebindings.{GROUP}",
    "RoleBinding": f"rolebindings.{GROUP}",
}


class Default(NamedTuple):
    """A role or binding as it should be: its resource, where it is, its labels beyond the usual one, and its content."""

    resource: str
    kind: str
    namespace: str
    name: str
    labels: dict[str, str]
    content: dict[str, Any]


@cache
def defaults() -> tuple[Default, ...]:
    """All of them, in the order of the table."""
    return tuple(_parsed(TABLE.read_text().splitlines()))


@cache
def node_rules() -> Sequence[Obj]:
    """The rules of nodes, whatever became of the stored role (bootstrappolicy.NodeRules)."""
    return next(d.content["rules"] for d in defaults() if d.name == "system:node" and d.kind == "ClusterRole")


def _parsed(lines: Sequence[str]) -> Iterator[Default]:
    rules: list[Obj] = []
    for line in lines:
        if line.startswith("  "):
            rules.append(_rule(line.split()))
        elif not line.startswith("#"):
            rules = []
            yield _default(line.split(), rules)


def _rule(words: list[str]) -> Obj:
    verbs, groups, *rest = words
    if groups == "url":
        return {"verbs": verbs.split(","), "nonResourceURLs": rest[0].split(",")}
    rule: dict[str, Any] = {"verbs": verbs.split(",")}
    rule["apiGroups"] = ["" if group == "-" else group for group in groups.split(",")]
    rule["resources"] = rest[0].split(",")
    if len(rest) > 1:
        rule["resourceNames"] = rest[1].split(",")
    return rule


def _default(words: list[str], rules: list[Obj]) -> Default:
    kind, where, *rest = words
    namespace, slash, name = where.partition("/")
    namespace, name = (namespace, name) if slash else ("", where)
    if kind.endswith("Binding"):
        return Default(_PLURALS[kind], kind, namespace, name, {}, _binding(kind, name, rest))
    labels = {_PREFIX + word: "true" for word in rest if "=" not in word}
    selectors = [{"matchLabels": {_PREFIX + word.removeprefix("aggregate="): "true"}} for word in rest if "=" in word]
    content: dict[str, Any] = {"rules": rules}
    if selectors:
        content = {"rules": None, "aggregationRule": {"clusterRoleSelectors": selectors}}
    return Default(_PLURALS[kind], kind, namespace, name, labels, content)


def _binding(kind: str, name: str, words: list[str]) -> dict[str, Any]:
    subjects = []
    for word in words:
        label, _, value = word.partition("=")
        if label == "role":
            name = value
        elif label == "ServiceAccount":
            namespace, _, account = value.partition("/")
            subjects.append({"kind": label, "name": account, "namespace": namespace})
        else:
            subjects.append({"kind": label, "apiGroup": GROUP, "name": value})
    ref = {"apiGroup": GROUP, "kind": kind.removesuffix("Binding"), "name": name}
    return {"subjects": subjects, "roleRef": ref} if subjects else {"roleRef": ref}


def write_defaults(ctx: Context) -> None:
    """Create the roles and bindings that are missing, in one commit, and give the others the rules and subjects that they lack, unless
    they are annotated not to be updated."""
    ids = Ids(ctx.world.rng.stream("bootstrap-policy"))
    time = ctx.time()
    owned: dict[tuple[str, ...], list[Obj]] = {}
    writes = []
    for default in defaults():
        stored = ctx.storage.store.get(default.resource, default.namespace, default.name)
        if stored is None:
            obj: Obj | None = _made(default, ids.uid(), time, owned)
        else:
            obj = _reconciled(stored, default)
        if obj is not None:
            expected = int(stored["metadata"]["resourceVersion"]) if stored else 0
            writes.append(Put(default.resource, default.namespace, default.name, obj, expected))
    if writes:
        ctx.storage.commit(writes, Cause(ACTOR))


def _made(default: Default, uid: str, time: str, owned: dict[tuple[str, ...], list[Obj]]) -> Obj:
    metadata: dict[str, Any] = {"name": default.name}
    if default.namespace:
        metadata["namespace"] = default.namespace
    metadata |= {"uid": uid, "resourceVersion": "", "creationTimestamp": time, "labels": {**LABELS, **default.labels}}
    metadata["annotations"] = {AUTO_UPDATE: "true"}
    filled = tuple(field for field, value in default.content.items() if value)
    key = (*filled, *default.labels)
    if key not in owned:
        owned[key] = [_entry(filled, default.labels, time)]
    metadata["managedFields"] = owned[key]
    return {"apiVersion": f"{GROUP}/v1", "kind": default.kind, "metadata": metadata, **default.content}


def _entry(filled: tuple[str, ...], labels: dict[str, str], time: str) -> Obj:
    """The managedFields of a default; those of one shape share it."""
    fields: dict[str, Any] = {
        "f:metadata": {
            "f:annotations": {".": {}, f"f:{AUTO_UPDATE}": {}},
            "f:labels": {".": {}, **{f"f:{label}": {} for label in (*LABELS, *labels)}},
        }
    }
    for field in filled:
        fields[f"f:{field}"] = {".": {}, "f:clusterRoleSelectors": {}} if field == "aggregationRule" else {}
    return {
        "manager": ACTOR,
        "operation": "Update",
        "apiVersion": f"{GROUP}/v1",
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": dict(sorted(fields.items())),
    }


def _reconciled(stored: Obj, default: Default) -> Obj | None:
    """The stored object with what it lacks (component-helpers/auth/rbac/reconciliation); None where that is nothing, or not wanted."""
    metadata = stored["metadata"]
    if (metadata.get("annotations") or {}).get(AUTO_UPDATE) != "true":
        return None
    changed: dict[str, Any] = {}
    labels = {**LABELS, **default.labels}
    have = metadata.get("labels") or {}
    if not labels.items() <= have.items():
        changed["metadata"] = {**metadata, "labels": {**have, **labels}}
    if "roleRef" in default.content:
        subjects = stored.get("subjects") or []
        missing = [s for s in default.content.get("subjects") or () if s not in subjects]
        if missing:
            changed["subjects"] = [*subjects, *missing]
    elif "aggregationRule" in default.content:
        if not stored.get("aggregationRule"):
            changed["aggregationRule"] = default.content["aggregationRule"]
    elif stored.get("rules") != default.content["rules"]:
        lacking = uncovered(stored.get("rules") or (), default.content["rules"])
        if lacking:
            changed["rules"] = [*(stored.get("rules") or ()), *lacking]
    return {**stored, **changed} if changed else None
