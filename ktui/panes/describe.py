"""The description of one object, kept current."""

from engine.base.api import Client
from ktui.model.describe import describe
from ktui.model.inspect import read_subject
from ktui.model.lines import Line
from ktui.model.rows import Target
from ktui.widgets.object_pane import ObjectPane
from ktui.widgets.pane import PaneKind


class DescribePane(ObjectPane):
    """Describes the object it was opened on."""

    verb = "Describe"

    async def write(self, client: Client, target: Target) -> list[Line]:
        return describe(await read_subject(client, target), self.deck.clock.now())


PANE = PaneKind("describe", "Describe", DescribePane, hidden=True)
