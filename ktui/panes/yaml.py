"""The YAML of one object; values of secrets only where they are asked for, managedFields too."""

from engine.base.api import Client
from ktui.model.lines import Line
from ktui.model.rows import Target
from ktui.model.yaml_view import yaml_lines
from ktui.widgets.object_pane import ObjectPane
from ktui.widgets.pane import Deck, Opening, PaneKind


class YamlPane(ObjectPane):
    """Shows the object it was opened on."""

    place = "yaml"
    verb = "YAML"

    def __init__(self, deck: Deck, opening: Opening) -> None:
        super().__init__(deck, opening)
        self.reveal = bool(opening.options.get("reveal"))
        self.managed = False

    async def write(self, client: Client, target: Target) -> list[Line]:
        obj = await client.get(target.resource, target.name, target.namespace)
        return yaml_lines(obj, self.managed, self.reveal)

    def do(self, what: str) -> None:
        if what == "managed":
            self.managed = not self.managed
            self.rewrite()
        elif what == "reveal":
            self.reveal = not self.reveal
            self.rewrite()
        else:
            super().do(what)


PANE = PaneKind("yaml", "YAML", YamlPane, hidden=True)
