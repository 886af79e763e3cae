"""Any other kind, with the columns that the server gives it."""

from ktui.model.views import plain_view
from ktui.widgets.pane import Deck, Opening, Pane, PaneKind
from ktui.widgets.table_pane import TablePane


def make(deck: Deck, opening: Opening) -> Pane:
    """A table of `opening.resource`."""
    info = deck.session.resources.get(opening.resource)
    plural = opening.resource.partition(".")[0]
    title = _plural_kind(info.kind, plural) if info is not None else plural
    return TablePane(deck, opening, plain_view(opening.resource, title))


def _plural_kind(kind: str, plural: str) -> str:
    """The plural with the kind's capitals: `StorageClasses` of StorageClass and storageclasses."""
    shared = 0
    while shared < min(len(kind), len(plural)) and kind[shared].lower() == plural[shared]:
        shared += 1
    return kind[:shared] + plural[shared:]


PANE = PaneKind("resource", "Resource", make, hidden=True)
