"""Nodes: state, roles, version; wide: addresses and system."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

PANE = table_pane(View("nodes", "Nodes", (Source("nodes"),), aliases=("no", "node")))
