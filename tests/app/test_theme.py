"""Themes: those that are shipped are right; a wrong one names its file and field."""

from pathlib import Path

import pytest
import yaml

from ktui import theme


@pytest.mark.parametrize("name", sorted(theme.available()))
def test_shipped_themes_are_valid(name: str) -> None:
    path = theme.available()[name]
    assert theme.explain(yaml.safe_load(path.read_text())) == ""
    assert theme.load(path).textual().name == f"ktui-{name}"


def test_there_are_the_themes_that_people_need() -> None:
    assert {"dark", "light", "high-contrast", "monochrome"} <= set(theme.available())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d["colors"].pop("text"), "colors.text: Field required"),
        (lambda d: d["styles"].update(ok="shiny"), "styles.ok"),
        (lambda d: d["styles"].pop("bad"), "styles.bad: Field required"),
        (lambda d: d.pop("title"), "title: Field required"),
    ],
)
def test_a_wrong_theme_names_file_and_field(tmp_path: Path, change: object, expected: str) -> None:
    document = yaml.safe_load(theme.available()["dark"].read_text())
    change(document)  # type: ignore[operator]  # a table of lambdas
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(theme.ThemeError) as caught:
        theme.load(path)
    assert "mine.yaml" in str(caught.value) and expected in str(caught.value)


def test_no_color_chooses_the_theme_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert theme.default_name() == "monochrome"
