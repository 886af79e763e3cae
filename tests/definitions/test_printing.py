"""Columns of custom objects: JSONPaths as definitions have them, and cells by type."""

from typing import Any

import pytest

from engine.apiserver.definitions.printing import printing
from engine.kinds.common.jsonpath import PathError, field_path, find, steps

NOW = 1_767_225_600.0
OBJECT = {
    "metadata": {"name": "my", "creationTimestamp": "2025-12-31T23:55:00Z", "labels": {"app.io/name": "web"}},
    "spec": {"replicas": 3, "ratio": 0.5, "paused": False, "images": ["a", "b"], "tags": {"x": 1}, "empty": ""},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]},
}
PATHS: list[tuple[str, list[Any]]] = [
    (".spec.replicas", [3]),
    ("{.spec.replicas}", [3]),
    (".spec.missing.deeper", []),
    (".spec.images[0]", ["a"]),
    (".spec.images[-1]", ["b"]),
    (".spec.images[5]", []),
    (".spec.images[-1:]", ["b"]),
    (".spec.images[*]", ["a", "b"]),
    (r".metadata.labels.app\.io/name", ["web"]),
    (".metadata.labels['app.io/name']", ["web"]),
    ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
    (".status.conditions[?(@.type == 'Synced')].status", ["False"]),
    (".status.conditions[?(@.type!='Ready')].type", ["Synced"]),
    ("..status", [OBJECT["status"], "True", "False"]),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_paths_lead_to_values(path: str, expected: list[Any]) -> None:
    assert find(path, OBJECT) == expected


@pytest.mark.parametrize("path", ["spec", ".a[", ".a[?(@.b)]", ".a b", ".a[?(@.b==c)]"])
def test_what_is_no_path_is_an_error(path: str) -> None:
    with pytest.raises(PathError):
        steps(path)


def test_a_path_of_names_may_have_dots_in_them() -> None:
    assert field_path(r".spec.my\.replicas") == ("spec", "my.replicas")


CELLS: list[tuple[str, str, Any]] = [
    ("string", ".spec.replicas", "3"),
    ("string", ".spec.images[*]", "a b"),
    ("string", ".spec.tags", '{"x":1}'),
    ("string", ".spec.missing", None),
    ("integer", ".spec.replicas", 3),
    ("integer", ".spec.images", None),
    ("number", ".spec.ratio", 0.5),
    ("boolean", ".spec.paused", False),
    ("date", ".metadata.creationTimestamp", "5m"),
    ("date", ".metadata.name", "<invalid>"),
    ("date", ".spec.empty", "<unknown>"),
]


@pytest.mark.parametrize(("kind", "path", "expected"), CELLS)
def test_cells_are_printed_by_the_type_of_their_column(kind: str, path: str, expected: Any) -> None:
    _, cells = printing([{"name": "A", "type": kind, "jsonPath": path}])
    assert cells(OBJECT, NOW) == ["my", expected]
