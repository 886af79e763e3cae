"""New objects that are refused, beyond what is recorded: one row per rule that people hit."""

from typing import Any

import pytest

from engine.base.objects import Obj, frozen
from engine.kinds.common.model import Kind
from tests.kinds import golden

KINDS: dict[str, Kind] = {kind.resource: kind for kind in golden.hand_written()}
ONE = [{"name": "c", "image": "i"}]
NODE_TERM = {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]}
SPREAD = {"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "Sometimes"}
CRD = {
    "group": "a.example.com",
    "scope": "Cluster",
    "names": {"plural": "xs", "kind": "X"},
    "versions": [{"name": "v1", "storage": False, "schema": {"openAPIV3Schema": {"type": "object"}}}],
}


def _pod(**spec: Any) -> Obj:
    return {"spec": {"containers": ONE, **spec}}


def _container(**fields: Any) -> Obj:
    return {"spec": {"containers": [{**ONE[0], **fields}]}}


REFUSED: dict[str, tuple[str, Obj, str]] = {
    "two handlers of a probe": (
        "pods",
        _container(livenessProbe={"exec": {"command": ["x"]}, "tcpSocket": {"port": 80}}),
        "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ),
    "a success threshold of a liveness probe": (
        "pods",
        _container(livenessProbe={"exec": {"command": ["x"]}, "successThreshold": 2}),
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ),
    "a probe of a plain init container": (
        "pods",
        _pod(initContainers=[{"name": "i", "image": "i", "readinessProbe": {"tcpSocket": {"port": 1}}}]),
        "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    ),
    "a name in both lists of containers": (
        "pods",
        _pod(initContainers=ONE),
        'spec.initContainers[0].name: Duplicate value: "c"',
    ),
    "a host port twice": (
        "pods",
        _container(ports=[{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 9}]),
        'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9"',
    ),
    "a mount path twice": (
        "pods",
        {
            "spec": {
                "volumes": [{"name": "v"}],
                "containers": [{**ONE[0], "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}]}],
            }
        },
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
    ),
    "an unknown field reference": (
        "pods",
        _container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nosuch"}}}]),
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.nosuch": supported values: "metadata.name", '
        '"metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", '
        '"status.podIP", "status.podIPs"',
    ),
    "a toleration of nothing": (
        "pods",
        _pod(tolerations=[{"value": "x"}]),
        'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, '
        'which means "match all values and all keys"',
    ),
    "seconds of a toleration without NoExecute": (
        "pods",
        _pod(tolerations=[{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 1}]),
        "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ),
    "a comparison with two values": (
        "pods",
        _pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [NODE_TERM]}}}),
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: "
        "Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
    ),
    "a skew of nothing": (
        "pods",
        _pod(topologySpreadConstraints=[SPREAD]),
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
    ),
    "a policy of spreading that does not exist": (
        "pods",
        _pod(topologySpreadConstraints=[SPREAD]),
        'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Sometimes": '
        'supported values: "DoNotSchedule", "ScheduleAnyway"',
    ),
    "no name servers of its own": (
        "pods",
        _pod(dnsPolicy="None"),
        "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
    ),
    "a mode of files in decimal": (
        "pods",
        _pod(volumes=[{"name": "v", "secret": {"secretName": "s", "defaultMode": 644}}]),
        "spec.volumes[0].secret.defaultMode: Invalid value: 644: must be a number between 0 and 0777 (octal), both inclusive",
    ),
    "a path that leaves its volume": (
        "pods",
        _pod(volumes=[{"name": "v", "configMap": {"name": "s", "items": [{"key": "k", "path": "../x"}]}}]),
        "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'",
    ),
    "a deletion cost that is no number": (
        "pods",
        {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "low"}}, "spec": {"containers": ONE}},
        'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "low": must be a 32bit integer',
    ),
    "an indexed job without completions": (
        "jobs.batch",
        {"spec": {"completionMode": "Indexed", "parallelism": 2, "template": {"spec": {"restartPolicy": "Never", "containers": ONE}}}},
        "spec.completions: Required value: when completion mode is Indexed",
    ),
    "a time zone that does not exist": (
        "cronjobs.batch",
        {"spec": {"schedule": "@daily", "timeZone": "Mars/Base", "jobTemplate": {"spec": {"template": {"spec": {"containers": ONE}}}}}},
        'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
    ),
    "a budget with both bounds": (
        "poddisruptionbudgets.policy",
        {"spec": {"minAvailable": 1, "maxUnavailable": "50%"}},
        'spec: Invalid value: {"minAvailable":1,"maxUnavailable":"50%"}: minAvailable and maxUnavailable cannot be both set',
    ),
    "an autoscaler without replicas": (
        "horizontalpodautoscalers.autoscaling",
        {"spec": {"maxReplicas": 0, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}},
        "spec.maxReplicas: Invalid value: 0: must be greater than 0",
    ),
    "an ingress without anything": (
        "ingresses.networking.k8s.io",
        {"spec": {}},
        "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified",
    ),
    "a peer that is both": (
        "networkpolicies.networking.k8s.io",
        {"spec": {"ingress": [{"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}]}},
        "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer",
    ),
    "a rule without verbs": (
        "roles.rbac.authorization.k8s.io",
        {"rules": [{"apiGroups": [""], "resources": ["pods"]}]},
        "rules[0].verbs: Required value: verbs must contain at least one value",
    ),
    "a priority of the system": (
        "priorityclasses.scheduling.k8s.io",
        {"value": 1_000_000_001},
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
    ),
    "a taint twice": (
        "nodes",
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}]}},
        'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
    ),
    "a TLS secret without its key": ("secrets", {"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}, "data[tls.key]: Required value"),
    "a claim of nothing": (
        "persistentvolumeclaims",
        {"spec": {"accessModes": ["ReadWriteOnce"]}},
        "spec.resources[storage]: Required value",
    ),
    "a quota of an unknown resource": (
        "resourcequotas",
        {"spec": {"hard": {"widgets": "1"}}},
        'spec.hard[widgets]: Invalid value: "widgets": must be a standard resource for quota',
    ),
    "a minimum above the maximum": (
        "limitranges",
        {"spec": {"limits": [{"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}},
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ),
    "a definition under another name": (
        "customresourcedefinitions.apiextensions.k8s.io",
        {"spec": CRD},
        'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
    ),
    "a stored version without a name": (
        "customresourcedefinitions.apiextensions.k8s.io",
        {"spec": {**CRD, "versions": [{"storage": True}]}},
        "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
    ),
    "a folder without a path": ("folders.ktui.dev", {"spec": {}}, "spec.path: Required value"),
}


@pytest.mark.parametrize(("resource", "content", "error"), REFUSED.values(), ids=REFUSED)
def test_refused(resource: str, content: Obj, error: str) -> None:
    kind = KINDS[resource]
    meta: dict[str, Any] = {"name": "x", "uid": golden.UID, "creationTimestamp": golden.TIME, **content.get("metadata", {})}
    if kind.namespaced:
        meta["namespace"] = "default"
    obj = kind.prepare_create(kind.defaults(frozen({**content, "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": meta})))
    assert error in [str(e) for e in kind.validate(obj, None)]


def test_a_folder_starts_with_its_defaults_and_keeps_to_its_words() -> None:
    kind = KINDS["folders.ktui.dev"]
    folder = kind.defaults(frozen({"metadata": {"name": "f"}, "spec": {"path": "manifests"}}))
    assert folder["spec"] == {"path": "manifests", "namespace": "default", "prune": True, "suspend": False}
    assert kind.cells is not None
    assert kind.cells(folder, 0.0)[:5] == ["f", "manifests", "<unknown>", 0, 0]
    status = {"phase": "Odd", "files": [{"path": "a", "state": "Synced"}], "plan": {"actions": [{"action": "guess"}]}}
    errors = kind.validate_status({**folder, "status": status}, folder)
    assert [e.field for e in errors] == ["status.phase", "status.plan.actions[0].action"]
