"""The line at the bottom in which commands (`:`), filters (`/`) and values are typed, with what it may become beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

INPUT_CHARACTERS_MAX = 1_000


@dataclass(frozen=True)
class Ask:
    """What is asked for: `lead` stands before the text, `complete` gives whole texts that it may become."""

    purpose: str
    lead: str
    value: str = ""
    complete: Callable[[str], Sequence[str]] | None = None
    placeholder: str = ""


class Prompt(Horizontal):
    """Hidden unless something is asked. Tells each change and the end by messages.

    The focus moves at once, not with the next refresh: what is typed right after `:` belongs to the line, not to the table.
    """

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $k-panel; }
    Prompt #lead { width: auto; height: 1; color: $k-accent; text-style: bold; padding: 0 0 0 1; background: $k-panel; }
    Prompt Input { width: 1fr; border: none; height: 1; padding: 0; background: $k-panel; }
    Prompt Input:focus { border: none; background-tint: $k-panel 0%; }
    Prompt #options { width: auto; max-width: 60%; height: 1; color: $k-dim; padding: 0 1; background: $k-panel; }
    """

    class Edited(Message):
        """The text changed."""

        def __init__(self, ask: Ask, value: str) -> None:
            super().__init__()
            self.ask = ask
            self.value = value

    class Closed(Message):
        """The prompt ended; `value` is None where it was given up."""

        def __init__(self, ask: Ask, value: str | None) -> None:
            super().__init__()
            self.ask = ask
            self.value = value

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.current: Ask | None = None
        self._options: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static("", id="lead", markup=False)
        yield Input(id="typed", compact=True, max_length=INPUT_CHARACTERS_MAX, select_on_focus=False)
        yield Static("", id="options", markup=False)

    def open(self, ask: Ask) -> None:
        """Ask for a text."""
        self.current = ask
        self.query_one("#lead", Static).update(ask.lead)
        box = self.query_one(Input)
        box.placeholder = ask.placeholder
        box.value = ask.value
        box.cursor_position = len(ask.value)
        self._complete(ask.value)
        self.display = True
        self.screen.set_focus(box)

    def close(self, value: str | None) -> None:
        """End with a value, or None."""
        ask, self.current = self.current, None
        self.screen.set_focus(None)
        self.display = False
        if ask is not None:
            self.post_message(self.Closed(ask, value))

    def _complete(self, value: str) -> None:
        ask = self.current
        self._options = [o for o in (ask.complete(value) if ask and ask.complete else ()) if o != value]
        self.query_one("#options", Static).update("  ".join(self._options[:6]))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.current is not None:
            self._complete(event.value)
            self.post_message(self.Edited(self.current, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close(event.value)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.close(None)
        elif event.key in ("tab", "right") and self._options:
            box = self.query_one(Input)
            if event.key == "tab" or box.cursor_position == len(box.value):
                event.stop()
                event.prevent_default()
                box.value = self._options[0]
                box.cursor_position = len(box.value)
        elif event.key == "tab":
            event.stop()
            event.prevent_default()
