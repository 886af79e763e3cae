"""Pods, with address and node, which the API calls wide but everybody wants to see."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

SHOWN = ("Namespace", "Name", "Ready", "Status", "Restarts", "Age", "IP", "Node")

PANE = table_pane(View("pods", "Pods", (Source("pods"),), shown=SHOWN, aliases=("po", "pod")))
