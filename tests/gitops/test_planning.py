"""What may be pruned, what is held, when drift is healed and when it is given up, and what is shown of a change."""

from typing import Any

import pytest

from engine.base.api import ResourceInfo
from engine.base.objects import Obj
from engine.gitops import differences, drift
from engine.gitops.desired import Desired, Identity, Wanted
from engine.gitops.documents import Document
from engine.gitops.health import health_of
from engine.gitops.planning import TRACKING, Owned, Plan, Step, guard, prune_steps, tracking_id

INFO = ResourceInfo("configmaps", "v1", "ConfigMap", True)


def identity(name: str, kind: str = "ConfigMap") -> Identity:
    return Identity("", kind, "ns", name)


def owned(name: str, uid: str = "u", kind: str = "ConfigMap", source: str = "a.yaml:1") -> Owned:
    return Owned(identity(name, kind), "v1", "configmaps", uid, source, "h")


def live(name: str, uid: str = "u", folder: str = "f", **annotations: str) -> Obj:
    tracking = {TRACKING: tracking_id(folder, identity(name))}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "uid": uid, "annotations": {**tracking, **annotations}}}


def desired(*names: str, broken: tuple[str, ...] = ()) -> Desired:
    wanted = {identity(n): Wanted(identity(n), INFO, {}, Document("a.yaml", 1, {})) for n in names}
    return Desired({}, wanted, (), frozenset(broken))


def pruned(have: Obj | None, want: Desired | None = None) -> list[str]:
    objects = {identity("x"): have} if have else {}
    return [step.identity.name for step in prune_steps("f", want or desired(), [owned("x")], objects)]


def test_only_what_this_folder_applied_and_no_file_wants_is_pruned() -> None:
    assert pruned(live("x")) == ["x"]
    assert pruned(live("x"), desired("x")) == []
    assert pruned(None) == []
    assert pruned(live("x", uid="recreated by somebody")) == []
    assert pruned(live("x", folder="other")) == []
    assert pruned({"metadata": {"name": "x", "uid": "u"}}) == []
    assert pruned(live("x"), desired(broken=("a.yaml",))) == []


@pytest.mark.parametrize(
    "annotation",
    [
        {"ktui.dev/prune": "disabled"},
        {"argocd.argoproj.io/sync-options": "Replace=true, Prune=false"},
        {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
    ],
)
def test_an_object_can_be_annotated_to_stay(annotation: dict[str, str]) -> None:
    assert pruned(live("x", **annotation)) == []


def test_prunes_run_in_reverse_order_of_applying() -> None:
    inventory = [owned("first"), owned("second")]
    objects = {o.identity: live(o.identity.name) for o in inventory}
    assert [s.identity.name for s in prune_steps("f", desired(), inventory, objects)] == ["second", "first"]


def prunes(count: int, kind: str = "ConfigMap") -> list[Step]:
    return [Step("prune", identity(str(n), kind), "a.yaml:1", owned=owned(str(n), kind=kind)) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "kind", "inventory", "held"),
    [
        (0, "ConfigMap", 10, ""),
        (3, "ConfigMap", 3, ""),
        (4, "ConfigMap", 10, "prunes 4 objects of 10"),
        (4, "ConfigMap", 20, ""),
        (5, "ConfigMap", 20, "prunes 5 objects of 20"),
        (1, "Namespace", 100, "prunes 1 object, among them a Namespace"),
        (2, "PersistentVolumeClaim", 100, "prunes 2 objects, among them a PersistentVolumeClaim"),
    ],
)
def test_mass_prunes_and_precious_kinds_are_held(count: int, kind: str, inventory: int, held: str) -> None:
    assert guard(prunes(count, kind), inventory) == held


def test_a_confirmation_names_exactly_the_prunes_it_is_for() -> None:
    assert Plan(tuple(prunes(4))).digest == Plan(tuple(reversed(prunes(4)))).digest
    assert Plan(tuple(prunes(4))).digest != Plan(tuple(prunes(5))).digest


def test_changes_are_named_by_field_and_list_key() -> None:
    old: Obj = {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b"}], "replicas": 1}, "status": {"x": 1}}
    new: Obj = {"kind": "Pod", "spec": {"containers": [{"name": "b"}, {"name": "a", "image": "x:2"}]}, "status": {"x": 2}}
    assert [str(c) for c in differences.changes(old, new)] == [
        "spec.containers[name=a].image: x:1 -> x:2",
        "spec.replicas: 1 -> (none)",
    ]


def test_secret_values_are_masked_but_equal_ones_look_equal() -> None:
    def secret(**values: str) -> Obj:
        return {"apiVersion": "v1", "kind": "Secret", "data": values}

    shown = [str(c) for c in differences.changes(secret(a="c2VjcmV0", b="eA=="), secret(a="b3RoZXI=", c="b3RoZXI="))]
    assert not any(value in line for line in shown for value in ("c2VjcmV0", "b3RoZXI=", "eA=="))
    assert shown[0].rpartition(" ")[2] == shown[2].rpartition(" ")[2]


def test_status_and_bookkeeping_are_no_drift() -> None:
    spec = {"x": 1}
    before: Obj = {"metadata": {"name": "a", "resourceVersion": "1"}, "spec": spec, "status": {"n": 1}}
    assert not drift.may_have_drifted(before, {"metadata": {"name": "a", "resourceVersion": "2"}, "spec": spec, "status": {"n": 2}})
    assert drift.may_have_drifted(before, {**before, "spec": {"x": 2}})
    assert drift.may_have_drifted(before, {**before, "metadata": {"name": "a", "labels": {"l": "1"}}})
    assert drift.may_have_drifted(before, {**before, "data": {}})


def test_drift_is_healed_at_once_then_ever_more_slowly_and_given_up_when_somebody_insists() -> None:
    healing = drift.Healing()
    for at in range(5):
        healing.drifted("kubectl", float(at))
        assert healing.due <= at
        healing.healed(float(at))
    healing.drifted("kubectl", 5.0)
    assert healing.suspended == "kubectl"
    slow = drift.Healing()
    for at in range(0, 100, 20):
        slow.drifted("kubectl", float(at))
        slow.healed(float(at))
    slow.drifted("kubectl", 100.0)
    assert (slow.suspended, slow.due) == ("", 102.0)


def test_the_last_other_manager_is_named() -> None:
    def entry(manager: str, second: int, **more: Any) -> Obj:
        return {"manager": manager, "time": f"2026-01-01T00:00:{second:02}Z", **more}

    fields = [entry("ktui-gitops", 9), entry("early", 1), entry("kubectl-edit", 5), entry("kubelet", 8, subresource="status")]
    assert drift.last_manager({"metadata": {"managedFields": fields}}, "ktui-gitops")[0] == "kubectl-edit"


def deployment(generation: int = 1, **status: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "generation": generation},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, **status},
    }


@pytest.mark.parametrize(
    ("obj", "status"),
    [
        (None, "Missing"),
        (deployment(), "Healthy"),
        (deployment(generation=2), "Progressing"),
        (deployment(updatedReplicas=1), "Progressing"),
        (deployment(replicas=4), "Progressing"),
        (deployment(availableReplicas=2), "Progressing"),
        (deployment(conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]), "Degraded"),
        ({**deployment(), "spec": {"paused": True}}, "Suspended"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, "Healthy"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {"type": "LoadBalancer"}}, "Progressing"),
        ({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "status": {"phase": "Lost"}}, "Degraded"),
        (
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}},
            "Healthy",
        ),
        (
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}},
            "Degraded",
        ),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"deletionTimestamp": "x"}}, "Progressing"),
    ],
)
def test_health_follows_argo_cds_rules(obj: Obj | None, status: str) -> None:
    assert health_of(obj).status == status


def test_a_container_that_cannot_start_makes_its_pod_degraded() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "c", "state": waiting}]},
    }
    assert health_of(pod) == ("Degraded", "c: ImagePullBackOff: no such image")
