"""Manifest text becomes objects with the line of each field; what is wrong is named with its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gitops.documents import DocumentError, Parsed, parse

HEAD = "apiVersion: v1\nkind: ConfigMap\n"


def only(text: str) -> Any:
    (document,) = parse("f.yaml", text).documents
    return document.obj


def test_several_documents_with_the_lines_they_start_at_and_empty_ones_ignored() -> None:
    text = f"# a comment\n---\n{HEAD}metadata: {{name: a}}\n---\n---\n# nothing\n---\n{HEAD}metadata: {{name: b}}\n"
    found = parse("f.yaml", text).documents
    assert [(d.obj["metadata"]["name"], d.line, d.source) for d in found] == [("a", 3, "f.yaml:3"), ("b", 10, "f.yaml:10")]


def test_lines_of_fields_by_their_api_path() -> None:
    (document,) = parse("f.yaml", f"{HEAD}metadata:\n  name: a\nspec:\n  items:\n  - x: 1\n  - x: 2\n    y: 3\n").documents
    assert document.line_of("spec.items[1].y") == 9
    assert document.line_of("spec.items[1].missing.deeper") == 8
    assert document.line_of("nosuch") == 1


def test_lists_are_expanded() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Pod\n"
    secret, pod = parse("f.yaml", text).documents
    assert (secret.obj["kind"], secret.line, secret.line_of("metadata.name")) == ("Secret", 4, 7)
    assert (pod.obj["kind"], pod.line) == ("Pod", 8)
    typed = "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n"
    assert only(typed) == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        (f"{HEAD}metadata:\n\tname: a\n", 4, 1, "cannot start any token"),
        (f"{HEAD}kind: Pod\n", 3, 1, "duplicate key 'kind'"),
        (f"{HEAD}metadata:\n  name: a\n  name: b\n", 5, 3, "duplicate key 'name'"),
        ("- a\n- b\n", 1, 0, "this is a list"),
        ("just text\n", 1, 0, "this is text"),
        ("kind: Pod\n", 1, 0, "apiVersion is missing"),
        ("apiVersion: v1\nkind:\n", 2, 0, "kind is missing"),
        ("a: *nowhere\n", 1, 4, "undefined alias"),
        ("{" * 300, 1, 0, ""),
        ("a: !!python/object:os.system x\nkind: x\napiVersion: v1\nb: {c\n", 5, 1, "expected ',' or '}'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(DocumentError) as raised:
        parse("dir/f.yaml", text)
    problem = raised.value.problem
    assert problem.path == "dir/f.yaml"
    assert said in problem.message
    if column:
        assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("089", "089"),
        ("-7", -7),
        ("100m", "100m"),
        ("=", "="),
    ],
)
def test_scalars_are_read_as_kubernetes_reads_them(scalar: str, value: Any) -> None:
    assert only(f"{HEAD}data:\n  x: {scalar}\n")["data"]["x"] == value


def test_yaml_11_booleans_are_text_with_a_warning() -> None:
    (warning,) = parse("f.yaml", f"{HEAD}data:\n  x: on\n").warnings
    assert (warning.line, warning.column) == (4, 6)
    assert "read as text" in warning.message


def test_anchors_and_merges() -> None:
    text = f"{HEAD}base: &b {{x: 1, y: 2}}\nother:\n  <<: *b\n  y: 3\ncopy: *b\n"
    assert only(text)["other"] == {"x": 1, "y": 3}
    assert only(text)["copy"] == {"x": 1, "y": 2}


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(DocumentError, match="aliases expand"):
        parse("f.yaml", "\n".join(lines))


@pytest.mark.parametrize("text", ["\ufeff" + HEAD + "metadata: {name: a}\n", (HEAD + "metadata: {name: a}\n").replace("\n", "\r\n")])
def test_byte_order_marks_and_windows_line_ends(text: str) -> None:
    assert only(text)["metadata"] == {"name": "a"}


def test_json_is_yaml() -> None:
    assert only('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}')["metadata"] == {"name": "a"}


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("cassandra.yaml", "cluster_name: x\n", "not a Kubernetes manifest"),
        ("a.yaml", "metadata:\n  name: {{ .Release.Name }}\n", "a Helm template: not rendered yet"),
        ("a.yaml", "{{- if .Values.x }}\nkind: Pod\n{{- end }}\n", "a Helm template: not rendered yet"),
        ("compose.yml", "version: '3'\nservices:\n  db:\n    image: x\n", "a Compose file: not supported yet"),
        ("chart/values.yaml", "replicas: 3\n", "part of a Helm chart: not rendered yet"),
    ],
)
def test_files_of_other_tools_are_named_and_skipped(path: str, text: str, why: str) -> None:
    assert parse(path, text) == Parsed(skipped=why)


@pytest.mark.parametrize("text", ["# ktui:skip-file\nanything: [", "# +argocd:skip-file-rendering\n"])
def test_a_file_can_ask_to_be_skipped(text: str) -> None:
    assert parse("a.yaml", text) == Parsed(skipped="marked to be skipped", asked=True)


@given(st.text(alphabet=st.sampled_from("ab: -\n\t{}[],&*!|>'\"#%@`?0.~"), max_size=60))
def test_any_text_is_either_read_or_refused_with_a_place(text: str) -> None:
    try:
        parsed = parse("f.yaml", text)
    except DocumentError as error:
        assert str(error).startswith("f.yaml")
        return
    assert all(document.line >= 1 for document in parsed.documents)
