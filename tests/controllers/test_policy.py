"""Quotas, limit ranges, aggregated roles and the root certificate in a cluster with its controllers."""

import asyncio
import json
import re
from typing import Any

import engine.controllers
from engine.base.plugins import exported
from engine.control.actions import Apply, Create, Key
from engine.control.read import Read
from engine.controllers import clusterrole_aggregation, resourcequota, root_ca_certificate_publisher
from tests.cluster import Cluster, play
from tests.converged import State, differences, replay

NEVER_CREATED = re.compile(r'pods \\"d-h1-[^"\\]+\\" is forbidden')
"""Pods that a quota kept out have names that nothing else knows."""
NOT_THE_QUOTAS = (
    "HorizontalPodAutoscaler/",
    "missing event ('HorizontalPodAutoscaler/",
)
"""The autoscaler's controller is no part of this."""
COMBINED = "(combined from similar events)"
"""How many attempts are combined depends on when the backoff's draws fall."""


def _nameless(state: State) -> State:
    made: State = json.loads(NEVER_CREATED.sub(r'pods \\"d-h1-x\\" is forbidden', json.dumps(state)))
    return made


def test_the_recorded_quota_comes_out_the_same() -> None:
    recorded, ours = replay("policy", exported(engine.controllers, "CONTROLLER"))
    for step, (a, b) in enumerate(zip(recorded, ours, strict=True), 1):
        found = [line for line in differences(_nameless(a), _nameless(b)) if not line.startswith(NOT_THE_QUOTAS)]
        assert [line for line in found if COMBINED not in line] == [], step


def test_what_goes_is_given_back() -> None:
    async def main(cluster: Cluster) -> list[Any]:
        client = cluster.client
        await cluster.namespace("ns")
        await client.create(
            "resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "1", "count/leases.x": "1"}}}, "ns"
        )
        await asyncio.sleep(1)
        await client.create("configmaps", {"metadata": {"name": "c"}}, "ns")
        seen = [(await client.get("resourcequotas", "q", "ns"))["status"]["used"]]
        await client.delete("configmaps", "c", "ns")
        await asyncio.sleep(1)
        return [*seen, (await client.get("resourcequotas", "q", "ns"))["status"]["used"]]

    before, after = play(main, [resourcequota.CONTROLLER])
    assert before == {"configmaps": "1", "count/leases.x": "0"}
    assert after == {"configmaps": "0", "count/leases.x": "0"}


def test_the_roles_of_users_are_gathered_from_their_parts() -> None:
    async def main(cluster: Cluster) -> list[set[str]]:
        await asyncio.sleep(1)
        found = []
        extra = {"labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}, "name": "mine"}
        rules = [{"apiGroups": ["acme.io"], "resources": ["widgets"], "verbs": ["get"]}]
        for _ in range(2):
            roles = {role["metadata"]["name"]: role.get("rules") or [] for role in await cluster.items(clusterrole_aggregation.RESOURCE)}
            for name in ("view", "edit", "admin"):
                found.append({f"{verb} {resource}" for rule in roles[name] for verb in rule["verbs"] for resource in rule["resources"]})
            if len(found) == 3:
                await cluster.client.create(clusterrole_aggregation.RESOURCE, {"metadata": extra, "rules": rules})
                await asyncio.sleep(1)
        return found

    view, edit, admin, *later = play(main, [clusterrole_aggregation.CONTROLLER])
    assert "get pods" in view < edit < admin
    assert "get secrets" not in view and "get secrets" in edit
    assert "create rolebindings" in admin - edit
    assert all("get widgets" in rights for rights in later)


def test_an_aggregated_role_that_has_its_rules_is_left_alone() -> None:
    part = {"apiVersion": "v1", "kind": "ClusterRole", "metadata": {"name": "p", "labels": {"a": "b"}}, "rules": [{"verbs": ["get"]}]}
    rule = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    whole: dict[str, Any] = {"apiVersion": "v1", "kind": "ClusterRole", "metadata": {"name": "w"}, "aggregationRule": rule, "rules": None}
    (action,) = clusterrole_aggregation.reconcile(Key("", "w"), Read.of({clusterrole_aggregation.RESOURCE: [part, whole]}), 0.0)
    assert isinstance(action, Apply) and action.obj["rules"] == part["rules"]
    whole = {**whole, "rules": part["rules"]}
    assert clusterrole_aggregation.reconcile(Key("", "w"), Read.of({clusterrole_aggregation.RESOURCE: [part, whole]}), 0.0) == []


def test_every_namespace_gets_the_root_certificate_once_there_is_one() -> None:
    source = {
        "metadata": {"namespace": "kube-system", "name": "extension-apiserver-authentication"},
        "data": {"client-ca-file": "PEM"},
    }
    namespace = {"metadata": {"name": "ns"}}

    def act(*maps: Any) -> list[Any]:
        read = Read.of({"namespaces": [namespace], "configmaps": maps})
        return root_ca_certificate_publisher.reconcile(Key("", "ns"), read, 0.0)

    assert act() == []
    (created,) = act(source)
    assert isinstance(created, Create) and created.obj["data"] == {"ca.crt": "PEM"}
    assert act(source, created.obj) == []
    (updated,) = act(source, {**created.obj, "data": {"ca.crt": "another"}})
    assert updated.obj["data"] == {"ca.crt": "PEM"}
