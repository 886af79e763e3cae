"""Kinds that are served in two forms: events in two groups, autoscalers in two versions."""

from engine.base.objects import frozen
from engine.kinds.common.hpametrics import shown
from engine.kinds.events import KIND as CORE
from engine.kinds.events_k8s_io import KIND as NEW
from engine.kinds.horizontalpodautoscalers import KIND as HPA

TO_V1, FROM_V1 = HPA.convert["v1"]


def test_an_event_is_the_same_in_both_groups() -> None:
    from_core, to_core = NEW.convert["v1"]
    event = CORE.defaults(
        frozen(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": "e", "namespace": "d"},
                "involvedObject": {"kind": "Pod", "name": "p", "namespace": "d"},
                "reason": "Started",
                "message": "Started container c",
                "type": "Normal",
                "count": 3,
                "source": {"component": "kubelet", "host": "n1"},
                "firstTimestamp": "2026-01-01T00:00:00Z",
                "lastTimestamp": "2026-01-01T00:01:00Z",
            }
        )
    )
    view = from_core(event)
    assert (view["apiVersion"], view["note"], view["regarding"]["name"]) == ("events.k8s.io/v1", "Started container c", "p")
    assert (view["deprecatedCount"], view["deprecatedSource"]["host"]) == (3, "n1")
    assert CORE.defaults(to_core(view)) == event
    assert NEW.stored_as == CORE.resource


def test_event_rows_tell_series_and_sources() -> None:
    assert CORE.cells is not None
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Node", "name": "n"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "series": {"count": 9, "lastObservedTime": "2026-01-01T00:00:30.000000Z"},
        "reportingComponent": "c",
        "message": " m ",
    }
    cells = CORE.cells(event, 1_767_225_660.0)
    assert cells == ["30s", "", "", "node/n", "", "c", "m", "60s", 9, "e"]


def test_what_v1_cannot_say_survives_in_annotations() -> None:
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    spec = {"minReplicas": 1, "maxReplicas": 3, "metrics": [cpu, memory], "behavior": {"scaleUp": {"selectPolicy": "Max"}}}
    obj = frozen(
        {
            "apiVersion": "autoscaling/v2",
            "kind": HPA.kind,
            "metadata": {"name": "h"},
            "spec": spec,
            "status": {"desiredReplicas": 0, "currentMetrics": None},
        }
    )
    view = TO_V1(obj)
    assert view["spec"] == {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    back = FROM_V1(view)
    assert back["spec"] == spec
    assert back["metadata"] == {"name": "h"}


def test_targets_column() -> None:
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
    pods = {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"averageValue": "10"}}}
    outer = {"type": "External", "external": {"metric": {"name": "q"}, "target": {"value": "5"}}}
    now = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 20}}}
    assert shown([], []) == "<none>"
    assert shown([cpu], [now]) == "cpu: 20%/80%"
    assert shown([cpu, pods, outer], []) == "cpu: <unknown>/80%, <unknown>/10 + 1 more..."
