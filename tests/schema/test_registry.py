"""The registry of kinds: lookups, order, and hand-written kinds against the facts about what Kubernetes serves."""

import subprocess
import sys

import pytest

from engine.kinds.common.discovery import subresources_of
from engine.kinds.common.model import Kind
from engine.kinds.common.registry import Registry, load
from engine.kinds.common.served import served
from tests.schema.golden import FILES, gvk, objects, steps

CRON_TAB = Kind("stable.example.com", ("v1",), "CronTab", "crontabs", True, short_names=("ct",))
FACTS = Registry(served())


def test_kinds_are_found_by_resource_path_and_name() -> None:
    registry = load()
    deployment = registry.by_resource["deployments.apps"]
    assert deployment is registry.by_path("apps", "v1", "deployments") is registry.by_kind("apps", "Deployment")
    assert registry.by_resource["pods"] is registry.by_path("", "v1", "pods") is registry.by_kind("", "Pod")
    assert deployment in registry.all()


def test_a_kind_is_found_in_each_of_its_versions() -> None:
    registry = load()
    assert registry.by_path("autoscaling", "v1", "horizontalpodautoscalers") is registry.by_path(
        "autoscaling", "v2", "horizontalpodautoscalers"
    )


@pytest.mark.parametrize("path", [("apps", "v2", "deployments"), ("", "v1", "deployments"), ("nosuch", "v1", "pods")])
def test_what_is_not_served_is_not_found(path: tuple[str, str, str]) -> None:
    assert load().by_path(*path) is None
    assert load().by_kind(path[0], "Nosuch") is None


def test_reviews_can_only_be_created() -> None:
    for resource in ("tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"):
        assert load().by_resource[resource].verbs == ("create",)


def test_kinds_can_be_added_without_changing_the_registry() -> None:
    registry = load()
    extended = registry.extended([CRON_TAB])
    assert extended.by_kind("stable.example.com", "CronTab") is CRON_TAB
    assert extended.all()[-1] is CRON_TAB
    assert registry.by_kind("stable.example.com", "CronTab") is None


def test_an_added_kind_replaces_the_one_of_its_resource_in_place() -> None:
    pods = Kind("", ("v1",), "Pod", "pods", True, has_generation=True)
    before, after = FACTS.all(), FACTS.extended([pods]).all()
    assert [kind.resource for kind in after] == [kind.resource for kind in before]
    assert FACTS.extended([pods]).by_resource["pods"] is pods


def test_events_of_both_groups_are_kept_as_core_events() -> None:
    registry = load()
    assert registry.stored_as(registry.by_resource["events.events.k8s.io"]) is registry.by_resource["events"]
    assert registry.stored_as(registry.by_resource["pods"]) is registry.by_resource["pods"]


def test_subresources_of_a_kind() -> None:
    assert subresources_of(FACTS.by_resource["deployments.apps"]) == ["scale", "status"]


@pytest.mark.parametrize("kind", [kind for kind in load().all() if kind.resource in FACTS.by_resource], ids=lambda kind: kind.resource)
def test_kinds_agree_with_what_kubernetes_serves(kind: Kind) -> None:
    fact = FACTS.by_resource[kind.resource]
    assert (kind.group, kind.versions, kind.kind, kind.namespaced) == (fact.group, fact.versions, fact.kind, fact.namespaced)
    assert (kind.short_names, kind.categories, kind.verbs) == (fact.short_names, fact.categories, fact.verbs)
    assert kind.singular in ("", fact.singular)
    assert kind.list_kind in ("", fact.list_kind)
    assert set(subresources_of(fact)) <= set(subresources_of(kind))
    assert kind.has_generation == fact.has_generation


def test_kinds_count_generations_as_recorded() -> None:
    seen: set[str] = set()
    for name in FILES:
        for step in steps(name):
            for obj in objects(step["response"]["body"]):
                kind = FACTS.by_kind(gvk(obj)[0], obj["kind"]) if obj.get("metadata", {}).get("uid") and "apiVersion" in obj else None
                if kind:
                    seen.add(kind.resource)
                    assert ("generation" in obj["metadata"]) == kind.has_generation, kind.resource
    assert len(seen) > 35


def test_loading_the_registry_builds_no_validators() -> None:
    code = "import sys; from engine.kinds.common.registry import load; load(); sys.exit('pydantic_core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
