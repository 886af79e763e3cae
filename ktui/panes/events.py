"""Events, newest first."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

SHOWN = ("Last Seen", "Namespace", "Type", "Reason", "Object", "Count", "Message")

PANE = table_pane(View("events", "Events", (Source("events"),), shown=SHOWN, sort="Last Seen", aliases=("ev", "event")))
