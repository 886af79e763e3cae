"""The question before something is destroyed: says what will be touched, stands on Cancel, wants the name typed for the worst."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from ktui.model.risk import Note
from ktui.model.widths import clean
from ktui.widgets.paint import paint_of

_MARKS = {"text": "·", "warn": "▲", "bad": "✖"}


def _in_box(style: Style) -> Style:
    """A style without its background, which is the box's."""
    return Style(color=style.color, bold=style.bold, underline=style.underline, reverse=style.reverse)


@dataclass(frozen=True)
class Question:
    """What is asked: `verb` names the button that does it, `typed` what has to be typed first (empty: nothing)."""

    title: str
    verb: str
    notes: Sequence[Note] = ()
    typed: str = ""


class Confirm(ModalScreen[bool]):
    """Answers True only by the button, or by `y` where nothing has to be typed; everything else is no."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 76; max-width: 96%; height: auto; max-height: 96%; background: $k-panel; border: round $k-bad;
        border-title-color: $k-bad; border-title-style: bold; border-subtitle-color: $k-dim; padding: 0 2; }
    Confirm VerticalScroll { height: auto; max-height: 14; padding: 1 0 0 0; scrollbar-size-vertical: 1; }
    Confirm Static { width: 1fr; height: auto; background: $k-panel; }
    Confirm Input { margin: 1 0 0 0; background: $k-background; border: none; height: 1; padding: 0 1; }
    Confirm Input:focus { border: none; background-tint: $k-panel 0%; }
    Confirm Horizontal { height: auto; align-horizontal: right; margin: 1 0; }
    Confirm Button { min-width: 12; height: 1; border: none; margin: 0 0 0 2; background: $k-panel; color: $k-text; text-style: none; }
    Confirm Button:focus { background: $k-focus; color: $k-background; text-style: bold !important; }
    Confirm Button:focus { background-tint: $k-focus 0% !important; }
    Confirm #do { color: $k-bad; }
    Confirm #do:focus { background: $k-bad; color: $k-background; }
    Confirm #do:disabled { color: $k-dim; }
    """

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        box = Vertical()
        box.border_title = clean(self.question.title)
        box.border_subtitle = "esc no" if self.question.typed else "y yes · esc no"
        with box:
            with VerticalScroll(can_focus=False):
                yield Static(id="notes")
            if self.question.typed:
                yield Input(placeholder=f"type {clean(self.question.typed)} to go on", id="typed", select_on_focus=False)
            with Horizontal():
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self.question.verb, id="do", compact=True, disabled=bool(self.question.typed))

    def on_mount(self) -> None:
        paint = paint_of(self)
        text = Text()
        for note in self.question.notes:
            style = _in_box(paint.style(note.style))
            text.append(f"{_MARKS[note.style]} {clean(note.text)}\n", style)
        text.rstrip()
        self.query_one("#notes", Static).update(text)
        self.query_one("#cancel", Button).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#do", Button).disabled = event.value.strip() != self.question.typed

    def on_input_submitted(self) -> None:
        button = self.query_one("#do", Button)
        if not button.disabled:
            button.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "do")

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.dismiss(False)
        elif self.question.typed and event.is_printable and event.character:
            event.stop()  # on its way from where the focus was: the box takes its own keys itself
            box = self.query_one(Input)
            self.set_focus(box)
            box.insert_text_at_cursor(event.character)
        elif isinstance(self.focused, Input):
            return
        elif event.key in ("left", "right", "h", "l"):
            event.stop()
            self.focus_next("Button")
        elif event.key == "n" or event.character == "ㅜ":
            event.stop()
            self.dismiss(False)
        elif (event.key == "y" or event.character == "ㅛ") and not self.question.typed:
            event.stop()
            self.dismiss(True)
