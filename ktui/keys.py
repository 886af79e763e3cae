"""One registry of everything a key can do: id, keys, title, risk, where it applies, handler. Help and hints are made from it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.base.clock import Clock
from ktui.model.risk import Note
from ktui.model.rows import Target
from ktui.model.session import Session

READS, CHANGES, DESTROYS = "reads", "changes", "destroys"

JAMO = dict(zip("qwertyuiopasdfghjklzxcvbnm", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", strict=True))
JAMO |= {"Q": "ㅃ", "W": "ㅉ", "E": "ㄸ", "R": "ㄲ", "T": "ㅆ", "O": "ㅒ", "P": "ㅖ"}
"""What the letter keys give on the Korean layout (dubeolsik): they do the same."""

_SHOWN = {"escape": "esc", "space": "space", "ctrl+backslash": "ctrl-\\", "shift+left": "shift-←", "shift+right": "shift-→"}


class PaneSurface(Protocol):
    """What handlers need of the pane in front."""

    @property
    def place(self) -> str: ...
    @property
    def target(self) -> Target | None: ...
    @property
    def chosen(self) -> tuple[Target, ...]: ...
    @property
    def resource(self) -> str: ...
    @property
    def filter_text(self) -> str: ...

    def do(self, what: str) -> None: ...
    def set_filter(self, text: str) -> None: ...


class Desk(Protocol):
    """What handlers need of the app."""

    session: Session
    clock: Clock
    namespace: str

    @property
    def pane(self) -> PaneSurface: ...

    def say(self, text: str, style: str = "ok") -> None:
        """Tell in the status line; styles ok, busy, warn, bad."""

    async def confirm(self, title: str, verb: str, notes: Sequence[Note], typed: str = "") -> bool:
        """Ask; no unless plainly yes."""

    async def enter(self, lead: str, value: str = "", placeholder: str = "") -> str | None:
        """Ask for a text; None where it was given up."""

    def open(self, name: str, **how: Any) -> None:
        """Open a pane or resource by name, with fields of `Opening`."""

    def back(self) -> None:
        """Leave the pane in front."""

    def choose_namespace(self, namespace: str) -> None:
        """Show a namespace (empty: all) everywhere."""

    def do(self, what: str) -> None:
        """Something the app does itself: `command`, `filter`, `help`, `quit`, `header`, `namespace 3`."""


Handler = Callable[[Desk], Awaitable[None] | None]


@dataclass(frozen=True)
class Action:
    """One thing a key does. It applies in `places` (empty: everywhere), to `resources` (empty: any), needing a selected row if `row`."""

    id: str
    title: str
    keys: tuple[str, ...]
    handler: Handler
    group: str = "General"
    risk: str = READS
    places: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    row: bool = False
    hint: int = 0
    """Place among the hints of the last line, 1 first; 0 for none."""
    short: str = ""
    kubectl: str = ""
    """The kubectl command that does the same, for the help."""

    def applies(self, place: str, resource: str) -> bool:
        """Whether the key does this here."""
        return (not self.places or place in self.places) and (not self.resources or resource in self.resources)


def local(what: str) -> Handler:
    """A handler that lets the pane in front do it."""
    return lambda desk: desk.pane.do(what)


def by_app(what: str) -> Handler:
    """A handler that lets the app do it."""
    return lambda desk: desk.do(what)


class Keymap:
    """Which action a key means where. Letters also work in their Korean layout."""

    def __init__(self, actions: Iterable[Action], rebound: dict[str, tuple[str, ...]] | None = None) -> None:
        self.actions = tuple(actions)
        self._by_key: dict[str, list[Action]] = {}
        for action in self.actions:
            for key in (rebound or {}).get(action.id, action.keys):
                for name in dict.fromkeys((key, JAMO.get(key, key))):
                    self._by_key.setdefault(name, []).append(action)

    def find(self, key: str, place: str, resource: str) -> Action | None:
        """The action of a key here; those bound to a kind go before those of a place, and those before general ones."""
        found = [a for a in self._by_key.get(key, ()) if a.applies(place, resource)]
        return max(found, key=lambda a: (bool(a.resources), bool(a.places)), default=None)

    def here(self, place: str, resource: str) -> list[Action]:
        """Every action that has a key here, in the order of the registry."""
        return [a for a in self.actions if a.keys and self.find(a.keys[0], place, resource) is a]

    def hints(self, place: str, resource: str) -> list[tuple[str, str]]:
        """Keys and words for the last line."""
        found = sorted((a for a in self.here(place, resource) if a.hint), key=lambda a: a.hint)
        return [(shown_key(a.keys[0]), a.short or a.title.lower()) for a in found]


def shown_key(key: str) -> str:
    """A key as it is written: `ctrl-d`, `esc`, `shift-n`."""
    if key in _SHOWN:
        return _SHOWN[key]
    if len(key) == 1 and key.isupper():
        return f"shift-{key.lower()}"
    return key.replace("ctrl+", "ctrl-").replace("shift+", "shift-")
