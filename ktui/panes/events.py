"""Events, newest first."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

SHOWN = ("Last Seen", "Namespace", "Type", "Reason", "Object", "Count", "Message")

IMPORTANCE = ("Last Seen", "Message", "Reason", "Object", "Type", "Namespace")

VIEW = View(
    "events",
    "Events",
    (Source("events"),),
    shown=SHOWN,
    importance=IMPORTANCE,
    sort="Last Seen",
    aliases=("ev", "event"),
)

PANE = table_pane(VIEW)
