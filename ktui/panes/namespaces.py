"""Namespaces; enter shows one."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

PANE = table_pane(View("namespaces", "Namespaces", (Source("namespaces"),), aliases=("ns", "namespace")))
