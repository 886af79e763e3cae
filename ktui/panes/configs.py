"""ConfigMaps and Secrets in one table; values only where they are asked for (`x`)."""

from ktui.model.views import Source, View
from ktui.widgets.table_pane import table_pane

PANE = table_pane(
    View(
        "configs",
        "Configs",
        (
            Source("configmaps", "ConfigMap", {"Data": "{Data}"}),
            Source("secrets", "Secret", {"Data": "{Data}", "Type": "{Type}"}),
        ),
        merged=("Kind", "Name", "Type", "Data", "Age"),
        aliases=("config", "conf"),
    ),
    resources=(),
)
