"""Descriptions: complete for what the server returns, never a secret's value."""

import json
from typing import Any

import pytest

from ktui.model.describe import Subject, describe
from ktui.model.folder import folder_lines, is_held
from ktui.model.lines import Span, plain, printed
from ktui.model.search import highlighted, wrapped
from ktui.model.widths import width
from tests.shared import shared

NOW = 1_800_000_000.0


def golden_objects() -> list[tuple[str, Any]]:
    """The objects that a real server returned, with placeholders for times and ages."""
    steps = json.loads(shared("golden/defaults.json").read_text())["steps"]
    found = []
    for step in steps:
        body = step["response"]["body"]
        if step["response"]["status"] == 201 and body.get("kind"):
            text = json.dumps(body).replace("<time>", "2026-01-01T00:00:00Z")
            found.append((step["request"]["path"].rstrip("/").rpartition("/")[2], json.loads(text)))
    return found


GROUPS = {
    "apps/v1": ".apps",
    "batch/v1": ".batch",
    "networking.k8s.io/v1": ".networking.k8s.io",
    "discovery.k8s.io/v1": ".discovery.k8s.io",
}


def test_every_kind_of_object_can_be_described() -> None:
    objects = golden_objects()
    assert len(objects) > 30
    for plural, obj in objects:
        group, slash, _ = obj["apiVersion"].rpartition("/")
        page = printed(describe(Subject(f"{plural}.{group}" if slash else plural, obj), NOW))
        assert obj["metadata"]["name"] in page
        assert "Events" in page


def test_a_crashing_pod_is_described_with_its_reason_and_code() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "dev", "creationTimestamp": "2026-12-31T23:59:00Z"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "nginx", "env": [{"name": "A", "value": "1"}]}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": False,
                    "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                    "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": "2026-12-31T23:59:30Z"}},
                }
            ],
            "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "unready: [app]"}],
        },
    }
    event = {"type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 7, "lastTimestamp": "2026-12-31T23:59:50Z"}
    page = printed(describe(Subject("pods", pod, [event]), NOW))
    for wanted in ("CrashLoopBackOff: back-off 40s", "exit code 3", "Restarts:       3", "A=1", "BackOff", "(x7)", "ContainersNotReady"):
        assert wanted in page, wanted


def test_a_secret_is_described_without_its_values() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "aHVudGVyMg=="}}
    page = printed(describe(Subject("secrets", secret), NOW))
    assert "password" in page and "aHVudGVyMg" not in page and "hunter2" not in page


INVENTORY = {"kind": "Service", "namespace": "dev", "name": "web", "state": "Synced", "health": "Healthy", "source": "web.yaml:3"}
FOLDER = {
    "metadata": {"name": "shop"},
    "spec": {"path": "shop"},
    "status": {
        "phase": "Held",
        "message": "4 prunes: confirm abc",
        "files": [{"path": "web.yaml", "state": "Error", "objects": 2, "problems": [{"line": 12, "column": 3, "message": "bad indent"}]}],
        "plan": {
            "held": True,
            "hash": "abc",
            "reason": "4 prunes",
            "unchanged": 7,
            "actions": [{"action": "prune", "kind": "Service", "namespace": "dev", "name": "web", "source": "web.yaml:3"}],
        },
        "inventory": [
            {"kind": "Service", "namespace": "dev", "name": "web", "state": "Synced", "health": "Healthy", "source": "web.yaml:3"}
        ],
    },
}


def test_the_folder_page_names_file_line_plan_and_what_is_held() -> None:
    page = printed(folder_lines(FOLDER, NOW))
    assert is_held(FOLDER)
    for wanted in ("▲ Held", "web.yaml:12:3  bad indent", "− prune", "Service dev/web", "c confirms", "✖ Error"):
        assert wanted in page, wanted


@pytest.mark.parametrize("cells", [8, 20, 33])
def test_wrapped_lines_fit_and_lose_nothing(cells: int) -> None:
    line = (Span("Message:  ", "key"), Span("결제 서비스가 준비되지 않았습니다 because the probe failed"))
    pieces = wrapped(line, cells)
    assert all(width(plain(p)) <= cells for p in pieces)
    assert "".join(s.text for p in pieces for s in p if s.text.strip()).replace(" ", "") == plain(line).replace(" ", "")


def test_a_match_across_spans_is_highlighted() -> None:
    found = highlighted((Span("ab", "key"), Span("cd")), "BC", "match")
    assert [(s.text, s.style) for s in found] == [("a", "key"), ("b", "match"), ("c", "match"), ("d", "text")]
