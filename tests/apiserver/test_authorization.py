"""Who may do what, as whom, and who is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.apiserver.authorization.attributes import Attributes
from engine.apiserver.authorization.policy import defaults, write_defaults
from engine.apiserver.authorization.rules import EVERYTHING, allows, described, uncovered
from engine.base.api import JSON, PARTIAL, TABLE, Client, Request, Response, User
from engine.base.objects import Obj
from tests.apiserver.servers import ReadOnly, Rig, refused, serving

GROUP = "rbac.authorization.k8s.io"
ROLES, BINDINGS, CLUSTER_ROLES, CLUSTER_BINDINGS = (
    f"{plural}.{GROUP}" for plural in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
)
JANE = User("jane", ("devs", "system:authenticated"))


def rule(verbs: str, groups: str, resources: str, *names: str) -> Obj:
    made: dict[str, Any] = {"verbs": verbs.split(","), "apiGroups": groups.split(","), "resources": resources.split(",")}
    return {**made, "resourceNames": list(names)} if names else made


def urls(verbs: str, *patterns: str) -> Obj:
    return {"verbs": verbs.split(","), "nonResourceURLs": list(patterns)}


async def grant(rig: Rig, *rules: Obj, namespace: str = "shop", subject: Obj | None = None, name: str = "r") -> None:
    """Give jane, or a subject, rules in a namespace, or in the cluster where it is empty."""
    role = {"metadata": {"name": name}, "rules": list(rules)}
    who = subject or {"kind": "User", "name": "jane", "apiGroup": GROUP}
    kind = "Role" if namespace else "ClusterRole"
    binding = {"metadata": {"name": name}, "subjects": [who], "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}}
    await rig.client.create(ROLES if namespace else CLUSTER_ROLES, role, namespace)
    await rig.client.create(BINDINGS if namespace else CLUSTER_BINDINGS, binding, namespace)


def as_user(rig: Rig, user: User = JANE) -> Client:
    return Client(ReadOnly(rig.server), "test", user)


GET_PODS = Attributes("get", "", "pods", "", "shop", "a")


@pytest.mark.parametrize(
    ("given_rule", "asked", "expected"),
    [
        (rule("get", "", "pods"), GET_PODS, True),
        (rule("list", "", "pods"), GET_PODS, False),
        (rule("*", "*", "*"), GET_PODS, True),
        (rule("get", "apps", "pods"), GET_PODS, False),
        (rule("get", "", "pods", "a"), GET_PODS, True),
        (rule("get", "", "pods", "b"), GET_PODS, False),
        (rule("list", "", "pods", "a"), Attributes("list", "", "pods", "", "shop", ""), False),
        (rule("get", "", "pods"), GET_PODS._replace(subresource="log"), False),
        (rule("get", "", "pods/log"), GET_PODS._replace(subresource="log"), True),
        (rule("get", "", "pods/log"), GET_PODS, False),
        (rule("get", "", "*/log"), GET_PODS._replace(subresource="log"), True),
        (rule("get", "", "*/log"), GET_PODS, False),
        (rule("get", "", "*"), GET_PODS._replace(subresource="log"), True),
        (urls("get", "/healthz"), Attributes("get", path="/healthz"), True),
        (urls("get", "/healthz/*"), Attributes("get", path="/healthz/ping"), True),
        (urls("get", "/healthz/*"), Attributes("get", path="/healthz"), False),
        (urls("get", "*"), Attributes("get", path="/metrics"), True),
        (urls("post", "*"), Attributes("get", path="/metrics"), False),
        (rule("*", "*", "*"), Attributes("get", path="/metrics"), False),
        (urls("*", "*"), GET_PODS, False),
    ],
)
def test_rules_allow_what_they_name(given_rule: Obj, asked: Attributes, expected: bool) -> None:
    assert allows(given_rule, asked) is expected


@pytest.mark.parametrize(
    ("owned", "wanted", "missing"),
    [
        (EVERYTHING, [rule("get,list", "", "pods"), urls("get", "/x")], []),
        ([rule("get", "", "pods")], [rule("get", "", "pods", "a")], []),
        ([rule("get", "", "pods", "a")], [rule("get", "", "pods")], ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']),
        (
            [rule("get", "", "pods")],
            [rule("get,list,watch", "", "pods,secrets")],
            [
                '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
                '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}',
            ],
        ),
        ([rule("*", "", "*/status")], [rule("update", "", "pods/status")], []),
        ([urls("get", "/a/*")], [urls("get", "/a/b", "/c")], ['{NonResourceURLs:["/c"], Verbs:["get"]}']),
    ],
)
def test_what_is_missing_is_said_compactly(owned: list[Obj], wanted: list[Obj], missing: list[str]) -> None:
    assert described(uncovered(owned, wanted)) == missing


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/api/v1/nodes", 'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope'),
        (
            "GET",
            "/api/v1/namespaces/shop/pods/a/log",
            'pods "a" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "shop"',
        ),
        ("GET", "/apis/apps/v1/nosuch", 'nosuch.apps is forbidden: User "jane" cannot list resource "nosuch" in API group "apps"'),
        ("GET", "/ktui/v1/history", 'forbidden: User "jane" cannot get path "/ktui/v1/history"'),
        ("GET", "/api/v1/namespaces/shop", 'namespaces "shop" is forbidden: User "jane" cannot get resource "namespaces" in API group ""'),
        ("DELETE", "/api/v1/namespaces/shop/pods", 'pods is forbidden: User "jane" cannot deletecollection resource "pods"'),
    ],
)
def test_refusals_say_what_is_missing(method: str, path: str, message: str) -> None:
    async def body(rig: Rig) -> None:
        answer = await rig.answer(method, path, user=JANE)
        assert answer.status == 403
        assert answer.body["message"].startswith(message)

    serving(body)


def test_rights_follow_roles_and_bindings_at_once() -> None:
    async def body(rig: Rig) -> None:
        jane = as_user(rig)
        await refused(jane.get("configmaps", "c", "shop"))
        await rig.config("c")
        await grant(rig, rule("get", "", "configmaps"))
        assert (await jane.get("configmaps", "c", "shop"))["data"] == {"a": "1"}
        assert (await refused(jane.get("configmaps", "c", "default"))).code == 403
        await rig.client.patch(ROLES, "r", {"rules": [rule("list", "", "configmaps")]}, "shop")
        assert (await refused(jane.get("configmaps", "c", "shop"))).code == 403
        await rig.client.patch(ROLES, "r", {"rules": [rule("get", "", "configmaps", "c")]}, "shop")
        await jane.get("configmaps", "c", "shop")
        await rig.client.delete(BINDINGS, "r", "shop")
        assert (await refused(jane.get("configmaps", "c", "shop"))).code == 403

    serving(body)


def test_a_binding_without_its_role_is_named_in_the_refusal() -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("get", "", "pods"))
        await rig.client.delete(ROLES, "r", "shop")
        error = await refused(as_user(rig).get("pods", "a", "shop"))
        assert error.message.endswith('in the namespace "shop": RBAC: role.rbac.authorization.k8s.io "r" not found')

    serving(body)


@pytest.mark.parametrize("subject", [{"kind": "Group", "name": "devs"}, {"kind": "User", "name": "jane"}])
def test_groups_and_users_are_bound(subject: Obj) -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("list", "", "nodes"), namespace="", subject={**subject, "apiGroup": GROUP})
        assert (await rig.answer("GET", "/api/v1/nodes", user=JANE)).status == 200

    serving(body)


def test_a_name_in_a_field_selector_restricts_lists_and_watches_to_it() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("c")
        await rig.config("d")
        await grant(rig, rule("list,watch", "", "configmaps", "c"))
        path = "/api/v1/namespaces/shop/configmaps"
        found = await rig.answer("GET", path, {"fieldSelector": "metadata.name=c"}, user=JANE)
        assert [item["metadata"]["name"] for item in found.body["items"]] == ["c"]
        for query in ({}, {"fieldSelector": "metadata.name!=d"}, {"fieldSelector": "metadata.name=d"}, {"watch": "1"}):
            assert (await rig.answer("GET", path, query, user=JANE)).status == 403

    serving(body)


def test_creating_by_apply_or_update_needs_the_right_to_create() -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("patch,update,get", "*", "*"))
        jane, made = as_user(rig), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}}
        error = await refused(jane.apply("configmaps", made))
        assert error.message.startswith('configmaps "c" is forbidden: User "jane" cannot create resource "configmaps"')
        await rig.config("c")
        assert (await jane.apply("configmaps", made)).status == 200
        lease = {"metadata": {"name": "l", "namespace": "shop"}, "spec": {}}
        assert (await refused(jane.update("leases.coordination.k8s.io", lease))).code == 403

    serving(body)


def test_history_is_told_to_those_who_may_get_the_object() -> None:
    async def body(rig: Rig) -> None:
        await rig.config("c")
        await grant(rig, urls("get", "/ktui/*"), namespace="", name="paths")
        query = {"resource": "configmaps", "namespace": "shop", "name": "c"}
        assert (await rig.answer("GET", "/ktui/v1/history", query, user=JANE)).status == 403
        await grant(rig, rule("get", "", "configmaps"))
        assert (await rig.answer("GET", "/ktui/v1/history", query, user=JANE)).status == 200

    serving(body)


REFUSED = (
    'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC '
    'permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
)


def test_nobody_grants_what_he_does_not_have() -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("create,patch", GROUP, "roles"), rule("get", "", "pods"))
        jane = as_user(rig)
        role = {"metadata": {"name": "more"}, "rules": [rule("get", "", "secrets")]}
        error = await refused(jane.create(ROLES, role, "shop"))
        assert (error.code, error.message) == (403, REFUSED)
        await jane.create(ROLES, {"metadata": {"name": "same"}, "rules": [rule("get", "", "pods")]}, "shop")
        assert "not currently held" in (await refused(jane.patch(ROLES, "same", {"rules": role["rules"]}, "shop"))).message
        await jane.patch(ROLES, "same", {"metadata": {"ownerReferences": []}}, "shop")

    serving(body)


async def _bind(client: Client, name: str, role: str) -> Obj:
    ref = {"apiGroup": GROUP, "kind": "ClusterRole", "name": role}
    subjects = [{"kind": "User", "name": "jane", "apiGroup": GROUP}]
    return await client.create(BINDINGS, {"metadata": {"name": name}, "subjects": subjects, "roleRef": ref}, "shop")


def test_the_verbs_bind_and_escalate_lift_the_check() -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("create", GROUP, "roles,rolebindings"))
        jane = as_user(rig)
        assert "not currently held" in (await refused(_bind(jane, "b", "cluster-admin"))).message
        assert (await refused(_bind(jane, "b", "nosuch"))).message == 'clusterrole.rbac.authorization.k8s.io "nosuch" not found'
        await grant(rig, rule("bind", GROUP, "clusterroles", "cluster-admin"), name="binder")
        await _bind(jane, "b", "cluster-admin")
        await jane.create("secrets", {"metadata": {"name": "s"}}, "shop")
        await grant(rig, rule("escalate", GROUP, "clusterroles"), rule("create", GROUP, "clusterroles"), namespace="", name="e")
        await jane.create(CLUSTER_ROLES, {"metadata": {"name": "all"}, "rules": list(EVERYTHING)})

    serving(body)


def test_only_who_may_do_everything_writes_an_aggregation_rule() -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("create", GROUP, "clusterroles"), namespace="")
        role = {"metadata": {"name": "a"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
        error = await refused(as_user(rig).create(CLUSTER_ROLES, role))
        assert error.message.endswith("must have cluster-admin privileges to use an aggregationRule")

    serving(body)


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Impersonate-User": "bob"}, 403, 'users "bob" is forbidden: User "jane" cannot impersonate resource "users" in API group ""'),
        (
            {"impersonate-user": "system:serviceaccount:shop:robot"},
            403,
            'serviceaccounts "robot" is forbidden: User "jane" cannot impersonate resource "serviceaccounts"',
        ),
        ({"Impersonate-Group": "g"}, 500, 'requested [{groups "g"}] without impersonating a user'),
        ({"Impersonate-User": "tom", "Impersonate-Group": "system:masters"}, 403, 'groups "system:masters" is forbidden'),
        ({"Impersonate-User": "tom", "Impersonate-Extra-scopes": "x"}, 403, 'userextras.authentication.k8s.io "x" is forbidden'),
        ({"Impersonate-User": "tom", "Impersonate-Uid": "1"}, 403, 'uids.authentication.k8s.io "1" is forbidden'),
        ({"Impersonate-User": "tom"}, 201, ""),
    ],
)
def test_acting_as_another_needs_the_right_to(headers: dict[str, str], status: int, message: str) -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("impersonate", "", "users", "tom"), namespace="")
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = await rig.answer("POST", path, {}, {}, headers=headers, user=JANE)
        assert answer.status == status
        assert (answer.body.get("message") or "").startswith(message)
        if status == 201:
            assert answer.body["status"]["userInfo"] == {"username": "tom", "groups": ["system:authenticated"]}

    serving(body)


def test_rules_of_a_namespace_are_listed() -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("get", "", "pods", "a"))
        review = {"spec": {"namespace": "shop"}}
        answer = await rig.answer("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {}, review, user=JANE)
        status = answer.body["status"]
        assert {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]} in status["resourceRules"]
        assert any("/healthz" in r["nonResourceURLs"] for r in status["nonResourceRules"])
        assert status["incomplete"] is False

    serving(body)


@pytest.mark.parametrize(
    ("kind", "spec", "status"),
    [
        ("subjectaccessreviews", {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "shop"}}, True),
        ("subjectaccessreviews", {"groups": ["system:masters"], "nonResourceAttributes": {"verb": "get", "path": "/x"}}, True),
        ("subjectaccessreviews", {"user": "jane"}, 422),
        ("subjectaccessreviews", {"resourceAttributes": {"verb": "get", "resource": "pods"}}, 422),
        ("selfsubjectaccessreviews", {}, 422),
    ],
)
def test_access_is_reviewed(kind: str, spec: Obj, status: bool | int) -> None:
    async def body(rig: Rig) -> None:
        await grant(rig, rule("get", "", "pods"))
        answer = await rig.answer("POST", f"/apis/authorization.k8s.io/v1/{kind}", {}, {"spec": spec})
        if isinstance(status, bool):
            assert answer.body["status"]["allowed"] is status
            if spec.get("user"):
                assert answer.body["status"]["reason"] == 'RBAC: allowed by RoleBinding "r/shop" of Role "r" to User "jane"'
        else:
            assert answer.status == status

    serving(body)


def test_default_roles_are_brought_up_to_date_unless_told_not_to() -> None:
    async def body(rig: Rig) -> None:
        await rig.client.patch(CLUSTER_ROLES, "system:discovery", {"rules": [urls("get", "/mine")]})
        keep = {"metadata": {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}, "rules": []}
        await rig.client.patch(CLUSTER_ROLES, "system:basic-user", keep)
        await rig.client.delete(CLUSTER_BINDINGS, "system:discovery")
        write_defaults(rig.server.context)
        rules = (await rig.client.get(CLUSTER_ROLES, "system:discovery"))["rules"]
        assert allows(rules[0], Attributes("get", path="/mine")) and any(allows(r, Attributes("get", path="/apis")) for r in rules)
        assert not (await rig.client.get(CLUSTER_ROLES, "system:basic-user"))["rules"]
        assert (await rig.client.get(CLUSTER_BINDINGS, "system:discovery"))["roleRef"]["name"] == "system:discovery"
        before = rig.store.revision
        write_defaults(rig.server.context)
        assert rig.store.revision == before

    serving(body)


def test_default_roles_are_valid() -> None:
    async def body(rig: Rig) -> None:
        for default in defaults():
            path = f"/apis/{GROUP}/v1/" + (f"namespaces/{default.namespace}/" if default.namespace else "") + default.resource.split(".")[0]
            obj = {"metadata": {"name": "copy"}, **default.content}
            assert (await rig.answer("POST", path, {"dryRun": "All", "fieldValidation": "Strict"}, obj)).status == 201, default

    serving(body)


def _node(name: str) -> User:
    return User(f"system:node:{name}", ("system:nodes", "system:authenticated"))


def test_a_node_reads_what_its_pods_name() -> None:
    async def body(rig: Rig) -> None:
        for name in ("used", "other"):
            await rig.client.create("secrets", {"metadata": {"name": name}}, "shop")
        volume = {"name": "v", "secret": {"secretName": "used"}}
        spec = {"containers": [{"name": "c", "image": "i"}], "volumes": [volume], "nodeName": "n1"}
        await rig.client.create("pods", {"metadata": {"name": "p"}, "spec": spec}, "shop")
        statuses = {
            (node, name): (await rig.answer("GET", f"/api/v1/namespaces/shop/secrets/{name}", user=_node(node))).status
            for node in ("n1", "n2")
            for name in ("used", "other")
        }
        assert statuses == {("n1", "used"): 200, ("n1", "other"): 403, ("n2", "used"): 403, ("n2", "other"): 403}
        assert (await rig.answer("GET", "/api/v1/namespaces/shop/secrets", user=_node("n1"))).status == 403
        assert (await rig.answer("GET", "/api/v1/pods", user=_node("n1"))).status == 200
        assert (await rig.answer("DELETE", "/api/v1/nodes/n1", user=_node("n1"))).status == 403

    serving(body)


SECRET = "czNjcjN0LWJ5dGVz"
NAMES = st.sampled_from(["secrets", "secrets/s", "secrets/s/status", "events", "pods/p/log", "", "secrets//s", "%73ecrets/s", "secrets/s/"])
PREFIXES = st.sampled_from(
    [
        "/api/v1/namespaces/shop/",
        "/api/v1/",
        "//api/v1/namespaces/shop/",
        "/api/v1/namespaces//",
        "/api/v1/watch/namespaces/shop/",
        "/apis/",
    ]
)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "watch": st.sampled_from(["true", "1", "false", ""]),
        "fieldSelector": st.sampled_from(["metadata.name=s", "metadata.name=c", "type=Opaque", "metadata.name!=c"]),
        "labelSelector": st.sampled_from(["a=b", "!a"]),
        "resourceVersion": st.sampled_from(["0", "1"]),
        "dryRun": st.just("All"),
        "timeoutSeconds": st.just("1"),
        "limit": st.just("1"),
    },
)
PATHS = st.one_of(
    st.builds(str.__add__, PREFIXES, NAMES),
    st.sampled_from(["/ktui/v1/history", "/ktui/v1/why", "/api/v1/namespaces/shop/configmaps/../secrets/s"]),
)
ACCEPTS = st.sampled_from([JSON, TABLE, PARTIAL])
BODIES = st.sampled_from([None, {}, {"metadata": {"labels": {"a": "b"}}}, [{"op": "test", "path": "/data/k", "value": SECRET}]])
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
HEADERS = st.sampled_from([{}, {"Impersonate-User": "system:admin"}, {"Impersonate-Group": "system:masters"}])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(METHODS, PATHS, QUERIES, BODIES, ACCEPTS, HEADERS), min_size=1, max_size=12))
def test_nobody_without_rights_reads_a_byte_of_a_secret(requests: list[Any]) -> None:
    async def body(rig: Rig) -> None:
        await rig.client.create("secrets", {"metadata": {"name": "s"}, "data": {"k": SECRET}}, "shop")
        everything_else = rule("*", "", "configmaps,pods,pods/log,events,namespaces")
        await grant(rig, everything_else, rule("get,list,watch", "", "secrets", "c"))
        for method, path, query, sent, accept, headers in requests:
            query = {"resource": "secrets", "namespace": "shop", "name": "s", **query} if path.startswith("/ktui") else query
            content_type = "application/json-patch+json" if isinstance(sent, list) else "application/merge-patch+json"
            request = Request(
                method,
                path,
                query,
                sent,
                content_type if method == "PATCH" else JSON,
                accept,
                headers,
                JANE,
            )
            assert SECRET not in await _everything(rig, request)

    serving(body)


async def _everything(rig: Rig, request: Request) -> str:
    """All that is answered; of a watch, all that arrives until it ends."""
    answer = await rig.server.handle(request)
    if isinstance(answer, Response):
        return repr(answer)
    seen = ""
    while batch := await answer.batch():
        seen += repr(batch)
        if request.query.get("timeoutSeconds") is None:
            answer.close()
    return seen
