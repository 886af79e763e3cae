"""Views: tables of several resources, joined columns, completion of commands, YAML and secrets."""

from engine.base.api import ResourceInfo
from ktui.model.commands import Vocabulary
from ktui.model.feeds import News, Query
from ktui.model.lines import printed
from ktui.model.rows import Column, Row, singular
from ktui.model.tables import Changes
from ktui.model.views import Composer, endpoint_brief, endpoint_count
from ktui.model.yaml_view import MASK, yaml_lines, yaml_text
from ktui.panes.services import PANE as SERVICES
from ktui.panes.workloads import PANE as WORKLOADS
from ktui.widgets.pane import Deck, Opening
from ktui.widgets.table_pane import TablePane

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "login",
        "managedFields": [{"manager": "x"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVyMg=="}}'},
    },
    "data": {"password": "aHVudGVyMg==", "binary": "/w=="},
}


def news(resource: str, columns: tuple[Column, ...], *rows: Row, gone: tuple[str, ...] = ()) -> News:
    return News(Query(resource), columns, Changes(rows, gone), "live", "")


def composer(kind: object) -> Composer:
    made = kind.make(Deck(None, None, None), Opening())  # type: ignore[attr-defined,arg-type]  # the view alone is looked at
    assert isinstance(made, TablePane)
    return Composer(made.view)


def test_endpoints_are_counted_with_those_the_server_leaves_out() -> None:
    assert endpoint_count("10.0.0.1:80,10.0.0.2:80 + 3 more...") == "5 10.0.0.1:80,10.0.0.2:80,…"
    assert endpoint_brief("10.0.0.1:80") == "1"
    assert endpoint_brief("<none>") == "0 none"


def test_services_show_their_endpoints_whichever_comes_first() -> None:
    composed = composer(SERVICES)
    services, endpoints = (Column("Name"), Column("Type")), (Column("Name"), Column("Endpoints"))
    first = composed.take(news("services", services, Row("s", "services", "dev", "web", ("web", "ClusterIP"))))
    assert first.rows[0].cells == ("dev", "web", "ClusterIP", "0 none")
    then = composed.take(news("endpoints", endpoints, Row("e", "endpoints", "dev", "web", ("web", "10.0.0.1:80"))))
    assert then.rows[0].cells[-1] == "1 10.0.0.1:80"
    gone = composed.take(news("endpoints", endpoints, gone=("e",)))
    assert gone.rows[0].cells[-1] == "0 none"


def test_workloads_of_all_kinds_share_columns() -> None:
    composed = composer(WORKLOADS)
    columns = (Column("Name"), Column("Desired", number=True), Column("Ready", number=True), Column("Age", age=0))
    changes = composed.take(news("daemonsets.apps", columns, Row("d", "daemonsets.apps", "dev", "log", ("log", "3", "2", ""), (5.0,))))
    cells = dict(zip([c.name for c in composed.columns], changes.rows[0].cells, strict=True))
    assert (cells["Kind"], cells["Name"], cells["Ready"], cells["Namespace"]) == ("DaemonSet", "log", "2/3", "dev")
    assert changes.rows[0].ages == (5.0,)


def test_commands_know_every_name_of_a_kind() -> None:
    infos = [
        ResourceInfo("deployments.apps", "v1", "Deployment", True, ("list",), ("deploy",), (), "deployment"),
        ResourceInfo("pods", "v1", "Pod", True, ("list",), ("po",), (), "pod"),
        ResourceInfo("pods.metrics.k8s.io", "v1", "PodMetrics", True, ("list",)),
    ]
    words = Vocabulary({"nodes": "nodes"}, infos, ("dark", "light"))
    for typed in ("deploy", "deployments", "Deployment", "deployments.apps"):
        assert words.parse(typed).argument == "deployments.apps"
    assert words.parse("po dev /web").namespace == "dev"
    assert words.parse("po dev /web").filter == "web"
    assert words.parse("pods").argument == "pods"
    assert words.parse("ns prod")[:1] + words.parse("ns prod")[2:3] == ("namespace", "prod")
    assert words.parse("theme light")[:2] == ("theme", "light")
    assert words.parse("q").verb == "quit"
    assert words.parse("nonsense").verb == "unknown"
    assert words.complete("dep")[0] == "deploy"
    assert words.complete("po d", ["dev", "prod"]) == ["po dev", "po prod"]


def test_secret_values_are_masked_everywhere_until_asked_for() -> None:
    hidden = printed(yaml_lines(SECRET))
    assert "aHVudGVyMg" not in hidden and "hunter2" not in hidden and MASK in hidden
    assert "managedFields" not in hidden
    shown = yaml_text(SECRET, managed_fields=True, reveal=True)
    assert "hunter2" in shown and "<1 bytes of binary data>" in shown and "managedFields" in shown


def test_yaml_begins_with_what_it_is_and_keeps_texts_as_blocks() -> None:
    text = yaml_text({"spec": {"a": 1}, "kind": "X", "apiVersion": "v1", "data": {"k": "one\ntwo\n"}})
    assert text == "apiVersion: v1\nkind: X\ndata:\n  k: |\n    one\n    two\nspec:\n  a: 1\n"


def test_singular_names() -> None:
    assert [singular(p) for p in ("pods", "networkpolicies", "ingresses", "services")] == ["pod", "networkpolicy", "ingress", "service"]
