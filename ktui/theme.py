"""Themes are YAML files: colours for the frame, a style for each name that widgets use. Read fast, checked where something is wrong."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.errors import StyleSyntaxError

from ktui.model.paint import STYLE_NAMES, Paint

if TYPE_CHECKING:
    from textual.theme import Theme

DEFAULT = "dark"
WITHOUT_COLOUR = "monochrome"
COLOURS = ("background", "panel", "text", "dim", "border", "focus", "accent", "ok", "warn", "bad")


class ThemeError(Exception):
    """A theme cannot be used; the message names the file and the field."""


@dataclass(frozen=True)
class LoadedTheme:
    """A theme ready to use."""

    name: str
    title: str
    dark: bool
    colours: Mapping[str, str]
    paint: Paint

    def textual(self) -> "Theme":
        """For Textual's style sheets: `$k-border`, `$k-focus` and so on."""
        from textual.theme import Theme

        c = self.colours
        return Theme(
            name=f"ktui-{self.name}",
            primary=c["accent"],
            secondary=c["focus"],
            accent=c["accent"],
            foreground=c["text"],
            background=c["background"],
            surface=c["panel"],
            panel=c["panel"],
            success=c["ok"],
            warning=c["warn"],
            error=c["bad"],
            dark=self.dark,
            variables={
                **{f"k-{name}": value for name, value in c.items()},
                "scrollbar": c["border"],
                "scrollbar-hover": c["dim"],
                "scrollbar-active": c["accent"],
                "scrollbar-background": c["background"],
                "scrollbar-background-hover": c["background"],
                "scrollbar-background-active": c["background"],
                "scrollbar-corner-color": c["background"],
            },
        )


def shipped_folder() -> Path:
    """Where the themes lie: in the installed package, or in the checkout."""
    inside = Path(str(files("ktui"))) / "share" / "themes"
    return inside if inside.is_dir() else Path(str(files("ktui"))).parent / "themes"


def user_folder() -> Path:
    """Where users put theirs; a theme there goes before a shipped one of the same name."""
    import platformdirs

    return platformdirs.user_config_path("ktui") / "themes"


def available() -> dict[str, Path]:
    """Theme files by name, sorted; the user's own included."""
    found: dict[str, Path] = {}
    for folder in (shipped_folder(), user_folder()):
        if folder.is_dir():
            found |= {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return dict(sorted(found.items()))


def default_name() -> str:
    """The theme that is used unless another is chosen: without colour where NO_COLOR is set (no-color.org)."""
    return WITHOUT_COLOUR if os.environ.get("NO_COLOR") else DEFAULT


def load(path: Path) -> LoadedTheme:
    """Read a theme.

    Raises:
        ThemeError: the file is missing, no YAML, or says something that is no theme.
    """
    import yaml

    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ThemeError(f"{path}: {error}") from error
    try:
        return _built(path.stem, document)
    except (KeyError, TypeError, AttributeError, StyleSyntaxError) as error:
        raise ThemeError(f"{path}: {explain(document) or error}") from error


def _built(name: str, document: Any) -> LoadedTheme:
    colours = {key: document["colors"][key] for key in COLOURS}
    return LoadedTheme(
        name, document["title"], document["dark"], colours, Paint(document["styles"], colours["text"], colours["background"])
    )


def explain(document: Any) -> str:
    """What is wrong with a theme's document, field by field; empty where nothing is. Loads pydantic, so only where it is needed."""
    from pydantic import ValidationError

    try:
        _schema().model_validate(document)
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'theme'}: {e['msg']}" for e in error.errors())
    return ""


def _schema() -> Any:
    from typing import Annotated

    from pydantic import AfterValidator, BaseModel, ConfigDict, create_model
    from rich.style import Style
    from textual.color import Color, ColorParseError

    def is_style(text: str) -> str:
        try:
            Style.parse(text)
        except StyleSyntaxError as error:
            raise ValueError(str(error)) from error
        return text

    def is_colour(text: str) -> str:
        try:
            Color.parse(text)
        except ColorParseError as error:
            raise ValueError(str(error)) from error
        return text

    strict = ConfigDict(extra="forbid")
    styles: dict[str, Any] = {name: (Annotated[str, AfterValidator(is_style)], ...) for name in STYLE_NAMES}
    colours: dict[str, Any] = {name: (Annotated[str, AfterValidator(is_colour)], ...) for name in COLOURS}
    parts: dict[str, type[BaseModel]] = {
        "colors": create_model("Colours", __config__=strict, **colours),
        "styles": create_model("Styles", __config__=strict, **styles),
    }
    fields: dict[str, Any] = {"title": (str, ...), "dark": (bool, ...), **{name: (part, ...) for name, part in parts.items()}}
    return create_model("ThemeFile", __config__=strict, **fields)
