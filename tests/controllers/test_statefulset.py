"""StatefulSets: order, identity, claims, updates, revisions."""

import asyncio
from typing import Any

import pytest

from engine.base import errors
from engine.base.objects import Obj, frozen, name_of, put
from engine.control import history
from engine.control.actions import Actions, Create, Delete, Emit, Failure, Key, Parallel, Patch, RequeueAfter, Update
from engine.control.read import Read
from engine.controllers import service_account
from engine.controllers.statefulset import CONTROLLER, HASH_LABEL, reconcile
from tests.cluster import Cluster, play
from tests.controllers.builders import NOW, pod, template
from tests.converged import differences, replay

KEY = Key("ns", "web")
OLD, NEW = "web-old", "web-new"


def stateful_set(replicas: int = 3, **more: Any) -> Obj:
    """`more`: `policy`, `strategy`, `claims`, `retention`, `start`, `min_ready_s`, `status`, `image`, `deleting`, `history`."""
    spec: dict[str, Any] = {
        "replicas": replicas,
        "serviceName": "web",
        "selector": {"matchLabels": {"app": "a"}},
        "template": template(more.get("image", "nginx:2")),
        "podManagementPolicy": more.get("policy", "OrderedReady"),
        "updateStrategy": more.get("strategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
        "revisionHistoryLimit": more.get("history", 10),
        "minReadySeconds": more.get("min_ready_s", 0),
    }
    if more.get("claims"):
        claim_spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        spec["volumeClaimTemplates"] = [{"metadata": {"name": name}, "spec": claim_spec} for name in more["claims"]]
    if "retention" in more:
        deleted, scaled = more["retention"]
        spec["persistentVolumeClaimRetentionPolicy"] = {"whenDeleted": deleted, "whenScaled": scaled}
    if "start" in more:
        spec["ordinals"] = {"start": more["start"]}
    metadata: dict[str, Any] = {"name": "web", "namespace": "ns", "uid": "uid-web", "resourceVersion": "5", "generation": 2}
    if more.get("deleting"):
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = more.get("status", {"currentRevision": OLD, "collisionCount": 0})
    found: Obj = frozen({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec, "status": status})
    return found


def revision(owner: Obj, name: str, number: int, image: str) -> Obj:
    made = history.new_revision(put(owner, ("spec", "template"), template(image)), number, HASH_LABEL, name.partition("-")[2])
    return put(made, ("metadata", "uid"), f"uid-{name}")


def member(owner: Obj, ordinal: int, at: str = NEW, **more: Any) -> Obj:
    name = f"web-{ordinal}"
    labels = {"app": "a", "controller-revision-hash": at, "statefulset.kubernetes.io/pod-name": name}
    made = pod(name, owner, labels=labels, **more)
    volumes = [
        {"name": t["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"{t['metadata']['name']}-{name}"}}
        for t in owner["spec"].get("volumeClaimTemplates", ())
    ]
    return put(made, ("spec", "volumes"), volumes) if volumes else made


def act(owner: Obj, pods: list[Obj], claims: list[Obj] | None = None, revisions: list[Obj] | None = None) -> Actions:
    if revisions is None:
        revisions = [revision(owner, OLD, 1, "nginx:1"), revision(owner, NEW, 2, "nginx:2")]
    read = Read.of(
        {
            "statefulsets.apps": [owner],
            "pods": pods,
            "controllerrevisions.apps": revisions,
            "persistentvolumeclaims": claims or [],
        }
    )
    return reconcile(KEY, read, NOW)


def flat(actions: Actions, failing: dict[str, str] | None = None) -> Actions:
    """What the executor would do: actions of batches in line, then what follows them; `failing` names -> message."""
    done: Actions = []
    for action in actions:
        if not isinstance(action, Parallel):
            done.append(action)
            continue
        failures = []
        for one in action.actions:
            name = name_of(one.obj) if isinstance(one, Create) else getattr(one, "name", "")
            if name in (failing or {}):
                failures.append(Failure(one, errors.StatusError(403, "Forbidden", (failing or {})[name])))
            else:
                done.append(one)
        done += flat(action.then(failures), failing) if action.then is not None else []
    return done


def names(actions: Actions, kind: type[Any], resource: str = "pods", failing: dict[str, str] | None = None) -> list[str]:
    found = [a for a in flat(actions, failing) if isinstance(a, kind) and a.resource == resource]
    return [name_of(a.obj) if isinstance(a, Create | Update) else a.name for a in found]


def messages(actions: Actions, failing: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(a.reason, a.message) for a in flat(actions, failing) if isinstance(a, Emit)]


def status_of(actions: Actions) -> Any:
    (update,) = [a for a in actions if isinstance(a, Update) and a.subresource == "status"]
    return update.obj["status"]


READY: dict[str, Any] = {}
UNREADY: dict[str, Any] = {"ready_ago": None}
DELETING: dict[str, Any] = {"deleting": True}


@pytest.mark.parametrize(
    ("policy", "members", "creates", "deletes"),
    [
        ("OrderedReady", {}, ["web-0"], []),
        ("OrderedReady", {0: READY}, ["web-1"], []),
        ("OrderedReady", {0: UNREADY}, [], []),
        ("OrderedReady", {0: DELETING, 1: READY}, [], []),
        ("OrderedReady", {1: READY, 2: READY}, ["web-0"], []),
        ("OrderedReady", {0: READY, 1: {"phase": "Failed"}, 2: READY}, [], ["web-1"]),
        ("OrderedReady", {0: {"phase": "Succeeded"}, 1: READY, 2: READY}, [], ["web-0"]),
        ("OrderedReady", {0: READY, 1: READY, 2: READY, 3: READY, 4: READY}, [], ["web-4"]),
        ("OrderedReady", {0: READY, 1: UNREADY, 2: READY, 3: READY}, [], []),
        ("OrderedReady", {0: READY, 1: READY, 2: READY, 3: UNREADY, 4: READY}, [], ["web-4"]),
        ("OrderedReady", {0: READY, 1: READY, 2: READY, 3: UNREADY, 4: UNREADY}, [], []),
        ("OrderedReady", {0: READY, 1: READY, 2: READY, 3: READY, 4: DELETING}, [], []),
        ("Parallel", {}, ["web-0", "web-1", "web-2"], []),
        ("Parallel", {1: UNREADY}, ["web-0", "web-2"], []),
        ("Parallel", {0: READY, 1: {"phase": "Failed"}}, ["web-2"], ["web-1"]),
        ("Parallel", {0: UNREADY, 1: READY, 2: READY, 3: READY, 4: UNREADY, 5: DELETING}, [], ["web-4", "web-3"]),
    ],
)
def test_pods_are_created_and_deleted_in_order_or_at_once(
    policy: str, members: dict[int, Any], creates: list[str], deletes: list[str]
) -> None:
    owner = stateful_set(policy=policy)
    actions = act(owner, [member(owner, ordinal, **more) for ordinal, more in members.items()])
    assert (names(actions, Create), names(actions, Delete)) == (creates, deletes)


def test_a_pod_has_its_identity() -> None:
    owner = stateful_set(1, start=5, claims=["data"])
    (create,) = [a for a in flat(act(owner, [])) if isinstance(a, Create) and a.resource == "pods"]
    labels = create.obj["metadata"]["labels"]
    assert create.obj["metadata"]["name"] == "web-5" and create.obj["metadata"]["generateName"] == "web-"
    assert labels["statefulset.kubernetes.io/pod-name"] == "web-5" and labels["apps.kubernetes.io/pod-index"] == "5"
    assert labels["controller-revision-hash"] == NEW
    assert create.obj["spec"]["hostname"] == "web-5" and create.obj["spec"]["subdomain"] == "web"
    assert create.obj["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-5"}}]


def test_minimum_ready_seconds_hold_up_the_next_pod() -> None:
    owner = stateful_set(min_ready_s=30)
    actions = act(owner, [member(owner, 0, ready_ago=10)])
    assert names(actions, Create) == [] and RequeueAfter(20.0) in actions
    assert status_of(actions)["availableReplicas"] == 0 and status_of(actions)["readyReplicas"] == 1
    assert names(act(owner, [member(owner, 0, ready_ago=30)]), Create) == ["web-1"]


@pytest.mark.parametrize(
    ("strategy", "members", "deletes"),
    [
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}, {0: OLD, 1: OLD, 2: OLD}, ["web-2"]),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}, {0: OLD, 1: OLD, 2: NEW}, ["web-1"]),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, {0: OLD, 1: OLD, 2: NEW}, []),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, {0: OLD, 1: OLD, 2: OLD}, ["web-2"]),
        ({"type": "OnDelete"}, {0: OLD, 1: OLD, 2: OLD}, []),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 2}}, {0: OLD, 1: OLD, 2: OLD}, ["web-2", "web-1"]),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": "10%"}}, {0: OLD, 1: OLD, 2: OLD}, ["web-2"]),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 3}}, {0: OLD, 1: OLD, 2: OLD}, ["web-2"]),
    ],
)
def test_rolling_update_goes_from_the_highest_ordinal_to_the_partition(strategy: Any, members: dict[int, str], deletes: list[str]) -> None:
    owner = stateful_set(strategy=strategy)
    actions = act(owner, [member(owner, ordinal, at) for ordinal, at in members.items()])
    assert names(actions, Delete) == deletes
    assert status_of(actions).get("currentReplicas", 0) == list(members.values()).count(OLD) - len(deletes)


@pytest.mark.parametrize(("policy", "unready", "deletes"), [("Parallel", 2, []), ("Parallel", 0, ["web-2"]), ("OrderedReady", 0, [])])
def test_an_update_waits_for_the_pod_before(policy: str, unready: int, deletes: list[str]) -> None:
    owner = stateful_set(policy=policy)
    pods = [member(owner, o, NEW if o == unready else OLD, **(UNREADY if o == unready else READY)) for o in range(3)]
    assert names(act(owner, pods), Delete) == deletes


def test_pods_below_the_partition_come_back_at_the_current_revision() -> None:
    owner = stateful_set(policy="Parallel", strategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    creates = [a.obj for a in flat(act(owner, [])) if isinstance(a, Create) and a.resource == "pods"]
    assert [c["metadata"]["labels"]["controller-revision-hash"] for c in creates] == [OLD, OLD, NEW]
    assert [c["spec"]["containers"][0]["image"] for c in creates] == ["nginx:1", "nginx:1", "nginx:2"]


def test_a_new_template_makes_a_revision_and_an_old_one_is_made_the_newest() -> None:
    owner = stateful_set(image="nginx:3")
    (create,) = [a for a in act(owner, [member(owner, 0)]) if isinstance(a, Create) and a.resource == history.RESOURCE]
    assert create.obj["revision"] == 3 and create.obj["data"]["spec"]["template"]["$patch"] == "replace"
    back = stateful_set(image="nginx:1")
    (update,) = [a for a in act(back, [member(back, 0)]) if isinstance(a, Update) and a.resource == history.RESOURCE]
    assert name_of(update.obj) == OLD and update.obj["revision"] == 3


def test_a_taken_revision_name_counts_as_a_collision() -> None:
    owner = stateful_set(image="nginx:3")
    made, _ = history.free_hash(owner, 0, Read.of({history.RESOURCE: []}))
    stranger = put(revision(owner, f"web-{made}", 1, "other"), ("metadata", "ownerReferences"), [{"uid": "x", "controller": True}])
    actions = act(owner, [member(owner, 0)], revisions=[stranger])
    (create,) = [a for a in actions if isinstance(a, Create) and a.resource == history.RESOURCE]
    assert name_of(create.obj) != name_of(stranger) and status_of(actions)["collisionCount"] == 1


def test_history_keeps_its_limit_and_what_is_in_use() -> None:
    owner = stateful_set(1, history=1)
    used = [revision(owner, f"web-r{n}", n, f"image:{n}") for n in range(1, 5)]
    revisions = [*used, revision(owner, OLD, 8, "nginx:1"), revision(owner, NEW, 9, "nginx:2")]
    actions = act(owner, [member(owner, 0, "web-r1")], revisions=revisions)
    assert names(actions, Delete, history.RESOURCE) == ["web-r2", "web-r3"]


def test_claims_come_before_their_pod() -> None:
    owner = stateful_set(claims=["data", "logs"])
    done = flat(act(owner, []))
    creates = [a for a in done if isinstance(a, Create)]
    assert [(a.resource, name_of(a.obj)) for a in creates] == [
        ("persistentvolumeclaims", "data-web-0"),
        ("persistentvolumeclaims", "logs-web-0"),
        ("pods", "web-0"),
    ]
    assert creates[0].obj["metadata"]["labels"] == {"app": "a"} and "ownerReferences" not in creates[0].obj["metadata"]
    assert messages(act(owner, [])) == [
        ("SuccessfulCreate", "Create Claim data-web-0 Pod web-0 in StatefulSet web success"),
        ("SuccessfulCreate", "Create Claim logs-web-0 Pod web-0 in StatefulSet web success"),
        ("SuccessfulCreate", "Create Pod web-0 in StatefulSet web successful"),
    ]


def test_a_pod_is_not_created_without_its_claim() -> None:
    owner = stateful_set(claims=["data"])
    failing = {"data-web-0": "exceeded quota"}
    actions = act(owner, [])
    assert names(actions, Create, failing=failing) == []
    assert messages(actions, failing) == [
        ("FailedCreate", "Create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: exceeded quota"),
        ("FailedCreate", "Create Pod web-0 in StatefulSet web failed error: failed to create PVC data-web-0: exceeded quota"),
    ]


def test_a_pod_that_cannot_be_created_is_told_of_and_the_status_written() -> None:
    owner = stateful_set()
    actions = act(owner, [])
    assert messages(actions, {"web-0": "no quota"}) == [("FailedCreate", "Create Pod web-0 in StatefulSet web failed error: no quota")]
    assert status_of(actions)["replicas"] == 0


def claim(name: str, *owners: Obj, **metadata: Any) -> Obj:
    refs = [{"kind": o["kind"], "name": name_of(o), "uid": o["metadata"]["uid"], "controller": True} for o in owners]
    made = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "ownerReferences": refs, **metadata}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": made, "spec": {}}


@pytest.mark.parametrize(
    ("retention", "kept_owner", "condemned_owner"),
    [
        (("Retain", "Retain"), [], []),
        (("Delete", "Retain"), ["web"], ["web"]),
        (("Retain", "Delete"), [], ["web-1"]),
        (("Delete", "Delete"), ["web"], ["web-1"]),
    ],
)
def test_retention_is_a_matter_of_owners(retention: tuple[str, str], kept_owner: list[str], condemned_owner: list[str]) -> None:
    owner = stateful_set(1, claims=["data"], retention=retention)
    pods = [member(owner, 0), member(owner, 1)]
    for start in ([], [owner]):
        claims = [claim("data-web-0", *start), claim("data-web-1", *start)]
        updates = [a.obj for a in act(owner, pods, claims) if isinstance(a, Update) and a.resource == "persistentvolumeclaims"]
        found = {name_of(c): c for c in [*claims, *updates]}
        assert [r["name"] for r in found["data-web-0"]["metadata"]["ownerReferences"]] == kept_owner
        assert [r["name"] for r in found["data-web-1"]["metadata"]["ownerReferences"]] == condemned_owner
    fresh = [a.obj for a in flat(act(owner, [])) if isinstance(a, Create) and a.resource == "persistentvolumeclaims"]
    assert [r["name"] for r in fresh[0]["metadata"].get("ownerReferences", ())] == kept_owner


def test_a_claim_that_goes_with_a_former_pod_holds_up_the_next() -> None:
    owner = stateful_set(1, claims=["data"], retention=("Retain", "Delete"))
    former = put(member(owner, 0), ("metadata", "uid"), "uid-former")
    assert names(act(owner, [], [claim("data-web-0", former)]), Create) == []
    assert names(act(owner, [], [claim("data-web-0")]), Create) == ["web-0"]
    leaving = claim("data-web-0", deletionTimestamp="2026-01-01T00:00:00Z")
    expected = ("FailedCreate", "Create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted")
    assert messages(act(stateful_set(1, claims=["data"]), [], [leaving])) == [expected]


def test_missing_claims_of_a_pending_pod_are_created() -> None:
    owner = stateful_set(1, claims=["data"])
    assert names(act(owner, [member(owner, 0, phase="Pending")]), Create, "persistentvolumeclaims") == ["data-web-0"]
    assert names(act(owner, [member(owner, 0)]), Create, "persistentvolumeclaims") == []


def test_a_stateful_set_that_is_being_deleted_only_writes_its_status() -> None:
    owner = stateful_set(deleting=True)
    actions = act(owner, [member(owner, 0, phase="Failed")])
    assert names(actions, Create) == names(actions, Delete) == [] and status_of(actions)["replicas"] == 1


def test_the_update_is_complete_when_all_pods_are_new_and_ready() -> None:
    owner = stateful_set()
    status = status_of(act(owner, [member(owner, ordinal) for ordinal in range(3)]))
    assert (status["currentRevision"], status["updateRevision"]) == (NEW, NEW)
    assert status["currentReplicas"] == status["updatedReplicas"] == 3
    settled = put(owner, ("status",), status)
    assert act(settled, [member(owner, ordinal) for ordinal in range(3)]) == []


def test_orphans_are_adopted_by_name_only() -> None:
    owner = stateful_set(2)
    orphans = [pod("web-0"), pod("other-1"), pod("web-1", labels={"app": "b"})]
    actions = act(owner, orphans)
    adopted = [a.name for a in actions if isinstance(a, Patch)]
    assert adopted == ["web-0"]
    assert names(actions, Update) == ["web-0"], "it gets the labels of its identity"


def test_scaled_down_claims_go_to_their_pods_and_come_back_as_new_ones() -> None:
    async def main(cluster: Cluster) -> tuple[list[str], list[list[str]]]:
        await cluster.namespace("ns")
        await asyncio.sleep(1)
        owner = stateful_set(3, policy="Parallel", claims=["data"], retention=("Retain", "Delete"), status={})
        metadata = {"name": "web", "namespace": "ns"}
        await cluster.client.create("statefulsets.apps", {**owner, "metadata": metadata}, "ns")
        await asyncio.sleep(5)
        await cluster.client.patch("statefulsets.apps", "web", {"spec": {"replicas": 1}}, "ns")
        await asyncio.sleep(5)
        pods, claims = await cluster.items("pods", "ns"), await cluster.items("persistentvolumeclaims", "ns")
        return [name_of(p) for p in pods], [[r["name"] for r in c["metadata"].get("ownerReferences", ())] for c in claims]

    pods, owners = play(main, [CONTROLLER, service_account.CONTROLLER])
    assert pods == ["web-0"] and owners == [[], ["web-1"], ["web-2"]]


@pytest.mark.parametrize("step", range(4))
def test_converges_as_upstream(step: int) -> None:
    def only_generated(cluster: Cluster) -> None:
        cluster.stand_in.names = Suffixed()

    recorded, ours = replay("statefulset", [CONTROLLER, service_account.CONTROLLER], prepare=only_generated, steps=step + 1)
    assert differences(recorded[step], ours[step]) == []


class Suffixed(dict[str, str]):
    """Names of pods that were generated: those of StatefulSets have a generateName, and are not."""

    def __setitem__(self, name: str, shown: str) -> None:
        if not name.rpartition("-")[2].isdecimal():
            super().__setitem__(name, shown)
