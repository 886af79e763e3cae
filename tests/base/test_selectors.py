"""Selectors as text and as objects select what upstream's do."""

import pytest

from engine.base import selectors

POD = {"app": "web", "tier": "front", "weight": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app=web,tier=back", False),
        ("app!=api", True),
        ("missing!=x", True),
        ("app in (api, web)", True),
        ("app notin (api,web)", False),
        ("missing notin (a)", True),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app", False),
        ("weight>4", True),
        ("weight<5", False),
        ("app>4", False),
        ("empty=", True),
        ("empty in ()", True),
        ("example.com/role=x", False),
    ],
)
def test_label_selector_text(text: str, selected: bool) -> None:
    assert selectors.parse(text).matches(POD) is selected


@pytest.mark.parametrize("text", ["a=b,", "=b", "a in b", "a in (b", "a b", "a==b==c", "!", "a!b", "-x=1", "Bad_Prefix/x=1"])
def test_malformed_label_selector_is_refused(text: str) -> None:
    with pytest.raises(selectors.SelectorError):
        selectors.parse(text)


def test_label_selector_object() -> None:
    selector = selectors.from_label_selector(
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["back"]}]}
    )
    assert selector.matches(POD)
    assert not selector.matches({**POD, "tier": "back"})
    assert str(selector) == "app=web,tier!=back"


def test_null_selector_selects_nothing_and_empty_one_everything() -> None:
    assert not selectors.from_label_selector(None).matches(POD)
    assert selectors.from_label_selector({}).matches(POD)
    assert not selectors.from_map({}).matches(POD)


def test_text_of_a_selector_parses_to_itself() -> None:
    for text in ("a=b,c!=d", "e in (f,g),h notin (i,j)", "!k,l,m>1"):
        selector = selectors.parse(text)
        assert selectors.parse(str(selector)) == selector


def test_field_selector() -> None:
    parsed = selectors.parse_fields(r"metadata.name=a\,b,spec.nodeName!=")
    values = {"metadata.name": "a,b", "spec.nodeName": "n1"}
    assert all(term.matches(values[term.path]) for term in parsed)
    assert [term.matches("") for term in parsed] == [False, False]
    with pytest.raises(selectors.SelectorError):
        selectors.parse_fields("spec.nodeName")
