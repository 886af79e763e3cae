"""What is typed after `:`: a kind (by any of its names), a namespace, a theme; with completion."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.base.api import ResourceInfo

NAMESPACE_WORDS = ("ns", "namespace", "namespaces")
QUIT_WORDS = ("q", "quit", "exit", "q!")


class Command(NamedTuple):
    """`verb` is open (argument: pane or resource), namespace, theme, help, quit, or unknown (argument: what was typed).

    `namespace` is None where the command names none; `filter` is what follows `/`.
    """

    verb: str
    argument: str = ""
    namespace: str | None = None
    filter: str = ""


class Vocabulary:
    """Every word that can be typed, and what it opens: panes first, then resources by all their names."""

    def __init__(self, panes: Mapping[str, str], resources: Iterable[ResourceInfo], themes: Iterable[str] = ()) -> None:
        self.words: dict[str, str] = {}
        self.themes = tuple(themes)
        listed = [info for info in resources if "list" in info.verbs]
        for info in sorted(listed, key=lambda r: (r.group != "", r.group not in ("apps", "batch"), r.resource)):
            for word in (info.plural, info.singular, *info.short_names, info.kind.lower(), info.resource):
                if word:
                    self.words.setdefault(word, info.resource)
        self.words.update(panes)

    def parse(self, text: str) -> Command:
        """A command: `pods`, `po dev`, `deploy /web`, `ns dev`, `theme light`."""
        before, slash, pattern = text.strip().partition("/")
        words = before.split()
        if not words:
            return Command("unknown")
        head, rest = words[0].lower(), words[1:]
        if head in QUIT_WORDS:
            return Command("quit")
        if head in ("help", "?"):
            return Command("help")
        if head == "theme":
            return Command("theme", rest[0] if rest else "")
        if head in NAMESPACE_WORDS and rest:
            return Command("namespace", namespace="" if rest[0] in ("all", "*") else rest[0])
        resource = self.words.get(head)
        if resource is None:
            return Command("unknown", head)
        namespace = None if not rest else "" if rest[0] in ("all", "*", "-A") else rest[0]
        return Command("open", resource, namespace, pattern if slash else "")

    def complete(self, text: str, namespaces: Iterable[str] = (), limit: int = 8) -> list[str]:
        """Whole commands that `text` may become: shortest and nearest first."""
        words = text.split(" ")
        if len(words) == 1:
            return _nearest(words[0].lower(), (*self.words, "theme", "quit", "help"), limit)
        head = " ".join(words[:-1])
        options: Iterable[str] = self.themes if words[0] == "theme" else ("all", *namespaces)
        return [f"{head} {found}" for found in _nearest(words[-1], tuple(options), limit)]

    def names_of(self, resource: str) -> list[str]:
        """The words that open a resource."""
        return [word for word, opened in self.words.items() if opened == resource]


def _nearest(typed: str, options: Iterable[str], limit: int) -> list[str]:
    known = [word for word in dict.fromkeys(options) if _is_subsequence(typed, word)]
    known.sort(key=lambda word: (not word.startswith(typed), typed not in word, len(word), word))
    return known[:limit]


def _is_subsequence(typed: str, word: str) -> bool:
    at = 0
    for character in typed:
        at = word.find(character, at) + 1
        if not at:
            return False
    return True
