"""Services with how many ready endpoints stand behind them, and which."""

from ktui.model.views import Lookup, Source, View, endpoint_count
from ktui.widgets.table_pane import table_pane

SHOWN = ("Namespace", "Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Endpoints", "Age")

PANE = table_pane(
    View(
        "services",
        "Services",
        (Source("services"),),
        lookup=Lookup("endpoints", "Endpoints", "Endpoints", endpoint_count),
        shown=SHOWN,
        aliases=("svc", "service"),
    )
)
